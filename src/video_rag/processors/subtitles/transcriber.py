"""The plug-in that takes words which are written already; how they are read: `reading`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from video_rag.model import MediaSet, Transcript, Video
from video_rag.plugins import Options as PluginOptions
from video_rag.processors import Progress


class Subtitles:
    """Reads what people or platforms have written down already."""

    version: int = 4  # also raised when `belonging` judges otherwise

    class Options(PluginOptions):
        """Nothing to set: every subtitle that can be read is read."""

    def __init__(self, options: Options) -> None:
        self.options = options

    def transcribe(
        self,
        video: Video,  # noqa: ARG002 - part of the contract; the files tell enough
        media: MediaSet,
        locate: Callable[[str], Path],
        progress: Progress,
    ) -> list[Transcript]:
        """One transcript per subtitle file and per text track of the video files.

        What had to be refused is in the notes of the first one. Raises `ContentError` when there
        are subtitles and none is usable: damaged, pictures, or those of another video.
        """
        from video_rag.processors.subtitles.reading import read_all  # a dozen kinds of files

        return read_all(media, locate, progress)
