"""What answers look like, for the description that machines read; the rows are made elsewhere.

Errors are described for each router (`refusals`), and who may ask by `needs` in `auth`.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel

from video_rag.choices import RequestKind, RequestState, State
from video_rag.model import Chapter
from video_rag.model.videos import Kind
from video_rag.model.words import Origin
from video_rag.operations.keys import Role


class Problem(BaseModel):
    """What goes wrong: what happened, and what to do."""

    error: str
    hint: str


WHY = {
    400: "What was sent is wrong; `hint` says where",
    401: "Nobody knows who asks",
    403: "Who asks may not do this",
    404: "There is no such thing",
    409: "Something else was asked for with this idempotency key",
    413: "The request is too large",
    429: "Too much at once, or too often; `Retry-After` says how many seconds to wait",
    503: "Something that is needed is away for now",
}


def refusals(*codes: int, model: Any = Problem) -> dict[int | str, dict[str, Any]]:
    """The answers of a route that tell what went wrong."""
    said: dict[int | str, dict[str, Any]] = {
        code: {"model": model, "description": WHY[code]} for code in codes
    }
    return said | {"default": {"model": model, "description": "Anything else that goes wrong"}}


def gives(*media_types: str, code: int = 200, what: str) -> dict[int | str, dict[str, Any]]:
    """An answer that is no JSON."""
    is_text = {kind: kind.startswith("text/") for kind in media_types}
    schemas = {
        kind: {"schema": {"type": "string"} if text else {"type": "string", "format": "binary"}}
        for kind, text in is_text.items()
    }
    return {code: {"description": what, "content": schemas}}


class Health(BaseModel):
    """All is well; else the status is another, or nobody answers."""

    status: Literal["ok"]


class Who(BaseModel):
    """Whom the server takes the asker for; the name of who sits at this machine is empty."""

    name: str
    role: Role
    keys_required: bool
    version: str


class FailureRow(BaseModel):
    """Why a video is not ready, and what to do about it."""

    stage: str
    message: str
    hint: str


class VideoRow(BaseModel):
    """A video in the list."""

    video_id: str
    title: str
    source: str
    state: State
    language: str | None
    collection: str
    collections: list[str]
    duration: float | None
    failures: list[FailureRow]


class MediaRow(BaseModel):
    """What can be played."""

    kind: Kind
    size: int


class SegmentRow(BaseModel):
    """Words said in one breath."""

    start: float
    end: float
    text: str
    speaker: str | None


class SlideRow(BaseModel):
    """A picture that was shown; `image` is its name below `/api/images`."""

    start: float
    end: float
    image: str
    text: str


class SectionRow(BaseModel):
    """Speech and slides that belong together."""

    start: float
    end: float
    heading: str
    chapter: str
    language: str
    origin: Origin
    segments: list[SegmentRow]
    slides: list[SlideRow]


class TrackRow(BaseModel):
    """One language of a video; `number` names its subtitles."""

    number: int
    language: str
    origin: Origin


class VideoPage(VideoRow):
    """A video with all that was made of it."""

    channel: str | None
    published: str | None
    chapters: list[Chapter]
    media: MediaRow | None
    sections: list[SectionRow]
    translations: list[SectionRow]
    tracks: list[TrackRow]
    notes: list[str]


class ObstacleRow(BaseModel):
    """Why something that was asked for was not done, and what to do about it."""

    error: str
    message: str
    hint: str
    about: str


class RequestRow(BaseModel):
    """What was asked for and how far it is; times are seconds since the epoch."""

    request_id: str
    kind: RequestKind
    about: str
    state: RequestState
    asked_by: str
    asked: float
    begun: float | None
    ended: float | None
    attempts: int
    video_id: str
    stage: str
    share: float
    note: str
    result: dict[str, Any]
    video_ids: list[str]
    failures: list[ObstacleRow]


class HitRow(BaseModel):
    """A passage that was found; `url` opens it at `start`."""

    video_id: str
    title: str
    source: str
    start: float
    end: float
    text: str
    score: float
    url: str
    language: str
    collection: str
    collections: list[str]
    origin: Origin
    speakers: list[str]


class DifyProblem(BaseModel):
    """What goes wrong, as Dify's convention wants it."""

    error_code: int
    error_msg: str


class RecordFacts(BaseModel):
    """What Dify is told about a passage; what is not known is left out."""

    url: str = ""
    start: float = 0.0
    end: float = 0.0
    title: str = ""
    video_id: str = ""
    heading: str = ""
    site: str = ""
    author: str = ""
    published: float = 0.0
    duration: float = 0.0
    language: str = ""
    origin: str = ""
    collection: str = ""


class Record(BaseModel):
    """A passage for Dify."""

    content: str
    score: float
    title: str
    metadata: RecordFacts


class Records(BaseModel):
    """The best passages for Dify."""

    records: list[Record]
