"""Whether the server lives and can do its work. Open to everyone, so it tells no details.

Neither answer waits for the threads that other requests use.
"""

from __future__ import annotations

import time

import anyio
from fastapi import APIRouter, Request

from video_rag.api.models import Health, refusals
from video_rag.errors import Unavailable, VideoRagError
from video_rag.library import Library

router = APIRouter(prefix="/health", tags=["health"])

SECONDS = 5.0
"""Longest look whether all is ready."""
FRESH_SECONDS = 1.0
"""So long one look serves for all who ask: it may ask a server elsewhere."""


class Readiness:
    """Looks whether the ledger and the knowledge base answer, one look at a time."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._alone = anyio.CapacityLimiter(1)
        self._looked: tuple[float, bool] | None = None

    async def is_ready(self) -> bool:
        """What the last look found; false also when it takes too long."""
        with anyio.move_on_after(SECONDS):
            return await anyio.to_thread.run_sync(
                self._look, limiter=self._alone, abandon_on_cancel=True
            )
        return False

    def _look(self) -> bool:
        if self._looked is None or time.monotonic() - self._looked[0] > FRESH_SECONDS:
            library = self._library
            try:
                library.ledger.library_id()
                library.parts.knowledge(library.settings.search.knowledge).check()
                is_ready = True
            except VideoRagError:
                is_ready = False
            self._looked = (time.monotonic(), is_ready)
        return self._looked[1]


@router.get("/live", response_model=Health)
async def live() -> dict[str, str]:
    """The process answers; when it does not, start it anew."""
    return {"status": "ok"}


@router.get("/ready", response_model=Health, responses=refusals(503))
async def ready(request: Request) -> dict[str, str]:
    """The ledger and the knowledge base answer; else 503, and requests are better held back."""
    readiness: Readiness = request.app.state.readiness
    if not await readiness.is_ready():
        raise Unavailable("not ready", hint="run `video-rag doctor` on the server")
    return {"status": "ok"}
