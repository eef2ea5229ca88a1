"""What lies in one folder: told by one listing, without a look at each file."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePath

from video_rag import media
from video_rag.media.subtitle_files import may_be_subtitles
from video_rag.sources.folder.paths import kind_of
from video_rag.text.labels import is_label, words

_SKIPPED_FOLDERS = frozenset({"__MACOSX", "@eaDir", "$RECYCLE.BIN"})
_SUBTITLE_FOLDERS = frozenset(
    {"sub", "subs", "subtitle", "subtitles", "caption", "captions", "srt", "vtt", "字幕"}
)


@dataclass(frozen=True)
class Named:
    """A file by its name alone."""

    path: Path
    stem: str
    """What says which video it belongs to; for files of deeper folders with the folder's name."""

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The words of the stem."""
        return words(self.stem)

    @property
    def suffix(self) -> str:
        """Lower case, with its dot."""
        return self.path.suffix.lower()


@dataclass
class Listing:
    """The files of a folder by kind, in no order."""

    played: list[Named] = field(default_factory=list)
    subtitles: list[Named] = field(default_factory=list)
    folders: list[Path] = field(default_factory=list)
    passed_over: Counter[str] = field(default_factory=Counter)
    """How many files of other kinds there are, by suffix, and things that are no files, by a word
    for what they are."""

    def add(self, path: Path) -> None:
        """A file, by its suffix."""
        suffix = path.suffix.lower()
        is_subtitle = suffix in media.SUBTITLE_SUFFIXES
        if suffix in media.MEDIA_SUFFIXES and not is_subtitle:
            self.played.append(Named(path, path.stem))
        elif is_subtitle and may_be_subtitles(path):
            self.subtitles.append(Named(path, path.stem))
        else:
            self.passed_over[suffix] += 1


def listing(folder: Path) -> Listing:
    """What lies in a folder, hidden things left out. Raises `OSError`."""
    found = Listing()
    with os.scandir(folder) as entries:
        for entry in entries:
            if is_skipped(entry.name):
                continue
            if _is_folder(entry):
                found.folders.append(folder / entry.name)
            elif _is_file(entry):
                found.add(folder / entry.name)
            else:
                found.passed_over[_kind(entry)] += 1
    return found


def of_files(paths: Iterable[Path]) -> Listing:
    """The listing of a folder that holds just these files."""
    found = Listing()
    for path in paths:
        found.add(path)
    return found


def is_skipped(name: str) -> bool:
    """Hidden files, editors' copies, and what systems strew about."""
    return name.startswith((".", "~")) or name.endswith("~") or name in _SKIPPED_FOLDERS


def is_for_subtitles(folder: PurePath) -> bool:
    """Whether a folder is one that players look for subtitles in, beside the video."""
    return folder.name.casefold() in _SUBTITLE_FOLDERS


def is_for_a_language(folder: PurePath) -> bool:
    """Whether a folder's name says no more than a language or a kind (`Subs/English`)."""
    said = words(folder.name)
    return bool(said) and all(map(is_label, said))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads in circles
        return False


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:
        return False


def _kind(entry: os.DirEntry[str]) -> str:
    """What is neither file nor folder, in a word."""
    try:
        return kind_of(entry.stat().st_mode) or "unknown thing"
    except OSError:
        return "dangling link"
