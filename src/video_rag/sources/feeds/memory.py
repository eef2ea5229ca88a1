"""What was last read of a feed, so that one without news is neither sent nor parsed again.

A cache and no more: without it a feed is read anew, with the same result. A file of JSON for each
feed lies in `<home>/feeds`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from video_rag.digest import of_bytes, of_value
from video_rag.errors import DiskError, VideoRagError
from video_rag.model import Video
from video_rag.sources.downloads import write

FORM = 2
"""Raised whenever `feeds.parse` makes something else of the same bytes."""


class Memory(BaseModel):
    """One feed as it was last read; empty for one that is new."""

    model_config = ConfigDict(extra="forbid")

    form: int = FORM
    etag: str = ""
    modified: str = ""
    digest: str = ""
    """Of the bytes."""
    videos: tuple[Video, ...] = ()

    @property
    def headers(self) -> dict[str, str]:
        """What makes a server send nothing when it has nothing new (RFC 9110 §13.1)."""
        known = {"If-None-Match": self.etag, "If-Modified-Since": self.modified}
        return {name: value for name, value in known.items() if value and self.videos}

    def knows(self, body: bytes) -> bool:
        """Whether these bytes were read before."""
        return bool(self.videos) and of_bytes(body) == self.digest


def recall(home: Path, url: str, most: int) -> Memory:
    """What is known of a feed, unless it has more than `most` items, which must be refused."""
    try:
        found = Memory.model_validate_json(_path(home, url).read_bytes())
    except (OSError, ValidationError):
        return Memory()
    return found if found.form == FORM and len(found.videos) <= most else Memory()


def keep(
    home: Path,
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    found: Sequence[Video | VideoRagError],
) -> None:
    """Remember a feed that was read whole; one with faulty items is read anew each time."""
    videos = tuple(row for row in found if isinstance(row, Video))
    if len(videos) < len(found):
        return
    memory = Memory(
        etag=str(headers.get("ETag") or ""),
        modified=str(headers.get("Last-Modified") or ""),
        digest=of_bytes(body),
        videos=videos,
    )
    with suppress(DiskError):  # it is read anew
        write(_path(home, url), memory.model_dump_json())


def _path(home: Path, url: str) -> Path:
    """By a hash: addresses of private feeds hold secrets."""
    return home / "feeds" / f"{of_value(url)[:32]}.json"
