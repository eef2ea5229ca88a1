"""Times that a line of cron names, on the clock of a time zone.

Cron is read as Debian's is (the library cronsim): what falls into the hour that a change to summer
time leaves out comes at its end, what falls into the doubled hour comes once.
"""

from __future__ import annotations

import datetime as dt
import time
from itertools import islice, pairwise
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError

LEAST_SECONDS = 60.0
"""Cron knows nothing shorter than a minute."""
_LOOKED_AT = 100
"""So many times are looked at for two that are too close."""


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


def zone(name: str) -> dt.tzinfo:
    """A time zone by its IANA name, however it is capitalised; "" is this machine's.

    Raises `ValueError` for an unknown one.
    """
    if not name:
        return LocalTime()
    known = {one.casefold(): one for one in available_timezones()}
    found = known.get(name.strip().casefold())
    if found is None:
        raise ValueError(f"{name!r} is no time zone; give a name such as Asia/Shanghai or UTC")
    return ZoneInfo(found)


def check(text: str, least: float = LEAST_SECONDS) -> str:
    """A line of cron, its blanks tidied; `least` seconds must lie between two of its times.

    Raises `ValueError` for what is no cron, never comes, or comes too often.
    """
    text = " ".join(text.split())
    try:
        if len(text.split()) != 5:
            raise CronSimError(f"{len(text.split())} fields")  # six would begin with seconds
        start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
        times = list(islice(CronSim(text, start), _LOOKED_AT))
    except CronSimError as error:
        raise ValueError(f"{text!r} is not understood: {error}") from None
    if not times:
        raise ValueError(f"{text!r} never comes")
    if any((late - soon).total_seconds() < least for soon, late in pairwise(times)):
        raise TooOften(f"{text!r} is too often")
    return text


class TooOften(ValueError):
    """Two times of a line of cron are too close to each other."""


def after(text: str, moment: float, where: dt.tzinfo) -> float | None:
    """The first time after a moment (both in seconds since the epoch); None: never."""
    local = dt.datetime.fromtimestamp(moment, dt.UTC).astimezone(where)
    for found in CronSim(text, local):
        if found.timestamp() > moment:  # cronsim may step back within a doubled hour
            return found.timestamp()
    return None
