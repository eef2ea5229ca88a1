"""`/metrics` for Prometheus: what the library knows and what this server did.

A scrape never waits long: what does not answer within `PATIENCE` is left out, and an earlier look
that is still stuck is not joined by another. Who may scrape is remembered for as long as the ledger
is away, so that Prometheus hears just then that it is.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import anyio
from fastapi import APIRouter, Request, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from video_rag.api.auth import NAMED, Gate, TheGate
from video_rag.api.models import gives, refusals
from video_rag.errors import NeedsExtra, Unavailable, VideoRagError
from video_rag.library import Library
from video_rag.operations import gauging
from video_rag.operations.metrics import METRICS, PREFIX, Metric, Readings

try:
    from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
    from prometheus_client.core import (
        CounterMetricFamily,
        GaugeMetricFamily,
        HistogramMetricFamily,
    )
    from prometheus_client.core import (
        Metric as Family,
    )
    from prometheus_client.exposition import choose_encoder
except ModuleNotFoundError as error:
    raise NeedsExtra("prometheus-client", "web") from error

router = APIRouter(tags=["health"])

PATIENCE = 2.0
"""Seconds that a scrape waits for the ledger, the queue's server, or who may scrape."""
FLUSH_SECONDS = 0.1
"""Seconds that it waits until what this process counted is written down."""
REMEMBERED = 3600.0
"""Seconds for which who was let in may scrape a server whose ledger is away."""
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)
METHODS = frozenset({"GET", "HEAD", "POST", "DELETE", "PUT", "PATCH", "OPTIONS"})

Looked = TypeVar("Looked")


class Served:
    """Counts the requests of this server."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        named = {one.name: one for one in METRICS}
        requests, took = named["http_requests"], named["http_request_duration_seconds"]
        self.requests = Counter(
            PREFIX + requests.name, requests.help, requests.labels, registry=self.registry
        )
        self.took = Histogram(
            PREFIX + took.name, took.help, took.labels, registry=self.registry, buckets=BOUNDS
        )
        ProcessCollector(registry=self.registry)


class Measured:
    """ASGI middleware that counts each request, by its route and not by its address."""

    def __init__(self, app: ASGIApp, *, served: Served) -> None:
        self.app = app
        self.served = served

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and count what came of it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status, begun = 500, time.monotonic()

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, noting)
        finally:
            route = getattr(scope.get("route"), "path_format", "") or "page"
            method = scope["method"] if scope["method"] in METHODS else "other"
            self.served.requests.labels(method, route, str(status)).inc()
            self.served.took.labels(route).observe(time.monotonic() - begun)


class Look:
    """Something that may get stuck, looked at by one thread at a time."""

    def __init__(self, seconds: float = PATIENCE) -> None:
        self._seconds = seconds
        self._alone = anyio.CapacityLimiter(1)

    async def of(self, look: Callable[[], Looked]) -> Looked | None:
        """What it finds; None when it takes too long, or an earlier look is still at it."""
        if not self._alone.available_tokens:
            return None
        with anyio.move_on_after(self._seconds):
            return await anyio.to_thread.run_sync(look, limiter=self._alone, abandon_on_cancel=True)
        return None


class Scrapes:
    """Answers scrapes of one library."""

    def __init__(self, library: Library, served: Served) -> None:
        self._library = library
        self._served = served
        self._flush = Look(FLUSH_SECONDS)
        self._gate = Look()
        self._looks = {name: Look() for name in ("ledger", "queue", "machine")}
        self._let_in: dict[str, float] = {}

    async def admit(self, request: Request, gate: Gate) -> None:
        """Let in whoever may read. Raises `Unauthorized`, `TooMany`, or `Unavailable`."""
        said = "\n".join(request.headers.get(name, "") for name in ("authorization", "cookie"))
        who = hashlib.sha256(said.encode()).hexdigest()
        try:
            found = await self._gate.of(lambda: gate.caller(request))
        except Unavailable:
            found = None
        if found is not None:
            self._let_in = {who: time.monotonic(), **self._recent()}
        elif who not in self._recent():
            raise Unavailable(
                "the ledger, which knows the keys, is away", hint="run `video-rag doctor`"
            )

    def _recent(self) -> dict[str, float]:
        since = time.monotonic() - REMEMBERED
        return {who: at for who, at in list(self._let_in.items())[:50] if at > since}

    async def text(self, accept: str) -> tuple[bytes, str]:
        """The metrics, in the form that is asked for, and its media type."""
        await self._flush.of(self._library.keep_counts)
        found: dict[str, Readings] = {}
        async with anyio.create_task_group() as tasks:
            for name in self._looks:
                tasks.start_soon(self._look, name, found)
        readings: dict[str, Any] = {"ledger_up": [((), 0.0)]}
        if "queue" not in found and self._library.is_shared:
            readings["queue_up"] = [((), 0.0)]
        for one in found.values():
            readings |= one
        encode, media_type = choose_encoder(accept)
        return encode(_Both(self._served.registry, readings)), media_type

    async def _look(self, name: str, found: dict[str, Readings]) -> None:
        reader: Callable[[Library], Readings] = getattr(gauging, f"of_{name}")

        def look() -> Readings | None:
            try:
                return reader(self._library)
            except (VideoRagError, OSError):  # the ledger is away, or a disk
                return None

        readings = await self._looks[name].of(look)
        if readings is not None:
            found[name] = readings


class _Both:
    """What this process counted, and what was read just now."""

    def __init__(self, registry: CollectorRegistry, readings: Readings) -> None:
        self._registry = registry
        self._readings = readings

    def collect(self) -> Iterator[Family]:
        """Every metric family."""
        for metric in METRICS:
            if metric.name in self._readings:
                yield family(metric, self._readings)
        yield from self._registry.collect()


def family(metric: Metric, readings: Readings) -> Family:
    """A metric with its samples, as the library of Prometheus has it."""
    name, samples = PREFIX + metric.name, readings[metric.name]
    if metric.kind == "histogram":
        return _histogram(name, metric, readings)
    kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    made = kind(name, metric.help, labels=metric.labels)
    for values, number in samples:
        made.add_metric(values, number)
    return made


def _histogram(name: str, metric: Metric, readings: Readings) -> Family:
    """Counts by upper bound become Prometheus's: each holds those below it too."""
    made = HistogramMetricFamily(name, metric.help, labels=metric.labels)
    found: dict[tuple[str, ...], dict[str, float]] = {}
    for values, number in readings[metric.name]:
        found.setdefault(values[:-1], {})[values[-1]] = number
    for values, parts in sorted(found.items()):
        total, buckets = 0.0, []
        bounds = sorted({*parts, "+Inf"} - {"sum"}, key=float)
        for bound in bounds:
            total += parts.get(bound, 0.0)
            buckets.append((bound, total))
        made.add_metric(values, buckets, parts.get("sum", 0.0))
    return made


@router.get(
    "/metrics",
    response_class=Response,
    dependencies=NAMED,
    responses=gives("text/plain", what="Metrics in Prometheus's text format")
    | refusals(401, 403, 429, 503),
)
async def metrics(request: Request, gate: TheGate) -> Response:
    """What the library knows and this server did, for Prometheus; needs a key like the rest."""
    scrapes: Scrapes = request.app.state.scrapes
    await scrapes.admit(request, gate)
    body, media_type = await scrapes.text(request.headers.get("accept", ""))
    return Response(body, media_type=media_type)
