"""Reads what metrics say: from the ledger, from the queue's server, and from this machine.

The ledger knows most, since all processes on all machines write to it. It is asked in a few indexed
questions when somebody scrapes.
"""

from __future__ import annotations

import shutil
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from video_rag import __version__, disk
from video_rag.choices import State
from video_rag.errors import VideoRagError
from video_rag.library import Library
from video_rag.operations import sites
from video_rag.operations.metrics import METRICS, Metric, Readings, Sample
from video_rag.queues import LANES
from video_rag.tallies import Series

STATES: tuple[State, ...] = ("ready", "queued", "waiting", "failed")
MOST_SITES = 100
"""Sites that are shown, those with most videos: a library may have seen thousands."""


@runtime_checkable
class Counted(Protocol):
    """A queue on a server that tells how many messages were put aside."""

    def dead_count(self) -> int:
        """How many. Raises `Unavailable` or `Rejected`."""


@runtime_checkable
class Aging(Protocol):
    """A source that uses what grows old."""

    def ages(self) -> Iterable[tuple[str, str, float]]:
        """What it is (`cookies`, `ytdlp`), of which site (or ""), and its age in seconds."""


def of_ledger(library: Library) -> Readings:
    """What the ledger says. Raises its errors."""
    ledger, parts = library.ledger, library.parts
    now = ledger.now()
    activity, agenda = ledger.activity, ledger.agenda
    handed, states = activity.oldest(), agenda.states()
    holdings = activity.holdings(parts.published_to())
    found: dict[str, Sequence[Sample]] = {
        "ledger_up": [((), 1.0)],
        "videos": [((state,), states.get(state, 0)) for state in STATES],
        "failing_videos": [(key, many) for key, many in activity.failing().items()],
        "stages_at_work": _at_work(library),
        "queue_stages": [
            ((one.route, state), many)
            for one in agenda.backlog()
            for state, many in (("ready", one.ready), ("later", one.later))
        ],
        "queue_oldest_age_seconds": [((), max(0.0, now - handed) if handed else 0.0)],
        "requests": [(key, many) for key, many in ledger.requests.counts().items()],
        "documents": [((), holdings.documents)],
        "knowledge_documents": [((name,), many) for name, many in holdings.published.items()],
        "knowledge_lacking_documents": [((name,), many) for name, many in holdings.lacking.items()],
        "schedule_age_seconds": [
            ((one.name,), max(0.0, now - one.at)) for one in ledger.slots.all()
        ],
    }
    return (
        found | _subscriptions(library, now) | _sites(library, now) | _tallied(activity.tallies())
    )


def of_queue(library: Library) -> Readings:
    """What the queue's server says; nothing where there is none."""
    if not library.is_shared:
        return {}
    try:
        routes = [*LANES, f"at.{library.settings.pipeline.machine}"]
        depths = library.depth(routes)
        queue = library.queue
        dead = [((), float(queue.dead_count()))] if isinstance(queue, Counted) else []
    except VideoRagError:
        return {"queue_up": [((), 0.0)]}
    return {
        "queue_up": [((), 1.0)],
        "queue_messages": [((route,), one.waiting + one.urgent) for route, one in depths.items()],
        "queue_workers": [((route,), one.readers or 0) for route, one in depths.items()],
        "queue_dead_letters": dead,
    }


def of_machine(library: Library) -> Readings:
    """Disks, cookies and yt-dlp."""
    free: list[Sample] = []
    size: list[Sample] = []
    ages: dict[str, list[Sample]] = {"cookies": [], "ytdlp": []}
    for place, folder in _places(library):
        usage = shutil.disk_usage(folder)
        free.append(((place,), float(usage.free)))
        size.append(((place,), float(usage.total)))
    for source in library.parts.sources().values():
        for what, site, age in source.ages() if isinstance(source, Aging) else ():
            labels = (site or "all",) if what == "cookies" else ()
            ages[what].append((labels, max(0.0, age)))
    return {
        "disk_free_bytes": free,
        "disk_size_bytes": size,
        "build_info": [((__version__,), 1.0)],
        "cookies_age_seconds": ages["cookies"],
        "ytdlp_age_seconds": ages["ytdlp"],
    }


def _places(library: Library) -> Iterator[tuple[str, Path]]:
    """The folders of a library that are on this machine, by what is kept there."""
    settings = library.settings
    wanted = {
        "home": settings.home,
        "media": settings.library.media,
        "documents": settings.library.documents,
        "results": settings.blobs.url,
    }
    for place, folder in wanted.items():
        if isinstance(folder, Path):
            yield place, disk.nearest_folder(folder)


def _at_work(library: Library) -> list[Sample]:
    stages = set(library.lanes())
    claims = library.ledger.agenda.at_work()
    many = Counter(one.stage for one in claims if one.stage in stages)
    return [((stage,), many[stage]) for stage in library.lanes()]


def _subscriptions(library: Library, now: float) -> dict[str, Sequence[Sample]]:
    known = library.ledger.watchlist.subscriptions()
    active = [one for one in known if not one.is_paused]
    overdue = [now - (one.due or one.added) for one in active]
    return {
        "subscriptions": [
            (("active",), len(active)),
            (("paused",), len(known) - len(active)),
            (("failing",), sum(bool(one.problem) for one in active)),
        ],
        "subscription_overdue_seconds": [((), max(0.0, *overdue) if overdue else 0.0)],
    }


def _sites(library: Library, now: float) -> dict[str, Sequence[Sample]]:
    known = sorted(library.ledger.sites.sites(), key=lambda one: (-one.visits, one.site))
    today = sites.today(now)
    visits = [((one.site,), one.visits if one.day == today else 0) for one in known]
    cooling = [
        ((one.site, one.reason), one.cooling_until - now) for one in known if one.is_cooling(now)
    ]
    return {"site_visits_today": visits[:MOST_SITES], "site_cooling_seconds": cooling[:MOST_SITES]}


def _tallied(amounts: Mapping[Series, float]) -> dict[str, Sequence[Sample]]:
    """Counters, and the parts of histograms with `le` (or `sum`) as the last label."""
    by_tally = {one.tally: one for one in METRICS if one.tally}
    found: dict[str, list[Sample]] = defaultdict(list)
    for (name, pairs), amount in amounts.items():
        labels = dict(pairs)
        plain = name.removesuffix("_bucket").removesuffix("_sum")
        metric = by_tally.get(name) or by_tally.get(plain)
        if metric is None:  # another version counts more
            continue
        values = _values(metric, labels)
        if metric.kind == "histogram":
            values += ("sum" if name.endswith("_sum") else labels.get("le", "+Inf"),)
        found[metric.name].append((values, amount))
    downloads = sorted(found.get("downloads", ()), key=lambda one: -one[1])
    return {**found, "downloads": downloads[: 3 * MOST_SITES]}


def _values(metric: Metric, labels: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(labels.get(name, "") for name in metric.labels)
