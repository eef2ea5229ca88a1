"""From files to words and pictures: three families of one method each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from video_rag.model import Kind, Line, MediaSet, Transcript, Video
from video_rag.plugins import Options, Plugin

Progress = Callable[[float, str], None]
"""Called now and then with the share that is done, 0.0 to 1.0, and a word on what is going on."""


class Transcriber(Protocol):
    """Makes transcripts. Those of settings are tried in order until one gives any.

    One that only listens says so with `hears: tuple[Kind, ...]`, the kinds of files that decide its
    words beside the video's language: see `inputs_of`.
    """

    version: int
    options: Options

    def transcribe(
        self, video: Video, media: MediaSet, locate: Callable[[str], Path], progress: Progress
    ) -> list[Transcript]:
        """Every language it can give, none if there is nothing for it here.

        `locate` turns `Media.path` into a real path. Raises `ContentError` when a file cannot be
        read, with file, line and reason.
        """


def inputs_of(transcriber: type[Plugin], video: Video, media: MediaSet) -> Any:
    """What of a video decides a transcriber's words, as a JSON value.

    Speech recognition depends on the sound alone: a new title, or a subtitle file that goes, must
    not make anybody recognise an hour of speech again.
    """
    kinds: tuple[Kind, ...] | None = getattr(transcriber, "hears", None)
    if kinds is None:
        known = media.model_dump(mode="json", exclude={"languages"})
        return [video.talk.model_dump(mode="json"), known]
    sounds = [file.digest for kind in kinds for file in media.of(kind)]
    wished = [media.sound_track] if media.sound_track else []
    return [sounds, video.language, media.has_speech_track, *wished]


@runtime_checkable
class Listener(Protocol):
    """What a transcriber may offer beside: a few seconds, so that subtitles can be checked."""

    def hear(self, path: Path, start: float, seconds: float, track: str = "") -> str | None:
        """What is said from `start` on, in its own language; '' for no speech.

        `track` is the sound track that the settings wish for: a number from 1, or a language.

        None when it cannot be done here and now, as a model would have to be downloaded: nothing is
        ever fetched for this. The same sound gives the same words. Raises `ContentError`.
        """


class Shot(Protocol):
    """A picture taken from a video."""

    at: float
    """Seconds."""
    jpeg: bytes
    phash: str


class Sampler(Protocol):
    """Picks the frames worth reading."""

    version: int
    options: Options

    def sample(self, path: Path, progress: Progress) -> Iterator[Shot]:
        """The key frames of a video file in order of time. Raises `ContentError`."""


class Reader(Protocol):
    """Reads the text in a picture.

    One that may be called by several threads at once says by how many: `at_once: int`.
    """

    version: int
    options: Options

    def read(self, image: bytes) -> list[Line]:
        """The lines of a JPEG or PNG, from top to bottom; none is a valid answer."""
