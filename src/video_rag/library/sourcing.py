"""The sources of a library, and what they may touch of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from video_rag.digest import Digest, of_file
from video_rag.net.sites import Sites
from video_rag.pipeline import before
from video_rag.pipeline.plan import config_of
from video_rag.plugins import Part
from video_rag.sources import Source
from video_rag.stores import Ledger
from video_rag.stores.hold import hold


@dataclass(frozen=True)
class Places:
    """What sources may touch: see `sources.Places`."""

    home: Path
    media: Path
    allow_private: bool
    ledger: Ledger
    room: Callable[[], int | None]
    """Bytes that downloads may still take."""
    claim_seconds: float

    @property
    def sites(self) -> Sites:
        """What is remembered of web sites."""
        return self.ledger.sites

    def hold(self, what: str, part: str) -> AbstractContextManager[bool]:
        """Keep other threads and processes from something meanwhile."""
        return hold(self.ledger, what, part, self.claim_seconds)

    def digest(self, path: Path) -> str:
        """The sha256 of a file; read only when its size or time changed."""
        known = self.ledger.known_file(path)
        if known is None:
            known = of_file(path)
            self.ledger.know_files([(path, known)])
        return known


class Sources(Mapping[str, Source]):
    """The sources by name, in the order in which they are asked; each is made when it is."""

    def __init__(self, parts: Sequence[Part[Source]]) -> None:
        self.parts = parts
        self._by_name = {part.name: part for part in parts}

    def __getitem__(self, name: str) -> Source:
        return self._by_name[name].get()

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)


def of_source(sources: Sequence[Part[Any]], copied: str) -> dict[str, tuple[str, ...]]:
    """What decides a fetch, by source: nothing of the other sources; and where files are copied."""
    found: dict[str, tuple[str, ...]] = {
        part.name: (*(config_of([key]) for key in part.keys), *before.fetched(sources, part))
        for part in sources
    }
    local = [part for part in sources if copied and getattr(part.plugin, "is_local", False)]
    return found | {part.name: (config_of([part.key], ["copied", copied]),) for part in local}


def composed(sources: Sequence[Part[Any]], config: str) -> dict[str, tuple[str, ...]]:
    """What decides a document of a source on the web: once they kept tokens of its addresses."""
    return {
        part.name: (config_of([Digest(config)], "public addresses"),)
        for part in sources
        if not getattr(part.plugin, "is_local", False)
    }
