"""What a person says of a subscription: when it is looked at, and which of its videos are taken."""

from __future__ import annotations

import datetime as dt
import re
import time
from itertools import islice, pairwise

from cronsim import CronSim, CronSimError

from video_rag.errors import UsageError
from video_rag.model import Video
from video_rag.stores import Subscription

EVERY = "0 3 * * *"
"""When a subscription is looked at unless somebody says otherwise: at three in the night."""
LEAST_SECONDS = 300.0
"""Nothing is looked at more often than this."""
LONGEST_TITLE = 500
"""Characters of a title that patterns see: a stranger's title must not make a pattern run long."""

_INTERVAL = re.compile(r"(\d{1,5})\s*([mhdw])")
_UNITS = {"m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
_HOW = 'five fields of cron such as "0 3 * * *", or an interval such as 30m, 6h or 1d'


class LocalTime(dt.tzinfo):
    """This machine's time zone with all its changes, as the C library knows it.

    `datetime.astimezone()` alone gives the offset of one moment, which is wrong after the next
    change to or from summer time.
    """

    def utcoffset(self, when: dt.datetime | None) -> dt.timedelta | None:
        """The offset from UTC at a local time; `fold` tells apart what happens twice."""
        return when.replace(tzinfo=None).astimezone().utcoffset() if when else None

    def dst(self, when: dt.datetime | None) -> dt.timedelta | None:
        """How much of the offset is summer time."""
        if when is None:
            return None
        stamp = when.replace(tzinfo=None).timestamp()
        return dt.timedelta(hours=1 if time.localtime(stamp).tm_isdst > 0 else 0)

    def tzname(self, when: dt.datetime | None) -> str | None:
        """The zone's short name at a local time."""
        return when.replace(tzinfo=None).astimezone().tzname() if when else None

    def fromutc(self, when: dt.datetime) -> dt.datetime:
        """The local time of a moment in UTC."""
        stamp = when.replace(tzinfo=dt.UTC).timestamp()
        return dt.datetime.fromtimestamp(stamp).replace(tzinfo=self)  # noqa: DTZ006 (local is meant)


class Every:
    """When to look again: parsed from five fields of cron or an interval.

    Cron is read as Debian's is (the library cronsim): what falls into the hour that a change to
    summer time leaves out runs at its end, what falls into the doubled hour runs once. Raises
    `UsageError` for what cannot be, never comes, or comes more often than `LEAST_SECONDS`.
    """

    def __init__(self, text: str) -> None:
        self.text = " ".join(text.split())
        self.seconds = _interval(self.text)
        if self.seconds is None:
            _check_cron(self.text)

    def after(self, moment: float) -> float:
        """The first time after a moment (both in seconds since the epoch)."""
        if self.seconds is not None:
            return moment + self.seconds
        local = dt.datetime.fromtimestamp(moment, dt.UTC).astimezone(LocalTime())
        for found in CronSim(self.text, local):
            if found.timestamp() > moment:
                return found.timestamp()
        return moment + _UNITS["w"]  # `__init__` saw that it comes; a leap day may be far off


def _interval(text: str) -> float | None:
    """Seconds of `6h`, None for what is no interval. Raises `UsageError` for too short ones."""
    match = _INTERVAL.fullmatch(text.lower())
    if match is None:
        return None
    seconds = int(match[1]) * _UNITS[match[2]]
    if seconds < LEAST_SECONDS:
        raise UsageError(f"every {text} is too often", hint="the least is 5m: sites count visits")
    return seconds


def _check_cron(text: str) -> None:
    """Refuse what is no cron, never comes, or comes too often."""
    try:
        if len(text.split()) != 5:
            raise CronSimError(f"{len(text.split())} fields")  # six would begin with seconds
        start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
        times = list(islice(CronSim(text, start), 100))
    except CronSimError as error:
        raise UsageError(
            f"every {text!r} is not understood: {error}", hint=f"give {_HOW}"
        ) from None
    if not times:
        raise UsageError(f"every {text!r} never comes", hint=f"give {_HOW}")
    if any((late - soon).total_seconds() < LEAST_SECONDS for soon, late in pairwise(times)):
        raise UsageError(
            f"every {text!r} is too often", hint='the least is every five minutes: "*/5 * * * *"'
        )


class Rules:
    """Which new videos of a subscription are passed over. Raises `UsageError` for bad ones.

    Patterns are Python's regular expressions, found anywhere in a title, in any case.
    """

    def __init__(self, subscription: Subscription) -> None:
        self.since = iso_date(subscription.since)
        self._match = _pattern("--match", subscription.match)
        self._skip = _pattern("--skip", subscription.skip)

    def against(self, video: Video) -> str:
        """The rule that passes a video over: `since`, `match` or `skip`; "" when none does.

        A video of unknown date passes: see `is_dated`.
        """
        if self.since and video.published and video.published < self.since:
            return "since"
        title = video.title[:LONGEST_TITLE]
        if self._match and not self._match.search(title):
            return "match"
        if self._skip and self._skip.search(title):
            return "skip"
        return ""

    def is_dated(self, video: Video) -> bool:
        """Whether `since` can be judged of a video as the list shows it."""
        return not self.since or video.published is not None


def iso_date(text: str) -> str:
    """A date as `2026-11-23`; "" stays. Raises `UsageError`."""
    try:
        return dt.date.fromisoformat(text.strip()).isoformat() if text.strip() else ""
    except ValueError:
        raise UsageError(f"--since {text!r} is no date", hint="give it as 2026-11-23") from None


def _pattern(option: str, text: str) -> re.Pattern[str] | None:
    try:
        return re.compile(text, re.IGNORECASE) if text else None
    except (re.error, OverflowError, RecursionError) as error:
        raise UsageError(
            f"{option} {text!r} is no regular expression: {error}",
            hint=r"a dot, bracket or plus that is meant as such takes a backslash: \.",
        ) from None
