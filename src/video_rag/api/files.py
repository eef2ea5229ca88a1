"""The bytes of videos: media, subtitles, pictures; and a video's page of facts."""

from __future__ import annotations

import re

from fastapi import APIRouter, Request, Response

from video_rag.api import videos
from video_rag.api.auth import TheLibrary, needs
from video_rag.api.caching import Body, FileAnswer, answer, is_known
from video_rag.api.methods import IS_HEAD
from video_rag.api.models import VideoPage, gives, refusals
from video_rag.api.ranges import remote_answer
from video_rag.api.vtt import vtt
from video_rag.errors import Lost, NotFound

router = APIRouter(
    prefix="/api",
    tags=["files"],
    dependencies=[needs("read")],
    responses=refusals(401, 403, 404, 429, 503),
)

MEDIA_TYPES = {
    ".3gp": "video/3gpp",
    ".aac": "audio/aac",
    ".aif": "audio/aiff",
    ".aiff": "audio/aiff",
    ".flac": "audio/flac",
    ".m4a": "audio/mp4",
    ".m4b": "audio/mp4",
    ".m4v": "video/mp4",
    ".mka": "audio/x-matroska",
    ".mkv": "video/x-matroska",
    ".mov": "video/mp4",  # browsers refuse video/quicktime and play what is inside
    ".mp3": "audio/mpeg",
    ".mp4": "video/mp4",
    ".mpeg": "video/mpeg",
    ".mpg": "video/mpeg",
    ".oga": "audio/ogg",
    ".ogg": "audio/ogg",
    ".ogv": "video/ogg",
    ".opus": "audio/ogg",
    ".wav": "audio/wav",
    ".weba": "audio/webm",
    ".webm": "video/webm",
}
"""Listed, since what the system knows differs from machine to machine."""

IMAGE_STARTS = {
    b"\xff\xd8\xff": "image/jpeg",
    b"\x89PNG\r\n\x1a\n": "image/png",
}
_DIGEST = re.compile(r"[0-9a-f]{64}")


@router.get(
    "/videos/{video_id:path}/media",
    response_class=Response,
    responses=gives("video/*", "audio/*", what="The file")
    | gives("video/*", "audio/*", code=206, what="The parts of the file that `Range` asks for"),
)
def media(video_id: str, request: Request, library: TheLibrary) -> Response:
    """The video or audio file, whole or in ranges (206), as players ask for it."""
    found = library.playable(video_id)
    if found is None:
        raise NotFound(f"{video_id} has no file that can be played", hint="open its source")
    path, is_look = library.locate(found), IS_HEAD in request.scope
    kind = MEDIA_TYPES.get(path.suffix.lower(), "application/octet-stream")
    known = request.headers.get("if-none-match")
    if path.is_file():
        return FileAnswer(path, kind, is_look=is_look, if_none_match=known)
    if remote := library.remote(video_id, found):
        return remote_answer(request, remote, kind, is_look=is_look)
    raise NotFound(f"the file of {video_id} is gone", hint="add it again from where it is now")


@router.get(
    "/videos/{video_id:path}/subtitles/{number}.vtt",
    response_class=Response,
    responses=gives("text/vtt", what="The subtitles") | refusals(400),
)
def subtitles(video_id: str, number: int, request: Request, library: TheLibrary) -> Response:
    """One language of a video as WebVTT; the numbers are those of `tracks`."""
    tracks = library.transcripts(video_id).tracks
    if not 0 <= number < len(tracks):
        raise NotFound(f"{video_id} has no track {number}", hint=f"it has {len(tracks)}, from 0")
    return answer(request, Body.of(vtt(tracks[number]).encode(), "text/vtt; charset=utf-8"))


@router.get(
    "/images/{digest}",
    response_class=Response,
    responses=gives("image/jpeg", "image/png", what="The picture"),
)
def image(digest: str, request: Request, library: TheLibrary) -> Response:
    """A slide's picture. Its name is its content, so it may be cached for ever.

    The same store keeps documents and transcripts; only what is a picture is given.
    """
    try:
        data = library.image(digest) if _DIGEST.fullmatch(digest) else b""
    except Lost:
        data = b""
    for start, kind in IMAGE_STARTS.items():
        if data.startswith(start):
            forever = "private, max-age=31536000, immutable"
            headers = {"Cache-Control": forever, "ETag": f'"{digest}"'}
            if is_known(request.headers.get("if-none-match"), headers["ETag"]):
                return Response(status_code=304, headers=headers)
            return Response(data, media_type=kind, headers=headers)
    raise NotFound(f"no picture {digest[:64]!r}", hint="see the slides of GET /api/videos/{id}")


# Last: an id may hold slashes, and would swallow the paths above.
router.get("/videos/{video_id:path}", response_model=VideoPage)(videos.show_video)
