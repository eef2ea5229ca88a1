"""From transcript and slides to a document."""

from __future__ import annotations

from typing import Protocol

from video_rag.model import Document, MediaSet, Slides, Transcripts, Video
from video_rag.plugins import Options


class Composer(Protocol):
    """Interleaves what was said and what was shown."""

    version: int
    options: Options

    def compose(
        self, video: Video, media: MediaSet, transcripts: Transcripts, slides: Slides
    ) -> Document:
        """One document. Raises `ContentError` when there is nothing to read in it."""
