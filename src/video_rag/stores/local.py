"""Blobs in a folder: `ab/cdef…`, written beside and renamed, so that none is ever half there."""

from __future__ import annotations

import os
import secrets
import time
from pathlib import Path

from video_rag.digest import Digest, of_bytes
from video_rag.errors import NotFound


class Local:
    """A folder of blobs; many processes may use it at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, data: bytes) -> Digest:
        """Keep some bytes. A blob that is there is touched, which protects it from a sweep."""
        digest = of_bytes(data)
        path = self._path(digest)
        try:
            os.utime(path)
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            scratch = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
            scratch.write_bytes(data)
            scratch.replace(path)
        return digest

    def get(self, digest: str) -> bytes:
        """The bytes of a digest."""
        try:
            return self._path(digest).read_bytes()
        except FileNotFoundError:
            raise NotFound(
                f"the result {digest[:12]}… is missing from {self.folder}",
                hint="make it again with `video-rag retry`",
            ) from None

    def exists(self, digest: str) -> bool:
        """Whether the bytes are here."""
        return self._path(digest).is_file()

    def sweep(self, keep: set[str], *, older_than: float = 600.0) -> int:
        """Delete what nobody names, half-written files of killed processes included."""
        limit, swept = time.time() - older_than, 0
        for path in self.folder.glob("??/*"):
            if path.parent.name + path.name in keep:
                continue
            try:
                if path.stat().st_mtime <= limit:
                    path.unlink()
                    swept += 1
            except FileNotFoundError:
                continue  # another sweep was faster
        return swept

    def _path(self, digest: str) -> Path:
        return self.folder / digest[:2] / digest[2:]
