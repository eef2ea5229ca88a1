"""The library's videos: look at them, add, retry and remove them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from video_rag.api.additions import Additions
from video_rag.api.auth import Caller, TheLibrary, needs
from video_rag.api.problems import Forbidden
from video_rag.errors import NotFound
from video_rag.library import Library, Status, Wishes
from video_rag.model import Document, Section, Slide, Transcripts
from video_rag.operations import inputs, keys
from video_rag.operations.rows import Row, failure_rows, video_row

router = APIRouter(prefix="/api", tags=["videos"])

Name = Annotated[str, Field(min_length=1, max_length=300)]


class NewVideo(BaseModel):
    """What to add."""

    url: Annotated[str, Field(min_length=1, max_length=4000)]
    collection: Name | None = None
    title: Annotated[str, Field(max_length=300)] | None = None
    """For a single video; an empty one takes back what was given."""
    language: Name | None = None
    fetch: Annotated[str, Field(max_length=20)] | None = None
    """`video`, `audio`, `subtitles`, or a greatest height such as `480p`."""


@router.get("/videos", dependencies=[needs("read")])
def list_videos(library: TheLibrary) -> list[Row]:
    """Every video, its state, and what stands in its way."""
    return [_row(status) for status in library.videos()]


@router.post("/videos", status_code=202)
def add_video(new: NewVideo, request: Request, caller: Caller = needs("write")) -> Row:  # noqa: B008 (FastAPI's way)
    """Begin to add what lies behind a URL; `GET /api/additions` tells how it goes on.

    Paths are those of the server: only an admin may have it read its own files.
    """
    is_web = new.url.lower().startswith(("http://", "https://"))
    if not is_web and not keys.allows(caller.role, "admin"):
        raise Forbidden(
            "only URLs can be added with this key", hint="paths on the server need the role admin"
        )
    wanted = inputs.check_wanted(new.fetch)
    language = inputs.check_language(new.language)
    wishes = Wishes(new.collection, new.title, language, wanted)
    return _additions(request).add(new.url, wishes).row()


@router.get("/additions", dependencies=[needs("read")])
def list_additions(request: Request) -> list[Row]:
    """The latest requests to add or retry since the server started, newest first."""
    return [addition.row() for addition in _additions(request).latest()]


@router.post("/videos/{video_id:path}/retry", status_code=202, dependencies=[needs("write")])
def retry_video(video_id: str, request: Request, library: TheLibrary) -> Row:
    """Forget what went wrong with a video and begin to try again."""
    library.status(video_id)  # raises NotFound
    return _additions(request).retry(video_id).row()


@router.delete("/videos/{video_id:path}", status_code=204, dependencies=[needs("write")])
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


def _additions(request: Request) -> Additions:
    additions: Additions = request.app.state.additions
    return additions


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
