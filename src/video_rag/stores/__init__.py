"""Where results and facts are kept: blobs by digest, and the ledger, which is the truth."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from video_rag.choices import Sort, State
from video_rag.digest import Digest
from video_rag.model import Receipt
from video_rag.net.sites import Sites
from video_rag.stores.kept import Failure as Failure
from video_rag.stores.kept import Result as Result

if TYPE_CHECKING:
    from video_rag.stores.activity import Activity
    from video_rag.stores.agenda import Agenda, Verdict
    from video_rag.stores.questions import Questions
    from video_rag.stores.requests import Requests
    from video_rag.stores.slots import Slots


class Blobs(Protocol):
    """Bytes named by their digest. Nothing is ever changed in place."""

    where: str
    """The folder, or the bucket's URL, for people."""

    def put(self, data: bytes) -> Digest:
        """Keep some bytes; keeping them twice is harmless."""

    def get(self, digest: str) -> bytes:
        """The bytes of a digest, looked at: no others are given. Raises `Lost`."""

    def exists(self, digest: str) -> bool:
        """Whether the bytes are here; they are not looked at."""

    def lost(self, named: Iterable[str], *, thorough: bool = False) -> Iterator[str]:
        """The digests among these whose bytes are missing or are others.

        Reads only what changed since the last look, unless it is to be `thorough`.
        """

    def sweep(self, keep: set[str], *, older_than: float = 600.0, is_dry: bool = False) -> int:
        """Delete the blobs not named that nobody touched for so many seconds; returns how many.

        When `is_dry` they are counted, and stay.

        The age protects results that were just put and are not yet in the ledger.
        """


@dataclass(frozen=True)
class ApiKey:
    """A key of the API; only its hash is kept."""

    key_id: str
    name: str
    role: str
    hashed: str
    created: str
    revoked: bool


@dataclass(frozen=True)
class Subscription:
    """A list that is looked at again and again. Times are seconds since the epoch."""

    url: str
    every: str
    """When: five fields of cron in local time, or an interval such as `6h`."""
    collection: str = ""
    """Collection that its videos join; empty: the one of the settings."""
    wanted: str = ""
    """What is fetched of its videos: see `Video.wanted`."""
    since: str = ""
    """ISO date; videos published before it are passed over."""
    match: str = ""
    """Regular expression; videos whose titles do not contain it are passed over."""
    skip: str = ""
    """Regular expression; videos whose titles contain it are passed over."""
    limit: int = 0
    """Most new videos that one check takes, 0 for all; the rest wait for the next check."""
    is_paused: bool = False
    title: str = ""
    """What the list calls itself, once it was read."""
    added: float = 0.0
    checked: float | None = None
    """When the list was last read to its end."""
    due: float = 0.0
    """When to look next; 0: at once."""
    problem: str = ""
    """Why the last check failed, and what to do; empty after a good one."""


@dataclass(frozen=True)
class Entry:
    """One video of a subscribed list, as it was last seen there: the cursor of the subscription."""

    key: str
    """The video's id, before a multi-part video is taken apart."""
    state: str
    """`waiting` for its turn · `taken` into the library · `skipped` by a rule · `absent`: deleted,
    private, for members, not over yet."""
    title: str = ""
    duration: float | None = None
    """Seconds, as the list says."""
    reason: str = ""
    """Why it was skipped or is absent, one word: `since`, `match`, `private`, `deleted` …"""
    until: float | None = None
    """When to look at it again (epoch); None: never by itself."""
    video_ids: tuple[str, ...] = ()
    """What became of it in the library: itself, or its parts."""
    is_listed: bool = True
    """Whether the last full listing still had it, as a video and not as one that is gone."""
    fingerprint: str = ""
    """The fingerprint that it was last given to the library with; for a local file also where."""


@dataclass(frozen=True)
class Shown:
    """Which videos are wanted, and which part of them."""

    limit: int
    offset: int = 0
    sort: Sort = "added"
    text: str = ""
    """Part of the title or the address, capitals or not."""
    collection: str = ""
    """One that holds it, by its whole name."""
    state: State | None = None
    """One in which they were judged to be; `working` is none of these."""
    only: frozenset[str] | None = None
    """Ids among which they are."""
    apart: frozenset[str] = frozenset()
    """Ids that are left out."""


@dataclass(frozen=True)
class Listed:
    """A part of the videos: how many there are in all, and the results of these by video."""

    total: int
    results: dict[str, dict[str, Result]]


class Watchlist(Protocol):
    """Subscriptions and what was seen of their lists. Every method is one transaction."""

    def subscriptions(self) -> list[Subscription]:
        """Every subscription, in the order they were added."""

    def subscribe(self, subscription: Subscription) -> None:
        """Keep a subscription in place of an earlier one of the same URL; its entries stay."""

    def unsubscribe(self, url: str) -> bool:
        """Forget a subscription and its entries; false if there is none."""

    def entries(self, url: str) -> dict[str, Entry]:
        """What was seen of a list, by key."""

    def counts(self, url: str) -> dict[str, int]:
        """How many of its entries are in each state."""

    def see(self, url: str, entries: Iterable[Entry]) -> None:
        """Keep entries in place of earlier ones of the same key; nothing for an unknown URL."""


class Ledger(Protocol):
    """Facts about videos. Every method is one transaction."""

    def video_ids(self) -> list[str]:
        """Every video, in the order it was added."""

    def results(self, video_id: str) -> dict[str, Result]:
        """The results of a video by name; empty for one that is unknown."""

    def all_results(self, facts: Collection[str] = ()) -> dict[str, dict[str, Result]]:
        """The results of every video, in the order the videos were added; no pictures' rows.

        Their values are left out, but for those of `facts`.
        """

    def page(self, wanted: Shown) -> Listed:
        """A part of the videos, each with the values of its facts."""

    def results_of(self, video_ids: Collection[str]) -> dict[str, dict[str, Result]]:
        """The results of these videos with the values of their facts; no pictures' rows."""

    def collections(self) -> dict[str, int]:
        """How many videos each collection holds, sorted by name."""

    def now(self) -> float:
        """Seconds since the epoch, by the clock that all who use this ledger share."""

    def changes(self) -> int | None:
        """Another number after each change by any process; None when that cannot be told."""

    def commit(
        self,
        video_id: str,
        stage: str,
        made: Mapping[str, Result],
        who: str = "",
        verdict: Verdict | None = None,
        host: str = "",
    ) -> bool:
        """Keep what a stage made (or nothing) in place of all before; forget its failure.

        Returns false, and keeps nothing, of a video that was removed meanwhile; and of an owner
        `who` that no longer has the claim, because it was taken for dead. The claim of `who` ends
        with it. `verdict` is how far the video is then, if nothing else changed; `host`, for what
        is given, the machine that its owner's files lie on.
        """

    def lose(self, digest: str) -> None:
        """Forget what was made with these bytes, so that it is made again; given facts stay."""

    def leave(self, video_id: str) -> dict[str, Result]:
        """Say that a video is being removed, and give its results; none when it is unknown.

        From now on nothing else finds it but `leaving`, and no stage commits to it.
        """

    def leaving(self) -> list[str]:
        """The videos whose removal began and has not ended."""

    def remove(self, video_id: str) -> None:
        """Forget all about a video, its receipts included."""

    def claim(self, video_id: str, stage: str, owner: str, seconds: float) -> bool:
        """Take a stage for `seconds`, unless a living owner holds it; again extends it."""

    def release(self, video_id: str, stage: str, owner: str) -> None:
        """Give a claim back; one that is not held is no error."""

    def claimed(self) -> set[tuple[str, str]]:
        """The stages that are claimed now, as (video id, stage)."""

    def failures(self, video_id: str) -> dict[str, Failure]:
        """What went wrong with a video, by stage."""

    def all_failures(self) -> dict[str, list[Failure]]:
        """What went wrong, by video."""

    def failures_of(self, video_ids: Collection[str]) -> dict[str, list[Failure]]:
        """What went wrong with these videos, by video."""

    def fail(
        self, video_id: str, failure: Failure, who: str = "", verdict: Verdict | None = None
    ) -> None:
        """Keep a failure in place of an earlier one of the same stage; `who` as in `commit`."""

    def forgive(self, video_id: str) -> None:
        """Forget a video's failures, so that it is tried again."""

    def receipt(self, knowledge: str, document_id: str) -> Receipt | None:
        """The last receipt of a document, if any."""

    def receipts(self, document_id: str) -> list[Receipt]:
        """All receipts of a document."""

    def keep(self, receipt: Receipt) -> None:
        """Keep a receipt in place of the earlier one."""

    def published(self, knowledge: str) -> dict[str, str]:
        """The documents that a base holds by its receipts, each with the revision that it got."""

    def drop(self, knowledge: str, document_id: str) -> None:
        """Forget a receipt."""

    def known_file(self, path: Path) -> Digest | None:
        """The digest of a file whose size and time did not change since it was last read."""

    def know_files(self, files: Iterable[tuple[Path, Digest]]) -> None:
        """Remember the digests of files as they are now."""

    def api_keys(self) -> list[ApiKey]:
        """Every API key, revoked ones included."""

    def had_api_keys(self) -> bool:
        """Whether there ever was a key, also when those who knew it were lost."""

    def add_api_key(self, key: ApiKey) -> None:
        """Keep a new API key."""

    def revoke_api_key(self, key_id: str) -> bool:
        """Revoke a key; false if there is none."""

    def place(self, name: str) -> str:
        """What the host that has it said of a place; empty before it did."""

    def keep_place(self, name: str, value: str) -> None:
        """Say it to all others."""

    def library_id(self) -> str:
        """The id by which others tell this library; empty before it was given one."""

    def keep_library_id(self, library_id: str) -> None:
        """Keep the id in place of an earlier one."""

    def digests(self) -> Iterator[str]:
        """Every digest of a blob that some result names."""

    @property
    def watchlist(self) -> Watchlist:
        """Subscriptions."""

    @property
    def sites(self) -> Sites:
        """What is remembered of web sites."""

    @property
    def agenda(self) -> Agenda:
        """What is due."""

    @property
    def activity(self) -> Activity:
        """How the work goes."""

    @property
    def slots(self) -> Slots:
        """What a clock remembers."""

    @property
    def questions(self) -> Questions:
        """What was searched for and asked."""

    @property
    def requests(self) -> Requests:
        """What somebody asked the library to do."""
