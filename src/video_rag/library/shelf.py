"""What a library stands on: the ledger, the results, the plug-ins and the engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from video_rag import backups, private
from video_rag.errors import Lost, NotFound, UnsupportedUrl, VideoRagError
from video_rag.library.counting import Counting
from video_rag.library.remembering import Remembering
from video_rag.library.storing import blobs_of
from video_rag.library.wiring import Parts
from video_rag.model import Job, Noun, Video
from video_rag.observers import Observer
from video_rag.pipeline.engine import Engine
from video_rag.pipeline.judging import Judge
from video_rag.pipeline.results import load
from video_rag.queues import CPU
from video_rag.settings import Settings
from video_rag.sources import Source
from video_rag.stores import Result
from video_rag.stores.sql import Sql

AnyNoun = TypeVar("AnyNoun", bound=Noun)


class Shelf:
    """The parts of one library, wired, and the results that lie in it."""

    def __init__(self, settings: Settings, observers: Sequence[Observer]) -> None:
        self.settings = settings
        backups.refuse_half(settings.home)
        private.tighten(settings.home)
        self.ledger = Sql(settings.ledger.url or settings.home / "library.db")
        self.parts = Parts(settings, self.ledger)
        self.blobs = blobs_of(settings, self.parts.identify)
        self.counting = Counting(self.ledger)
        self.remembering = Remembering(self.ledger, settings.ask.keep_days)
        self.observers = [*self.parts.observers(), *observers, self.counting]
        self.sources = self.parts.sources()
        self.tools = self.parts.tools(self.sources)
        self.queue = self.parts.queue()
        self.engine = Engine(
            Judge(
                self.parts.plan(self.tools, self.sources),
                self.ledger,
                self.blobs,
                self.parts.routes(self.sources),
            ),
            self.ledger,
            self.blobs,
            self.submit,
            self.observers,
            settings.home / "scratch",
            settings.pipeline.claim_seconds,
        )

    def submit(self, job: Job, route: str = CPU, *, is_urgent: bool = False) -> None:
        """Hand a job over; the ledger notes that others may come for it."""
        if self.queue.is_shared:
            self.queue.submit(job, route, is_urgent=is_urgent)
            self.ledger.agenda.sent([job])
        elif not route.startswith("at.") or route == f"at.{self.settings.pipeline.machine}":
            self.queue.submit(job, route, is_urgent=is_urgent)

    def source_of(self, url: str) -> Source:
        """The first source that claims a path or URL. Raises `UnsupportedUrl`."""
        for source in self.sources.values():
            if source.claims(url):
                return source
        raise UnsupportedUrl(
            f"nothing can read {url!r}", hint="give a file, a folder or an http(s) URL"
        )

    def held_at(self, path: str) -> Video | None:
        """What a path of this machine holds now; None for what cannot be read, and for URLs."""
        if "://" in path or not Path(path).is_file():
            return None
        try:
            found = next(iter(self.source_of(path).discover(path)), None)
        except VideoRagError:
            return None
        return found if isinstance(found, Video) else None

    def read(self, results: Mapping[str, Result], name: str, noun: type[AnyNoun]) -> AnyNoun:
        """A result that is there. Raises `Lost`; then the next `run` makes it again."""
        try:
            return load(self.blobs, results[name], noun)
        except Lost as error:
            with suppress(VideoRagError):  # a ledger that cannot be written is read all the same
                self.ledger.lose(error.digest)
            raise

    def maybe(
        self, results: Mapping[str, Result], name: str, noun: type[AnyNoun]
    ) -> AnyNoun | None:
        """A result, if it is there."""
        return self.read(results, name, noun) if name in results else None

    def need(self, video_id: str, name: str, noun: type[AnyNoun]) -> AnyNoun:
        """A result of a video. Raises `NotFound` when it has none of that name yet."""
        found = self.maybe(self.ledger.results(video_id), name, noun)
        if found is None:
            raise NotFound(f"{video_id} has no {name} yet", hint=f"see `video-rag show {video_id}`")
        return found
