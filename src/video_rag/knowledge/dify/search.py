"""Finds passages in a dataset.

A high-quality dataset answers with scores, and its order is kept. An economy dataset answers with
a set in no order, every score 0: so more is asked for than wanted, in several forms of the
question's words, and ranked here as the embedded base ranks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from video_rag.dify.datasets import Datasets, Record, Technique
from video_rag.dify.passages import parse
from video_rag.knowledge import ranking
from video_rag.knowledge.dify import rules
from video_rag.knowledge.dify.words import questions
from video_rag.model import Chunk, Hit, Query
from video_rag.text.asking import asked
from video_rag.text.memberships import frame, framed
from video_rag.text.tokens import characters

WEIGHTS = ranking.Weights(document=0.0)
SPARE = 5
"""So many times the wanted passages are asked for: windows overlap, and filters take some."""


class Searcher:
    """Reads one dataset."""

    def __init__(
        self, datasets: Datasets, dataset_id: str, options: rules.Options, technique: Technique
    ) -> None:
        self._datasets = datasets
        self._dataset_id = dataset_id
        self._options = options
        self._technique = technique

    def search(self, query: Query) -> list[Hit]:
        """The best passages, each a place of its own."""
        if not query.text.strip():
            return []
        if query.speaker:  # names stand among the words; whose line it is, the library tells
            query = query.model_copy(update={"text": f"{query.speaker} {query.text}"})
        if self._technique == "economy":
            return _first(self._by_keywords(query), query.limit)
        return _first(self._by_meaning(query), query.limit)

    def _by_keywords(self, query: Query) -> list[Hit]:
        depth = max(self._options.candidates, SPARE * query.limit)
        model = rules.retrieval(self._options, "economy", depth)
        found: dict[str, Record] = {}
        for question in questions(query.text, query.synonyms):
            for record in self._datasets.retrieve(self._dataset_id, question, model):
                found[record.segment_id] = record
        chunks = [chunk for chunk in map(_chunk, found.values()) if chunk and _fits(chunk, query)]
        return ranked(query, chunks)

    def _by_meaning(self, query: Query) -> list[Hit]:
        model = rules.retrieval(self._options, "high_quality", min(SPARE * query.limit, 100))
        conditions = _conditions(query)
        if conditions:
            model["metadata_filtering_conditions"] = {
                "logical_operator": "or",
                "conditions": conditions,
            }
        records = self._datasets.retrieve(self._dataset_id, query.text, model)
        hits = [
            Hit(chunk=chunk, score=record.score)
            for record in records
            if (chunk := _chunk(record)) and _fits(chunk, query)
        ]
        return sorted(hits, key=lambda hit: -hit.score)


def ranked(query: Query, chunks: Sequence[Chunk]) -> list[Hit]:
    """Candidates by BM25; how rare a word is, the candidates themselves tell."""
    by_video: dict[str, list[Chunk]] = defaultdict(list)
    for chunk in chunks:
        by_video[chunk.video_id].append(chunk)
    pairs = [
        pair
        for group in by_video.values()
        for pair in zip(group, ranking.entries(group), strict=True)
    ]
    wanted = _wanted(query, [entry for _, entry in pairs])
    hits = [Hit(chunk=chunk, score=ranking.score(entry, wanted, WEIGHTS)) for chunk, entry in pairs]
    found = [hit for hit in hits if hit.score > 0]
    return sorted(found, key=lambda hit: (-hit.score, hit.chunk.video_id, hit.chunk.start))


def _wanted(query: Query, entries: Sequence[ranking.Entry]) -> ranking.Wanted:
    words = asked(query.text, query.synonyms)
    found = list(dict.fromkeys(term for wish in words for term in wish.terms))
    single = list(dict.fromkeys(characters(query.text)))
    return ranking.Wanted(
        words,
        single,
        _field(found, [entry.words for entry in entries]),
        _field(single, [entry.characters for entry in entries if entry.characters]),
    )


def _field(wanted: Iterable[str], texts: Sequence[Sequence[str]]) -> ranking.Field:
    sets = [set(text) for text in texts]
    frequencies = {term: sum(term in text for text in sets) for term in wanted}
    length = sum(map(len, texts))
    return ranking.Field(len(texts), length / len(texts) if texts else 0.0, frequencies)


def _first(hits: Sequence[Hit], limit: int) -> list[Hit]:
    places = ranking.distinct(enumerate(hit.chunk for hit in hits), limit)
    return [hits[row] for row, _ in places]


def _chunk(record: Record) -> Chunk | None:
    return parse(record.content, record.metadata, record.document_name)


def _conditions(query: Query) -> list[dict[str, str]]:
    """Of which one must hold. Dify does not nest them; the rest of the filters is `_fits`.

    A video is wholly in a collection or not, so where one is asked for, it says enough.
    """
    if query.video_id is not None:
        wished = [("video_id", "is", query.video_id)]
    elif query.collection is not None:
        name = query.collection
        wished = [("collection", "is", framed([name])), ("collection", "contains", frame(name))]
    else:
        wished = []
    names = ("name", "comparison_operator", "value")
    return [dict(zip(names, one, strict=True)) for one in wished]


def _fits(chunk: Chunk, query: Query) -> bool:
    """Whether a passage is within the filters."""
    published = chunk.published or ""
    return (
        query.collection in {None, *chunk.collections}
        and query.language in {None, chunk.language}
        and query.video_id in {None, chunk.video_id}
        and (query.since is None or published >= query.since)
        and (query.until is None or "" < published <= query.until)
    )
