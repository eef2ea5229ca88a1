"""Searching, and asking with a streamed answer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Generator
from typing import Annotated, Any, TypeVar

from anyio import CancelScope, to_thread
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field
from starlette.types import Receive, Scope, Send

from video_rag.answerers import Delta
from video_rag.api.auth import Caller, TheLibrary, needs
from video_rag.api.limits import Rates, Turns
from video_rag.api.links import Links, TheLinks
from video_rag.api.models import HitRow, gives, refusals
from video_rag.api.problems import problem_body
from video_rag.api.streams import AT_ONCE, EVENTS, event_of
from video_rag.errors import VideoRagError
from video_rag.library import Library
from video_rag.model import Query as Wanted
from video_rag.model import Question, Turn
from video_rag.operations import inputs
from video_rag.operations.rows import Row, answer_row, hit_row

router = APIRouter(
    prefix="/api",
    tags=["ask"],
    dependencies=[needs("read")],
    responses=refusals(400, 401, 403, 429, 503),
)

Found = TypeVar("Found")

MAX_QUESTION = 2000
"""Characters."""
MAX_TURN = 20_000
"""Characters."""

Name = Annotated[str, Field(min_length=1, max_length=300)]
Filter = Annotated[str | None, Query(min_length=1, max_length=300)]


class Said(BaseModel):
    """One message of an earlier conversation."""

    role: Annotated[str, Field(pattern="^(user|assistant)$")]
    text: Annotated[str, Field(max_length=MAX_TURN)]


class Asking(BaseModel):
    """A question, where to look, and what was said before."""

    question: Annotated[str, Field(min_length=1, max_length=MAX_QUESTION)]
    conversation: Annotated[list[Said], Field(max_length=40)] = []
    collection: Name | None = None
    language: Name | None = None
    speaker: Name | None = None


async def _where(
    collection: Filter = None, language: Filter = None, speaker: Filter = None
) -> dict[str, str | None]:
    """The part of the library in which is searched."""
    tag = inputs.check_filter(language)
    return {"collection": collection, "language": tag, "speaker": speaker}


@router.get("/search", response_model=list[HitRow], responses=refusals(404))
async def search(
    request: Request,
    library: TheLibrary,
    links: TheLinks,
    where: Annotated[dict[str, Any], Depends(_where)],
    q: Annotated[str, Query(min_length=1, max_length=MAX_QUESTION)],
    limit: Annotated[int | None, Query(ge=1, le=100)] = None,
) -> list[Row]:
    """The best passages first, as `video-rag search --json` gives them."""
    query = Wanted(text=q, limit=limit or library.settings.search.limit, **where)
    return await looked_up(
        request, lambda: [links.open(hit_row(hit)) for hit in library.search(query)]
    )


@router.post(
    "/ask",
    response_class=StreamingResponse,
    responses=gives(
        EVENTS,
        what="Events, each with a line of JSON: `delta` {text}, "
        "then `done` {answer, citations, refused, model} or `error` {error, hint}",
    )
    | refusals(413),
)
async def ask(
    asking: Asking,
    request: Request,
    library: TheLibrary,
    links: TheLinks,
    caller: Caller = needs("read"),  # noqa: B008 (FastAPI's way)
) -> StreamingResponse:
    """Stream an answer as server-sent events: `delta` …, then `done` or `error`."""
    question = Question(
        text=asking.question,
        limit=library.settings.ask.passages,
        collection=asking.collection,
        language=inputs.check_filter(asking.language),
        speaker=asking.speaker,
        conversation=tuple(Turn.model_validate(turn.model_dump()) for turn in asking.conversation),
    )
    questions: Rates = request.app.state.questions
    questions.take(caller.who)
    return Answering(_events(library, question, links), request.app.state.turns, caller.who)


class Answering(StreamingResponse):
    """An answer that takes its turn, has a thread of its own, and ends when the asker is gone."""

    def __init__(self, events: Generator[str, None, None], turns: Turns, who: str) -> None:
        self._events, self._turns, self._who = events, turns, who
        super().__init__(self._in_threads(), media_type=EVENTS, headers=AT_ONCE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer. Raises `TooMany`, while nothing was sent yet."""
        with self._turns.of(self._who):
            await super().__call__(scope, receive, send)

    async def stream_response(self, send: Send) -> None:
        """Wait for room, then send event after event."""
        async with self._turns.room:
            try:
                await super().stream_response(send)
            finally:  # also when the asker is gone: nobody answers on
                with CancelScope(shield=True):
                    await to_thread.run_sync(self._events.close, limiter=self._turns.threads)

    async def _in_threads(self) -> AsyncIterator[str]:
        while event := await to_thread.run_sync(
            next, self._events, "", limiter=self._turns.threads
        ):
            yield event


async def looked_up(request: Request, search: Callable[[], Found]) -> Found:
    """What a search finds, in the threads that are there for searches."""
    return await to_thread.run_sync(search, limiter=request.app.state.lookups)


def _events(library: Library, question: Question, links: Links) -> Generator[str, None, None]:
    try:
        for event in library.ask(question):
            if isinstance(event, Delta):
                yield event_of("delta", {"text": event.text})
            else:
                row = answer_row(event.answer)
                row["citations"] = [links.open(citation) for citation in row["citations"]]
                yield event_of("done", row)
    except VideoRagError as error:  # the status line is long gone
        yield event_of("error", problem_body(error))
