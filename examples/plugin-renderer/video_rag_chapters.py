"""Chapter marks, one line per section, as video platforms read them from a description."""

from __future__ import annotations

from pydantic import Field

from video_rag import plugins
from video_rag.model import Document
from video_rag.renderers import Link, Picture
from video_rag.text import timecode


class Chapters:
    """`1:30 The heading`, one line per section."""

    version = 1
    media_type = "text/plain; charset=utf-8"
    suffix = ".chapters.txt"
    has_pictures = False

    class Options(plugins.Options):
        """Which sections become chapters."""

        shortest: float = Field(
            10.0, ge=0, description="Leave out sections shorter than this, in seconds."
        )

    def __init__(self, options: Options) -> None:
        self.options = options

    def render(self, document: Document, link: Link, picture: Picture) -> bytes:
        """The marks as UTF-8, in order of time."""
        long_enough = [s for s in document.sections if s.end - s.start >= self.options.shortest]
        lines = [f"{timecode.clock(s.start)} {s.heading or s.text[:60]}" for s in long_enough]
        return "".join(f"{line}\n" for line in lines).encode()
