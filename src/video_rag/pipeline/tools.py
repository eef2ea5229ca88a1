"""What the stages work with: plug-ins and folders, and the files of a video, fetched if need be."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from video_rag.composers import Composer
from video_rag.errors import ContentError
from video_rag.model import Media, MediaSet, Video
from video_rag.pipeline.work import Work
from video_rag.plugins import Part
from video_rag.processors import Reader, Sampler, Transcriber
from video_rag.renderers import Renderer
from video_rag.sources import Source
from video_rag.stores.files import Files
from video_rag.stores.media import RECORD, MediaFiles, name_of, own
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
    media: MediaFiles
    documents: Files
    languages: Sequence[str]
    sound_track: str = ""
    copy_local: bool = False

    def locate(self, path: str) -> Path:
        """Where a `Media.path` lies on this machine, if it is here."""
        return self.media.folder / path

    def bring(self, video_id: str, file: Media, user: object) -> Path | None:
        """A file of a video on this machine, which stays while `user` lives; None if it is gone."""
        path = Path(file.path)
        if path.is_absolute() and _is_as_large(path, file):
            return path
        return self.media.bring(name_of(video_id, file), file, user)

    def is_there(self, video_id: str, file: Media) -> bool:
        """Whether a file of a video is here, or where it can be brought from."""
        is_here = Path(file.path).is_absolute() and _is_as_large(Path(file.path), file)
        return is_here or self.media.is_there(name_of(video_id, file), file)

    def discard(self, video_id: str, files: Sequence[Media]) -> None:
        """Delete what was downloaded and copied of a video, and what its source kept beside it."""
        names = {name_of(video_id, file) for file in files}
        records = {PurePosixPath(file.path).with_name(RECORD).as_posix() for file in own(files)}
        self.media.drop(sorted(names | records))

    def link(self, video: Video) -> Callable[[float], str]:
        """From seconds to a link, for everybody to see, that opens this video there."""
        source = self.sources[video.source]
        return lambda seconds: public(source.link(video, seconds))


def fetch(work: Work, tools: Tools) -> MediaSet:
    """Bring the files of a video here."""
    video = work.read("video", Video)
    if earlier := work.previous("media", MediaSet):
        tools.media.restore(earlier.files)
    with work.scratch() as scratch:
        found = tools.sources[video.source].fetch(video, scratch)
    tools.media.keep(found.files)
    for file in found.files if tools.copy_local else ():
        if Path(file.path).is_absolute():
            tools.media.copy(name_of(video.video_id, file), Path(file.path))
    return found


def located(work: Work, tools: Tools) -> Callable[[str], Path]:
    """Where a file of this video lies; one that was dropped when it was ready is fetched again."""

    def locate(path: str) -> Path:
        known = {file.path: file for file in work.read("media", MediaSet).files}[path]
        place = tools.bring(work.video_id, known, work)
        if place is not None or Path(path).is_absolute():
            return place or Path(path)
        again = fetch(work, tools)
        files = [file for file in again.files if file.path == path] or again.of(known.kind)
        place = tools.bring(work.video_id, files[0], work) if files else None
        if place is None:
            raise ContentError(f"{path} is gone, and fetching the video again did not bring it")
        return place

    return locate


def is_gone(files: Sequence[Media], tools: Tools) -> bool:
    """Whether one of these is not here any more, though it was: it would be fetched again."""
    return not all(tools.media.is_there(file.path, file) for file in own(files))


def _is_as_large(path: Path, file: Media) -> bool:
    """Whether a file of its owner is here; where copies are kept another machine's may be meant."""
    with suppress(OSError):
        return path.stat().st_size == file.size
    return False
