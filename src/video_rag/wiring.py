"""Builds every part of a library from the settings: the only composition root."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from video_rag import plugins
from video_rag.answerers import Answerer
from video_rag.chunking import ChunkOptions
from video_rag.digest import of_file, of_value
from video_rag.embedders import Embedder
from video_rag.knowledge import Knowledge
from video_rag.observers import Observer
from video_rag.pipeline import stages
from video_rag.pipeline.plan import Plan, Stage
from video_rag.pipeline.publish import publish
from video_rag.plugins import key_of
from video_rag.queues import Queue
from video_rag.rerankers import Reranker
from video_rag.settings import Settings
from video_rag.sources import Source
from video_rag.stores import Ledger


@dataclass(frozen=True)
class Places:
    """What sources may touch: the media folder, and digests that are remembered."""

    media: Path
    ledger: Ledger

    def digest(self, path: Path) -> str:
        """The sha256 of a file; read only when its size or time changed."""
        known = self.ledger.known_file(path)
        if known is None:
            known = of_file(path)
            self.ledger.know_files([(path, known)])
        return known


class Parts:
    """The plug-ins of one library, each made when first needed."""

    def __init__(self, settings: Settings, ledger: Ledger) -> None:
        self.settings = settings
        self.ledger = ledger
        self._bases: dict[str, Knowledge] = {}

    def build(self, family: str, name: str, **parts: Any) -> Any:
        """One plug-in with the options of its settings section."""
        values = dict(self.settings.section(family, name))
        if family == "knowledge":
            values.pop("auto", None)
        return plugins.build(family, name, values, **parts)

    def sources(self) -> dict[str, Source]:
        """Every source, in the order in which they are asked: files before URLs."""
        places = Places(self.settings.library.media, self.ledger)
        allow = {"allow_private": self.settings.guard.allow_private}
        found = {}
        for name in sorted(plugins.table("sources")):
            more = allow if name != "folder" else {}
            found[name] = self.build("sources", name, places=places, **more)
        return found

    def embedder(self) -> Embedder | None:
        """The embedding model of `[search] embedder`; none is fine."""
        name = self.settings.search.embedder
        embedder: Embedder | None = self.build("embedders", name) if name else None
        return embedder

    def reranker(self) -> Reranker | None:
        """The ranking model of `[search] reranker`; none is fine."""
        name = self.settings.search.reranker
        reranker: Reranker | None = self.build("rerankers", name) if name else None
        return reranker

    def knowledge(self, name: str) -> Knowledge:
        """A knowledge base by name; the same object each time."""
        if name not in self._bases:
            self._bases[name] = self.build(
                "knowledge", name, home=self.settings.home, embedder=self.embedder()
            )
        return self._bases[name]

    def published_to(self) -> list[str]:
        """The bases that `add` publishes to: the embedded one and those with `auto = true`."""
        more = [name for name, section in self.settings.knowledge.items() if section.get("auto")]
        return ["embedded", *(name for name in more if name != "embedded")]

    def answerer(self, name: str) -> Answerer:
        """Who answers."""
        answerer: Answerer = self.build("answerers", name)
        return answerer

    def queue(self) -> Queue:
        """Who runs the stages."""
        queue: Queue = self.build("queues", self.settings.pipeline.queue)
        return queue

    def observers(self) -> list[Observer]:
        """Who hears of events."""
        return [self.build("observers", name) for name in self.settings.pipeline.observers]

    def passages(self) -> ChunkOptions:
        """How documents are cut."""
        return ChunkOptions(max_seconds=self.settings.pipeline.passage_seconds)

    def transcribers(self) -> dict[str, Any]:
        """The transcribers in the order they are tried."""
        return {n: self.build("transcribers", n) for n in self.settings.pipeline.transcribers}

    def tools(self, sources: Mapping[str, Source]) -> stages.Tools:
        """What the stages work with."""
        pipeline, library = self.settings.pipeline, self.settings.library
        return stages.Tools(
            sources=sources,
            transcribers=self.transcribers(),
            sampler=self.build("samplers", pipeline.sampler) if pipeline.sampler else None,
            reader=self.build("readers", pipeline.reader) if pipeline.reader else None,
            composer=self.build("composers", pipeline.composer),
            renderer=self.build("renderers", "markdown"),
            media=library.media,
            documents=library.documents,
            languages=library.languages,
        )

    def plan(self, tools: stages.Tools) -> Plan:
        """The stage table with these plug-ins."""
        names = self.settings.pipeline
        own = {
            "fetch": (tools.sources, "sources"),
            "listen": (tools.transcribers, ", ".join(names.transcribers)),
            "look": ({names.sampler: tools.sampler}, names.sampler),
            "read": ({names.reader: tools.reader}, names.reader),
            "compose": ({names.composer: tools.composer}, names.composer),
            "save": ({"markdown": tools.renderer}, "markdown"),
        }
        extra = {
            "listen": list(tools.languages),
            "save": str(tools.documents),
        }
        made = [
            Stage(
                name=name,
                needs=needs,
                makes=makes,
                run=partial(getattr(stages, name), tools=tools),
                plugin=own[name][1],
                config=of_value([_keys(own[name][0]), extra.get(name)]),
            )
            for name, needs, makes in TABLE
        ]
        return Plan((*made, *(self._publish_stage(name, tools) for name in self.published_to())))

    def _publish_stage(self, name: str, tools: stages.Tools) -> Stage:
        base, passages = self.knowledge(name), self.passages()
        embedder = self.embedder()
        config = [key_of(name, base), passages.model_dump(mode="json")]
        if embedder:
            config.append(key_of(self.settings.search.embedder, embedder))
        return Stage(
            name=f"publish@{name}",
            needs=("document",),
            makes=f"receipt@{name}",
            run=partial(
                publish, tools=tools, ledger=self.ledger, name=name, base=base, passages=passages
            ),
            plugin=name,
            config=of_value(config),
        )


TABLE: Sequence[tuple[str, tuple[str, ...], str]] = (
    ("fetch", ("origins",), "media"),
    ("listen", ("video", "media"), "transcript"),
    ("look", ("media",), "frames"),
    ("read", ("frames", "media"), "slides"),
    ("compose", ("video", "media", "transcript", "slides"), "document"),
    ("save", ("document",), "page"),
)
"""stage, what it needs, what it makes"""


def _keys(used: Mapping[str, Any]) -> list[str]:
    return [key_of(name, plugin) for name, plugin in used.items() if plugin is not None]
