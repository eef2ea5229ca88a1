"""Subscriptions: lists that are looked at again and again, and whose new videos are taken.

When and what is taken: `watch_rules` · what is new: `watch_news` · one look: `watch_check`.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field, replace

from video_rag.errors import BackendError, NotFound, Unavailable, UsageError, VideoRagError
from video_rag.library.intake import Given
from video_rag.library.status import Wishes
from video_rag.library.watching.check import Check, Checked, Shelf, is_local
from video_rag.library.watching.news import News
from video_rag.library.watching.rules import EVERY, Every, Rules, iso_date
from video_rag.model import Video
from video_rag.net import guard
from video_rag.net.sites import WRONG_SECONDS, Sites, site_of
from video_rag.settings.redaction import redact, redact_urls
from video_rag.sources import Source
from video_rag.stores import Subscription, Watchlist
from video_rag.text.addresses import public
from video_rag.text.cron import LocalTime

__all__ = ["Changes", "Checked", "News", "Watch", "Watched"]

LONGEST_WAIT = 7 * 86_400.0
"""So long at most may a server ask to be left alone."""
AGAIN_SECONDS = 3600.0
"""A list that could not be read because of its site is asked again after so long at most."""
SETTLED_SECONDS = 60.0
"""After so long a folder is looked at again in which a file was still being written."""


@dataclass(frozen=True)
class Changes:
    """What a person says of a subscription; None: nothing, so that it stays as it is."""

    every: str | None = None
    collection: str | None = None
    wanted: str | None = None
    since: str | None = None
    match: str | None = None
    skip: str | None = None
    limit: int | None = None


@dataclass(frozen=True)
class Watched:
    """A subscription, its number, and how many videos of its list are in each state."""

    number: int
    """Its place among all, from 1; it moves when an earlier one is removed."""
    subscription: Subscription
    counts: Mapping[str, int]
    """See `stores.Entry.state`."""


@dataclass(frozen=True)
class Watch:
    """The subscriptions of a library."""

    watchlist: Watchlist
    sites: Sites
    source_of: Callable[[str], Source]
    """The source that takes a URL. Raises `UnsupportedUrl`."""
    give: Callable[[Video, Wishes], Given]
    """Puts a video into the library without working on it."""
    has: Callable[[str], bool]
    """Whether the library has a video of this id."""
    hold: Callable[[str, str], AbstractContextManager[bool]]
    """Keeps other processes from something; gives False if one has it."""
    now: Callable[[], float] = time.time
    """Seconds since the epoch."""
    zone: dt.tzinfo = field(default_factory=LocalTime)
    """Where the clock hangs that cron means."""

    # what is watched

    def add(self, url: str, changes: Changes) -> tuple[Subscription, bool]:
        """Subscribe to a list, or change the subscription of the same URL; tells whether it is new.

        It is due at once. What was seen of the list stays; videos that an earlier rule passed over
        are judged again. Nothing is kept unless all is right: raises `UnsupportedUrl`,
        `UsageError`, `NotFound` for a path that is not there.
        """
        url = self._checked_url(url)
        old = self._found(url)
        base = old or Subscription(url, EVERY, added=self.now(), due=self.now())
        said = {name: value for name, value in asdict(changes).items() if value is not None}
        new = replace(base, **said)
        if new.limit < 0:
            raise UsageError(f"--limit {new.limit} is below zero", hint="0 takes all new videos")
        every = Every(new.every or EVERY, self.zone).text
        new = replace(
            new, every=every, since=iso_date(new.since), collection=new.collection.strip()
        )
        Rules(new)
        if old is None or new != old:
            new = replace(new, due=self.now())
            self.watchlist.subscribe(new)
        if old and _rules(new) != _rules(old):
            self._judge_again(url)
        return new, old is None

    def all(self) -> list[Watched]:
        """Every subscription, in the order they were added."""
        return [
            Watched(number, one, self.watchlist.counts(one.url))
            for number, one in enumerate(self.watchlist.subscriptions(), start=1)
        ]

    def find(self, name: str) -> Subscription:
        """The subscription that a person means: its URL, its number, or a part of URL or title.

        Raises `NotFound`, or `UsageError` when several fit.
        """
        known = self.watchlist.subscriptions()
        path = str(guard.absolute(name)) if is_local(name) else name
        fits = [one for one in known if {one.url, public(one.url)} & {name, path}]
        part = name.casefold().strip()
        if not fits and part.isascii() and part.isdigit():
            fits = known[int(part) - 1 : int(part)] if int(part) else []
        elif not fits and part:
            fits = [one for one in known if part in f"{one.url}\n{one.title}".casefold()]
        if len(fits) > 1:
            urls = ", ".join(redact(one.url) for one in fits[:5])
            raise UsageError(f"{name!r} fits {len(fits)} subscriptions", hint=f"they are: {urls}")
        if not fits:
            raise NotFound(
                f"nothing that is watched fits {name!r}", hint="see `video-rag watch list`"
            )
        return fits[0]

    def remove(self, url: str) -> None:
        """Forget a subscription and what was seen of its list; its videos stay in the library."""
        if not self.watchlist.unsubscribe(url):
            raise NotFound(f"{redact(url)} is not watched", hint="see `video-rag watch list`")

    def pause(self, url: str, *, paused: bool = True) -> Subscription:
        """Leave a list alone, or look at it again; what it missed meanwhile is news then."""
        found = self._found(url)
        if found is None:
            raise NotFound(f"{redact(url)} is not watched", hint="see `video-rag watch list`")
        changed = replace(found, is_paused=paused)
        self.watchlist.subscribe(changed)
        return changed

    # looking

    def check(self, urls: Sequence[str] = (), *, now: bool = False) -> Iterator[Checked]:
        """Look at what is due, or at once at those named, or (`now`) at all that are not paused.

        New videos are put into the library, and not worked on. One check per subscription; what
        goes wrong with one is in its `Checked.error` and does not keep the others.
        """
        names = {self.find(name).url for name in urls}
        for one in self.watchlist.subscriptions():
            asked = one.url in names or (now and not names)
            if one.url not in names and (names or one.is_paused):
                continue
            if asked or self._is_due(one):
                found = self._check(one, asked=asked)
                if found:
                    yield found

    def _check(self, subscription: Subscription, *, asked: bool) -> Checked | None:
        """One check, if nothing is in its way; None when another process just did it."""
        url = subscription.url
        if subscription.is_paused:
            return Checked(subscription, passed="paused")
        site = self.sites.site(site_of(url))
        if not is_local(url) and site.is_cooling(self.now()):
            kept = self._keep(url, due=site.cooling_until)
            return Checked(kept or subscription, passed="cooling-down")
        with self.hold(url, "watch") as mine:
            if not mine:
                return Checked(subscription, passed="busy")
            current = self._found(url)  # again: it may have been checked, changed or removed
            if current is None or not (asked or self._is_due(current)):
                return None
            return self._settled(current, self._look(current))

    def _is_due(self, one: Subscription) -> bool:
        """Whether it is time, also for what a clock that was wrong put off for longer."""
        now = self.now()
        if one.due <= now or (one.checked or 0.0) > now + WRONG_SECONDS:
            return True
        return (
            one.due
            > max(Every(one.every, self.zone).after(now), now + LONGEST_WAIT) + WRONG_SECONDS
        )

    def _look(self, subscription: Subscription) -> Checked:
        shelf = Shelf(self.watchlist, self.give, self.has, self.now)
        try:
            source = self.source_of(subscription.url)
            return Check(subscription, source, shelf).run()
        except VideoRagError as error:
            return Checked(subscription, error=error)

    def _settled(self, before: Subscription, checked: Checked) -> Checked:
        """Keep when to look next, and what went wrong.

        A person may have changed the subscription meanwhile: their changes stay.
        """
        moment, error = self.now(), checked.error
        due = Every(before.every, self.zone).after(moment)
        if isinstance(error, Unavailable) and error.retry_after is not None:
            due = moment + error.retry_after
        elif isinstance(error, BackendError):
            due = min(due, moment + AGAIN_SECONDS)
        elif checked.is_unsettled:
            due = min(due, moment + SETTLED_SECONDS)
        changes: dict[str, object] = {
            "title": checked.subscription.title,
            "due": due,
            "problem": _problem(error),
            "checked": before.checked if error else moment,
        }
        kept = self._keep(before.url, **changes)
        if error and error.reason == "cooling-down":
            return replace(checked, subscription=kept or before, passed="cooling-down", error=None)
        return replace(checked, subscription=kept or before)

    # keeping

    def _keep(self, url: str, **changes: object) -> Subscription | None:
        """Change a subscription as it is now; None when it was removed meanwhile."""
        current = self._found(url)
        if current is None:
            return None
        changed = replace(current, **changes)  # type: ignore[arg-type]  # names are ours
        self.watchlist.subscribe(changed)
        return changed

    def _found(self, url: str) -> Subscription | None:
        return next((one for one in self.watchlist.subscriptions() if one.url == url), None)

    def _judge_again(self, url: str) -> None:
        """Other rules: what the earlier ones passed over waits to be judged by them."""
        entries = self.watchlist.entries(url).values()
        passed = [entry for entry in entries if entry.state == "skipped"]
        self.watchlist.see(url, (replace(one, state="waiting", reason="") for one in passed))

    def _checked_url(self, url: str) -> str:
        """The URL, or the absolute path, if some source takes it."""
        url = url.strip()
        self.source_of(url)
        if not is_local(url):
            if url.lower().startswith("http"):  # not `feed:https://…`, which its source reads
                # whether its host may be visited is asked at each visit; this is about its form
                guard.check_url(url, allow_private=True, resolve=False)
            return url
        path = guard.absolute(url)
        if not url.startswith("file:") and not path.exists():
            raise NotFound(f"{path} does not exist", hint="check the path")
        return url if url.startswith("file:") else str(path)


def _rules(subscription: Subscription) -> tuple[str, str, str]:
    return subscription.since, subscription.match, subscription.skip


def _problem(error: VideoRagError | None) -> str:
    """One line of what went wrong and what to do."""
    if error is None:
        return ""
    hint = f" ({error.hint})" if error.hint else ""
    return " ".join(f"{redact(str(error))}{redact_urls(hint)}".split())
