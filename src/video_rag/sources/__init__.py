"""Where videos come from. How to write one: docs/how-to/add-a-plugin.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from video_rag.errors import VideoRagError
from video_rag.model import MediaSet, Video
from video_rag.net.sites import Sites
from video_rag.plugins import Options


class Places(Protocol):
    """What a source may touch on this machine."""

    home: Path
    """Folder of the library; a source may keep things of its own there, in a folder of its name."""
    media: Path
    """Folder for downloads (`[library] media`); paths in `Media.path` may be relative to it."""
    allow_private: bool
    """Whether URLs may lead to this machine and to private networks (see `guard.check_url`)."""
    sites: Sites
    """What is remembered of web sites, across processes."""

    def digest(self, path: Path) -> str:
        """The sha256 of a file; remembered, so that an unchanged file is read only once."""

    def room(self) -> int | None:
        """Bytes that downloads may still take (`[library] media_bytes`, less what is there)."""

    def hold(self, what: str, part: str) -> AbstractContextManager[bool]:
        """Keep other threads and processes from something meanwhile; gives False if one has it."""


@dataclass(frozen=True)
class Lane:
    """Whose server fetching a video asks, and how many may ask it at once."""

    site: str
    """As `sites.site_of` says it; "" for this machine."""
    width: int = 1


class Source(Protocol):
    """One kind of place. Built as `Class(options, places=...)`."""

    version: int
    options: Options
    # `is_local = True` on the class says that its addresses are paths, which hold no tokens.

    def claims(self, url: str) -> bool:
        """Whether this path or URL is for this source; no network, no disk reads beyond a stat."""

    def discover(self, url: str) -> Iterator[Video | VideoRagError]:
        """The videos behind a path or URL, in a stable order; each `video_id` once.

        A list is read without opening its videos. A faulty item among many (deleted, private, not
        over yet …) is yielded as the error, with `video_id` and `reason` set where they are known,
        not raised, so that the others go on. Raises `NotFound`, `UnsupportedUrl`, `ContentError`,
        `Unavailable` or `Rejected` when the path or URL as a whole gives nothing.
        """

    def parts(self, video: Video) -> Iterator[Video | VideoRagError]:
        """The videos that an item of a list stands for: mostly itself, else the parts of a series.

        May ask the site. Raises like `discover`.
        """

    def fetch(self, video: Video, scratch: Path) -> MediaSet:
        """Bring the files of a video here and look inside them. Doing it twice is harmless.

        Downloads of one video lie in a folder of its own below `Places.media`, where an
        interrupted one goes on. `scratch` is an empty folder that is removed afterwards. Raises
        `ContentError` when the video itself is at fault, `Unavailable` or `Rejected` when its
        site is.
        """

    def discard(self, video: Video) -> None:
        """Delete what `fetch` brought of a video, half a download too; its owner's files stay."""

    def lane(self, video: Video) -> Lane:
        """Whose server `fetch` asks; no network."""

    def link(self, video: Video, seconds: float) -> str:
        """A link that opens the video at that second."""


@runtime_checkable
class Counting(Protocol):
    """What a source of files may offer beside: that nothing was left out unseen."""

    def passed_over(self, url: str) -> Mapping[str, int]:
        """How many files there are of no kind that is taken, by suffix; no files are opened.

        What is no file (`FIFO`, `device`, `socket`, `dangling link`) is counted by that word.
        """
