"""What a stage may touch: its inputs, blobs, a scratch folder, and a way to tell how far it is."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from video_rag import disk
from video_rag.digest import of_value
from video_rag.model import Noun
from video_rag.pipeline.results import AnyNoun, is_there, kept, load
from video_rag.plugins import Part
from video_rag.stores import Blobs, Result

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
        self.kept: dict[str, Result] = {}
        """What single plug-ins made on the way; the ledger keeps it with the result."""
        self.results = dict(results)
        self._scratch_root = scratch_root

    def read(self, name: str, noun: type[AnyNoun]) -> AnyNoun:
        """The result `name` of this video."""
        return load(self.blobs, self.results[name], noun)

    def previous(self, name: str, noun: type[AnyNoun]) -> AnyNoun | None:
        """What this stage made last time, if anything and if it can still be read."""
        result = self.results.get(name)
        if result is None or not is_there(self.blobs, result):
            return None
        return load(self.blobs, result, noun)

    def earlier(
        self,
        name: str,
        part: Part[Any],
        inputs: Any,
        noun: type[AnyNoun],
        *,
        is_gone: Callable[[], bool] = lambda: False,
    ) -> AnyNoun | None:
        """What this plug-in made of the same inputs with the same options, if that is still good.

        It is when this version made it, or one that it accepts; or any, where the files are gone
        and would have to be fetched again. It stays with the result that this run makes.
        """
        row = self.results.get(name)
        if row is None or not is_there(self.blobs, row):
            return None
        version, _, way = row.key.partition(" ")
        if way != of_value([part.way, inputs]):
            return None
        if int(version) not in part.versions and not is_gone():
            return None
        self.kept[name] = row
        return load(self.blobs, row, noun)

    def keep(self, name: str, part: Part[Any], inputs: Any, value: Noun) -> None:
        """Remember what a plug-in made of these inputs, along with the result of this stage."""
        version = part.plugin.version
        if name in self.kept:  # parts of it are older
            version = min(version, int(self.kept[name].key.partition(" ")[0]))
        self.kept[name] = kept(self.blobs, name, value, made_by(version, part, inputs))

    def put_image(self, data: bytes) -> str:
        """Keep a picture along with the result of this stage; returns its digest."""
        digest = self.blobs.put(data)
        self.images.append(digest)
        return digest

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """An empty folder, gone afterwards."""
        disk.make_folder(self._scratch_root)
        with disk.told(self._scratch_root):
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


def made_by(version: int, part: Part[Any], inputs: Any) -> str:
    """The key of what a plug-in's version made of some inputs: `3 <hash of options and inputs>`."""
    return f"{version} {of_value([part.way, inputs])}"
