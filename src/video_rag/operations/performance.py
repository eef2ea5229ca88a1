"""`report performance`: where the time goes, by stage, by site and by the length of videos."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from video_rag.library import Library
from video_rag.operations.rows import Row
from video_rag.stores.activity import LENGTHS, Timing

DAY = 86_400.0
_MINUTE = 60.0
_KINDS: dict[str, Callable[[Timing], str]] = {
    "stage": lambda one: one.stage,
    "plugin": lambda one: f"{one.stage.partition('@')[0]}: {one.plugin}",
    "site": lambda one: one.site,
    "length": lambda one: one.length,
}


def performance(library: Library, days: int) -> Row:
    """Where the time went in the last days, as a JSON value; times are seconds.

    Days are those of UTC, the present one counted. What a stage spent before it failed counts, too.
    """
    found = library.ledger.activity.timings(library.ledger.now() - (days - 1) * DAY)
    return {
        "days": days,
        "seconds": round(sum(one.seconds for one in found), 3),
        **{f"by_{kind}": _by(found, name) for kind, name in _KINDS.items()},
    }


def _by(found: Iterable[Timing], name: Callable[[Timing], str]) -> list[Row]:
    """One row for each name, those that took longest first; lengths in their order."""
    groups: dict[str, list[Timing]] = {}
    for one in found:
        groups.setdefault(name(one), []).append(one)
    total = sum(one.seconds for some in groups.values() for one in some)
    rows = [_row(label, some, total) for label, some in groups.items()]
    lengths = [label for label, _bound in LENGTHS]
    if all(label in lengths for label in groups):
        return sorted(rows, key=lambda row: lengths.index(row["name"]))
    return sorted(rows, key=lambda row: (-row["seconds"], row["name"]))


def _row(label: str, some: Sequence[Timing], total: float) -> Row:
    many = sum(one.many for one in some)
    seconds = sum(one.seconds for one in some)
    known = [one for one in some if one.duration > 0]
    minutes = sum(one.duration for one in known) / _MINUTE
    spent = sum(one.seconds for one in known)
    return {
        "name": label,
        "runs": many,
        "failed": sum(one.many for one in some if one.outcome != "done"),
        "seconds": round(seconds, 3),
        "share": round(seconds / total, 4) if total else 0.0,
        "mean": round(seconds / many, 3),
        "longest": round(max(one.longest for one in some), 3),
        "seconds_per_minute": round(spent / minutes, 3) if minutes else None,
    }
