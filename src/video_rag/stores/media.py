"""The files of videos: in a folder, or in a bucket with copies on the machines that need them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from video_rag import disk
from video_rag.digest import of_file
from video_rag.model import Media
from video_rag.net import guard
from video_rag.stores.files import Files, Folder

RECORD = "media.json"
"""What a source keeps beside its downloads; it goes where they go."""


@dataclass(frozen=True)
class Remote:
    """A file in a bucket, as a player reads it."""

    name: str
    size: int
    """Bytes."""
    changed: float
    """Seconds since the epoch."""
    tag: str
    """Tells one content from another."""
    read: Callable[[int, int], Iterator[bytes]]
    """The bytes from one place to before another, in pieces."""


class MediaFiles(Protocol):
    """Files of videos, each by the name that `name_of` gives it."""

    where: str
    """The folder, or the bucket's URL, for people."""
    folder: Path
    """Folder of this machine into which sources download."""
    files: Files
    """The same as files; for small ones, such as what sources keep beside their downloads."""

    def is_there(self, name: str, file: Media) -> bool:
        """Whether a file is there, as large as it was; its bytes are not looked at."""

    def bring(self, name: str, file: Media, user: object) -> Path | None:
        """A file of this machine with its bytes, which stays while `user` lives; None when there
        is none, or it is not what it was."""

    def restore(self, files: Sequence[Media]) -> None:
        """Bring what was downloaded for a video to where its source looks for it."""

    def keep(self, files: Sequence[Media]) -> None:
        """Bring what a source has downloaded into `folder` to its place."""

    def copy(self, name: str, path: Path) -> None:
        """Keep a copy of a file that stays with its owner; one that is there is left alone."""

    def drop(self, names: Sequence[str]) -> int:
        """Delete files; returns the bytes that are free now."""

    def is_whole(self, name: str, file: Media) -> bool:
        """Whether the bytes of a file are those that they were; reads them all."""

    def remote(self, name: str, file: Media) -> Remote | None:
        """A file that is not on this machine."""

    def room(self) -> int | None:
        """Bytes that downloads may still take; None: as many as the disk has."""


def name_of(video_id: str, file: Media) -> str:
    """The name of a file: where it was downloaded to; a copy's is told by its bytes."""
    if not Path(file.path).is_absolute():
        return file.path
    return f"local/{guard.safe_name(video_id)}/{file.digest[:16]}{Path(file.path).suffix.lower()}"


def own(files: Sequence[Media]) -> list[Media]:
    """The files that were downloaded; the others stay with their owner."""
    return [file for file in files if not Path(file.path).is_absolute()]


class MediaFolder:
    """A folder of this machine, or one that several share."""

    def __init__(self, folder: Path, most: int | None) -> None:
        self.folder = folder
        self.where = str(folder)
        self.files: Files = Folder(folder)
        self._most = most

    def is_there(self, name: str, file: Media) -> bool:  # noqa: ARG002 (as the contract has it)
        """Whether there is such a file."""
        return (self.folder / name).is_file()

    def bring(self, name: str, file: Media, user: object) -> Path | None:
        """The file itself."""
        del file, user
        path = self.folder / name
        return path if path.exists() else None

    def restore(self, files: Sequence[Media]) -> None:
        """They are here."""

    def keep(self, files: Sequence[Media]) -> None:
        """They are here."""

    def copy(self, name: str, path: Path) -> None:
        """Copy a file, whole or not at all."""
        target = self.folder / name
        part = target.with_name(f".{target.name}.part")
        disk.make_folder(target.parent)
        with disk.told(target):
            if target.is_file() and target.stat().st_size == path.stat().st_size:
                return
            try:
                shutil.copyfile(path, part)
                part.replace(target)
            finally:
                part.unlink(missing_ok=True)

    def drop(self, names: Sequence[str]) -> int:
        """Delete files."""
        freed = 0
        for name in names:
            path = guard.inside(self.folder, self.folder / name)
            with disk.told(path):
                if path.is_file():
                    freed += path.stat().st_size
                    path.unlink()
        return freed

    def is_whole(self, name: str, file: Media) -> bool:
        """Whether its digest is right."""
        with disk.told(self.folder / name), suppress(FileNotFoundError):
            return of_file(self.folder / name) == file.digest
        return False

    def remote(self, name: str, file: Media) -> Remote | None:
        """None is."""
        del name, file
        return None

    def room(self) -> int | None:
        """Bytes up to `[library] media_bytes`."""
        if self._most is None:
            return None
        files = (path for path in self.folder.rglob("*") if path.is_file())
        return max(0, self._most - sum(path.stat().st_size for path in files))
