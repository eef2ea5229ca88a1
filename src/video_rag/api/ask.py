"""Searching, and asking with a streamed answer."""

from __future__ import annotations

import json
from collections.abc import Generator
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field
from starlette.background import BackgroundTask

from video_rag.answerers import Delta
from video_rag.api.auth import TheLibrary, needs
from video_rag.api.links import Links, TheLinks
from video_rag.api.problems import problem_body
from video_rag.errors import VideoRagError
from video_rag.library import Library
from video_rag.model import Query as Wanted
from video_rag.model import Question, Turn
from video_rag.operations import inputs
from video_rag.operations.rows import Row, answer_row, hit_row

router = APIRouter(prefix="/api", tags=["ask"], dependencies=[needs("read")])

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


@router.get("/search")
def search(
    library: TheLibrary,
    links: TheLinks,
    q: Annotated[str, Query(min_length=1, max_length=MAX_QUESTION)],
    limit: Annotated[int | None, Query(ge=1, le=100)] = None,
    collection: Filter = None,
    language: Filter = None,
    speaker: Filter = None,
) -> list[Row]:
    """The best passages first, as `video-rag search --json` gives them."""
    most = limit or library.settings.search.limit
    tag = inputs.check_filter(language)
    query = Wanted(text=q, limit=most, collection=collection, language=tag, speaker=speaker)
    return [links.open(hit_row(hit)) for hit in library.search(query)]


@router.post("/ask")
def ask(asking: Asking, library: TheLibrary, links: TheLinks) -> StreamingResponse:
    """Stream an answer as server-sent events: `delta` …, then `done` or `error`."""
    question = Question(
        text=asking.question,
        limit=library.settings.ask.passages,
        collection=asking.collection,
        language=inputs.check_filter(asking.language),
        speaker=asking.speaker,
        conversation=tuple(Turn.model_validate(turn.model_dump()) for turn in asking.conversation),
    )
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    events = _events(library, question, links)
    return StreamingResponse(
        events,
        media_type="text/event-stream",
        headers=headers,
        background=BackgroundTask(events.close),  # also when the asker is gone: nobody answers on
    )


def _events(library: Library, question: Question, links: Links) -> Generator[str, None, None]:
    try:
        for event in library.ask(question):
            if isinstance(event, Delta):
                yield _event("delta", {"text": event.text})
            else:
                row = answer_row(event.answer)
                row["citations"] = [links.open(citation) for citation in row["citations"]]
                yield _event("done", row)
    except VideoRagError as error:  # the status line is long gone
        yield _event("error", problem_body(error))


def _event(name: str, data: Any) -> str:
    """One event; JSON has no line breaks, which would end the data."""
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"
