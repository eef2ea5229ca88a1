"""Whether the server lives and can do its work. Open to everyone, so it tells no details."""

from __future__ import annotations

from fastapi import APIRouter

from video_rag.api.auth import TheLibrary
from video_rag.errors import Unavailable, VideoRagError

router = APIRouter(prefix="/health", tags=["health"])


@router.get("/live")
def live() -> dict[str, str]:
    """The process answers; when it does not, start it anew."""
    return {"status": "ok"}


@router.get("/ready")
def ready(library: TheLibrary) -> dict[str, str]:
    """The ledger and the knowledge base answer; else 503, and requests are better held back."""
    try:
        library.ledger.video_ids()
        library.parts.knowledge(library.settings.search.knowledge).check()
    except VideoRagError as error:
        raise Unavailable("not ready", hint="run `video-rag doctor` on the server") from error
    return {"status": "ok"}
