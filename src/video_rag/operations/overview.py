"""What is at work, what waits, how fast it goes and what stands in its way: `status`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from video_rag.errors import BackendError
from video_rag.library import Library
from video_rag.model import Video
from video_rag.operations.rows import Row
from video_rag.pipeline.results import load
from video_rag.queues import Depth
from video_rag.settings.redaction import redact
from video_rag.stores.agenda import AtWork, Backlog
from video_rag.stores.requests import OPEN, Requested

WINDOW_SECONDS = 900.0
"""Throughput is of the last quarter of an hour."""
_HOUR = 3600.0
_LAST = "save"
"""The stage with which a document is there."""


def overview(library: Library) -> Row:
    """How the work on a library goes, as a JSON value; times are seconds."""
    ledger = library.ledger
    now = ledger.now()
    waiting = ledger.agenda.backlog()
    depths, problem = _depths(library, [one.route for one in waiting])
    return {
        "videos": {**dict.fromkeys(("ready", "queued", "waiting", "failed"), 0)}
        | dict(ledger.agenda.states()),
        "requests": _requests(library),
        "routes": [_route(one, depths.get(one.route)) for one in waiting],
        "oldest_seconds": _age(now, library),
        "at_work": [row for one in ledger.agenda.at_work() if (row := _worker(library, one, now))],
        "pace": _pace(library),
        "failures": [vars(one) for one in ledger.activity.troubles()],
        "problem": problem,
    }


def _requests(library: Library) -> Row:
    found = library.ledger.requests.page(Requested(1000, OPEN))
    states = [one.state for one in found]
    return {state: states.count(state) for state in ("queued", "working")}


def _depths(library: Library, routes: list[str]) -> tuple[Mapping[str, Depth], str]:
    """What the queue's server says, or why it cannot be asked."""
    try:
        return library.depth(routes), ""
    except BackendError as error:
        return {}, redact(str(error))


def _route(one: Backlog, depth: Depth | None) -> Row:
    """What waits on a route; messages and readers are None where no server has a queue."""
    has_queue = depth is not None and depth.readers is not None
    return {
        "route": one.route,
        "ready": one.ready,
        "urgent": one.urgent,
        "later": one.later,
        "messages": depth.waiting + depth.urgent if depth and has_queue else None,
        "workers": depth.readers if depth else None,
    }


def _age(now: float, library: Library) -> float | None:
    """How long the oldest has waited of what was handed to a queue or asked for."""
    asked = [one.asked for one in library.ledger.requests.due() if one.state == "queued"]
    handed = library.ledger.activity.oldest()
    times = [*asked, *([handed] if handed is not None else [])]
    return max(now - min(times), 0.0) if times else None


def _worker(library: Library, one: AtWork, now: float) -> Row | None:
    """A stage that is worked on; None for what is held for another reason."""
    results = library.ledger.results_of([one.video_id]).get(one.video_id, {})
    if "video" not in results or one.stage == "remove":
        return None
    title = load(library.blobs, results["video"], Video).title
    return {
        "video_id": one.video_id,
        "title": title,
        "stage": one.stage,
        "worker": one.worker,
        "seconds": max(now - one.since, 0.0),
        "share": one.share,
        "note": redact(one.note),
    }


def _pace(library: Library) -> Row:
    pace = library.ledger.activity.pace(WINDOW_SECONDS)
    per_hour = _HOUR / pace.seconds
    many: dict[str, Any] = dict(sorted(pace.stages.items()))
    return {
        "seconds": round(pace.seconds, 1),
        "stages": many,
        "stages_per_hour": round(sum(pace.stages.values()) * per_hour, 1),
        "videos_per_hour": round(pace.stages.get(_LAST, 0) * per_hour, 1),
    }
