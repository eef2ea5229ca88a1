"""The plug-in that recognises speech; how it does: `recogniser`.

That is imported when somebody is to be heard: every command asks for the options alone.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from video_rag.model import Kind, MediaSet, Transcript, Video
from video_rag.once import Once
from video_rag.processors import Progress
from video_rag.processors.whisper.options import Options as WhisperOptions

if TYPE_CHECKING:
    from video_rag.processors.whisper.recogniser import Recogniser


class Whisper:
    """Listens to the first file that has sound."""

    version: int = 3
    accepts = (1, 2)  # what was recognised stays
    hears: tuple[Kind, ...] = ("audio", "video")

    Options = WhisperOptions

    def __init__(self, options: WhisperOptions) -> None:
        self.options = options
        self._recogniser = Once(self._made)

    def _made(self) -> Recogniser:
        from video_rag.processors.whisper.recogniser import Recogniser

        return Recogniser(self.options)

    def transcribe(
        self, video: Video, media: MediaSet, locate: Callable[[str], Path], progress: Progress
    ) -> list[Transcript]:
        """One transcript, or none when there is no sound or no speech.

        Raises `NeedsExtra` without faster-whisper, `Unavailable` when the model must be downloaded
        and cannot be, `BadSettings` for a model that does not exist, and `ContentError` when the
        sound cannot be decoded or nothing that was heard can be trusted.
        """
        return self._recogniser().transcribe(video, media, locate, progress)

    def hear(self, path: Path, start: float, seconds: float, track: str = "") -> str | None:
        """What is said there, heard quickly; None without faster-whisper or its model here.

        Raises `ContentError` when the sound cannot be decoded, `BadSettings` for a model that
        cannot be.
        """
        return self._recogniser().hear(path, start, seconds, track)

    def check(self) -> str:
        """Whether the model is here. Raises `NeedsExtra`, `BadSettings`."""
        return self._recogniser().check()
