"""What the library was asked to do: asked over the API, worked on by this server and others."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import AsyncIterator
from typing import Annotated

from anyio import sleep, to_thread
from fastapi import APIRouter, Header, Query
from fastapi import Request as Asked
from fastapi.responses import StreamingResponse

from video_rag.api import wishes
from video_rag.api.auth import Caller, TheLibrary, needs
from video_rag.api.models import RequestRow, gives, refusals
from video_rag.api.problems import TooMany
from video_rag.api.streams import AT_ONCE, EVENTS, event_of
from video_rag.api.wishes import Wish
from video_rag.choices import RequestState
from video_rag.errors import UsageError, VideoRagError
from video_rag.library import Library
from video_rag.operations import wishes as asking
from video_rag.operations.desk import Desk
from video_rag.operations.rows import Row, request_row
from video_rag.stores.requests import OPEN, Request, Requested

router = APIRouter(
    prefix="/api/requests", tags=["requests"], responses=refusals(401, 403, 429, 503)
)
log = logging.getLogger("video_rag")

_LOOK = 0.25
"""Seconds between two looks at a request that somebody waits for."""
_REST = 1.0
"""Seconds after which a worker looks whether others were asked for something."""
MOST_WAITED = 60.0
"""Seconds that one call may wait for the end of a request."""

Once = Annotated[str, Header(alias="Idempotency-Key", max_length=200)]


class Worker:
    """Works on requests in a thread of its own while a server runs.

    A request that dies of a bug takes no other with it. The thread is a daemon: it does not keep
    the process from ending, which the ledger makes harmless.
    """

    def __init__(self, library: Library) -> None:
        self._desk = Desk(library)
        self._stopped, self._news = threading.Event(), threading.Event()
        self._thread = threading.Thread()

    def start(self) -> None:
        """Begin to work, until it is closed."""
        self._stopped.clear()
        self._thread = threading.Thread(target=self._run, name="video-rag-requests", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Look now: something was asked for."""
        self._news.set()

    def close(self, seconds: float = 5.0) -> None:
        """Begin nothing more; give what is at work so long to come to its next video."""
        self._stopped.set()
        self._news.set()
        self._thread.join(seconds)
        if self._thread.is_alive():  # in the middle of a long stage
            self._desk.leave()

    def _run(self) -> None:
        while not self._stopped.is_set():
            one = threading.Thread(target=self._work, name="video-rag-request", daemon=True)
            one.start()  # a bug ends this thread alone, with a traceback in the log
            one.join()
            self._news.wait(_REST)
            self._news.clear()

    def _work(self) -> None:
        try:
            for _ in self._desk.work():
                if self._stopped.is_set():
                    return
        except VideoRagError as error:  # the ledger's own; those of requests are kept with them
            log.warning("requests cannot be looked at: %s", error)


def submit(asked: Asked, library: Library, request: Request, once: str = "") -> Row:
    """Keep a request and have it begun. Raises `TooMany`, and `Conflict` for a used key."""
    try:
        kept = asking.submit(library, request, once)
    except UsageError as error:
        raise TooMany(str(error), hint=error.hint) from error
    worker: Worker = asked.app.state.worker
    worker.wake()
    return request_row(kept)


@router.post("", status_code=202, response_model=RequestRow, responses=refusals(400, 404, 409, 413))
def ask_for(
    wish: Wish,
    asked: Asked,
    library: TheLibrary,
    once: Once = "",
    caller: Caller = needs("write"),  # noqa: B008 (FastAPI's way)
) -> Row:
    """Ask for work; it is kept before this answers, and survives a restart of the server.

    With the header `Idempotency-Key`, asking twice is asking once.
    """
    return submit(asked, library, wishes.request(wish, library, caller), once)


@router.get(
    "", dependencies=[needs("read")], response_model=list[RequestRow], responses=refusals(400)
)
def list_requests(
    library: TheLibrary,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    state: Annotated[list[RequestState] | None, Query()] = None,
    before: Annotated[str, Query(max_length=100)] = "",
) -> list[Row]:
    """Requests, the newest first; `before` is the last one that is known already."""
    wanted = Requested(limit, frozenset(state or ()), before)
    return [request_row(one) for one in library.ledger.requests.page(wanted)]


@router.get(
    "/{request_id}",
    dependencies=[needs("read")],
    response_model=RequestRow,
    responses=refusals(400, 404),
)
async def show_request(
    request_id: str,
    asked: Asked,
    library: TheLibrary,
    wait: Annotated[float, Query(ge=0, le=MOST_WAITED)] = 0.0,
) -> Row:
    """One request; with `wait`, as soon as it has ended, or after so many seconds."""
    until = time.monotonic() + wait
    while True:
        request = await _looked_up(asked, library, request_id)
        if request.state not in OPEN or time.monotonic() >= until:
            return request_row(request)
        await sleep(_LOOK)


@router.get(
    "/{request_id}/events",
    dependencies=[needs("read")],
    response_class=StreamingResponse,
    responses=gives(
        EVENTS,
        what="Events, each with the request as a line of JSON: `progress` …, then `end`",
    )
    | refusals(404),
)
async def follow_request(request_id: str, asked: Asked, library: TheLibrary) -> StreamingResponse:
    """Server-sent events: `progress` with the request whenever it changes, `end` when it ended."""
    first = await _looked_up(asked, library, request_id)
    events = _events(asked, library, first)
    return StreamingResponse(events, media_type=EVENTS, headers=AT_ONCE)


@router.post(
    "/{request_id}/cancel",
    dependencies=[needs("write")],
    response_model=RequestRow,
    responses=refusals(404),
)
def cancel_request(request_id: str, asked: Asked, library: TheLibrary) -> Row:
    """Take a request back; one that is worked on ends before its next video."""
    request = library.ledger.requests.cancel(request_id)
    asked.app.state.worker.wake()
    return request_row(request)


@router.post(
    "/{request_id}/retry",
    status_code=202,
    dependencies=[needs("write")],
    response_model=RequestRow,
    responses=refusals(404),
)
def retry_request(request_id: str, asked: Asked, library: TheLibrary) -> Row:
    """Put a request that has ended among the due ones once more."""
    request = library.ledger.requests.again(request_id)
    asked.app.state.worker.wake()
    return request_row(request)


async def _looked_up(asked: Asked, library: Library, request_id: str) -> Request:
    get = library.ledger.requests.get
    return await to_thread.run_sync(get, request_id, limiter=asked.app.state.lookups)


async def _events(asked: Asked, library: Library, request: Request) -> AsyncIterator[str]:
    yield event_of("progress", request_row(request))
    while request.state in OPEN:
        await sleep(_LOOK)
        last, request = request, await _looked_up(asked, library, request.request_id)
        if request != last:
            yield event_of("progress", request_row(request))
    yield event_of("end", request_row(request))
