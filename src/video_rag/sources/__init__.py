"""Where videos come from. How to write one: docs/how-to/add-a-plugin.md."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from video_rag.errors import VideoRagError
from video_rag.model import MediaSet, Video
from video_rag.plugins import Options


class Places(Protocol):
    """What a source may touch on this machine."""

    media: Path
    """Folder for downloads (`[library] media`); paths in `Media.path` may be relative to it."""
    allow_private: bool
    """Whether URLs may lead to this machine and to private networks (see `guard.check_url`)."""

    def digest(self, path: Path) -> str:
        """The sha256 of a file; remembered, so that an unchanged file is read only once."""


class Source(Protocol):
    """One kind of place. Built as `Class(options, places=...)`."""

    version: int
    options: Options

    def claims(self, url: str) -> bool:
        """Whether this path or URL is for this source; no network, no disk reads beyond a stat."""

    def discover(self, url: str) -> Iterator[Video | VideoRagError]:
        """The videos behind a path or URL, in a stable order; each `video_id` once.

        A faulty item among many is yielded as the error, not raised, so that the others go on.
        Raises `NotFound`, `UnsupportedUrl`, `ContentError`, `Unavailable` or `Rejected` when the
        path or URL as a whole gives nothing.
        """

    def fetch(self, video: Video, scratch: Path) -> MediaSet:
        """Bring the files of a video here and look inside them. Doing it twice is harmless.

        Downloads of one video lie in a folder of its own below `Places.media`, which goes when
        the video is removed. `scratch` is an empty folder that is removed afterwards. Raises
        `ContentError` when the video itself is at fault, `Unavailable` or `Rejected` when its
        site is.
        """

    def link(self, video: Video, seconds: float) -> str:
        """A link that opens the video at that second."""
