"""Blobs in a bucket: `ab/cdef…`, as in a folder.

A blob is put whole or not at all, and looked at whenever it is read, since its name is its digest:
one that is missing or is another is deleted, so that it can be made again. Ages are told by the
bucket's own clock.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from video_rag.digest import Digest, of_bytes
from video_rag.errors import Lost
from video_rag.stores.objects import Objects

_NAME = re.compile(r"([0-9a-f]{2})/([0-9a-f]{62})")
_LOOKED = ".looked"
"""Holds when every named blob was last looked at, by the bucket's clock."""
_READERS = 8


class Bucket:
    """A bucket of blobs; many processes of one library may use it at once."""

    def __init__(self, objects: Objects) -> None:
        self.objects = objects
        self.where = objects.where

    def put(self, data: bytes) -> Digest:
        """Keep some bytes. They are sent again when they are there: that keeps them from a sweep,
        and mends a damaged one."""
        digest = of_bytes(data)
        self.objects.write(name_of(digest), data)
        return digest

    def get(self, digest: str) -> bytes:
        """The bytes of a digest; what is not what it was is read twice, then deleted."""
        for _ in range(2):
            data = self.objects.read(name_of(digest))
            if data is None:
                raise Lost(f"the result {digest[:12]}… is missing from {self.where}", digest)
            if of_bytes(data) == digest:
                return data
        self.objects.discard([name_of(digest)])
        raise Lost(f"the result {digest[:12]}… in {self.where} was damaged", digest)

    def exists(self, digest: str) -> bool:
        """Whether the bytes are here."""
        return bool(self.objects.there([name_of(digest)]))

    def lost(self, named: Iterable[str], *, thorough: bool = False) -> Iterator[str]:
        """Those that are missing, by one listing, or were written since the last look and are
        others."""
        begun = self.objects.now()
        since = 0.0 if thorough else self._looked()
        since = since if since <= begun else 0.0  # a clock that was wrong once
        here = {name: one.changed for name, one in self.objects.names() if _NAME.fullmatch(name)}
        anew: list[str] = []
        for digest in dict.fromkeys(named):
            changed = here.get(name_of(digest))
            if changed is None:
                yield digest
            elif changed >= since:
                anew.append(digest)
        with ThreadPoolExecutor(_READERS) as pool:
            yield from filter(None, pool.map(self._lost, anew))
        self.objects.write(_LOOKED, str(begun).encode())

    def sweep(self, keep: set[str], *, older_than: float = 600.0, is_dry: bool = False) -> int:
        """Delete what nobody names; other files in the bucket stay."""
        limit = self.objects.now() - older_than
        old = [
            name
            for name, one in self.objects.names()
            if one.changed <= limit and _NAME.fullmatch(name) and name.replace("/", "") not in keep
        ]
        if not is_dry:
            self.objects.discard(old)
        return len(old)

    def _looked(self) -> float:
        with suppress(ValueError):
            return float(self.objects.read(_LOOKED) or b"0")
        return 0.0

    def _lost(self, digest: str) -> str | None:
        try:
            self.get(digest)
        except Lost:
            return digest
        return None


def name_of(digest: str) -> str:
    """The name of a blob."""
    return f"{digest[:2]}/{digest[2:]}"
