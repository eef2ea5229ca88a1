"""Builds every part of a library from the settings: the only composition root."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import RLock
from typing import Any

from video_rag import identity, plugins
from video_rag.answerers import Answerer
from video_rag.chunking import ChunkOptions, cut
from video_rag.embedders import Embedder
from video_rag.errors import BadSettings, DiskError, Unavailable
from video_rag.knowledge import Knowledge
from video_rag.library.sourcing import Places, Sources, composed, of_source
from video_rag.library.storing import documents_of, media_of
from video_rag.model import Document, Noun, Receipt
from video_rag.observers import Observer
from video_rag.pipeline import stages
from video_rag.pipeline.judging import Routes
from video_rag.pipeline.plan import Plan, Stage, config_of
from video_rag.pipeline.publish import publish
from video_rag.pipeline.tools import Tools
from video_rag.pipeline.work import Work
from video_rag.plugins import Part
from video_rag.queues import Queue
from video_rag.rerankers import Reranker
from video_rag.settings import Settings
from video_rag.stores import Ledger
from video_rag.stores.hold import hold

_NAMING = 30.0
"""Seconds after which the claim of a machine that was to give the library its id expires."""
Row = tuple[str, tuple[str, ...], str]


class Parts:
    """The plug-ins of one library, each made when first needed."""

    def __init__(self, settings: Settings, ledger: Ledger) -> None:
        self.settings = settings
        self.ledger = ledger
        self._kept: dict[tuple[str, str], Any] = {}
        self._making = RLock()  # a knowledge base makes its embedder
        self.media = media_of(settings, ledger, self.identify)
        _refuse_unknown_tables(settings)

    def part(self, family: str, name: str, **parts: Any) -> Part[Any]:
        """One plug-in with the options of its settings section, made when first used."""
        values = dict(self.settings.section(family, name))
        if family == "knowledge":
            values.pop("auto", None)
        elif family == "answerers":
            values = self._shared(name, values) | values
        return Part(family, name, values, **parts)

    def _shared(self, name: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """What an answerer takes from the knowledge base of its own name: Dify is set up once."""
        section = self.settings.section("knowledge", name)
        takes = plugins.load("answerers", str(values.get("use", name))).Options.model_fields
        return {option: value for option, value in section.items() if option in takes}

    def build(self, family: str, name: str, **parts: Any) -> Any:
        """The same, made now."""
        return self.part(family, name, **parts).get()

    def _kept_or(self, family: str, name: str, make: Callable[[], Any]) -> Any:
        """The same object each time, made by one thread while others wait for it."""
        with self._making:
            if (family, name) not in self._kept:
                self._kept[family, name] = make()
            return self._kept[family, name]

    def _same(self, family: str, name: str) -> Any:
        return self._kept_or(family, name, lambda: self.build(family, name))

    def sources(self) -> Sources:
        """Every source, in the order in which they are asked: files before URLs."""
        places = Places(
            home=self.settings.home,
            media=self.media.folder,
            allow_private=self.settings.guard.allow_private,
            ledger=self.ledger,
            room=self.media.room,
            claim_seconds=self.settings.pipeline.claim_seconds,
        )
        names = sorted(plugins.table("sources"))
        return Sources([self.part("sources", name, places=places) for name in names])

    def embedder(self) -> Embedder | None:
        """The embedding model of `[search] embedder`, the same each time; none is fine."""
        name = self.settings.search.embedder
        embedder: Embedder | None = self._same("embedders", name) if name else None
        return embedder

    def reranker(self) -> Reranker | None:
        """The ranking model of `[search] reranker`, the same each time; none is fine."""
        name = self.settings.search.reranker
        reranker: Reranker | None = self._same("rerankers", name) if name else None
        return reranker

    def knowledge(self, name: str) -> Knowledge:
        """A knowledge base by name; the same object each time.

        Raises `Unavailable` for the embedded one where another host has it.
        """
        if name == "embedded" and not self.is_home:
            raise Unavailable(
                f"the embedded knowledge base lies on {self.settings.library.host}",
                hint="do it there; other machines search a server, as [search] knowledge names it",
            )

        def make() -> Any:
            self._remember()
            return self.build(
                "knowledge",
                name,
                home=self.settings.home,
                embedder=self.embedder(),
                page_url=self.settings.server.public_url,
            )

        base: Knowledge = self._kept_or("knowledge", name, make)
        return base

    @property
    def is_home(self) -> bool:
        """Whether the folders of this machine are the library's: see `[library] host`."""
        return self.settings.library.host in {"", self.settings.pipeline.machine}

    def _told(self, name: str, find: Callable[[], str]) -> str:
        """What decides keys by where it lies: the host that has it says it to all others."""
        is_kept = name == "stamp@embedded" or (
            name == "documents" and isinstance(self.settings.library.documents, Path)
        )
        if not is_kept or not self.settings.library.host:
            return find()
        if not self.is_home:
            return self.ledger.place(name)
        found = find()
        if self.ledger.place(name) != found:
            self.ledger.keep_place(name, found)
        return found

    def identify(self) -> str:
        """The library's id, made if it has none yet; both the home and the ledger keep it.

        Machines that share a ledger are one library: of several that begin at once one gives it.
        """
        while not (found := self.ledger.library_id()):
            with hold(self.ledger, "library", "identity", _NAMING) as is_ours:
                if is_ours and not self.ledger.library_id():
                    self.ledger.keep_library_id(identity.make(self.settings.home))
            if not is_ours:
                time.sleep(0.1)
        self._remember()
        return found

    def _remember(self) -> None:
        """Bring back the file of the id where it is lost, or another than the ledger's."""
        kept = self.ledger.library_id()
        if kept and identity.known(self.settings.home) != kept:
            with suppress(DiskError):  # a home that can only be read
                identity.keep(self.settings.home, kept)

    def published_to(self) -> list[str]:
        """The bases that `add` publishes to: the embedded one and those with `auto = true`."""
        more = [name for name, section in self.settings.knowledge.items() if section.get("auto")]
        return ["embedded", *(name for name in more if name != "embedded")]

    def answerer(self, name: str) -> Answerer:
        """Who answers; the same object each time, since it may remember conversations."""
        answerer: Answerer = self._same("answerers", name)
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

    def tools(self, sources: Sources) -> Tools:
        """What the stages work with."""
        pipeline, library = self.settings.pipeline, self.settings.library
        return Tools(
            sources=sources,
            transcribers=[self.part("transcribers", name) for name in pipeline.transcribers],
            sampler=self.part("samplers", pipeline.sampler) if pipeline.sampler else None,
            reader=self.part("readers", pipeline.reader) if pipeline.reader else None,
            composer=self.part("composers", pipeline.composer),
            renderer=self.part("renderers", "markdown"),
            media=self.media,
            copy_local=library.copy_local,
            documents=documents_of(self.settings, self.identify),
            languages=library.languages,
            sound_track=pipeline.sound_track,
        )

    def plan(self, tools: Tools, sources: Sources) -> Plan:
        """The stage table with these plug-ins."""
        used: dict[str, tuple[Sequence[Part[Any] | None], Any]] = {
            "fetch": (sources.parts, None),
            "listen": (tools.transcribers, [*tools.languages, *_wish(tools.sound_track)]),
            "look": ([tools.sampler], None),
            "read": ([tools.reader], None),
            "compose": ([tools.composer], None),
            "save": ([tools.renderer], self._told("documents", lambda: tools.documents.where)),
        }
        own = [
            _stage(row, partial(getattr(stages, row[0]), tools=tools), *used[row[0]])
            for row in TABLE
        ]
        own = [replace(stage, lane=LANES.get(stage.name, "cpu")) for stage in own]
        copied = tools.media.where if tools.copy_local else ""
        own[0] = replace(own[0], of_source=of_source(sources.parts, copied))
        own[4] = replace(own[4], of_source=composed(sources.parts, own[4].config))
        return Plan((*own, *(self._publish_stage(name, tools) for name in self.published_to())))

    def _publish_stage(self, name: str, tools: Tools) -> Stage:
        passages = self.passages()
        embedder = self.settings.search.embedder
        used = [self.part("knowledge", name)]
        used += [self.part("embedders", embedder)] if embedder else []

        def run(work: Work) -> Receipt:
            document = work.read("document", Document)
            chunks = cut(document, tools.link(document.video), passages)
            if name != "embedded":
                self.identify()
            return publish(document, chunks, self.ledger, name, self.knowledge(name))

        row = (f"publish@{name}", ("document",), f"receipt@{name}")
        stamp = self._told(f"stamp@{name}", lambda: self.knowledge(name).stamp())
        more = [stamp, passages.model_dump(mode="json")]
        lane = "cpu" if name == "embedded" else "net"
        return replace(_stage(row, run, used, more), lane=lane)

    def routes(self, sources: Sources) -> Routes:
        """Which machines can run what."""
        library = self.settings.library
        local = [p.name for p in sources.parts if getattr(p.plugin, "is_local", False)]
        kept = {"publish@embedded", *(["save"] if isinstance(library.documents, Path) else [])}
        return Routes(
            library=library.host,
            kept_there=frozenset(kept),
            local=frozenset(local if self.settings.ledger.url else ()),  # SQLite is one machine
            is_copied=library.copy_local,
        )


TABLE: Sequence[Row] = (
    ("fetch", ("origins",), "media"),
    ("listen", ("talk", "media"), "transcript"),
    ("look", ("media",), "frames"),
    ("read", ("frames", "media"), "slides"),
    ("compose", ("video", "media", "transcript", "slides"), "document"),
    ("save", ("document",), "page"),
)
"""stage, what it needs, what it makes"""
LANES = {"fetch": "net", "listen": "gpu"}
"""What kind of machine a stage wants, if not any."""


def _wish(sound_track: str) -> list[list[str]]:
    """What a wish adds to a key; none adds nothing, so that results from before it stay."""
    return [["sound track", sound_track]] if sound_track else []


def _refuse_unknown_tables(settings: Settings) -> None:
    """A mistyped `[transcribers.wisper]` must not be passed over in silence."""
    for family in plugins.FAMILIES:
        for name, section in getattr(settings, family).items():
            if str(section.get("use", name)) not in plugins.table(family):
                known = ", ".join(sorted(plugins.table(family)))
                raise BadSettings(
                    f"[{family}.{name}]: no plug-in has that name",
                    hint=f"known: {known}; or say which one it is with use = …",
                )


def _stage(
    row: Row, run: Callable[[Work], Noun], used: Sequence[Part[Any] | None], more: Any
) -> Stage:
    parts = [part for part in used if part is not None]
    return Stage(
        name=row[0],
        needs=row[1],
        makes=row[2],
        run=run,
        plugin=", ".join(part.name for part in parts),
        config=config_of([part.key for part in parts], more),
    )
