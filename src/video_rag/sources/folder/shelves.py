"""Folders that were listed, kept as long as nothing in them comes or goes.

A folder of 20,000 lectures is listed once for all of them, not once for each: its own time of
change, and those of the folders of subtitles beside its videos, tell whether that still holds.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from threading import RLock

from video_rag.media import SUBTITLE_SUFFIXES
from video_rag.sources.folder import listing as listings
from video_rag.sources.folder.lectures import Lecture, Neighbours, within
from video_rag.sources.folder.listing import Named

_KEPT = 16
"""Folders; a tree is walked one folder after another."""
_SETTLED = 2_000_000_000
"""Nanoseconds; a folder that changed so recently may change again in the same tick of its clock."""
_Stamp = tuple[int, ...]


class Shelves:
    """What lies in folders; safe to use from several threads."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Path, tuple[_Stamp, Neighbours]] = OrderedDict()
        self._lock = RLock()

    def of(self, folder: Path) -> Neighbours:
        """The videos and subtitles of a folder. Raises `OSError`."""
        with self._lock:
            kept = self._kept.get(folder)
            if kept and kept[0] and kept[0] == _stamp(folder, kept[1]):
                self._kept.move_to_end(folder)
                return kept[1]
            began = time.time_ns()
            found = Neighbours(listings.listing(folder))
            stamp = _stamp(folder, found)
            is_settled = bool(stamp) and max(stamp) + _SETTLED < began
            self._kept[folder] = (stamp if is_settled else (), found)
            self._kept.move_to_end(folder)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
            return found

    def lectures(self, folder: Path) -> Iterator[Lecture]:
        """The lectures of a folder in natural order. Raises `OSError`.

        Subtitles in `Subs/` lead to the video beside that folder.
        """
        here = self.of(folder)
        if _beside(folder / "any") is None:
            yield from here.lectures()
            return
        for lecture in here.lectures():
            if not lecture.is_subtitles:
                yield lecture
                continue
            found = (self.lecture_of(sidecar.path) for sidecar in lecture.subtitles)
            yield from {one.main: one for one in found}.values()

    def lecture_of(self, path: Path) -> Lecture:
        """The lecture that a file belongs to: for a subtitle file the video beside it, if any."""
        file = Named(path, path.stem)
        is_subtitle = path.suffix.lower() in SUBTITLE_SUFFIXES
        doubt = ""
        if is_subtitle and (found := self._in_outer(file)):
            if isinstance(found, Lecture):
                return found
            doubt = found
        try:
            here = self._with(path)
        except OSError:  # a folder may let us read a file and not list it
            here = Neighbours(listings.of_files([path]))
        if not is_subtitle:
            return here.of_played(file)
        lecture = here.of_subtitle(file)
        if not doubt or doubt in lecture.notes:
            return lecture
        return Lecture(lecture.main, lecture.subtitles, (*lecture.notes, doubt), lecture.stem)

    def nearest(self, path: Path, many: int = 2) -> list[Path]:
        """A few videos of the same folder, by name; none where it cannot be listed."""
        try:
            return self.of(path.parent).nearest(path, many)
        except OSError:
            return []

    def _in_outer(self, file: Named) -> Lecture | str:
        """For a file in `Subs/` the lecture of a video beside that folder, or a doubt, or ""."""
        outer = _beside(file.path)
        if outer is None:
            return ""
        try:
            around = self.of(outer)
        except OSError:
            return ""
        inner = _as_named(file, outer)
        return around.of_subtitle(inner) if around.owners(inner) else around.doubt(inner)

    def _with(self, path: Path) -> Neighbours:
        """The neighbours of a file, which may be one that a folder's listing leaves out."""
        if not listings.is_skipped(path.name):
            return self.of(path.parent)
        here = listings.listing(path.parent)
        here.add(path)
        return Neighbours(here)


def _stamp(folder: Path, found: Neighbours) -> _Stamp:
    """When a folder and those listed with it changed last; empty when one is gone."""
    try:
        return tuple(one.stat().st_mtime_ns for one in (folder, *found.watched))
    except FileNotFoundError:
        return ()


def _beside(path: Path) -> Path | None:
    """The folder of the videos that a file in `Subs/` or `Subs/…/` is for."""
    for folder in (path.parent, path.parent.parent):
        if listings.is_for_subtitles(folder):
            return folder.parent
    return None


def _as_named(file: Named, outer: Path) -> Named:
    """A file of `Subs/…/` by the name under which its video's folder knows it."""
    folder = file.path.parent
    if folder.parent == outer:
        return file
    if listings.is_for_a_language(folder):
        return Named(file.path, f"{file.stem}.{folder.name}")
    return within(file)
