"""The knowledge-retrieval node: several datasets at once, by rules of its own."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from video_rag.testing.dify import external, keywords
from video_rag.testing.dify.flow import NodeFailed, Run, Step, usage
from video_rag.testing.dify.indexing import content_hash
from video_rag.testing.dify.payloads import (
    MetadataFilteringCondition,
    RetrievalModel,
    SearchMethod,
)
from video_rag.testing.dify.records import Dataset
from video_rag.testing.dify.retrieval import Hit
from video_rag.testing.dify.retrieval import search as search_dataset
from video_rag.testing.dify.wire import ApiError

Json = dict[str, Any]
_DIFFERENT = (
    "The configured knowledge base list have different indexing technique, "
    "please set reranking model."
)
_NO_METADATA = (
    "1 validation error for Document\nmetadata\n  Input should be a valid dictionary "
    "[type=dict_type, input_value=None, input_type=NoneType]\n"
    "    For further information visit https://errors.pydantic.dev/2.12/v/dict_type"
)


def search(run: Run, node: Json) -> Step:
    """Search the node's datasets. Ids of datasets that are not there are passed over."""
    data = node["data"]
    query = run.value(data["query_variable_selector"])
    if not isinstance(query, str) or not query:
        raise NodeFailed("Query is required.")
    with run.world.lock:
        known = run.world.datasets
        found = [known[id_] for id_ in data["dataset_ids"] if id_ in known]
    config = data.get("multiple_retrieval_config") or {}
    if len({dataset.technique for dataset in found}) > 1 and not config.get("reranking_enable"):
        raise NodeFailed(_DIFFERENT, {"query": query})
    if len(found) > 1 and config.get("reranking_enable"):  # over one, the dataset's own counts
        _rerank(run, config)
    records = [
        record for dataset in found for record in _records(run, dataset, query, data, config)
    ]
    records.sort(key=lambda record: -(record["metadata"]["score"] or 0.0))
    records = records[: config.get("top_k") or 4]
    for position, record in enumerate(records, start=1):
        record["metadata"]["position"] = position
    return Step(
        outputs={"result": records}, inputs={"query": query}, process={"usage": usage(0, 0)}
    )


def _rerank(run: Run, config: Json) -> None:
    try:
        run.world.need_reranker((config.get("reranking_model") or {}).get("model"))
    except ApiError as error:
        raise NodeFailed(error.message) from error


def _records(run: Run, dataset: Dataset, query: str, data: Json, config: Json) -> list[Json]:
    condition = _condition(run, data)
    if dataset.external:
        return _from_outside(run, dataset, query, condition)
    stored = dataset.settings["retrieval_model_dict"]
    economy = dataset.technique == "economy"
    top_k = config.get("top_k") or 4
    model = RetrievalModel.model_validate(stored).model_copy(
        update={
            "top_k": top_k if economy else stored["top_k"],
            "metadata_filtering_conditions": condition
            and MetadataFilteringCondition.model_validate(condition),
        }
    )
    if economy:
        model.search_method = SearchMethod.KEYWORD_SEARCH
    try:
        with run.world.lock:
            hits = search_dataset(run.world, dataset, query, model)
    except ApiError as error:
        raise NodeFailed(error.message, {"query": query}) from error
    if economy:
        texts = [hit.segment.content for hit in hits]
        scores = _keyword_scores(query, texts)
        hits = [hit._replace(score=score) for hit, score in zip(hits, scores, strict=True)]
    return [_record(dataset, hit) for hit in hits]


def _condition(run: Run, data: Json) -> Json | None:
    """The node's own filter, with its variables filled in."""
    if data.get("metadata_filtering_mode") != "manual":
        return None
    wanted = data.get("metadata_filtering_conditions") or {}
    conditions = [
        {
            "name": one["name"],
            "comparison_operator": one["comparison_operator"],
            "value": run.text(one["value"]) if isinstance(one.get("value"), str) else one["value"],
        }
        for one in wanted.get("conditions") or ()
    ]
    return {"logical_operator": wanted.get("logical_operator", "and"), "conditions": conditions}


def _from_outside(run: Run, dataset: Dataset, query: str, condition: Json | None) -> list[Json]:
    setting = (dataset.external or {})["retrieval_model"]
    try:
        records = external.ask(run.world, dataset, query, setting, condition)
    except external.ExternalError as error:
        raise NodeFailed(str(error), {"query": query}) from error
    if any(not isinstance(record.get("metadata"), dict) for record in records):
        raise NodeFailed(_NO_METADATA, {"query": query})
    return [_outside_record(dataset, record) for record in records]


def _outside_record(dataset: Dataset, record: Json) -> Json:
    title, score = record.get("title"), record.get("score")
    named = {"dataset_id": dataset.id, "dataset_name": dataset.name}
    told: Json = {
        "_source": "knowledge",
        **named,
        "document_id": title,
        "document_name": title,
        "data_source_type": "external",
        "segment_id": None,
        "retriever_from": "workflow",
        "score": score,
        "child_chunks": [],
        "segment_hit_count": 0,
        "segment_word_count": 0,
        "segment_position": 0,
        "segment_index_node_hash": None,
        "doc_metadata": {**record["metadata"], "score": score, "title": title, **named},
    }
    return _row(told, title, record.get("content"))


def _record(dataset: Dataset, hit: Hit) -> Json:
    told = {
        "_source": "knowledge",
        "dataset_id": dataset.id,
        "dataset_name": dataset.name,
        "document_id": hit.document.id,
        "document_name": hit.document.name,
        "data_source_type": "upload_file",
        "segment_id": hit.segment.id,
        "retriever_from": "workflow",
        "score": hit.score,
        "child_chunks": [],
        "segment_hit_count": 0,
        "segment_word_count": hit.segment.words,
        "segment_position": hit.segment.position,
        "segment_index_node_hash": content_hash(hit.segment.content),
        "doc_metadata": hit.document.metadata,
    }
    return _row(told, hit.document.name, hit.segment.content)


def _row(metadata: Json, title: str | None, content: str | None) -> Json:
    return {
        "metadata": metadata,
        "title": title,
        "files": None,
        "content": content,
        "summary": None,
    }


def _keyword_scores(query: str, texts: Sequence[str]) -> list[float]:
    """Cosines of keyword sets, weighted by how rare a word is among these texts."""
    sets = [set(keywords.keywords(text)) for text in texts]
    holding = Counter(word for words in sets for word in words)
    weights = {
        word: math.log((1 + len(texts)) / (1 + count)) + 1 for word, count in holding.items()
    }
    asked = {word: weights.get(word, 0.0) for word in keywords.keywords(query)}
    return [_cosine(asked, {word: weights[word] for word in words}) for words in sets]


def _cosine(one: dict[str, float], other: dict[str, float]) -> float:
    shared = sum(one[word] * other[word] for word in one.keys() & other.keys())
    lengths = math.hypot(*one.values()) * math.hypot(*other.values())
    return shared / lengths if lengths else 0.0
