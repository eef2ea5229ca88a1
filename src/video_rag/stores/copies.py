"""Copies of a bucket's files on this machine: as many as there is room for, the latest used stay.

A copy that is whole is read-only: it lies in the bucket as well, and goes when room is needed, the
one that was used longest ago first. Who works on one holds a shared lock on it (`flock`), which
ends with the process, however that ends; nothing that is locked is deleted. What is still being
written is not read-only yet: it goes when nobody has touched it for a day, which is what killed
processes leave behind.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import time
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Protocol
from zlib import crc32

from video_rag import disk
from video_rag.digest import Digest, of_file
from video_rag.errors import DiskError, Unavailable

_LEFT_BEHIND = 86_400.0
"""Seconds after which what is half there and untouched is nobody's."""
_LOCKS = ".locks"
_SHARED_LOCKS = 64
_RESERVE = 0.05
"""Share of the room that is kept free while downloads go on."""


class Known(Protocol):
    """Remembers digests of files: the ledger."""

    def known_file(self, path: Path) -> Digest | None:
        """The digest of a file whose size and time did not change since it was last read."""

    def know_files(self, files: Iterable[tuple[Path, Digest]]) -> None:
        """Remember the digests of files as they are now."""


class Copies:
    """A folder of copies; all threads and processes of this machine share it."""

    def __init__(self, folder: Path, most: int, known: Known) -> None:
        self.folder = folder
        self.most = most
        self._known = known

    def path(self, name: str) -> Path:
        """Where the copy of a file lies or would lie."""
        return self.folder / name

    def bring(
        self, name: str, digest: str, size: int, load: Callable[[BinaryIO], str], user: object
    ) -> Path | None:
        """The copy of a file, made by `load` if it is not here; it stays while `user` lives.

        `load` gives the digest of what it wrote; None when that is another one. Raises `DiskError`
        for a file larger than the room, and `Unavailable` when others use all of it.
        """
        path = self.path(name)
        with self._alone(name):
            if self._hold(path, digest, size, user):
                return path
            with self._reserved(path, size) as (part, file):
                if load(file) != digest:
                    return None
                file.flush()
                part.chmod(0o444)
                part.replace(path)
            self._known.know_files([(path, Digest(digest))])
            return path if self._hold(path, digest, size, user) else None

    def is_here(self, name: str, size: int) -> bool:
        """Whether there is a copy of that size; its bytes are not looked at."""
        with suppress(OSError):
            return self.path(name).stat().st_size == size
        return False

    def settled(self, name: str) -> None:
        """Say that a file which was written here lies in the bucket now."""
        with suppress(OSError):
            self.path(name).chmod(0o444)

    def forget(self, name: str) -> int:
        """Delete a copy; returns its bytes. Who has it open can read on."""
        path = self.path(name)
        with disk.told(path):
            try:
                size = path.stat().st_size
                path.unlink()
            except FileNotFoundError:
                return 0
        return size

    def room(self) -> int:
        """Bytes that downloads may still take here; what need not stay goes before they need it."""
        with self._alone(""):
            here = list(self._files())
            wanted = int(self.most * _RESERVE)
            freed = self._free(here, sum(size for _, size, _ in here) + wanted - self.most)
            stays = sum(size for path, size, _ in here if path not in freed and not _may_go(path))
        return max(0, self.most - stays)

    def _hold(self, path: Path, digest: str, size: int, user: object) -> bool:
        """Lock a copy that is right for as long as `user` lives."""
        try:
            file = os.open(path, os.O_RDONLY)
        except OSError:
            return False
        try:
            fcntl.flock(file, fcntl.LOCK_SH)
            state = os.fstat(file)
            is_right = state.st_nlink > 0 and state.st_size == size
            if is_right and self._digest_of(path) == digest:
                with suppress(OSError):
                    os.utime(path, ns=(time.time_ns(), state.st_mtime_ns))
                weakref.finalize(user, os.close, os.dup(file))
                return True
            return False
        finally:
            os.close(file)  # a duplicate keeps the lock

    def _digest_of(self, path: Path) -> str:
        """The digest of a file, remembered while its size and time stay."""
        digest = self._known.known_file(path)
        if digest is None:
            digest = of_file(path)
            self._known.know_files([(path, digest)])
        return digest

    @contextmanager
    def _reserved(self, path: Path, size: int) -> Iterator[tuple[Path, BinaryIO]]:
        """A locked file of that size beside a copy, once there is room for it; gone afterwards."""
        if size > self.most:
            raise DiskError(
                f"{path.name} has {size} bytes, and copies of the bucket may take {self.most}",
                hint="raise scratch_bytes in [blobs]",
            )
        part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
        with self._alone(""):
            here = list(self._files())
            over = sum(each for _, each, _ in here) + size - self.most
            freed = self._free(here, over)
            if sum(each for path, each, _ in here if path in freed) < over:
                raise Unavailable(
                    f"no room for a copy of {path.name}: others are worked on in {self.folder}",
                    hint="it is tried again; or raise scratch_bytes in [blobs]",
                    retry_after=60.0,
                )
            disk.make_folder(part.parent)
            with disk.told(part):
                file = part.open("wb")
            fcntl.flock(file, fcntl.LOCK_EX)
            file.truncate(size)  # counts as taken from now on
        try:
            with disk.told(part), file:
                yield part, file
        finally:
            part.unlink(missing_ok=True)

    def _free(self, here: list[tuple[Path, int, float]], over: int) -> set[Path]:
        """Delete copies until so many bytes are free; what killed processes left goes anyway."""
        gone: set[Path] = set()
        for path, size, _ in sorted(here, key=lambda one: one[2]):
            if (over > 0 or _is_left_behind(path)) and _may_go(path) and _delete(path):
                gone.add(path)
                over -= size
        return gone

    def _files(self) -> Iterator[tuple[Path, int, float]]:
        """Every file with its bytes, and when it was used last."""
        for path in self.folder.rglob("*"):
            with suppress(OSError):
                state = path.lstat()
                if path.is_file() and path.parent.name != _LOCKS:
                    yield path, state.st_size, max(state.st_atime, state.st_mtime)

    @contextmanager
    def _alone(self, name: str) -> Iterator[None]:
        """Wait until no other thread or process works on a name, or ("") on the room."""
        number = crc32(name.encode()) % _SHARED_LOCKS if name else _SHARED_LOCKS
        lock = self.folder / _LOCKS / str(number)
        disk.make_folder(lock.parent)
        with disk.told(lock), lock.open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # closing the file releases it
            yield


def _may_go(path: Path) -> bool:
    """Whether a file is a whole copy, or was left behind."""
    with suppress(OSError):
        return not path.stat().st_mode & 0o200 or _is_left_behind(path)
    return False


def _is_left_behind(path: Path) -> bool:
    """Whether nobody has written a half file for long; one of ours says so by its lock."""
    with suppress(OSError):
        state = path.stat()
        if not state.st_mode & 0o200:
            return False
        is_ours = path.name.startswith(".") and path.name.endswith(".part")
        return is_ours or time.time() - state.st_mtime > _LEFT_BEHIND
    return False


def _delete(path: Path) -> bool:
    """Delete a file that nobody holds; tells whether it did."""
    with suppress(OSError), path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink()
        with suppress(OSError):  # one that is not empty
            path.parent.rmdir()
        return True
    return False
