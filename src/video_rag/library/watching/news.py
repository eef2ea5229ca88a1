"""What is new in a list: a pure comparison of a listing with what was seen before.

It touches no network and no ledger. States of an entry and what moves it:

    unknown ──rules pass──▶ waiting ──given──▶ taken      stays, whatever the list says later;
        │                                                 a local file that was replaced and is
        │                                                 back is judged as unknown
        ├────a rule──────▶ skipped ──renamed, or other rules──▶ waiting
        └────the site────▶ absent ──listed as a video again, or its date came──▶ waiting
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from video_rag.digest import of_value
from video_rag.errors import ContentError, VideoRagError
from video_rag.library.watching.rules import Rules
from video_rag.model import Video
from video_rag.stores import Entry

MEMBERS_SECONDS = 30 * 86_400.0
"""Videos for members often open to all later: one that was opened in vain is asked after then."""
LEAST_DIFFERENCE = 2.0
"""Seconds by which two lengths of the same video may differ; sites round them."""

Kind = Literal["new", "known", "renamed", "replaced", "changed", "gone", "back", "absent"]
"""`new`: taken · `known`: taken, but the library had it · `renamed` · `replaced`: another video
under the same id · `changed`: a file beside it came, or it moved · `gone`: taken earlier, now not
to be had or no longer listed · `back`: listed again · `absent`: never to be had so far."""


@dataclass(frozen=True)
class News:
    """One thing that a check found out."""

    kind: Kind
    key: str
    """The video's id in the list."""
    title: str
    video_ids: tuple[str, ...] = ()
    """What it is in the library."""
    detail: str = ""
    """The earlier title, or why it is not to be had, one word; `unlisted`: the list dropped it."""
    reupload_of: tuple[str, ...] = ()
    """Videos of the library that it seems to be a re-upload of: same title and length, and gone."""


@dataclass
class Listing:
    """A list as its site shows it now."""

    items: dict[str, Video | ContentError] = field(default_factory=dict)
    """By key, in the order of the list; an error is an item that is not to be had."""
    problems: list[VideoRagError] = field(default_factory=list)
    """What could not be read and names no video."""
    error: VideoRagError | None = None
    """Why the list was not read to its end."""

    def is_whole(self, *, is_local: bool) -> bool:
        """Whether a video that is not in it is no longer listed.

        A faulty file hides no other one; of a list on the web nobody knows what its fault hides.
        """
        harmless = is_local and all(isinstance(one, ContentError) for one in self.problems)
        return self.error is None and (harmless or not self.problems)


@dataclass(frozen=True)
class Candidate:
    """A video that is new to the subscription, or waits for its turn."""

    video: Video
    reupload_of: tuple[str, ...] = ()


@dataclass(frozen=True)
class Renewal:
    """A video that was taken and is another one now."""

    video: Video
    entry: Entry
    kind: Kind

    def fingerprint(self, title: str) -> str:
        """`<revision>|<words>`: another revision is fetched anew, other words are only read anew.

        The revision is the source's own fingerprint; where it has none, the new length stands for
        it, so that the same news gives the same revision however often a check is interrupted.
        """
        revision = self.video.fingerprint or self.entry.fingerprint.partition("|")[0]
        if self.kind == "replaced":
            revision = f"{self.video.duration:g}s"
        return f"{revision}|{of_value(title)[:12]}"


@dataclass
class Comparison:
    """What a listing means."""

    entries: list[Entry] = field(default_factory=list)
    """To be kept before anything is taken."""
    candidates: list[Candidate] = field(default_factory=list)
    renewals: list[Renewal] = field(default_factory=list)
    news: list[News] = field(default_factory=list)


def read(found: Iterable[Video | VideoRagError]) -> Listing:
    """Read what a source discovers to its end, or as far as it goes."""
    listing = Listing()
    try:
        for one in found:
            if isinstance(one, Video) or (
                isinstance(one, ContentError) and one.video_id and one.reason
            ):
                listing.items.setdefault(one.video_id, one)
            else:
                listing.problems.append(one)
    except VideoRagError as error:
        listing.error = error
    return listing


def mark(video: Video, *, is_local: bool) -> str:
    """What is compared to see whether a file changed: its source's fingerprint, and its place."""
    if not is_local:
        return video.fingerprint
    return f"{video.fingerprint}{'+' * bool(video.copies)}{video.all_copies}@{video.url}"


def _place(entry: Entry) -> str:
    """The path of a local file that was taken."""
    return entry.fingerprint.partition("@")[2] if entry.state == "taken" else ""


def _was_replaced(entry: Entry, held: Mapping[str, int]) -> bool:
    """Whether a local file gave way to another version at its path, which the library then took.

    When it comes back it is new again; one that a person removed from the library is not.
    """
    return not entry.is_listed and bool(place := _place(entry)) and held[place] > 1


def compare(
    listing: Listing, known: Mapping[str, Entry], rules: Rules, moment: float, *, is_local: bool
) -> Comparison:
    """What is to be kept, taken and told; `moment` is now (epoch).

    For entries that did not change it only compares what the list and the ledger say.
    """
    result = Comparison()
    fresh: list[Video] = []
    held = Counter(_place(entry) for entry in known.values()) if is_local else Counter()
    for key, item in listing.items.items():
        entry = known.get(key)
        if isinstance(item, ContentError):
            _absent(item, entry, moment, result)
        elif entry is not None and entry.state == "taken" and not _was_replaced(entry, held):
            _taken(item, entry, result, is_local=is_local)
        elif entry is None or entry.state == "taken" or _is_open(item, entry, moment):
            _judge(item, entry, rules, fresh, result)
    if listing.is_whole(is_local=is_local):
        for entry in known.values():
            if entry.is_listed and entry.key not in listing.items:
                _unlisted(entry, result)
    earlier = _gone({**known, **{entry.key: entry for entry in result.entries}}) if fresh else {}
    result.candidates = [Candidate(video, _reupload(video, earlier)) for video in fresh]
    return result


def absent(error: VideoRagError, key: str, moment: float, *, is_listed: bool) -> Entry:
    """The entry of a video that is not to be had, and until when it is left alone."""
    reason = error.reason or "broken"
    until = moment + MEMBERS_SECONDS if reason == "members-only" else None
    if error.retry_after is not None:
        until = moment + error.retry_after
    return Entry(key, "absent", reason=reason, until=until, is_listed=is_listed)


def _is_open(video: Video, entry: Entry, moment: float) -> bool:
    """Whether an entry that was not taken is to be looked at again.

    An absent one that was listed as a video was refused when it was opened: only its date helps.
    """
    if entry.state == "waiting":
        return True
    if entry.state == "skipped":
        return entry.reason != "since" and video.title != entry.title
    return not entry.is_listed or (entry.until is not None and entry.until <= moment)


def _judge(
    video: Video, entry: Entry | None, rules: Rules, fresh: list[Video], result: Comparison
) -> None:
    """Pass a video over, or put it into the row of those that wait."""
    reason = rules.against(video)
    state = "skipped" if reason else "waiting"
    if not reason:
        fresh.append(video)
    new = Entry(video.video_id, state, video.title, video.duration, reason)
    if new != entry:
        result.entries.append(new)


def _taken(video: Video, entry: Entry, result: Comparison, *, is_local: bool) -> None:
    """Compare a video of the library with what its list says now."""
    own = mark(video, is_local=is_local)
    before = entry.fingerprint if is_local else entry.fingerprint.partition("|")[0]
    kind: Kind | None = None
    if not own and _differs(video.duration, entry.duration):
        kind = "replaced"
    elif video.title != entry.title:
        kind = "renamed"
    elif own and own != before:
        kind = "changed"
    listed = replace(entry, reason="", is_listed=True)
    if not entry.is_listed:
        detail = entry.reason or "unlisted"
        result.news.append(News("back", entry.key, video.title, entry.video_ids, detail))
    if kind:
        result.renewals.append(Renewal(video, listed, kind))
    elif entry.duration is None and video.duration is not None:
        listed = replace(listed, duration=video.duration)
    if listed != entry and (kind is None or not entry.is_listed):
        result.entries.append(listed)


def _absent(error: ContentError, entry: Entry | None, moment: float, result: Comparison) -> None:
    """An item that the list shows as not to be had."""
    if entry is not None and entry.state == "taken":
        if entry.is_listed or entry.reason != error.reason:
            result.entries.append(replace(entry, reason=error.reason, is_listed=False))
            news = News("gone", entry.key, entry.title, entry.video_ids, error.reason)
            result.news.append(news)
        return
    new = absent(error, error.video_id, moment, is_listed=False)
    if entry is not None:
        new = replace(new, title=entry.title, duration=entry.duration)
        same = (entry.state, entry.reason, entry.is_listed) == ("absent", new.reason, False)
        if same and (entry.until is None or entry.until > moment):
            return
    result.entries.append(new)
    if entry is None or entry.reason != new.reason:
        result.news.append(News("absent", new.key, new.title or str(error), (), new.reason))


def _unlisted(entry: Entry, result: Comparison) -> None:
    """An entry that the list no longer has; what a rule passed over stays passed over."""
    if entry.state == "taken":
        result.entries.append(replace(entry, is_listed=False))
        result.news.append(News("gone", entry.key, entry.title, entry.video_ids, "unlisted"))
    elif entry.state == "waiting":
        result.entries.append(replace(entry, state="absent", reason="unlisted", is_listed=False))
    elif entry.state == "absent":
        result.entries.append(replace(entry, is_listed=False))


def _gone(entries: Mapping[str, Entry]) -> dict[str, list[Entry]]:
    """Videos of the library that their list no longer has, by title."""
    found: dict[str, list[Entry]] = {}
    for entry in entries.values():
        if entry.state == "taken" and not entry.is_listed and entry.video_ids:
            found.setdefault(entry.title, []).append(entry)
    return found


def _reupload(video: Video, earlier: Mapping[str, list[Entry]]) -> tuple[str, ...]:
    """The videos of the library that a new one seems to take the place of."""
    return tuple(_ids_of_like(video, earlier.get(video.title, ())))


def _ids_of_like(video: Video, entries: Iterable[Entry]) -> Iterator[str]:
    for entry in entries:
        if entry.duration is None or video.duration is None:
            continue
        if abs(entry.duration - video.duration) <= LEAST_DIFFERENCE:
            yield from entry.video_ids


def _differs(one: float | None, other: float | None) -> bool:
    """Whether two lengths cannot be the same video's."""
    if one is None or other is None:
        return False
    return abs(one - other) > max(LEAST_DIFFERENCE, 0.01 * other)
