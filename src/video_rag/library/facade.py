"""A library of videos: add, look, search, ask, remove. Every door (command, API) calls this."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TypeVar

from video_rag.answerers import Delta, Done
from video_rag.chunking import cut
from video_rag.errors import NotFound, UnsupportedUrl, VideoRagError
from video_rag.evidence.recall import Recall
from video_rag.library.evaluate import Score, evaluate
from video_rag.library.intake import Given, Intake
from video_rag.library.naming import meant
from video_rag.library.status import Added, Status, Wishes, state_of
from video_rag.library.watching.watch import Checked, Watch
from video_rag.library.wiring import Parts
from video_rag.model import (
    Answer,
    Chunk,
    Citation,
    Document,
    Hit,
    Media,
    MediaSet,
    Noun,
    Page,
    Query,
    Question,
    Transcripts,
    Video,
)
from video_rag.observers import Asked, Observer, emit
from video_rag.pipeline.engine import Engine
from video_rag.pipeline.publishing import Publishing
from video_rag.pipeline.stages import discard, with_media_facts, write
from video_rag.pipeline.work import load
from video_rag.settings import Settings
from video_rag.sources import Source
from video_rag.stores import Failure, Result
from video_rag.stores.local import Local
from video_rag.stores.sql import Sql

__all__ = ["Added", "Library", "Status", "Wishes"]

AnyNoun = TypeVar("AnyNoun", bound=Noun)


_LOOK_AHEAD = 8
"""URLs that are looked up before work on their videos begins: their files can then be fetched
several at once, and the first is ready soon."""


class Library:
    """Wires the parts together; safe to use from several threads and processes."""

    def __init__(self, settings: Settings, observers: Sequence[Observer] = ()) -> None:
        self.settings = settings
        self.ledger = Sql(settings.home / "library.db")
        self.blobs = Local(settings.home / "blobs")
        self.parts = Parts(settings, self.ledger)
        self._observers = [*self.parts.observers(), *observers]
        self._sources = self.parts.sources()
        self._tools = self.parts.tools(self._sources)
        self._queue = self.parts.queue()
        self._engine = Engine(
            self.parts.plan(self._tools),
            self.ledger,
            self.blobs,
            self._queue.submit,
            self._observers,
            settings.home / "scratch",
            settings.pipeline.claim_seconds,
        )
        self.intake = Intake(
            settings, self.ledger, self.blobs, self._engine, self._queue, self._sources
        )
        self.watch = Watch(
            self.ledger.watchlist,
            self.ledger.sites,
            source_of=self._source_of,
            give=self.intake.give,
            has=lambda video_id: bool(self.ledger.results(video_id)),
            hold=self._engine.claim,
        )
        self._recall = Recall(self._document_digest, self.passages)

    def close(self) -> None:
        """Let go of files."""
        self.ledger.close()

    # adding, trying again, removing

    def add(self, urls: Iterable[str], wishes: Wishes | None = None) -> Iterator[Added]:
        """Take in every video behind these paths and URLs, and work until each is ready or failed.

        One that fails does not keep the others. Adding again is harmless and cheap; it tries again
        what failed because a server was away.
        """
        known = self._urls()
        self.intake.left.clear()
        left = iter(urls)
        while some := list(islice(left, _LOOK_AHEAD)):
            given: dict[str, list[tuple[Video, Given]]] = {}
            for url in some:
                try:
                    for found in self._found(url, set(known.values())):
                        if isinstance(found, VideoRagError):
                            yield Added(url, error=found)
                        else:
                            one = self.intake.give(found, wishes or Wishes())
                            given.setdefault(found.video_id, []).append((found, one))
                except VideoRagError as error:
                    yield Added(url, error=error)
            yield from self._work_on(given, known)

    def run(self) -> Iterator[Checked | Status]:
        """One pass over everything due: look at subscriptions, then work on what is unfinished.

        Gives what was found in each list, then each video that was worked on. What had to be left
        for later, because a site cools down, is in `intake.left`.
        """
        self.intake.left.clear()
        yield from self.watch.check()
        known = self._urls()
        for video_id in self.intake.process(self.intake.unfinished()):
            yield self._settled(video_id, known)

    def retry(self, video_ids: Iterable[str]) -> Iterator[Status]:
        """Forget failures and work on these videos again."""
        for video_id in video_ids:
            self.ledger.forgive(video_id)
            self.intake.work(video_id)
            yield self.status(video_id)

    def remove(self, video_id: str) -> None:
        """Withdraw a video from every knowledge base, then forget it and what we stored of it.

        Files that their owner put somewhere stay untouched.
        """
        results = self.ledger.results(video_id)
        if not results:
            raise NotFound(f"no video {video_id!r}", hint="see `video-rag list`")
        video, page = self._maybe(results, "video", Video), self._maybe(results, "page", Page)
        for receipt in self.ledger.receipts(video_id):
            self.parts.knowledge(receipt.knowledge).withdraw(video_id, receipt)
        self.ledger.remove(video_id)
        if page:
            discard(self.settings.library.documents, {page.path, *page.files})
        if video:
            self._sources[video.source].discard(video)
        self.blobs.sweep(set(self.ledger.digests()))

    def _found(self, url: str, known: set[str]) -> Iterator[Video | VideoRagError]:
        """The videos behind a path or URL, series taken apart; known ones are not opened again."""
        source = self._source_of(url)
        for found in source.discover(url):
            if isinstance(found, VideoRagError) or _is_known(found.video_id, known):
                yield found
            else:
                yield from source.parts(found)

    def _work_on(
        self, given: Mapping[str, list[tuple[Video, Given]]], known: dict[str, str]
    ) -> Iterator[Added]:
        """Work on what was given; the videos that need nothing come first."""
        stale = dict.fromkeys(
            video_id for video_id, all_of in given.items() if any(g.is_stale for _, g in all_of)
        )
        for video_id in stale:
            self.intake.forgive_passing(video_id)
        fresh = [video_id for video_id in given if video_id not in stale]
        rest = dict.fromkeys(given)
        for video_id in (*fresh, *self.intake.process(stale)):
            rest.pop(video_id, None)
            status = self._settled(video_id, known)
            yield from _told(given[video_id], status)
        for video_id in rest:  # its site cools down
            yield from _told(given[video_id], self.status(video_id))

    def _settled(self, video_id: str, known: dict[str, str]) -> Status:
        """The status of a video that was worked on; a ready one takes an earlier one's place."""
        status = self.status(video_id)
        if status.state == "ready":
            self._replace_earlier(status.video, known)
        known[status.video.url] = video_id
        return status

    def _replace_earlier(self, video: Video, known: Mapping[str, str]) -> None:
        """A file that changed, or a subtitle whose video came: the earlier version goes."""
        media = self._read(self.ledger.results(video.video_id), "media", MediaSet)
        for url in {video.url, *(file.path for file in media.files)}:
            earlier = known.get(url)
            if earlier and earlier != video.video_id and self.ledger.results(earlier):
                self.remove(earlier)

    def _source_of(self, url: str) -> Source:
        for source in self._sources.values():
            if source.claims(url):
                return source
        raise UnsupportedUrl(
            f"nothing can read {url!r}", hint="give a file, a folder or an http(s) URL"
        )

    # looking

    def videos(self) -> list[Status]:
        """Every video and its state, in the order they were added."""
        failures = self.ledger.all_failures()
        claimed = {video_id for video_id, _stage in self.ledger.claimed()}
        return [
            self._status(results, failures.get(video_id, []), is_claimed=video_id in claimed)
            for video_id, results in self.ledger.all_results().items()
            if "video" in results
        ]

    def status(self, video_id: str) -> Status:
        """One video and its state. Raises `NotFound`."""
        results = self.ledger.results(video_id)
        if "video" not in results:
            raise NotFound(f"no video {video_id!r}", hint="see `video-rag list`")
        failures = list(self.ledger.failures(video_id).values())
        claimed = any(found == video_id for found, _stage in self.ledger.claimed())
        return self._status(results, failures, is_claimed=claimed)

    def find(self, name: str) -> str:
        """The id of the video that a person means: its id, title, file name, path or URL.

        Raises `NotFound`, or `UsageError` when several fit.
        """
        return name if self.ledger.results(name) else meant(name, self.videos())

    def document(self, video_id: str) -> Document:
        """What was made of a video. Raises `NotFound` when there is none yet."""
        return self._need(video_id, "document", Document)

    def transcripts(self, video_id: str) -> Transcripts:
        """Every language of a video. Raises `NotFound` when there is none yet."""
        return self._need(video_id, "transcript", Transcripts)

    def page(self, video_id: str) -> Path:
        """The readable file of a video. Raises `NotFound` when there is none yet."""
        return self.settings.library.documents / self._need(video_id, "page", Page).path

    def playable(self, video_id: str) -> Media | None:
        """The file that a player can show, if the video is here."""
        media = self._maybe(self.ledger.results(video_id), "media", MediaSet)
        files = (*media.of("video"), *media.of("audio")) if media else ()
        # a file of its owner that is gone is told; what was dropped when it was ready is not missed
        there = (f for f in files if Path(f.path).is_absolute() or self.locate(f).is_file())
        return next(there, None)

    def locate(self, media: Media) -> Path:
        """Where a file of a video lies."""
        return self._tools.locate(media.path)

    def image(self, digest: str) -> bytes:
        """A slide's picture (JPEG). Raises `NotFound`."""
        return self.blobs.get(digest)

    def export(self, video_id: str, format_name: str, folder: Path) -> Path:
        """Write a video's document into a folder in another format; returns the file."""
        document = self.document(video_id)
        renderer = self.parts.build("renderers", FORMATS.get(format_name, format_name))
        stem = Path(self.page(video_id).name).stem
        pictures = {s.image: f"{stem}/{s.image[:12]}.jpg" for s in document.slides}
        link = self._tools.link(document.video)
        data = renderer.render(document, link, lambda slide: pictures.get(slide.image, ""))
        if renderer.has_pictures:
            for image, place in pictures.items():
                write(folder / place, self.image(image))
        path = folder / f"{stem}{renderer.suffix}"
        write(path, data)
        return path

    # publishing

    def passages(self, video_id: str) -> tuple[Document, list[Chunk]]:
        """A document, and the passages that knowledge bases get of it. Raises `NotFound`."""
        document = self.document(video_id)
        return document, cut(document, self._tools.link(document.video), self.parts.passages())

    def publishing(self, knowledge: str) -> Publishing:
        """Brings a knowledge base in line with this library."""
        base = self.parts.knowledge(knowledge)
        return Publishing(knowledge, base, self.ledger, self.passages, self._engine.claim)

    # searching and asking

    def search(self, query: Query, knowledge: str | None = None) -> list[Hit]:
        """The best passages first. `knowledge` names the base, else `[search] knowledge`."""
        base = self.parts.knowledge(knowledge or self.settings.search.knowledge)
        reranker = self.parts.reranker()
        if reranker is None:
            return self._recall.complete(base.search(query))
        hits = self._recall.complete(
            base.search(query.model_copy(update={"limit": query.limit * 5}))
        )
        scores = reranker.score(query.text, [hit.chunk.text for hit in hits])
        ranked = sorted(zip(scores, hits, strict=True), key=lambda pair: -pair[0])
        return [Hit(chunk=hit.chunk, score=score) for score, hit in ranked[: query.limit]]

    def ask(
        self, question: Question, answerer: str | None = None, knowledge: str | None = None
    ) -> Iterator[Delta | Done]:
        """Stream an answer; the last event holds it whole, with checked citations."""
        name = answerer or self.settings.ask.answerer
        begun = time.monotonic()
        who = self.parts.answerer(name)
        for event in who.ask(question, lambda query: self.search(query, knowledge)):
            if isinstance(event, Delta):
                yield event
                continue
            answer = self._linked(event.answer)
            seconds = time.monotonic() - begun
            emit(self._observers, Asked(name, len(answer.citations), answer.refused, seconds))
            yield Done(answer)

    def _linked(self, answer: Answer) -> Answer:
        """The answer with links that open its citations at the quoted line, not at the passage."""
        linked = tuple(self._link(citation) for citation in answer.citations)
        return answer.model_copy(update={"citations": linked})

    def _link(self, citation: Citation) -> Citation:
        video = self._maybe(self.ledger.results(citation.video_id), "video", Video)
        if video is None:  # a base elsewhere may cite what this library does not have
            return citation
        url = self._tools.link(video)(citation.start)
        return citation.model_copy(update={"url": url})

    def evaluate(self, questions: Path, knowledge: str | None = None) -> Score:
        """Hit rates on questions with known places. Raises `UsageError` naming a bad line."""
        videos = [status.video for status in self.videos()]
        return evaluate(questions, lambda query: self.search(query, knowledge), videos)

    # reading results

    def _document_digest(self, video_id: str) -> str:
        found = self.ledger.results(video_id).get("document")
        return found.digest if found else ""

    def _urls(self) -> dict[str, str]:
        rows = self.ledger.all_results().values()
        videos = [self._read(results, "video", Video) for results in rows if "video" in results]
        return {video.url: video.video_id for video in videos}

    def _status(
        self, results: Mapping[str, Result], failures: Sequence[Failure], *, is_claimed: bool
    ) -> Status:
        video = self._read(results, "video", Video)
        media = self._maybe(results, "media", MediaSet)
        if media:
            video = with_media_facts(video, media)
        page = self._maybe(results, "page", Page)
        if page:
            known = {"language": page.language, "duration": page.duration}
            video = video.model_copy(update=known)
        stale = {stage.name: key for stage, key in self._engine.plan.stale(results)}
        standing = tuple(f for f in failures if stale.get(f.stage) == f.key)
        return Status(video, state_of(stale, standing, is_claimed=is_claimed), standing)

    def _read(self, results: Mapping[str, Result], name: str, noun: type[AnyNoun]) -> AnyNoun:
        return load(self.blobs, results[name].digest, noun)

    def _maybe(
        self, results: Mapping[str, Result], name: str, noun: type[AnyNoun]
    ) -> AnyNoun | None:
        return self._read(results, name, noun) if name in results else None

    def _need(self, video_id: str, name: str, noun: type[AnyNoun]) -> AnyNoun:
        found = self._maybe(self.ledger.results(video_id), name, noun)
        if found is None:
            raise NotFound(f"{video_id} has no {name} yet", hint=f"see `video-rag show {video_id}`")
        return found


def _told(given: Iterable[tuple[Video, Given]], status: Status) -> Iterator[Added]:
    """What became of a video, for each time it was given."""
    for found, one in given:
        yield Added(found.url, status, is_new=one.is_new, same_as=one.same_as)


def _is_known(video_id: str, known: set[str]) -> bool:
    """Whether it, or the first of its parts, is in the library."""
    return video_id in known or f"{video_id}_p1" in known


FORMATS = {"md": "markdown"}
"""Short names of formats; others are the renderers' own."""
