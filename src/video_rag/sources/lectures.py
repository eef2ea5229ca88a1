"""Which files of a folder belong together, told by their names alone."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from video_rag.media import AUDIO_SUFFIXES, SUBTITLE_SUFFIXES, VIDEO_SUFFIXES
from video_rag.text.languages import normalise

_MARKS = frozenset({"auto", "cc", "default", "forced", "orig", "sdh"})
"""What players and downloaders write after the language."""


@dataclass(frozen=True)
class Lecture:
    """A media file with its subtitle files, or subtitle files alone."""

    main: Path
    subtitles: tuple[tuple[Path, str | None], ...]
    """Each with its language, if its name tells."""

    @property
    def is_subtitles(self) -> bool:
        """Whether the video is elsewhere."""
        return self.main.suffix.lower() in SUBTITLE_SUFFIXES


def natural(path: Path) -> tuple[list[tuple[int, str]], str]:
    """A key that sorts `lecture 2` before `lecture 10`, and no two names alike."""
    parts = re.split(r"([0-9]+)", path.name.casefold())
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts], path.name


def stem_of(path: Path) -> str:
    """The name without suffix and, for subtitles, without language: `talk.zh.srt` → `talk`."""
    if path.suffix.lower() in SUBTITLE_SUFFIXES:
        return _split(path.stem)[0]
    return path.stem


def lecture_of(path: Path) -> Lecture:
    """The lecture that a file belongs to: for a subtitle file the video beside it, if any."""
    try:
        beside = {other for other in path.parent.iterdir() if other.is_file()}
    except OSError:  # a folder may let us read a file and not list it
        beside = set()
    for lecture in lectures_in(beside | {path}):
        if path == lecture.main or path in {file for file, _ in lecture.subtitles}:
            return lecture
    return Lecture(path, ())


def lectures_in(files: Iterable[Path]) -> Iterator[Lecture]:
    """The lectures among the files of one folder, in natural order of their main files."""
    played, subtitles = [], []
    for path in sorted(files, key=natural):
        suffix = path.suffix.lower()
        if suffix in VIDEO_SUFFIXES | AUDIO_SUFFIXES:
            played.append(path)
        elif suffix in SUBTITLE_SUFFIXES:
            subtitles.append(path)
    stems = {_same(path.stem) for path in played}
    attached: dict[str, list[tuple[Path, str | None]]] = {}
    for path in subtitles:
        stem, language = (path.stem, None) if _same(path.stem) in stems else _split(path.stem)
        attached.setdefault(_same(stem), []).append((path, language))
    lectures = [Lecture(path, tuple(attached.get(_same(path.stem), ()))) for path in played]
    for stem, group in attached.items():
        if stem not in stems:
            lectures.append(Lecture(group[0][0], tuple(group)))
    yield from sorted(lectures, key=lambda lecture: natural(lecture.main))


def _same(stem: str) -> str:
    """One spelling for what a Mac and a Linux machine write differently (é in one or two)."""
    return unicodedata.normalize("NFC", stem)


def _split(stem: str) -> tuple[str, str | None]:
    """`talk.zh-Hans.forced` → `talk`, `zh`; a last part that is no language stays in the stem."""
    rest = stem
    while (head := rest.rpartition("."))[0] and head[2].lower() in _MARKS:
        rest = head[0]
    base, _, tag = rest.rpartition(".")
    language = normalise(tag) if base else None
    return (base, language) if language else (stem, None)
