"""Seconds ↔ 00:12:30, as people and subtitle files write them."""

from __future__ import annotations

import re

_CLOCK = re.compile(r"^(?:(\d+):)?(\d{1,2}):(\d{1,2}(?:[.,]\d+)?)$")
_UNITS = re.compile(r"^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s?)?$")


def clock(seconds: float) -> str:
    """`750.4` → `12:30`, `3661` → `1:01:01`: for people, cut to the whole second."""
    whole = int(max(seconds, 0.0))
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"


def stamp(seconds: float) -> str:
    """`4.3` → `00:00:04.300`: exact to the millisecond, as WebVTT writes it."""
    total = round(max(seconds, 0.0) * 1000)
    hours, rest = divmod(total, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    return f"{hours:02}:{minutes:02}:{rest // 1000:02}.{rest % 1000:03}"


def span(start: float, end: float) -> str:
    """`(4.3, 66)` → `0:04–1:06`."""
    return f"{clock(start)}–{clock(end)}"


def parse(text: str) -> float:
    """Read `90`, `90.5`, `1:30`, `00:01:30.500`, `1m30s` or `1h2m` as seconds.

    Raises `ValueError` when it is none of these.
    """
    clean = text.strip().lower()
    if match := _CLOCK.match(clean):
        hours, minutes, seconds = match.groups()
        return int(hours or 0) * 3600 + int(minutes) * 60 + float(seconds.replace(",", "."))
    if clean and (match := _UNITS.match(clean)) and any(match.groups()):
        hours, minutes, seconds = match.groups()
        return int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(seconds or 0)
    raise ValueError(f"not a time: {text!r}")


def overlap(start: float, end: float, other_start: float, other_end: float) -> float:
    """Seconds that two spans share; 0.0 when they do not meet."""
    return max(0.0, min(end, other_end) - max(start, other_start))
