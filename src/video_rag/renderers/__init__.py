"""From a document to a file that people or servers read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from video_rag.model import Document, Slide
from video_rag.plugins import Options

Link = Callable[[float], str]
"""From seconds to a link that opens the video there."""

Picture = Callable[[Slide], str]
"""From a slide to the place of its picture, as the file should name it; empty: no picture."""


class Renderer(Protocol):
    """One format."""

    version: int
    options: Options
    media_type: str
    suffix: str
    has_pictures: bool
    """Whether the file names pictures that must lie beside it."""

    def render(self, document: Document, link: Link, picture: Picture) -> bytes:
        """The whole document in this format."""
