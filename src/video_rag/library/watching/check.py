"""One look at one list: read it once, take what is new, keep after each video what was done.

Killed anywhere, the next check goes on: an entry counts as taken only once the library has it, and
giving a video twice is harmless. Only new and changed videos are opened (`Source.parts`).

Dates. `since` is judged by the list where that gives dates. Where it does not, new videos are
opened one after another in the order of the list, at most `limit` of them, or `OPENED`, in a check.
Lists begin with the newest video, mostly. So once `OLD_IN_A_ROW` in a row were too old, and all
that were opened came in falling order, the rest of those without a date is passed over unopened.
A video whose date its own page does not tell is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

from video_rag.errors import ContentError, NotFound, UnsupportedUrl, UsageError, VideoRagError
from video_rag.library.intake import Given
from video_rag.library.status import Wishes
from video_rag.library.watching.news import (
    Candidate,
    Kind,
    Listing,
    News,
    Renewal,
    absent,
    compare,
    mark,
    read,
)
from video_rag.library.watching.rules import Rules
from video_rag.model import Video
from video_rag.sources import Source
from video_rag.stores import Entry, Subscription, Watchlist

OPENED = 50
"""Most videos that a check opens for their date alone, unless the subscription has a limit."""
OLD_IN_A_ROW = 5
WRITTEN_SECONDS = 5.0
"""A local file that changed so recently may still be written: it waits for the next check."""

_OF_ONE_VIDEO = (ContentError, NotFound, UnsupportedUrl)
"""Errors that condemn one video and not the whole list."""


@dataclass(frozen=True)
class Shelf:
    """The library, as far as a check needs it."""

    watchlist: Watchlist
    give: Callable[[Video, Wishes], Given]
    """Puts a video into the library without working on it."""
    has: Callable[[str], bool]
    """Whether the library has a video of this id."""
    now: Callable[[], float]
    """Seconds since the epoch."""


@dataclass(frozen=True)
class Checked:
    """What a check of one subscription found."""

    subscription: Subscription
    """As it is kept after the check."""
    news: tuple[News, ...] = ()
    listed: int = 0
    """Videos on the list, those that are not to be had included."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """Entries by state, after the check: see `stores.Entry`."""
    problems: tuple[VideoRagError, ...] = ()
    """Parts of the list that could not be read, and videos of it that could not be taken."""
    error: VideoRagError | None = None
    """Why the check ended early; what it found until then is kept."""
    passed: str = ""
    """Why nothing was looked at: `paused`, `busy` (another process does) or `cooling-down`."""
    is_unsettled: bool = False
    """Whether a local file is still being written, so that the next check should come soon."""

    def of(self, *kinds: str) -> tuple[News, ...]:
        """The news of some kinds."""
        return tuple(one for one in self.news if one.kind in kinds)


@dataclass
class _Dates:
    """What the dates of the videos that were opened tell of the others."""

    most: int
    since: str
    seen: list[str] = field(default_factory=list)
    opened: int = 0

    @property
    def is_spent(self) -> bool:
        """Whether no more may be opened in this check."""
        return self.opened >= self.most

    @property
    def is_past(self) -> bool:
        """Whether all that follows is surely too old, too."""
        last = self.seen[-OLD_IN_A_ROW:]
        falling = all(one >= next_one for one, next_one in pairwise(self.seen))
        return len(last) == OLD_IN_A_ROW and falling and all(one < self.since for one in last)


class Check:
    """One check of one subscription; use it once."""

    def __init__(self, subscription: Subscription, source: Source, shelf: Shelf) -> None:
        self.subscription = subscription
        self._url = subscription.url
        self._source = source
        self._shelf = shelf
        self._rules = Rules(subscription)
        self._is_local = is_local(subscription.url)
        self._news: list[News] = []
        self._problems: list[VideoRagError] = []

    def run(self) -> Checked:
        """Look at the list and take what is new. Errors of the list are in `Checked.error`."""
        known = self._shelf.watchlist.entries(self._url)
        listing = read(self._source.discover(self._url))
        if listing.error and self._is_just_empty(listing.error, known):
            listing.error = None
        unsettled = self._leave_unsettled(listing, known)
        found = compare(listing, known, self._rules, self._shelf.now(), is_local=self._is_local)
        self._news += found.news
        self._shelf.watchlist.see(self._url, found.entries)
        error = listing.error
        try:
            for renewal in found.renewals:
                self._renew(renewal)
            self._take_all(found.candidates)
        except VideoRagError as wall:
            error = error or wall
        return Checked(
            subscription=replace(self.subscription, title=self._title(listing)),
            news=tuple(self._news),
            listed=len(listing.items),
            counts=self._shelf.watchlist.counts(self._url),
            problems=(*listing.problems, *self._problems),
            error=error,
            is_unsettled=unsettled,
        )

    def _is_just_empty(self, error: VideoRagError, known: Mapping[str, Entry]) -> bool:
        """An empty folder is no fault, nor is a new channel; a list that was full before is one."""
        if self._is_local:
            return type(error) is UsageError and Path(self._url).is_dir()
        return error.reason == "empty" and not known

    def _leave_unsettled(self, listing: Listing, known: Mapping[str, Entry]) -> bool:
        """Take local files that may still be written out of the listing; tells whether any is."""
        if not self._is_local:
            return False
        fresh = [
            key
            for key, item in listing.items.items()
            if key not in known and isinstance(item, Video) and self._is_unsettled(item)
        ]
        for key in fresh:
            del listing.items[key]
        return bool(fresh)

    def _is_unsettled(self, video: Video) -> bool:
        try:
            age = self._shelf.now() - Path(video.url).stat().st_mtime
        except OSError:  # it was moved away just now
            return True
        return abs(age) < WRITTEN_SECONDS  # a clock that was wrong must not make it wait for ever

    def _title(self, listing: Listing) -> str:
        """What the list is called: the folder, or the one channel that all its videos name."""
        if self._is_local:
            return Path(self._url).name
        videos = [item for item in listing.items.values() if isinstance(item, Video)]
        names = {video.channel for video in videos if video.channel}
        return names.pop() if len(names) == 1 else self.subscription.title

    # taking what is new

    def _take_all(self, candidates: Sequence[Candidate]) -> None:
        """Take the first of those that wait, as many as the limit allows."""
        limit = self.subscription.limit
        left = limit or len(candidates)
        dates = _Dates(max(limit, OLD_IN_A_ROW) if limit else OPENED, self._rules.since)
        past: list[Entry] = []
        for candidate in candidates:
            if left == 0:
                break
            if not self._rules.is_dated(candidate.video):
                if dates.is_past:
                    past.append(_too_old(candidate.video))
                    continue
                if dates.is_spent:
                    continue
            left -= self._take(candidate, dates)
        self._shelf.watchlist.see(self._url, past)

    def _take(self, candidate: Candidate, dates: _Dates) -> bool:
        """Put a video, or its parts, into the library; tells whether it did."""
        video = candidate.video
        try:
            parts = [video] if self._shelf.has(video.video_id) else self._parts(video)
            is_dated = self._rules.is_dated(video)
            published = video.published if is_dated else self._published(parts[0])
        except _OF_ONE_VIDEO as error:
            self._refused(video, error)
            return False
        if not is_dated:
            dates.opened += 1
            dates.seen += [published] if published else []
            if published and published < self._rules.since:
                self._keep(_too_old(video))
                return False
        wanted, collection = self.subscription.wanted, self.subscription.collection
        wishes = Wishes(collection=collection or None, wanted=wanted or None)
        given = [self._shelf.give(part, wishes) for part in parts]
        entry = self._taken(video, [one.video_id for one in given])
        self._keep(entry)
        kind: Kind = "new" if any(one.is_new for one in given) else "known"
        ids, earlier = entry.video_ids, candidate.reupload_of
        self._news.append(News(kind, entry.key, video.title, ids, reupload_of=earlier))
        return True

    def _parts(self, video: Video) -> list[Video]:
        """The videos that an item of the list stands for; at least one. Raises for none."""
        parts: list[Video] = []
        errors: list[VideoRagError] = []
        for part in self._source.parts(video):
            if isinstance(part, Video):
                parts.append(part)
            elif isinstance(part, _OF_ONE_VIDEO):
                errors.append(part)
            else:
                raise part
        if not parts:
            raise errors[0] if errors else ContentError(f"{video.title}: it has no parts")
        self._problems += errors
        return parts

    def _published(self, part: Video) -> str | None:
        """The day of a video; its own page is asked where nothing else tells. Raises its errors."""
        if part.published or self._is_local:
            return part.published
        found = next(iter(self._source.discover(part.url)), None)
        if isinstance(found, VideoRagError):
            raise found
        return found.published if found else None

    def _refused(self, video: Video, error: VideoRagError) -> None:
        """A video that the list shows and that is not to be had when it is opened."""
        entry = absent(error, video.video_id, self._shelf.now(), is_listed=True)
        self._keep(replace(entry, title=video.title, duration=video.duration))
        self._problems.append(error)
        self._news.append(News("absent", entry.key, video.title, (), entry.reason))

    def _taken(self, video: Video, video_ids: Sequence[str], fingerprint: str = "") -> Entry:
        return Entry(
            key=video.video_id,
            state="taken",
            title=video.title,
            duration=video.duration,
            video_ids=tuple(video_ids),
            fingerprint=fingerprint or mark(video, is_local=self._is_local),
        )

    def _keep(self, entry: Entry) -> None:
        self._shelf.watchlist.see(self._url, [entry])

    # what was taken and changed

    def _renew(self, renewal: Renewal) -> None:
        """Give a changed video again, unless a person removed it from the library."""
        video, entry = renewal.video, renewal.entry
        ids = entry.video_ids
        if any(self._shelf.has(video_id) for video_id in ids):
            try:
                given = [self._shelf.give(part, Wishes()) for part in self._renewed(renewal)]
                ids = tuple(dict.fromkeys([*ids, *(one.video_id for one in given)]))
            except _OF_ONE_VIDEO as error:
                self._problems.append(error)
            detail = entry.title if renewal.kind == "renamed" else ""
            self._news.append(News(renewal.kind, entry.key, video.title, ids, detail))
        stamp = "" if self._is_local else renewal.fingerprint(video.title)
        kept = self._taken(video, ids, stamp)
        duration = video.duration if video.duration is not None else entry.duration
        self._keep(replace(kept, duration=duration))

    def _renewed(self, renewal: Renewal) -> Iterator[Video]:
        """The videos to give, with fingerprints that tell what is to be read or fetched anew.

        A series that is longer because it has a new part is not another series: only where it has
        the same parts as before are they fetched anew.
        """
        if self._is_local:
            yield renewal.video
            return
        before = set(renewal.entry.video_ids)
        parts = self._parts(renewal.video)
        has_grown = not {part.video_id for part in parts} <= before
        for part in parts:
            if part.video_id not in before:
                yield part
            elif self._shelf.has(part.video_id) and not (has_grown and renewal.kind == "replaced"):
                yield part.model_copy(update={"fingerprint": renewal.fingerprint(part.title)})


def is_local(url: str) -> bool:
    """Whether a subscription is a file or folder of this machine."""
    return "://" not in url or url.startswith("file:")


def _too_old(video: Video) -> Entry:
    return Entry(video.video_id, "skipped", video.title, video.duration, "since")
