"""Local files and folders: video, sound, and the subtitle files beside them or alone.

The rules of names are imported by the methods: every command asks for this plug-in's version.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from video_rag import media
from video_rag.digest import of_value
from video_rag.errors import ContentError, NotFound, UnsupportedUrl, UsageError, VideoRagError
from video_rag.model import Copy, Kind, Media, MediaSet, Video
from video_rag.plugins import Options as PluginOptions
from video_rag.sources import Lane, Places
from video_rag.sources.folder.paths import exists, refuse_odd, shown, size_of, to_path

if TYPE_CHECKING:
    from video_rag.sources.folder.lectures import Lecture

log = logging.getLogger("video_rag")

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_PATH_LIKE = ("/", "./", "../", "~", ".\\", "..\\")


class Folder:
    """Files of this machine, which stay where they are.

    A folder is read with all below it, hidden files left out. `talk.srt`, `talk.zh.vtt` or
    `talk.en.forced.ass` beside `talk.mp4` or in `Subs/` are its subtitles; without a video they
    are a lecture of their own, one for all languages of a stem. How names are read:
    docs/how-to/subtitles.md.
    """

    version = 2
    is_local = True

    class Options(PluginOptions):
        """A folder has nothing to set."""

    def __init__(self, options: Options, *, places: Places) -> None:
        from video_rag.sources.folder.shelves import Shelves

        self.options = options
        self.places = places
        self._shelves = Shelves()

    def claims(self, url: str) -> bool:
        """Whether this is a path, there or not, or a `file:` URL."""
        if url.startswith("file://"):
            return True
        if not url or _SCHEME.match(url):
            return False
        looks_like_path = (
            url.startswith(_PATH_LIKE)
            or url in {".", ".."}
            or Path(url).suffix.lower() in media.MEDIA_SUFFIXES
        )
        return looks_like_path or exists(to_path(url))

    def discover(self, url: str) -> Iterator[Video | VideoRagError]:
        """The lectures of a file or folder in natural order; containers stay closed.

        Raises `NotFound`, `UnsupportedUrl` for a file of another kind, and `UsageError` for a
        folder with nothing in it. A faulty file among others is yielded as a `ContentError`.
        """
        path = to_path(url)
        if not exists(path):
            what = "is a link to nothing" if path.is_symlink() else "does not exist"
            raise NotFound(f"{shown(path)} {what}", hint="check the path")
        if path.is_dir():
            yield from self._discover_folder(path)
            return
        refuse_odd(path)
        if path.suffix.lower() not in media.MEDIA_SUFFIXES:
            known = " ".join(sorted(media.MEDIA_SUFFIXES))
            raise UnsupportedUrl(f"{shown(path)} is no video", hint=f"known suffixes: {known}")
        yield self._video(self._shelves.lecture_of(path))

    def fetch(self, video: Video, scratch: Path) -> MediaSet:  # noqa: ARG002 - nothing is copied
        """The files of a lecture and what the container says. Nothing is copied.

        Of a video that cannot be opened the subtitles are taken, and a note tells why. Raises
        `NotFound` when the file is gone and `ContentError` when it is faulty or another one than
        was added.
        """
        from video_rag.sources.folder.titles import own_title

        path = Path(video.url)
        if not exists(path):
            raise NotFound(f"{shown(path)} is gone", hint="put it back, or remove the video")
        digest, size = self._facts(path)
        if _id_of(digest) != video.video_id:
            raise ContentError(f"{shown(path)} changed since it was added", hint="add it again")
        lecture = self._shelves.lecture_of(path)
        subtitles, notes = self._beside(lecture)
        for more, doubts in map(self._beside, self._copies(video, path)):
            known = {file.digest for file in subtitles}
            subtitles += tuple(file for file in more if file.digest not in known)
            notes += tuple(note for note in doubts if note not in notes)
        if _is_subtitles(path):
            return MediaSet(files=subtitles, notes=self._unusable(lecture) + notes)
        try:
            probe = media.probe(path)
        except ContentError as error:
            if not subtitles:
                raise
            return MediaSet(files=subtitles, notes=(_left_out(error), *notes))
        kind: Kind = "video" if probe.has_picture else "audio"
        return MediaSet(
            files=(Media(kind=kind, path=str(path), digest=digest, size=size), *subtitles),
            duration=probe.duration,
            title=own_title(probe.title, self._shelves.nearest(path)),
            chapters=probe.chapters,
            has_speech_track=probe.has_audio,
            has_picture=probe.has_picture,
            notes=probe.notes + notes,
        )

    def _copies(self, video: Video, path: Path) -> Iterator[Lecture]:
        """The other places of the same file, with what is beside them; one that changed is none."""
        is_subtitles = _is_subtitles(path)
        for other in (Path(copy.url) for copy in video.copies):
            try:
                is_same = exists(other) and _id_of(self._facts(other)[0]) == video.video_id
            except ContentError:
                continue
            if (
                is_same
                and (lecture := self._shelves.lecture_of(other)).is_subtitles == is_subtitles
            ):
                yield lecture

    def _beside(self, lecture: Lecture) -> tuple[tuple[Media, ...], tuple[str, ...]]:
        """The subtitle files of a lecture, and notes."""
        files, notes = self._subtitles(lecture)
        return files, notes + lecture.notes

    def parts(self, video: Video) -> Iterator[Video | VideoRagError]:
        """A file is one video."""
        yield video

    def discard(self, video: Video) -> None:
        """Files stay with their owner."""

    def lane(self, video: Video) -> Lane:  # noqa: ARG002 - every file is on this machine
        """No server is asked."""
        return Lane("", 4)

    def link(self, video: Video, seconds: float) -> str:
        """`file:///…/talk.mp4#t=4.3`; for subtitles alone just the file, which has no player."""
        path = Path(video.url)
        if path.suffix.lower() in media.SUBTITLE_SUFFIXES:
            return path.as_uri()
        at = f"{max(seconds, 0.0):.3f}".rstrip("0").rstrip(".")
        return f"{path.as_uri()}#t={at}"

    def _discover_folder(self, folder: Path) -> Iterator[Video | VideoRagError]:
        """Every lecture below a folder, each once even where it lies under two names.

        The last copy tells of the first, so that all files are looked at before any is given.
        """
        seen: dict[str, int] = {}
        rows: list[Video | VideoRagError] = []
        found = 0
        for item in self._walk(folder):
            found += 1
            if isinstance(item, VideoRagError):
                rows.append(item)
                continue
            try:
                video = self._video(item)
            except ContentError as error:
                rows.append(error)
                continue
            place = seen.setdefault(video.video_id, len(rows))
            if place == len(rows):
                rows.append(video)
            elif isinstance(first := rows[place], Video):
                log.info("%s is the same file as %s", item.main, first.url)
                one = Copy(url=video.url, fingerprint=video.fingerprint)
                rows[place] = first.model_copy(update={"copies": (*first.copies, one)})
        yield from rows
        if not found:
            raise UsageError(
                f"there is no video, sound or subtitle file in {folder}",
                hint="known suffixes: " + " ".join(sorted(media.MEDIA_SUFFIXES)),
            )

    def passed_over(self, url: str) -> Counter[str]:
        """How many files below a folder are of no kind that is taken, by suffix or by a word."""
        path = to_path(url)
        many: Counter[str] = Counter()
        if path.is_dir():
            for here in self._folders(path):
                if isinstance(here, Path):
                    many += self._shelves.of(here).here.passed_over
        return many

    def _walk(self, folder: Path) -> Iterator[Lecture | ContentError]:
        """Lectures below a folder in natural order, each once."""
        given: set[Path] = set()
        for here in self._folders(folder):
            if isinstance(here, ContentError):
                yield here
                continue
            for lecture in self._shelves.lectures(here):
                if lecture.main not in given:
                    given.add(lecture.main)
                    yield lecture

    def _folders(self, folder: Path) -> Iterator[Path | ContentError]:
        """A folder and all below it that can be listed; each real one once."""
        from video_rag.sources.folder.lectures import natural

        entered: set[tuple[int, int]] = set()
        waiting = [folder]
        while waiting:
            here = waiting.pop()
            try:
                status = here.stat()
                if (status.st_dev, status.st_ino) in entered:
                    continue
                folders = self._shelves.of(here).here.folders
            except OSError as error:
                yield ContentError(
                    f"{shown(here)} cannot be read: {error.strerror}", hint="check its permissions"
                )
                continue
            entered.add((status.st_dev, status.st_ino))
            waiting.extend(sorted(folders, key=natural, reverse=True))
            yield here

    def _video(self, lecture: Lecture) -> Video:
        """A lecture as a video: its main file, else the first of its subtitles that can be used.

        Raises `ContentError` when none can.
        """
        from video_rag.sources import web

        path, digest = self._usable(lecture)
        languages = {sidecar.language for sidecar in lecture.subtitles}
        alone = _is_subtitles(path) and len(languages) == 1
        return Video(
            video_id=_id_of(digest),
            source="folder",
            url=str(path),
            title=web.line(lecture.stem) or "untitled",
            stem=lecture.stem,
            language=languages.pop() if alone else None,
            fingerprint=self._fingerprint(lecture),
        )

    def _usable(self, lecture: Lecture) -> tuple[Path, str]:
        """The file that a lecture is known by, and its digest. Raises `ContentError`."""
        problem: ContentError | None = None
        for path in (lecture.main, *(sidecar.path for sidecar in lecture.subtitles)):
            try:
                return path, self._facts(path)[0]
            except ContentError as error:
                problem = problem or error
        raise problem or ContentError(f"{shown(lecture.main)} is empty")

    def _unusable(self, lecture: Lecture) -> tuple[str, ...]:
        """A note about a video whose subtitles are all that can be used of it."""
        if lecture.is_subtitles:
            return ()
        try:
            self._facts(lecture.main)
        except ContentError as error:
            return (_left_out(error),)
        return ()

    def _fingerprint(self, lecture: Lecture) -> str:
        """Changes when a sidecar comes, goes or changes, or a doubt about one."""
        rows = []
        for path in (sidecar.path for sidecar in lecture.subtitles):
            beside = path.is_relative_to(lecture.main.parent)
            name = str(path.relative_to(lecture.main.parent)) if beside else path.name
            try:
                rows.append([name, self.places.digest(path)])
            except OSError as error:
                rows.append([name, str(error.strerror)])
        notes = (*lecture.notes, *self._unusable(lecture))
        return of_value([*rows, *(["", note] for note in notes)])

    def _subtitles(self, lecture: Lecture) -> tuple[tuple[Media, ...], tuple[str, ...]]:
        """The subtitle files that can be read, and notes about the others."""
        files, notes = [], []
        for sidecar in lecture.subtitles:
            path = sidecar.path
            try:
                digest, size = self._facts(path)
            except ContentError as error:
                notes.append(f"subtitles left out: {error}")
                continue
            files.append(
                Media(
                    kind="subtitles",
                    path=str(path),
                    digest=digest,
                    size=size,
                    language=sidecar.language,
                    origin="sidecar",
                    roles=sidecar.roles,
                )
            )
        return tuple(files), tuple(notes)

    def _facts(self, path: Path) -> tuple[str, int]:
        """Digest and size. Raises `ContentError` when a file is none, empty or cannot be read."""
        try:
            size = size_of(path)
            return self.places.digest(path), size
        except OSError as error:
            raise ContentError(
                f"{shown(path)} cannot be read: {error.strerror}", hint="check its permissions"
            ) from error


def _id_of(digest: str) -> str:
    return f"file:{digest[:16]}"


def _is_subtitles(path: Path) -> bool:
    return path.suffix.lower() in media.SUBTITLE_SUFFIXES


def _left_out(error: ContentError) -> str:
    return f"the video is left out, its subtitles are kept: {error}"
