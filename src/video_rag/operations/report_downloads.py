"""`report downloads`: what cannot be fetched, by site and cause, whether it grows, what to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from video_rag.library import Library
from video_rag.operations import sites
from video_rag.operations.rows import Row
from video_rag.settings.redaction import redact, redact_urls
from video_rag.stores import Failure

_FETCH = "fetch"
_NAMED = 3
"""Videos that a line names."""
_WEEK = 7
"""Days that are held against as many before them."""
_DAY = 86_400.0


@dataclass
class _Group:
    """Failures of one site with one cause."""

    failures: list[Failure] = field(default_factory=list)
    video_ids: list[str] = field(default_factory=list)


def downloads(library: Library) -> Row:
    """What stands in the way of downloads now, as a JSON value."""
    groups = _groups(library.ledger.all_failures())
    rows = [_row(site, cause, group) for (site, cause), group in groups.items()]
    rows.sort(key=lambda row: (-row["videos"], row["site"], row["cause"]))
    walls = [row for row in sites.rows(library.ledger.sites) if row["is_cooling"]]
    return {
        "failed": sum(row["videos"] for row in rows),
        "failures": rows,
        "trend": _trend(library),
        "cooling": [{**row, "message": redact(row["message"])} for row in walls],
        "advice": list(dict.fromkeys(_advice(rows, walls))),
    }


def _trend(library: Library) -> list[Row]:
    """How many downloads of each site came and failed in the last seven days and before."""
    now = library.ledger.now()
    late, both = (_counts(library, now - (days - 1) * _DAY) for days in (_WEEK, 2 * _WEEK))
    return [
        {
            "site": site,
            "fetched": late[site, True],
            "failed": late[site, False],
            "fetched_before": both[site, True] - late[site, True],
            "failed_before": both[site, False] - late[site, False],
        }
        for site in sorted({site for site, _ in both})
    ]


def _counts(library: Library, since: float) -> Counter[tuple[str, bool]]:
    """Tries since that day by site, and whether they brought the video."""
    counts: Counter[tuple[str, bool]] = Counter()
    for one in library.ledger.activity.timings(since):
        if one.stage == _FETCH:
            counts[one.site, one.outcome == "done"] += one.many
    return counts


def _groups(failures: Mapping[str, list[Failure]]) -> dict[tuple[str, str], _Group]:
    groups: dict[tuple[str, str], _Group] = {}
    for video_id, found in failures.items():
        for failure in found:
            if failure.stage == _FETCH:
                site = video_id.partition(":")[0]
                group = groups.setdefault((site, failure.reason or failure.error), _Group())
                group.failures.append(failure)
                group.video_ids.append(video_id)
    return groups


def _row(site: str, cause: str, group: _Group) -> Row:
    last = group.failures[-1]
    return {
        "site": site,
        "cause": cause,
        "error": last.error,
        "videos": len(group.video_ids),
        "retried": sum(one.due is not None for one in group.failures),
        "attempts": max(one.attempts for one in group.failures),
        "example": redact(last.message),
        "hint": redact_urls(last.hint),
        "video_ids": group.video_ids[:_NAMED],
    }


def _advice(rows: list[Row], walls: list[Row]) -> Iterator[str]:
    """What to do, the most useful first: what the most failures say helps."""
    for row in walls:
        yield f"{row['site']} is left alone until {row['cooling_until']} ({row['reason']})"
    for row in rows:
        if row["retried"] == row["videos"]:
            yield f"{row['site']}, {row['cause']}: nothing to do, `run` tries again by itself"
        elif row["hint"]:
            yield f"{row['site']}, {row['cause']}: {row['hint']}"
