"""Searching a dataset: the keyword table of economy, a stand-in for embeddings of high quality."""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from video_rag.testing.dify import filters, keywords
from video_rag.testing.dify.calls import Call
from video_rag.testing.dify.payloads import HitTestingPayload, RetrievalModel, SearchMethod
from video_rag.testing.dify.records import Child, Dataset, Document, Segment
from video_rag.testing.dify.shapes import record_json
from video_rag.testing.dify.state import World
from video_rag.testing.dify.wire import ApiError, Reply, Routes, invalid, validated
from video_rag.text.tokens import CHINESE_STOP_WORDS, ENGLISH_STOP_WORDS

routes = Routes("/v1/datasets/{dataset}")
_STOP_WORDS = ENGLISH_STOP_WORDS | CHINESE_STOP_WORDS
_SIZE = 512
"""Dimensions of the stand-in for an embedding."""
_FULL_TEXT = 0.0608
"""What pgvector scores a segment that holds a word once."""
_WORD = re.compile(r"[a-z0-9]+|[\u3400-\u9fff]+")


class Hit(NamedTuple):
    """A segment that was found."""

    document: Document
    segment: Segment
    score: float = 0.0
    child: Child | None = None
    """The child chunk by which a parent was found."""


@routes.add("POST", "/retrieve", "/hit-testing")
def retrieve(call: Call) -> Reply:
    """Search a dataset by the way that is sent, or the dataset's own."""
    found = call.dataset
    asked = validated(HitTestingPayload, call.request.json)
    if found.external is not None and asked.retrieval_model is None:
        raise ApiError(500, "internal_server_error", "'reranking_enable'")
    if found.external is not None and not found.documents:
        return Reply({"query": {"content": asked.query}, "records": []})
    stored = found.settings["retrieval_model_dict"]
    model = asked.retrieval_model or RetrievalModel.model_validate(stored)
    by_segment: dict[str, list[Hit]] = {}
    for hit in search(call.world, found, asked.query, model):
        by_segment.setdefault(hit.segment.id, []).append(hit)
    records = [_record(call.world, hits) for hits in by_segment.values()]
    return Reply({"query": {"content": asked.query}, "records": records})


def _record(world: World, hits: list[Hit]) -> dict[str, Any]:
    """A segment, with those of its child chunks that were found."""
    best = hits[0]
    children = [
        {
            "id": hit.child.id,
            "content": hit.child.content,
            "position": hit.child.position,
            "score": hit.score,
        }
        for hit in hits
        if hit.child
    ]
    return record_json(world, best.document, best.segment, best.score, children)


def search(world: World, dataset: Dataset, query: str, model: RetrievalModel) -> list[Hit]:
    """The segments that a search finds, in Dify's order. Raises `ApiError` as Dify does."""
    method = model.search_method
    if method is not SearchMethod.KEYWORD_SEARCH:
        _need_index(world, dataset, query, method)
    if model.reranking_enable:
        world.need_reranker((model.reranking_model or {}).get("reranking_model_name"))
    allowed = filters.documents(dataset, model.metadata_filtering_conditions)
    if method is SearchMethod.KEYWORD_SEARCH:
        return _by_keywords(dataset, query, model.top_k, allowed)
    threshold = (model.score_threshold or 0.0) if model.score_threshold_enabled else -1.0
    hits = [
        Hit(document, segment, child=child)
        for document, segment in segments(dataset)
        if allowed is None or document.id in allowed
        for child in (*segment.children,) or (None,)
    ]
    scores = _scores([(hit.child or hit.segment).content for hit in hits], query, model)
    found = [
        hit._replace(score=score)
        for hit, score in zip(hits, scores, strict=True)
        if score is not None and score >= threshold
    ]
    return sorted(found, key=lambda hit: -hit.score)[: model.top_k]


def segments(dataset: Dataset) -> list[tuple[Document, Segment]]:
    """Every segment that can be found, in the order of their making."""
    found = [
        (document, segment)
        for document in dataset.documents.values()
        if document.searchable
        for segment in document.segments
        if segment.enabled
    ]
    return sorted(found, key=lambda pair: pair[1].serial)


def _by_keywords(dataset: Dataset, query: str, top_k: int, allowed: set[str] | None) -> list[Hit]:
    """The best by keywords, cut first and filtered then, in the order of the database."""
    if dataset.technique != "economy":
        return []
    best = set(keywords.search(dataset.table, query, top_k))
    return [
        Hit(document, segment)
        for document, segment in segments(dataset)
        if segment.node_id in best and (allowed is None or document.id in allowed)
    ]


def _need_index(world: World, dataset: Dataset, query: str, method: SearchMethod) -> None:
    if method is not SearchMethod.FULL_TEXT_SEARCH:
        world.need_plugin_daemon()
        world.embed([query])
    if dataset.technique != "high_quality":
        table = f"embedding_vector_index_{dataset.id.replace('-', '_')}_nod"
        raise invalid(f'relation "{table}" does not exist\nLINE 1: ...FROM embedding_...\n')


def _scores(texts: list[str], query: str, model: RetrievalModel) -> list[float | None]:
    """How well each text fits; None where this search does not find it."""
    if model.search_method is SearchMethod.FULL_TEXT_SEARCH:
        return _full_text(texts, query)
    meanings = _similarities(texts, query)
    if model.search_method is SearchMethod.SEMANTIC_SEARCH:
        return [*meanings]
    weights = model.weights or {}
    vector = weights.get("vector_setting", {}).get("vector_weight", 1.0)
    keyword = weights.get("keyword_setting", {}).get("keyword_weight", 0.0)
    words = [min(1.0, (one or 0.0) / _FULL_TEXT) for one in _full_text(texts, query)]
    return [vector * one + keyword * other for one, other in zip(meanings, words, strict=True)]


def _similarities(texts: list[str], query: str) -> list[float]:
    if not texts:
        return []
    found = np.stack([embedding(text) for text in texts]) @ embedding(query)
    return [float(one) for one in found]


def _full_text(texts: list[str], query: str) -> list[float | None]:
    """PostgreSQL's search: every word of the question has to be there."""
    wanted = {word for word in _words(query) if word not in _STOP_WORDS}
    return [_matched(wanted, _counts(text)) for text in texts]


def _matched(wanted: set[str], there: Mapping[str, int]) -> float | None:
    if not wanted or any(word not in there for word in wanted):
        return None
    return _FULL_TEXT * sum(min(there[word], 3) for word in wanted) / len(wanted)


@lru_cache(maxsize=50_000)
def _counts(text: str) -> Mapping[str, int]:
    return Counter(_words(text))


@lru_cache(maxsize=50_000)
def embedding(text: str) -> npt.NDArray[np.float32]:
    """A unit vector of hashed words and parts of words: texts that share them are near."""
    vector = np.zeros(_SIZE, dtype=np.float32)
    for feature, weight in Counter(_features(text)).items():
        code = zlib.crc32(feature.encode())
        vector[code % _SIZE] += (1 if code & 0x10000 else -1) * (1 + np.log(weight))
    length = float(np.linalg.norm(vector))
    return vector / length if length else vector


def _features(text: str) -> Iterator[str]:
    for word in _words(text):
        if word in _STOP_WORDS:
            continue
        yield word
        size = 4 if word.isascii() else 2
        yield from (word[start : start + size] for start in range(len(word) - size))


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())
