"""How sites are visited: not too often, not by too many, and not at all for a while after a wall.

What is known of a site lies in the ledger, so that all processes of a library keep to it together.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Protocol

from video_rag.errors import Unavailable, VideoRagError
from video_rag.net.sites import SiteState, site_of
from video_rag.settings.redaction import redact
from video_rag.sources import Places
from video_rag.sources.walls import COOLING

LONGEST = 86_400.0
"""Seconds that a site is left alone at most, and after which old walls are forgotten."""
GROWTH = 4.0
"""How much longer each further wall makes the next cool-down."""
PATIENCE = 3600.0
"""Seconds to wait for other visitors of a site before giving up."""
_LOOK_AGAIN = 1.0


class SiteManners(Protocol):
    """What is set for one site."""

    @property
    def sleep(self) -> float | None:
        """Seconds between two videos."""

    @property
    def concurrency(self) -> int | None:
        """Videos fetched at once."""

    @property
    def per_day(self) -> int | None:
        """Most videos fetched in a day (UTC)."""

    @property
    def cooldown(self) -> float | None:
        """Seconds that the site is left alone after its first wall."""


class Settings(Protocol):
    """Options that know what is set for each site."""

    def of_site(self, site: str) -> SiteManners:
        """What is set for a site, with every field filled in."""


@dataclass
class Visit:
    """A visit under way."""

    site: str
    wall: VideoRagError | None = None

    def hit(self, error: VideoRagError) -> None:
        """Remember a wall that did not stop the visit, such as subtitles that were refused."""
        if self.wall is None and _wall(error):
            self.wall = error


class Manners:
    """Lets visitors in, one after another. `now` and `sleep` stand in for the clock's own."""

    def __init__(
        self,
        options: Settings,
        places: Places,
        *,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._options = options
        self._places = places
        self._now = now
        self._sleep = sleep

    @contextmanager
    def visit(self, url: str, *, counts: bool) -> Iterator[Visit]:
        """Ask a site meanwhile; `counts` says that a video is fetched, not only a list read.

        Waits for its turn. An error of the block that is a wall makes the site cool down. Raises
        `Unavailable` (`cooling-down`, `day-budget`, `busy`) with the seconds until it may help.
        """
        site = site_of(url)
        visit = Visit(site)
        with ExitStack() as stack:
            self.check(site)
            if counts:
                stack.enter_context(self._slot(site))
                self._await_turn(site)
            try:
                yield visit
            except VideoRagError as error:
                visit.hit(error)
                if not visit.wall:
                    self._leave(site, counts=counts, well=False)
                raise
            else:
                if not visit.wall:
                    self._leave(site, counts=counts, well=True)
            finally:
                if visit.wall:
                    self._cool_down(site, visit.wall)

    def check(self, site: str) -> None:
        """Refuse to visit a site that cools down. Raises `Unavailable`."""
        _refuse_if_cooling(self._places.sites.site(site), self._now())

    @contextmanager
    def _slot(self, site: str) -> Iterator[None]:
        """One of the places at a site; waits for it while others have them."""
        width = self._options.of_site(site).concurrency or 1
        given_up = self._now() + PATIENCE
        while True:
            for number in range(width):
                with self._places.hold(f"site:{site}", f"slot {number}") as is_ours:
                    if is_ours:
                        yield
                        return
            self.check(site)
            if self._now() >= given_up:
                raise Unavailable(
                    f"{site}: {width} others have been fetching there for an hour",
                    hint=f'raise concurrency in [sources.ytdlp.sites."{site}"], or wait',
                    reason="busy",
                    retry_after=PATIENCE,
                )
            self._sleep(_LOOK_AGAIN)

    def _await_turn(self, site: str) -> None:
        """Count a visit in one transaction, and sleep outside of it until its time has come."""
        options = self._options.of_site(site)
        gap = options.sleep or 0.0
        most = gap * ((options.concurrency or 1) + 1)
        wait = 0.0

        def reserve(state: SiteState) -> SiteState:
            nonlocal wait
            now = self._now()
            _refuse_if_cooling(state, now)
            visits = _visits_on(state, now)
            if options.per_day is not None and visits >= options.per_day:
                raise _spent(site, options.per_day, now)
            # A clock that was set back must not make a site wait for years.
            wait = min(max(0.0, state.next_visit - now), most)
            return replace(
                state, next_visit=now + wait + gap, day=_day(now).isoformat(), visits=visits + 1
            )

        self._places.sites.change(site, reserve)
        if wait:
            self._sleep(wait)
            self.check(site)

    def _leave(self, site: str, *, counts: bool, well: bool) -> None:
        """After a visit: the next one keeps its distance; a video that came forgives the walls.

        A list that could be read forgives nothing: walls often stand before the videos only.
        """
        if not counts:
            return
        gap = self._options.of_site(site).sleep or 0.0

        def after(state: SiteState) -> SiteState:
            state = replace(state, next_visit=max(state.next_visit, self._now() + gap))
            is_over = not state.is_cooling(self._now())
            return replace(state, strikes=0, reason="", message="") if well and is_over else state

        self._places.sites.change(site, after)

    def _cool_down(self, site: str, error: VideoRagError) -> None:
        """Leave a site alone: each wall after the first for four times as long as before."""
        base = self._options.of_site(site).cooldown or 0.0

        def cool(state: SiteState) -> SiteState:
            now = self._now()
            asked = min(error.retry_after or 0.0, LONGEST)
            if state.is_cooling(now):  # several visitors ran into the same wall
                return replace(state, cooling_until=max(state.cooling_until, now + asked))
            is_old = state.cooling_until + LONGEST < now
            strikes = 1 if is_old else state.strikes + 1
            own = min(base * GROWTH ** min(strikes - 1, 20), LONGEST)
            return replace(
                state,
                cooling_until=now + max(asked, own),
                since=now,
                reason=_wall(error),
                message=redact(str(error)),
                strikes=strikes,
            )

        until = self._places.sites.change(site, cool).cooling_until
        # Also a refusal that is none for ever, such as "not a bot", is tried again then.
        error.retry_after = max(0.0, until - self._now())


def moment(seconds: float, now: float) -> str:
    """A time in this machine's zone, with the date where it is another day's."""
    then, today = (dt.datetime.fromtimestamp(at).astimezone() for at in (seconds, now))
    return then.strftime("%H:%M" if then.date() == today.date() else "%Y-%m-%d %H:%M")


def cooling(state: SiteState, now: float) -> str:
    """Until when a site is left alone, since when and why; "" when it is not."""
    if not state.is_cooling(now):
        return ""
    until, since = moment(state.cooling_until, now), moment(state.since, now)
    return f"{state.site} is left alone until {until}: {state.reason} at {since} ({state.message})"


def visits_today(state: SiteState, now: float) -> int:
    """Videos fetched from a site on this UTC day."""
    return _visits_on(state, now)


def _refuse_if_cooling(state: SiteState, now: float) -> None:
    if told := cooling(state, now):
        raise Unavailable(
            told,
            hint=f"it goes on by itself then; to try now: video-rag sites forget {state.site}",
            reason="cooling-down",
            retry_after=state.cooling_until - now,
        )


def _spent(site: str, per_day: int, now: float) -> Unavailable:
    tomorrow = dt.datetime.combine(_day(now) + dt.timedelta(days=1), dt.time(), dt.UTC)
    left = tomorrow.timestamp() - now
    return Unavailable(
        f"{site}: the {per_day} videos of this day were fetched",
        hint=f'more from {moment(now + left, now)} on; or raise per_day in [sources.ytdlp.sites."'
        f'{site}"]',
        reason="day-budget",
        retry_after=left,
    )


def _wall(error: VideoRagError) -> str:
    """The wall that an error stands for, also where old cookies explain it; "" for none."""
    cause = error.__cause__
    reasons = [error.reason, cause.reason if isinstance(cause, VideoRagError) else ""]
    return next((reason for reason in reasons if reason in COOLING), "")


def _day(now: float) -> dt.date:
    return dt.datetime.fromtimestamp(now, dt.UTC).date()


def _visits_on(state: SiteState, now: float) -> int:
    return state.visits if state.day == _day(now).isoformat() else 0
