"""What the files around a subtitle file tell: its encoding, the frames of its video."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from video_rag.errors import ContentError
from video_rag.media import SUBTITLE_SUFFIXES, opened
from video_rag.processors.subtitles.encoding import beyond_ascii
from video_rag.text.languages import normalise

_ENTRIES = 500
"""Names of a folder that are looked at, so that a large one costs no more."""
_FILES = 8
_BYTES = 32_768
"""Of each file beside."""


def beside(path: Path) -> bytes:
    """Lines beyond ASCII of the subtitle files beside one that are said to be in its language."""
    found = bytearray()
    try:
        with os.scandir(path.parent) as entries:
            names = sorted(entry.name for entry in islice(entries, _ENTRIES))
    except OSError:
        return b""
    others = [path.with_name(name) for name in names if name != path.name]
    alike = [other for other in others if _kind(other) == _kind(path)]
    for other in alike[:_FILES]:
        try:
            with other.open("rb") as file:
                found += beyond_ascii(file.read(_BYTES))
        except OSError:
            continue
    return bytes(found)


def _kind(path: Path) -> tuple[bool, str | None]:
    """Whether it is a subtitle file, and its language as its name tells."""
    return path.suffix.lower() in SUBTITLE_SUFFIXES, normalise(path.stem.rpartition(".")[2])


def frame_rate(videos: Sequence[Path]) -> float | None:
    """Frames per second of the first video that tells."""
    for path in videos:
        try:
            with opened(path) as container:
                for stream in container.streams.video:
                    if stream.average_rate:
                        return float(stream.average_rate)
        except ContentError:
            continue
    return None
