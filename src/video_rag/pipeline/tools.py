"""What the stages work with: plug-ins and folders, and the files of a video, fetched if need be."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from video_rag.composers import Composer
from video_rag.errors import ContentError
from video_rag.model import Media, MediaSet, Video
from video_rag.pipeline.work import Work
from video_rag.plugins import Part
from video_rag.processors import Reader, Sampler, Transcriber
from video_rag.renderers import Renderer
from video_rag.sources import Source
from video_rag.text.addresses import public


@dataclass(frozen=True)
class Tools:
    """The plug-ins and folders that the stages work with."""

    sources: Mapping[str, Source]
    transcribers: Sequence[Part[Transcriber]]
    sampler: Part[Sampler] | None
    reader: Part[Reader] | None
    composer: Part[Composer]
    renderer: Part[Renderer]
    media: Path
    documents: Path
    languages: Sequence[str]
    sound_track: str = ""

    def locate(self, path: str) -> Path:
        """Where a `Media.path` really lies."""
        return self.media / path

    def link(self, video: Video) -> Callable[[float], str]:
        """From seconds to a link, for everybody to see, that opens this video there."""
        source = self.sources[video.source]
        return lambda seconds: public(source.link(video, seconds))


def fetch(work: Work, tools: Tools) -> MediaSet:
    """Bring the files of a video here."""
    video = work.read("video", Video)
    with work.scratch() as scratch:
        return tools.sources[video.source].fetch(video, scratch)


def located(work: Work, tools: Tools) -> Callable[[str], Path]:
    """Where a file of this video lies; one that was dropped when it was ready is fetched again."""

    def locate(path: str) -> Path:
        place = tools.locate(path)
        if place.exists() or Path(path).is_absolute():
            return place
        kinds = {file.path: file.kind for file in work.read("media", MediaSet).files}
        again = fetch(work, tools)
        files = [file for file in again.files if file.path == path] or again.of(kinds[path])
        if not files:
            raise ContentError(f"{path} is gone, and fetching the video again did not bring it")
        return tools.locate(files[0].path)

    return locate


def is_gone(files: Sequence[Media], tools: Tools) -> bool:
    """Whether one of these is not here any more, though it was: it would be fetched again."""
    return any(not (Path(f.path).is_absolute() or tools.locate(f.path).exists()) for f in files)
