"""The platform's subtitles of one video."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from video_rag.errors import ContentError, Unavailable, VideoRagError
from video_rag.sources import web
from video_rag.sources.downloads import using, watching
from video_rag.sources.ytdlp.session import Session

LARGEST = 32 * 2**20
"""Bytes, unpacked, of one track. More is a mistake or an attack: a megabyte of words takes 1.5 s
to index (2026-11-24, two cores)."""


def subtitles(
    session: Session, info: dict[str, Any], languages: tuple[str, ...]
) -> Iterator[tuple[web.Track, Path | VideoRagError]]:
    """Each track that is wanted, with its file, or why it could not be had."""
    for track in web.tracks_of(info, languages):
        try:
            yield track, _subtitle(session, info, track.key)
        except VideoRagError as error:
            session.hit(error)
            yield track, error


def none_found(title: str, heard: Iterable[str]) -> ContentError:
    """The error for a video of which only subtitles are wanted, and that has none.

    `heard` are notes of walls, which may be why.
    """
    return ContentError(
        " · ".join([f"{title}: it has no subtitles in the wanted languages", *heard]),
        hint='have its speech recognised: fetch = "audio", or subtitle_languages = ["all"]',
        reason="no-subtitles",
    )


def _refuse_large(key: str, progress: dict[str, Any]) -> None:
    """Raise `ContentError` for a track that nobody could read, before it fills the disk."""
    if max(progress.get(name) or 0 for name in ("downloaded_bytes", "total_bytes")) > LARGEST:
        raise ContentError(
            f"{key}: larger than {LARGEST} bytes",
            hint="no subtitles are so large",
            reason="too-large",
        )


def _subtitle(session: Session, info: dict[str, Any], key: str) -> Path:
    """Download one track. Raises our error for yt-dlp's."""
    wanted = {
        "skip_download": True,
        "writesubtitles": True,
        "writeautomaticsub": True,
        "subtitleslangs": [re.escape(key)],
    }
    downloader = session.downloader
    with (
        using(downloader, **wanted),
        watching(downloader, partial(_refuse_large, key)),
        session.translated(key),
    ):
        done = downloader.process_ie_result(dict(info), download=True)
    path = Path(str((done.get("requested_subtitles") or {}).get(key, {}).get("filepath") or ""))
    if not path.is_file() or not path.stat().st_size:
        raise Unavailable(f"{key}: the site sent nothing", reason="network")
    return path
