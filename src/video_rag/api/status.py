"""How the work goes: what is at work, what waits, how fast, and what stands in its way."""

from __future__ import annotations

import threading
import time

from fastapi import APIRouter, Request
from pydantic import BaseModel

from video_rag.api.auth import needs
from video_rag.api.models import refusals
from video_rag.library import Library
from video_rag.operations.overview import overview
from video_rag.operations.rows import Row

router = APIRouter(prefix="/api", tags=["status"], responses=refusals(401, 403, 429, 503))

FRESH_SECONDS = 1.0
"""So long one look serves all who ask."""


class Route(BaseModel):
    """What waits on one route: `net`, `cpu`, `gpu`, or `at.<host>` for what only one host has."""

    route: str
    ready: int
    urgent: int
    """Of the ready ones, those that a person waits for."""
    later: int
    """Tried again at their time."""
    messages: int | None
    """On the queue's server; null where there is none, or it is away."""
    workers: int | None


class AtWorkRow(BaseModel):
    """A stage that is worked on."""

    video_id: str
    title: str
    stage: str
    worker: str
    """Host and process id."""
    seconds: float
    share: float
    """Of the stage, 0.0 to 1.0."""
    note: str


class PaceRow(BaseModel):
    """What ended in the last `seconds`."""

    seconds: float
    stages: dict[str, int]
    stages_per_hour: float
    videos_per_hour: float


class TroubleRow(BaseModel):
    """Failures of one kind."""

    error: str
    videos: int
    retried: int
    """How many of them are tried again by themselves."""


class StatusRow(BaseModel):
    """How the work on the library goes."""

    videos: dict[str, int]
    """How many are in each state."""
    requests: dict[str, int]
    routes: list[Route]
    oldest_seconds: float | None
    """How long the oldest of what was asked for, or handed to a queue, has waited."""
    at_work: list[AtWorkRow]
    pace: PaceRow
    failures: list[TroubleRow]
    problem: str
    """Why the queue's server cannot be asked; empty when it can, or there is none."""


class Overviews:
    """The last look, for all who ask within a second and before anything is written."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._lock = threading.Lock()
        self._looked: tuple[float, int | None, Row] | None = None

    def get(self) -> Row:
        """How it goes now, or did within the last second (where changes are not told)."""
        with self._lock:
            changes = self._library.ledger.changes()
            if self._looked:
                at, then, row = self._looked
                if time.monotonic() - at <= FRESH_SECONDS and changes == then:
                    return row
            row = overview(self._library)
            self._looked = time.monotonic(), changes, row
            return row


@router.get("/status", dependencies=[needs("read")], response_model=StatusRow)
def show_status(asked: Request) -> Row:
    """Queue depth, the oldest that waits, stages at work with their share, throughput, failures."""
    overviews: Overviews = asked.app.state.overviews
    return overviews.get()
