"""Asking: passages are found, questions answered, and both measured."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from video_rag import tallies
from video_rag.answerers import Answerer, Delta, Done
from video_rag.errors import NotFound, VideoRagError
from video_rag.evidence.recall import Recall
from video_rag.evidence.speaking import only_by
from video_rag.library import mending
from video_rag.library.evaluate import Score, evaluate
from video_rag.library.publishing import passages
from video_rag.library.shelf import Shelf
from video_rag.model import Answer, Chunk, Citation, Document, Hit, Query, Question, Video
from video_rag.observers import Asked, emit
from video_rag.stores import Result
from video_rag.text import synonyms
from video_rag.text.addresses import public
from video_rag.text.asking import Group, asked
from video_rag.text.names import is_meant, nearest

Place = TypeVar("Place", Chunk, Citation)

WIDE, WIDER = 50, 3
"""Where one speaker's words are looked for, so many passages, or so many times those wanted."""

ANSWER_SECONDS = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 180.0)
SEARCH_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
"""Upper bounds of histograms."""

_MOST_KNOWN = 20
"""Names that a hint lists."""
_MOST_ALIKE = 5
"""The same, of people: there may be hundreds."""


_OF_BOTH = "How are dictionaries loaded? 詞典怎麼載入？"
"""A question that needs the dictionaries of all languages."""


class Asking:
    """Searches knowledge bases and hands what was found to an answerer."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._synonyms: synonyms.Synonyms | None = None
        self._recall = Recall(self._document_digest, lambda video_id: passages(shelf, video_id))

    def prepare(self) -> None:
        """See `Library.prepare`."""
        settings, parts = self._shelf.settings, self._shelf.parts
        asked(_OF_BOTH)
        for make in (
            lambda: self.synonyms(_OF_BOTH),
            lambda: parts.knowledge(settings.search.knowledge),
            parts.reranker,
            lambda: parts.answerer(settings.ask.answerer),
        ):
            with suppress(VideoRagError):  # who asks is told
                make()

    def synonyms(self, text: str) -> tuple[Group, ...]:
        """See `Library.synonyms`."""
        if self._synonyms is None:
            self._synonyms = synonyms.load(self._shelf.settings.search.synonyms)
        return self._synonyms.of(text)

    def _base(self, knowledge: str | None) -> str:
        """The name of the base that is meant."""
        return knowledge or self._shelf.settings.search.knowledge

    def search_for(self, query: Query, knowledge: str | None) -> list[Hit]:
        """A search that is remembered: somebody asked for it, and no answerer did."""
        base = self._base(knowledge)
        remembered = self._shelf.remembering.of("search", query.text, query.collection, base)
        with remembered as told:
            hits = self.search(query, knowledge)
            told.found, told.is_over = len(hits), True
            told.outcome = "found" if hits else "nothing"
        return hits

    def search(self, query: Query, knowledge: str | None) -> list[Hit]:
        """See `Library.search`."""
        if query.speaker is not None and not query.speaker.strip():  # as no collection is none
            query = query.model_copy(update={"speaker": None})
        name, begun = self._base(knowledge), time.monotonic()
        try:
            hits = self._searched(query, knowledge)
        except VideoRagError:
            tallies.add("searches", knowledge=name, outcome="failed")
            raise
        tallies.add("searches", knowledge=name, outcome="found" if hits else "nothing")
        seconds = time.monotonic() - begun
        tallies.observe("search_seconds", seconds, SEARCH_SECONDS, knowledge=name)
        if not hits:
            self.refuse_lost(knowledge)
            self.refuse_unknown(query)
        return [hit.model_copy(update={"chunk": _for_readers(hit.chunk)}) for hit in hits]

    def _searched(self, query: Query, knowledge: str | None) -> list[Hit]:
        """The best passages, ranked again where that is set."""
        if not query.synonyms:
            query = query.model_copy(update={"synonyms": self.synonyms(query.text)})
        if query.speaker is None:
            return self._found(query, knowledge)
        wide = query.model_copy(update={"limit": max(WIDER * query.limit, WIDE)})
        by_meaning = bool(self._shelf.settings.search.embedder)
        hits = only_by(
            self._found(wide, knowledge), query.speaker, query.text, by_meaning=by_meaning
        )
        return [hit.model_copy(update={"chunk": self._link(hit.chunk)}) for hit in hits][
            : query.limit
        ]

    def _found(self, query: Query, knowledge: str | None) -> list[Hit]:
        base = self._shelf.parts.knowledge(self._base(knowledge))
        reranker = self._shelf.parts.reranker()
        if reranker is None:
            return self._recall.complete(base.search(query))
        hits = self._recall.complete(
            base.search(query.model_copy(update={"limit": query.limit * 5}))
        )
        scores = reranker.score(query.text, [hit.chunk.text for hit in hits])
        ranked = sorted(zip(scores, hits, strict=True), key=lambda pair: -pair[0])
        return [Hit(chunk=hit.chunk, score=score) for score, hit in ranked[: query.limit]]

    def refuse_lost(self, knowledge: str | None) -> None:
        """See `Library.refuse_lost`."""
        name = self._base(knowledge)
        mending.refuse_absent(self._shelf.parts, name)

    def refuse_unknown(self, query: Query) -> None:
        """See `Library.refuse_unknown`."""
        if not query.collection and not query.language and not query.speaker:
            return
        rows = [
            row for row in self._shelf.ledger.all_results(("video",)).values() if "video" in row
        ]
        if query.collection:
            videos = [self._shelf.read(row, "video", Video) for row in rows]
            known = {name for video in videos for name in video.collections}
            _refuse_absent("the collection", query.collection, known)
        if query.language:
            _refuse_absent("the language", query.language, self._languages(rows, query.language))
        if query.speaker:
            _refuse_nobody(query.speaker, self._speakers(rows, query.speaker))

    def _speakers(self, rows: Iterable[Mapping[str, Result]], wanted: str) -> set[str]:
        """Everybody who is known to speak; once the wanted one is met, no more is looked at."""
        known: set[str] = set()
        for row in rows:
            if document := self._shelf.maybe(row, "document", Document):
                sections = (*document.sections, *document.translations)
                said = (line.speaker for section in sections for line in section.segments)
                fresh = {name for name in said if name} - known
                known |= fresh
                if any(is_meant(wanted, name) for name in fresh):
                    break
        return known

    def _languages(self, rows: Iterable[Mapping[str, Result]], wanted: str) -> set[str]:
        """The languages of all passages; once the wanted one is met, no more is looked at."""
        known: set[str] = set()
        for row in rows:
            document = self._shelf.maybe(row, "document", Document)
            if document:
                known |= {one.language for one in (*document.sections, *document.translations)}
            if wanted in known:
                break
        return known

    def ask(
        self, question: Question, answerer: str | None, knowledge: str | None
    ) -> Iterator[Delta | Done]:
        """See `Library.ask`."""
        base = self._base(knowledge)
        remembered = self._shelf.remembering.of("ask", question.text, question.collection, base)
        with remembered as told:
            for event in self._asked(question, answerer, knowledge):
                if isinstance(event, Done):
                    answer = event.answer
                    told.found, told.is_over = len(answer.citations), True
                    told.outcome = "refused" if answer.refused else "found"
                yield event

    def _asked(
        self, question: Question, answerer: str | None, knowledge: str | None
    ) -> Iterator[Delta | Done]:
        name = answerer or self._shelf.settings.ask.answerer
        who = self._shelf.parts.answerer(name)
        if not question.synonyms:
            question = question.model_copy(update={"synonyms": self.synonyms(_all_said(question))})
        try:
            yield from self._answered(who, question, name, knowledge)
        except VideoRagError:
            tallies.add("questions", answerer=name, outcome="failed")
            raise

    def _answered(
        self, who: Answerer, question: Question, name: str, knowledge: str | None
    ) -> Iterator[Delta | Done]:
        """The stream of one answerer, its end linked, counted and told to observers."""
        begun = time.monotonic()
        for event in who.ask(question, lambda query: self.search(query, knowledge)):
            if isinstance(event, Delta):
                yield event
                continue
            answer = self._linked(event.answer)
            seconds = time.monotonic() - begun
            outcome = "refused" if answer.refused else "answered"
            tallies.add("questions", answerer=name, outcome=outcome)
            tallies.add("citations", len(answer.citations), answerer=name)
            tallies.observe("answer_seconds", seconds, ANSWER_SECONDS, answerer=name)
            emit(
                self._shelf.observers,
                Asked(name, len(answer.citations), answer.refused, seconds),
            )
            yield Done(answer)

    def evaluate(self, questions: Path, knowledge: str | None, videos: Sequence[Video]) -> Score:
        """See `Library.evaluate`."""
        return evaluate(questions, lambda query: self.search(query, knowledge), videos)

    def _linked(self, answer: Answer) -> Answer:
        """The answer with links that open its citations at the quoted line, not at the passage."""
        linked = tuple(self._link(citation) for citation in answer.citations)
        return answer.model_copy(update={"citations": linked})

    def _link(self, place: Place) -> Place:
        results = self._shelf.ledger.results(place.video_id)
        video = self._shelf.maybe(results, "video", Video)
        if video is None:  # a base elsewhere may cite what this library does not have
            return place
        url = self._shelf.tools.link(video)(place.start)
        return place.model_copy(update={"url": url})

    def _document_digest(self, video_id: str) -> str:
        found = self._shelf.ledger.results(video_id).get("document")
        return found.digest if found else ""


def _for_readers(chunk: Chunk) -> Chunk:
    """A passage without secrets in its addresses, which a base from before may still hold."""
    clean = {"source": public(chunk.source), "url": public(chunk.url)}
    return chunk.model_copy(update=clean)


def _all_said(question: Question) -> str:
    """The question and those before it, which it may point to."""
    earlier = (turn.text for turn in question.conversation if turn.role == "user")
    return "\n".join([*earlier, question.text])


def _refuse_nobody(name: str, known: set[str]) -> None:
    """Raise `NotFound` for somebody who speaks in no video."""
    if any(is_meant(name, one) for one in known):
        return
    few = nearest(name, known, _MOST_ALIKE)
    none = "no video names its speakers; leave --speaker out"
    hint = f"known, most alike first: {_some(few, known)}" if few else none
    raise NotFound(f"nobody called {name!r} speaks in any video", hint=hint)


def _refuse_absent(what: str, name: str, known: set[str]) -> None:
    """Raise `NotFound` for what no video of the library has."""
    if name in known:
        return
    few = sorted(known)[:_MOST_KNOWN]
    hint = f"known: {_some(few, known)}" if few else "the library is empty: add something first"
    raise NotFound(f"no video is in {what} {name!r}", hint=hint)


def _some(few: Sequence[str], known: set[str]) -> str:
    """A few of those known, and how many more there are."""
    more = f" and {len(known) - len(few)} more" if len(known) > len(few) else ""
    return f"{', '.join(few)}{more}"
