"""The app: routes over one library, the fence around them, the page beside them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from anyio import CapacityLimiter, to_thread
from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

import video_rag
from video_rag.api import (
    ask,
    auth,
    external,
    files,
    health,
    metrics,
    problems,
    requests,
    status,
    videos,
)
from video_rag.api.access import Access
from video_rag.api.fence import Fence
from video_rag.api.limits import Pace, Rates, Turns
from video_rag.api.methods import Heads, allowed
from video_rag.api.timely import Timely
from video_rag.library import Library

PARTS = (health, metrics, auth, requests, status, videos, files, ask, external)
LOOKUPS = 16
"""Searches at once; they have threads of their own, since an embedder may be slow."""
WEB = Path(video_rag.__file__).parent / "web"


def create_app(library: Library, *, keys_required: bool) -> FastAPI:
    """The page and the API of a library, which stays the caller's to close.

    `keys_required` asks for an API key in any case; without it the server is open until the first
    key is made, and must then be reachable from this machine alone.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        # Else the first questions load all this at once, and nothing else gets a turn meanwhile.
        await to_thread.run_sync(library.prepare)
        app.openapi()  # FastAPI makes routes ready when they are first looked at
        worker.start()
        yield
        worker.close()
        timely.close()

    app = FastAPI(
        title="video-rag",
        version=video_rag.__version__,
        docs_url=None,  # these pages load scripts from elsewhere
        redoc_url=None,
        openapi_url="/api/openapi.json",
        lifespan=lifespan,
    )
    worker = app.state.worker = requests.Worker(library)
    timely = app.state.timely = Timely(external.SECONDS)
    gate = app.state.gate = auth.Gate(library, keys_required=keys_required)
    app.state.library = library
    app.state.overviews = status.Overviews(library)
    served = metrics.Served()
    app.state.scrapes = metrics.Scrapes(library, served)
    app.state.readiness = health.Readiness(library)
    server = library.settings.server
    app.state.questions = Rates(server.questions_per_minute, "questions")
    app.state.turns = Turns(server.answers, server.answers_per_caller, waiting=server.answers)
    app.state.lookups = CapacityLimiter(LOOKUPS)
    app.state.pages = videos.Pages(library)
    problems.install(app, partial(allowed, [part.router for part in PARTS]))
    app.add_middleware(Heads)
    app.add_middleware(Pace, rates=Rates(server.requests_per_minute, "requests"))
    app.add_middleware(Fence, is_open=gate.is_open, public_url=gate.public_url)
    app.add_middleware(Access)
    if proxies := server.trusted_proxies:
        app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=list(proxies))
    app.add_middleware(metrics.Measured, served=served)
    for part in PARTS:
        app.include_router(part.router)
    app.mount("/", StaticFiles(directory=WEB, html=True), name="page")
    return app
