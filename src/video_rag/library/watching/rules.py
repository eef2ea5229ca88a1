"""What a person says of a subscription: when it is looked at, and which of its videos are taken."""

from __future__ import annotations

import datetime as dt
import re

from video_rag.errors import UsageError
from video_rag.model import Video
from video_rag.stores import Subscription
from video_rag.text import cron

EVERY = "0 3 * * *"
"""When a subscription is looked at unless somebody says otherwise: at three in the night."""
LEAST_SECONDS = 300.0
"""Nothing is looked at more often than this."""
LONGEST_TITLE = 500
"""Characters of a title that patterns see: a stranger's title must not make a pattern run long."""

_INTERVAL = re.compile(r"(\d{1,5})\s*([mhdw])")
_UNITS = {"m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
_HOW = 'five fields of cron such as "0 3 * * *", or an interval such as 30m, 6h or 1d'


class Every:
    """When to look again: parsed from five fields of cron or an interval.

    Cron means the clock on the wall in a time zone, this machine's unless one is named: see
    `text.cron`. Raises `UsageError` for what cannot be, never comes, or comes more often than
    `LEAST_SECONDS`.
    """

    def __init__(self, text: str, zone: dt.tzinfo | None = None) -> None:
        self.text = " ".join(text.split())
        self._zone = zone or cron.LocalTime()
        self.seconds = _interval(self.text)
        if self.seconds is None:
            _check_cron(self.text)

    def after(self, moment: float) -> float:
        """The first time after a moment (both in seconds since the epoch)."""
        if self.seconds is not None:
            return moment + self.seconds
        found = cron.after(self.text, moment, self._zone)
        return moment + _UNITS["w"] if found is None else found  # a leap day may be far off


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
        cron.check(text, LEAST_SECONDS)
    except cron.TooOften as error:
        hint = 'the least is every five minutes: "*/5 * * * *"'
        raise UsageError(f"every {error}", hint=hint) from None
    except ValueError as error:
        raise UsageError(f"every {error}", hint=f"give {_HOW}") from None


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
