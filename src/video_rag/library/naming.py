"""Which video a person means."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from video_rag.errors import NotFound, UsageError
from video_rag.library.status import Status
from video_rag.text.addresses import public

_LEAST = 6
"""Characters of an id that are enough to mean a video."""


def meant(name: str, statuses: Sequence[Status]) -> str:
    """The id of the video with that title, file name, path or URL, or whose id begins so.

    Raises `NotFound`, or `UsageError` when several fit.
    """
    path = str(Path(name).expanduser().resolve())
    fits = [
        status.video.video_id
        for status in statuses
        if name in {status.video.title, status.video.stem, Path(status.video.url).name}
        or {status.video.url, public(status.video.url)} & {name, path}
    ]
    if not fits and len(name) >= _LEAST:
        fits = [s.video.video_id for s in statuses if s.video.video_id.startswith(name)]
    if len(fits) > 1:
        raise UsageError(f"{name!r} fits {len(fits)} videos", hint="use: " + ", ".join(fits[:5]))
    if not fits:
        raise NotFound(f"no video {name!r}", hint="see `video-rag list`")
    return fits[0]
