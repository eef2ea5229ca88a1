"""What the library was asked to do: asked over the API, worked on by this server and others."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import AsyncIterator
from typing import Annotated, Literal

from anyio import sleep, to_thread
from fastapi import APIRouter, Header, Query
from fastapi import Request as Asked
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from video_rag.api.auth import Caller, TheLibrary, needs
from video_rag.api.models import RequestRow, gives, refusals
from video_rag.api.problems import Forbidden, TooMany
from video_rag.api.streams import AT_ONCE, EVENTS, event_of
from video_rag.choices import RequestState
from video_rag.errors import UnsupportedUrl, UsageError, VideoRagError
from video_rag.library import Library, Wishes
from video_rag.operations import keys, wishes
from video_rag.operations.desk import Desk
from video_rag.operations.rows import Row, request_row
from video_rag.settings.redaction import remember, secrets_of
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

Name = Annotated[str, Field(min_length=1, max_length=300)]
Url = Annotated[str, Field(min_length=1, max_length=4000)]
Names = Annotated[list[Name], Field(max_length=1000)]
Once = Annotated[str, Header(alias="Idempotency-Key", max_length=200)]


class Wished(BaseModel):
    """What may be said about what is added."""

    collection: Name | None = None
    title: Annotated[str, Field(max_length=300)] | None = None
    """For a single video; an empty one takes back what was given."""
    language: Name | None = None
    fetch: Annotated[str, Field(max_length=20)] | None = None
    """`video`, `audio`, `subtitles`, or a greatest height such as `480p`."""


class AddWish(Wished):
    """Take in what lies behind paths and URLs; paths, those of the server, need an admin."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["add"]
    urls: Annotated[list[Url], Field(min_length=1, max_length=1000)]


class RetryWish(BaseModel):
    """Try videos again."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["retry"]
    video_ids: Annotated[Names, Field(min_length=1)]


class CheckWish(BaseModel):
    """Look at these lists now, or at all that are followed, and work on what is new."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["check"]
    urls: Names = []


class PublishWish(BaseModel):
    """Bring a knowledge base in line with these videos, or with all."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["publish"]
    to: Name
    video_ids: Names = []


class ExportWish(BaseModel):
    """Write documents into a folder of the server, which needs an admin."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["export"]
    format: Name
    folder: Annotated[str, Field(min_length=1, max_length=4000)]
    video_ids: Names = []


Wish = Annotated[
    AddWish | RetryWish | CheckWish | PublishWish | ExportWish, Field(discriminator="kind")
]


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
        kept = wishes.submit(library, request, once)
    except UsageError as error:
        raise TooMany(str(error), hint=error.hint) from error
    worker: Worker = asked.app.state.worker
    worker.wake()
    return request_row(kept)


def to_add(urls: list[str], wished: Wished, library: Library, caller: Caller) -> Request:
    """The request to add these, by who may.

    Raises `Forbidden` for paths but of an admin, `UnsupportedUrl` for what no source takes.
    """
    is_web = all(url.lower().startswith(("http://", "https://")) for url in urls)
    if not is_web and not keys.allows(caller.role, "admin"):
        raise Forbidden(
            "only URLs can be added with this key", hint="paths on the server need the role admin"
        )
    for url in urls:
        try:
            library.refuse_unsupported(url)
        except UnsupportedUrl as error:  # what was sent may be a key, pasted into the wrong field
            raise UnsupportedUrl("nothing can read that url", hint=error.hint) from None
    said = Wishes(wished.collection, wished.title, wished.language, wished.fetch)
    return wishes.add(urls, said, asker(caller))


def asker(caller: Caller) -> str:
    """Who asks, as a request remembers it."""
    return caller.name or "local"


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
    return submit(asked, library, _request(wish, library, caller), once)


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


def _request(wish: Wish, library: Library, caller: Caller) -> Request:
    """The request for a wish, checked as far as it can be at once."""
    by = asker(caller)
    remember(secrets_of(wish.model_dump()))  # a key that was pasted into the wrong field
    if isinstance(wish, AddWish):
        return to_add(wish.urls, wish, library, caller)
    if isinstance(wish, RetryWish):
        for video_id in wish.video_ids:
            library.status(video_id)
        return wishes.retry(wish.video_ids, by)
    if isinstance(wish, CheckWish):
        return wishes.check([library.watch.find(name).url for name in wish.urls], by)
    if isinstance(wish, PublishWish):
        library.parts.knowledge(wish.to)
        return wishes.publish(wish.to, wish.video_ids, by)
    if not keys.allows(caller.role, "admin"):
        raise Forbidden("this key cannot write files", hint="exporting needs the role admin")
    return wishes.export(wish.video_ids, wish.format, wish.folder, by)


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
