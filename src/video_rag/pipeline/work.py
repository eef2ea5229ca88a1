"""What a stage may touch: its inputs, blobs, a scratch folder, and a way to tell how far it is."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from video_rag.model import Noun
from video_rag.stores import Blobs, Result

AnyNoun = TypeVar("AnyNoun", bound=Noun)
_LEFT_BEHIND = 7 * 86_400.0
"""Seconds."""


class Work:
    """One run of one stage on one video."""

    def __init__(
        self,
        video_id: str,
        blobs: Blobs,
        results: Mapping[str, Result],
        scratch_root: Path,
        progress: Callable[[float, str], None],
    ) -> None:
        self.video_id = video_id
        self.blobs = blobs
        self.progress = progress
        self.images: list[str] = []
        """Digests of pictures that the result names; the ledger keeps them with it."""
        self._results = results
        self._scratch_root = scratch_root

    def read(self, name: str, noun: type[AnyNoun]) -> AnyNoun:
        """The result `name` of this video."""
        return load(self.blobs, self._results[name].digest, noun)

    def previous(self, name: str, noun: type[AnyNoun]) -> AnyNoun | None:
        """What this stage made last time, if anything and if it can still be read."""
        result = self._results.get(name)
        if result is None or not self.blobs.exists(result.digest):
            return None
        return load(self.blobs, result.digest, noun)

    def put_image(self, data: bytes) -> str:
        """Keep a picture along with the result of this stage; returns its digest."""
        digest = self.blobs.put(data)
        self.images.append(digest)
        return digest

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """An empty folder, gone afterwards."""
        self._scratch_root.mkdir(parents=True, exist_ok=True)
        _sweep(self._scratch_root)
        folder = Path(tempfile.mkdtemp(dir=self._scratch_root))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _sweep(root: Path) -> None:
    """Remove what killed processes left behind; no stage takes so long."""
    for folder in root.iterdir():
        with suppress(OSError):  # another process sweeps, too
            if time.time() - folder.stat().st_mtime > _LEFT_BEHIND:
                shutil.rmtree(folder, ignore_errors=True)


def load(blobs: Blobs, digest: str, noun: type[AnyNoun]) -> AnyNoun:
    """Read a stored noun."""
    return noun.model_validate_json(blobs.get(digest))


def store(blobs: Blobs, value: Noun) -> str:
    """Store a noun; equal values get equal digests."""
    return blobs.put(value.model_dump_json().encode())
