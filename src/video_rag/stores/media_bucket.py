"""The files of videos in a bucket, and copies of them on the machines that work on them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from video_rag import disk
from video_rag.errors import NotFound
from video_rag.model import Media
from video_rag.stores.copies import Copies
from video_rag.stores.files import Files
from video_rag.stores.media import RECORD, Remote, own
from video_rag.stores.objects import Objects

_FOR_PLAYERS = 1024**2
"""Bytes of a piece that a player is sent."""


class MediaBucket:
    """A bucket; each machine has copies of what it works on."""

    def __init__(self, objects: Objects, copies: Copies, most: int | None) -> None:
        self.objects = objects
        self.where = objects.where
        self.files: Files = objects
        self.folder = copies.folder
        self._copies = copies
        self._most = most

    def is_there(self, name: str, file: Media) -> bool:
        """Whether the bucket has it."""
        found = self.objects.there([name]).get(name)
        return found is not None and found.size == file.size

    def bring(self, name: str, file: Media, user: object) -> Path | None:
        """A copy; what is in the bucket and is not what it was is deleted there."""
        if not (self._copies.is_here(name, file.size) or self.is_there(name, file)):
            return None

        try:
            load = partial(self._load, name, file.size)
            path = self._copies.bring(name, file.digest, file.size, load, user)
        except FileNotFoundError:  # deleted meanwhile
            return None
        if path is None:
            self.objects.discard([name])
        return path

    def _load(self, name: str, size: int, target: BinaryIO | None) -> str:
        """Write an object into a file, if one is given; the digest of its bytes."""
        digest = hashlib.sha256()
        for piece in self.objects.pieces(name, 0, size):
            digest.update(piece)
            if target is not None:
                target.write(piece)
        return digest.hexdigest()

    def is_whole(self, name: str, file: Media) -> bool:
        """Whether its digest is right."""
        with suppress(FileNotFoundError):
            return self.is_there(name, file) and self._load(name, file.size, None) == file.digest
        return False

    def restore(self, files: Sequence[Media]) -> None:
        """The files of a video and what lies beside them."""
        for folder in _folders(files):
            data = self.objects.read(f"{folder}/{RECORD}")
            if data is not None and not self._copies.path(f"{folder}/{RECORD}").exists():
                disk.replace(
                    self._copies.path(f"{folder}/{RECORD}"),
                    data,
                    part=self._copies.path(f"{folder}/.{RECORD}.part"),
                )
        for file in own(files):
            self.bring(file.path, file, _Nobody())

    def keep(self, files: Sequence[Media]) -> None:
        """Send what is new; what is no file of the video any more goes."""
        there = {
            name: one for folder in _folders(files) for name, one in self.objects.names(folder)
        }
        for file in own(files):
            path = self._copies.path(file.path)
            if file.path not in there or there[file.path].size != file.size or _is_new(path):
                self.objects.upload(file.path, path)
            self._copies.settled(file.path)
        records = {f"{folder}/{RECORD}" for folder in _folders(files)}
        for record in records:
            with suppress(OSError):
                self.objects.write(record, self._copies.path(record).read_bytes())
        self.objects.discard(there.keys() - records - {file.path for file in own(files)})

    def copy(self, name: str, path: Path) -> None:
        """Send a file, unless it is there."""
        found = self.objects.there([name]).get(name)
        with disk.told(path):
            size = path.stat().st_size
        if found is None or found.size != size:
            self.objects.upload(name, path)

    def drop(self, names: Sequence[str]) -> int:
        """Delete files here and there."""
        freed = sum(one.size for one in self.objects.there(names).values())
        self.objects.discard(names)
        for name in names:
            self._copies.forget(name)
        return freed

    def remote(self, name: str, file: Media) -> Remote | None:
        """The file as it lies in the bucket, if it is as large as it was."""
        found = self.objects.there([name]).get(name)
        if found is None or found.size != file.size:
            return None

        def read(start: int, end: int) -> Iterator[bytes]:
            try:
                pieces = self.objects.pieces(name, start, end, _FOR_PLAYERS, side_by_side=1)
                yield from map(bytes, pieces)
            except FileNotFoundError:
                raise NotFound(f"{name} is gone", hint="open the page again") from None

        return Remote(name, found.size, found.changed, file.digest, read)

    def room(self) -> int | None:
        """What is left of the room for copies, and of `[library] media_bytes`."""
        here = self._copies.room()
        if self._most is None:
            return here
        return max(0, min(here, self._most - sum(one.size for _, one in self.objects.names())))


class _Nobody:
    """Uses a copy for no longer than a call."""


def _folders(files: Sequence[Media]) -> list[str]:
    return sorted({PurePosixPath(file.path).parent.as_posix() for file in own(files)})


def _is_new(path: Path) -> bool:
    """Whether a file here has not been sent since it was written."""
    with suppress(OSError):
        return bool(path.stat().st_mode & 0o200)
    return False
