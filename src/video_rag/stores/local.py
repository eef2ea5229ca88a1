"""Blobs in a folder: `ab/cdef…`, written beside and renamed, so that none is ever half there.

Bytes are on the disk before they have their name, and that is before the ledger names them: after
a power cut a blob is whole or not there (names are not flushed, which would double the cost: one
that is missing is made again). Whatever else happens is seen when a blob is read, since its name is
its digest; a damaged one is deleted, so that it can be made again.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from video_rag import disk
from video_rag.digest import Digest, of_bytes
from video_rag.errors import Lost

_LOOKED = ".looked"
"""Holds when every named blob was last looked at, in seconds since the epoch."""
_COARSE = 1.0
"""Seconds by which the time of a change may be behind: file systems take it from a slower clock."""


class Local:
    """A folder of blobs; many processes may use it at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.where = str(folder)

    def put(self, data: bytes) -> Digest:
        """Keep some bytes. A blob that is there is touched, which protects it from a sweep."""
        digest = of_bytes(data)
        path = self._path(digest)
        with disk.told(path), suppress(FileNotFoundError):
            os.utime(path)
            if path.read_bytes() == data:
                return digest
        part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        disk.replace(path, data, part=part, flush=True)
        return digest

    def get(self, digest: str) -> bytes:
        """The bytes of a digest."""
        path = self._path(digest)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            raise Lost(f"the result {digest[:12]}… is missing from {self.folder}", digest) from None
        except OSError as error:
            raise disk.refusal(error, path) from error
        if of_bytes(data) == digest:
            return data
        with suppress(OSError):  # a disk that cannot be written is told elsewhere
            path.unlink()
        raise Lost(f"the result {digest[:12]}… in {self.folder} was damaged", digest)

    def exists(self, digest: str) -> bool:
        """Whether the bytes are here."""
        path = self._path(digest)
        with disk.told(path):
            return path.is_file()

    def lost(self, named: Iterable[str], *, thorough: bool = False) -> Iterator[str]:
        """Those that are missing or were changed; a file's change time tells what to read.

        That time is set by the system alone: it moves with every write, and is kept by no copy.
        """
        stamp = self.folder / _LOOKED
        begun = time.time()
        try:
            since = 0.0 if thorough else float(stamp.read_text("ascii"))
        except (OSError, ValueError):
            since = 0.0
        since = since if since < begun else 0.0  # a clock that was wrong once
        for digest in named:
            path = self._path(digest)
            try:
                with disk.told(path), suppress(FileNotFoundError):
                    if path.stat().st_ctime < since:
                        continue
                self.get(digest)
            except Lost:
                yield digest
        with suppress(OSError):
            stamp.write_text(str(begun - _COARSE), "ascii")

    def sweep(self, keep: set[str], *, older_than: float = 600.0, is_dry: bool = False) -> int:
        """Delete what nobody names, half-written files of killed processes included."""
        limit, swept = time.time() - older_than, 0
        for path in self.folder.glob("??/*"):
            if path.parent.name + path.name in keep:
                continue
            with disk.told(path), suppress(FileNotFoundError):  # another sweep was faster
                if path.stat().st_mtime <= limit:
                    if not is_dry:
                        path.unlink()
                    swept += 1
        return swept

    def _path(self, digest: str) -> Path:
        return self.folder / digest[:2] / digest[2:]
