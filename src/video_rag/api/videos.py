"""The library's videos: look at them, add, retry and remove them."""

from __future__ import annotations

import json
import math
import threading
import time
from collections import OrderedDict
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from video_rag.api import requests
from video_rag.api.auth import Caller, TheLibrary, needs
from video_rag.api.caching import Body, answer
from video_rag.api.models import RequestRow, VideoRow, refusals
from video_rag.api.requests import Once
from video_rag.api.wishes import Url, Wished, asker, to_add
from video_rag.choices import Sort, State
from video_rag.errors import NotFound
from video_rag.library import Library, Status
from video_rag.model import Document, Section, Slide, Transcripts
from video_rag.operations import wishes
from video_rag.operations.rows import Row, failure_rows, video_row
from video_rag.stores import Shown

router = APIRouter(prefix="/api", tags=["videos"], responses=refusals(401, 403, 429, 503))

FRESH_SECONDS = 1.0
MOST_PAGES = 500


class NewVideo(Wished):
    """What to add."""

    url: Url


class Wanted(BaseModel):
    """Which videos, and which part of them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    offset: Annotated[int, Field(ge=0, le=10**9)] = 0
    sort: Sort = "added"
    state: State | None = None
    collection: Annotated[str, Field(max_length=300)] = ""
    text: Annotated[str, Field(max_length=300)] = ""
    """Part of the title or of the source."""


class Pages:
    """Parts of the list as they were sent last: good until something is written.

    While something is at work they are good for a second: a claim expires without a word.
    """

    def __init__(self, library: Library) -> None:
        self._library = library
        self._made: OrderedDict[Wanted, tuple[int | None, float, Body]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, wanted: Wanted) -> Body:
        """The rows, with `X-Total-Count` and the `Link` of the next part."""
        ledger = self._library.ledger
        changes, now = ledger.changes(), time.monotonic()
        with self._lock:
            known = self._made.get(wanted)
        if known and changes is not None and known[0] == changes and now < known[1]:
            return known[2]
        until = now + FRESH_SECONDS if ledger.claimed() else math.inf
        body = self._body(wanted)
        with self._lock:
            self._made[wanted] = (changes, until, body)
            self._made.move_to_end(wanted)
            while len(self._made) > MOST_PAGES:
                self._made.popitem(last=False)
        return body

    def _body(self, wanted: Wanted) -> Body:
        shown = Shown(wanted.limit, wanted.offset, wanted.sort, wanted.text, wanted.collection)
        part = self._library.part(shown, wanted.state)
        data = json.dumps([_row(status) for status in part.statuses], ensure_ascii=False).encode()
        headers = {"X_Total_Count": str(part.total)}
        if wanted.offset + wanted.limit < part.total:
            more = wanted.model_dump(exclude_defaults=True)
            query = urlencode({**more, "offset": wanted.offset + wanted.limit})
            headers["Link"] = f'<?{query}>; rel="next"'
        return Body.of(data, **headers)


@router.get(
    "/videos",
    dependencies=[needs("read")],
    response_model=list[VideoRow],
    responses=refusals(400),
)
def list_videos(request: Request, wanted: Annotated[Wanted, Query()]) -> Response:
    """A part of the videos, each with its state and what stands in its way."""
    pages: Pages = request.app.state.pages
    return answer(request, pages.get(wanted))


@router.get("/collections", dependencies=[needs("read")])
def list_collections(library: TheLibrary) -> dict[str, int]:
    """How many videos each collection holds, by name."""
    return library.ledger.collections()


@router.post(
    "/videos", status_code=202, response_model=RequestRow, responses=refusals(400, 409, 413)
)
def add_video(
    new: NewVideo,
    request: Request,
    library: TheLibrary,
    once: Once = "",
    caller: Caller = needs("write"),  # noqa: B008 (FastAPI's way)
) -> Row:
    """Begin to add what lies behind a URL; `GET /api/requests/{request_id}` tells how it goes on.

    Paths are those of the server: only an admin may have it read its own files.
    """
    wish = to_add([new.url], new, library, caller)
    return requests.submit(request, library, wish, once)


@router.post(
    "/videos/{video_id:path}/retry",
    status_code=202,
    response_model=RequestRow,
    responses=refusals(404),
)
def retry_video(
    video_id: str,
    request: Request,
    library: TheLibrary,
    caller: Caller = needs("write"),  # noqa: B008 (FastAPI's way)
) -> Row:
    """Forget what went wrong with a video and begin to try again."""
    library.status(video_id)  # raises NotFound
    wish = wishes.retry([video_id], asker(caller))
    return requests.submit(request, library, wish)


@router.delete(
    "/videos/{video_id:path}",
    status_code=204,
    dependencies=[needs("write")],
    responses=refusals(404),
)
def remove_video(video_id: str, library: TheLibrary) -> Response:
    """Withdraw a video from every knowledge base and forget it; its own files stay."""
    library.remove(video_id)
    return Response(status_code=204)


def show_video(video_id: str, library: TheLibrary) -> Row:
    """A video with all that was made of it: sections, slides, languages, notes."""
    status = library.status(video_id)
    document, transcripts = _made(library, video_id)
    media = library.playable(video_id)
    video = document.video if document else status.video
    return {
        **_row(status),
        "channel": video.channel,
        "published": video.published,
        "chapters": [chapter.model_dump() for chapter in video.chapters],
        "media": {"kind": media.kind, "size": media.size} if media else None,
        "sections": [_section(section) for section in document.sections] if document else [],
        "translations": [_section(s) for s in document.translations] if document else [],
        "tracks": [
            {"number": number, "language": track.language, "origin": track.origin}
            for number, track in enumerate(transcripts.tracks)
        ],
        "notes": list(dict.fromkeys([*transcripts.notes, *(document.notes if document else ())])),
    }


def _made(library: Library, video_id: str) -> tuple[Document | None, Transcripts]:
    """What there is of a video that may still be on its way."""
    try:
        transcripts = library.transcripts(video_id)
        return library.document(video_id), transcripts
    except NotFound:
        return None, Transcripts()


def _row(status: Status) -> Row:
    return {**video_row(status), "failures": failure_rows(status)}


def _section(section: Section) -> Row:
    return {
        "start": section.start,
        "end": section.end,
        "heading": section.heading,
        "chapter": section.chapter,
        "language": section.language,
        "origin": section.origin,
        "segments": [segment.model_dump(exclude={"confidence"}) for segment in section.segments],
        "slides": [_slide(slide) for slide in section.slides],
    }


def _slide(slide: Slide) -> Row:
    return {"start": slide.start, "end": slide.end, "image": slide.image, "text": slide.text}
