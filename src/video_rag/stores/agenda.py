"""What is to be done: which stages can run, when, on which route, and who is at which.

A video is *judged* by a plan: how far it is, and which of its stages can run. What is judged is
kept beside it, so that what is due is a question to an index, and not to every video. Whatever is
written of a video takes its judgement away; a changed plan does so with all, batch by batch.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from video_rag.causes import Cause
from video_rag.choices import State
from video_rag.model import Job
from video_rag.stores.kept import Failure, Result


@dataclass(frozen=True)
class Seen:
    """What the ledger knows of a video, as of its change number `change`."""

    video_id: str
    change: int
    results: Mapping[str, Result]
    """Without the rows of pictures where many videos are looked at."""
    failures: Mapping[str, Failure]
    """By stage."""
    host: str = ""
    """The host that gave it: files of its owner lie there."""
    is_urgent: bool = False
    """Whether a person waits for it."""
    cause: Cause = field(default_factory=Cause)
    """The request that last wanted work on it."""


@dataclass(frozen=True)
class Step:
    """A stage that can run, or may from some time on (seconds since the epoch; 0: now)."""

    stage: str
    route: str
    at: float = 0.0
    sent: float | None = None
    """When it was last handed to a queue."""


@dataclass(frozen=True)
class Judged:
    """How far a video is by a plan, and what it is listed and found by."""

    plan: str
    state: State
    """Never `working`: that is a matter of claims."""
    steps: tuple[Step, ...] = ()
    title: str = ""
    url: str = ""
    duration: float | None = None
    """Seconds."""
    published: str | None = None
    collections: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """A judgement of what was seen as of a change number: kept only if nothing changed since."""

    change: int
    judged: Judged


@dataclass(frozen=True)
class AtWork:
    """A stage that is claimed now. Times are seconds since the epoch, by the ledger's clock."""

    video_id: str
    stage: str
    owner: str
    worker: str
    """Host and process id, for people."""
    since: float
    until: float
    share: float = 0.0
    """How much of it is done, 0 to 1, as far as it tells."""
    note: str = ""


@dataclass(frozen=True)
class Backlog:
    """What waits on one route."""

    route: str
    ready: int
    """Stages that could run now and are in no hands."""
    later: int
    """Stages that are tried again at their time."""
    urgent: int = 0
    """Of the ready ones, those that a person waits for."""


class Agenda(Protocol):
    """What is due. Every method is one transaction."""

    def see(self, video_id: str) -> Seen | None:
        """All that is known of one video; None for an unknown one or one that leaves."""

    def unjudged(self, plan: str, most: int, *, others: bool = True) -> list[Seen]:
        """Some videos that were not judged by this plan; `others`: also those by another plan."""

    def judge(self, verdicts: Mapping[str, Verdict]) -> None:
        """Keep judgements by video; one of a video that changed meanwhile is dropped."""

    def due(self, most: int | None = None) -> list[str]:
        """The videos of which a stage can run now, in the order they were added."""

    def steps(self, video_id: str) -> list[Step]:
        """The stages of one video that can run, now or later."""

    def take(self, routes: Collection[str] | None, owner: str, seconds: float) -> Job | None:
        """Claim the first stage that can run: urgent ones first, then by time and video.

        None: on any route.
        """

    def to_send(self, most: int, not_since: float) -> list[tuple[Job, str, bool]]:
        """Stages that can run now and were not sent to a queue since then: job, route, urgency."""

    def sent(self, jobs: Iterable[Job]) -> None:
        """Remember that these were handed to a queue now."""

    def hurry(self, video_ids: Iterable[str]) -> None:
        """A person waits for these: they go first until each is ready or failed."""

    def cause(self, video_id: str, cause: Cause) -> None:
        """Remember which request wants work on a video, for whoever does it."""

    def at_work(self) -> list[AtWork]:
        """Every claim that holds now, the oldest first."""

    def report(self, video_id: str, stage: str, owner: str, share: float, note: str) -> bool:
        """Note how far a claimed stage is.

        False for a claim that was lost, and of a video that leaves: the work is for nothing.
        """

    def backlog(self) -> list[Backlog]:
        """What waits, by route."""

    def states(self) -> dict[State, int]:
        """How many videos are in each state, as they were judged."""

    def unready(self) -> list[str]:
        """The videos that were not judged to be ready, in the order they were added."""

    def lapse(self) -> int:
        """Forget claims that ran out or whose owners surely died; returns how many."""

    def positions(self, urls: Iterable[str]) -> dict[str, dict[str, int]]:
        """By path or URL the videos that came from there, each with its place in the library."""

    def crowded(self) -> list[list[str]]:
        """The videos that share a path or URL with others, together."""

    def named(self, name: str) -> list[str]:
        """The videos whose title or address contains this, capitals or not, or whose id begins
        so."""
