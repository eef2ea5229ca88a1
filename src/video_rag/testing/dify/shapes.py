"""How Dify shows its state: the JSON of datasets, documents, segments and metadata."""

from __future__ import annotations

from typing import Any

from video_rag.testing.dify.indexing import content_hash
from video_rag.testing.dify.records import (
    DONE,
    Child,
    Dataset,
    Document,
    Segment,
    Upload,
)
from video_rag.testing.dify.segmenting import AUTOMATIC
from video_rag.testing.dify.state import ACCOUNT_NAME, World

Json = dict[str, Any]
_STEPS = (
    "processing_started_at",
    "parsing_completed_at",
    "cleaning_completed_at",
    "splitting_completed_at",
    "completed_at",
    "paused_at",
)


UNSET_EXTERNAL = {"top_k": 2, "score_threshold": 0.0, "score_threshold_enabled": None}
BUILT_IN = {
    "document_name": "string",
    "uploader": "string",
    "upload_date": "time",
    "last_update_date": "time",
    "source": "string",
}
"""The metadata fields that every dataset has."""


def dataset_json(world: World, dataset: Dataset, *, listed: bool = False) -> Json:
    """A dataset. `listed`: as GET shows it, where the embedding model was looked for."""
    documents = list(dataset.documents.values())
    external = dataset.external or {}
    search = dataset.settings["retrieval_model_dict"]
    outward = {name: search[name] for name in UNSET_EXTERNAL}
    outward = outward if dataset.search_was_set else UNSET_EXTERNAL
    return {
        "id": dataset.id,
        "name": dataset.name,
        **dataset.settings,
        "data_source_type": "upload_file" if documents else None,
        "app_count": world.app_count(dataset.id),
        "document_count": len(documents),
        "word_count": sum(document.word_count or 0 for document in documents),
        "created_by": world.account_id,
        "author_name": ACCOUNT_NAME,
        "created_at": dataset.created_at,
        "updated_by": world.account_id,
        "updated_at": dataset.updated_at,
        "embedding_available": True if listed else None,
        "summary_index_setting": dict.fromkeys(
            ("enable", "model_name", "model_provider_name", "summary_prompt")
        ),
        "tags": [{"id": tag, "name": world.tags[tag]} for tag in dataset.tags],
        "doc_form": dataset.doc_form,
        "external_knowledge_info": {
            f"external_knowledge_{name}": external.get(name)
            for name in ("id", "api_id", "api_name", "api_endpoint")
        },
        "external_retrieval_model": external.get("retrieval_model") or outward,
        "doc_metadata": fields_json(dataset),
        "built_in_field_enabled": dataset.built_in_fields,
        "pipeline_id": None,
        "runtime_mode": "general",
        "chunk_structure": None,
        "icon_info": dict.fromkeys(("icon_type", "icon", "icon_background", "icon_url")),
        "is_published": False,
        "total_documents": len(documents),
        "total_available_documents": sum(document.searchable for document in documents),
        "enable_api": dataset.enable_api,
        "is_multimodal": False,
        "maintainer": world.account_id,
    }


def fields_json(dataset: Dataset) -> list[Json]:
    """The metadata fields of a dataset, the built-in ones when they are kept."""
    own = [{"id": field.id, "name": field.name, "type": field.type} for field in dataset.fields]
    if not dataset.built_in_fields:
        return own
    return own + [{"id": "built-in", "name": name, "type": kind} for name, kind in BUILT_IN.items()]


def document_json(world: World, dataset: Dataset, document: Document) -> Json:
    """A document, as lists show it and posts answer it."""
    return {
        **_document_base(world, document),
        "data_source_info": {"upload_file_id": document.upload.id},
        "data_source_detail_dict": {"upload_file": upload_json(world, document.upload)},
        "word_count": document.word_count,
        "doc_metadata": metadata_details(dataset, document) or [],
    }


def document_detail(world: World, dataset: Dataset, document: Document, part: str) -> Json:
    """A single document; `part` is `all`, `only` (metadata) or `without` (metadata)."""
    metadata = {"doc_type": None, "doc_metadata": metadata_details(dataset, document)}
    if part == "only":
        return {"id": document.id, **metadata}
    count = len(document.segments)
    detail = {
        **_document_base(world, document),
        "data_source_info": {"upload_file": upload_json(world, document.upload)},
        "dataset_process_rule": {"mode": "automatic", "rules": AUTOMATIC},
        "document_process_rule": {
            "id": document.rule.id,
            "dataset_id": dataset.id,
            "mode": document.rule.mode,
            "rules": document.rule.rules and _rules(document.rule.rules),
        },
        "completed_at": document.times.get("completed_at"),
        "updated_at": int(document.updated_at),
        "indexing_latency": world.index_seconds if document.status == DONE else None,
        "segment_count": count,
        "average_segment_length": (document.word_count or 0) // count if count else 0,
        "doc_language": document.doc_language,
    }
    return detail if part == "without" else detail | metadata


def _rules(rules: Json) -> Json:
    below = {"parent_mode": None, "subchunk_segmentation": None}
    return below | {"segmentation": {"chunk_overlap": 0} | rules.get("segmentation", {})} | rules


def _document_base(world: World, document: Document) -> Json:
    return {
        "id": document.id,
        "position": document.position,
        "data_source_type": "upload_file",
        "dataset_process_rule_id": document.rule.id,
        "name": document.name,
        "created_from": document.created_from,
        "created_by": world.account_id,
        "created_at": document.created_at,
        "tokens": document.tokens,
        "indexing_status": document.status,
        "error": document.error,
        "enabled": document.enabled,
        "disabled_at": document.disabled_at,
        "disabled_by": world.account_id if document.disabled_at else None,
        "archived": document.archived,
        "display_status": document.display_status,
        "hit_count": 0,
        "doc_form": document.doc_form,
        "summary_index_status": None,
        "need_summary": False,
    }


def upload_json(world: World, upload: Upload) -> Json:
    """The file that a document came as."""
    return {
        "id": upload.id,
        "name": upload.name,
        "size": upload.size,
        "extension": upload.extension,
        "mime_type": upload.mime_type,
        "created_by": world.account_id,
        "created_at": upload.created_at,
    }


def status_json(document: Document) -> Json:
    """How far the indexing of a document is."""
    return {
        "id": document.id,
        "indexing_status": document.status,
        **{step: document.times.get(step) for step in _STEPS},
        "error": document.error,
        "stopped_at": document.times.get("stopped_at"),
        "completed_segments": sum(one.completed_at is not None for one in document.segments),
        "total_segments": len(document.segments),
    }


def segment_json(world: World, segment: Segment) -> Json:
    """A segment, as the segment routes show it."""
    return {
        **_segment_base(world, segment),
        "sign_content": segment.content,
        "keywords": segment.keywords,
        "updated_at": segment.updated_at,
        "updated_by": segment.updated_by,
        "child_chunks": [child_json(segment, child) for child in segment.children],
        "attachments": [],
        "summary": None,
    }


def record_json(
    world: World, document: Document, segment: Segment, score: float, children: list[Json]
) -> Json:
    """A segment, as a search shows it."""
    return {
        "segment": {
            **_segment_base(world, segment),
            "sign_content": None,
            "keywords": segment.keywords or [],
            "document": {
                "id": document.id,
                "data_source_type": "upload_file",
                "name": document.name,
                "doc_type": None,
                "doc_metadata": document.metadata,
            },
        },
        "child_chunks": children,
        "score": score,
        "tsne_position": None,
        "files": [],
        "summary": None,
    }


def _segment_base(world: World, segment: Segment) -> Json:
    return {
        "id": segment.id,
        "position": segment.position,
        "document_id": segment.document_id,
        "content": segment.content,
        "answer": segment.answer,
        "word_count": segment.words,
        "tokens": segment.tokens,
        "index_node_id": segment.node_id,
        "index_node_hash": content_hash(segment.content),
        "hit_count": 0,
        "enabled": segment.enabled,
        "disabled_at": None,
        "disabled_by": None,
        "status": segment.status,
        "created_by": world.account_id,
        "created_at": segment.created_at,
        "indexing_at": segment.created_at,
        "completed_at": segment.completed_at,
        "error": None,
        "stopped_at": None,
    }


def child_json(segment: Segment, child: Child) -> Json:
    """A child chunk."""
    return {
        "id": child.id,
        "segment_id": segment.id,
        "content": child.content,
        "position": child.position,
        "word_count": len(child.content),
        "type": child.type,
        "created_at": child.created_at,
        "updated_at": child.updated_at,
    }


def metadata_details(dataset: Dataset, document: Document) -> list[Json] | None:
    """A document's values by field: those given to it by a known id, then the built-in ones."""
    if not document.metadata:
        return None
    known = {field.id: field for field in dataset.fields}
    given = [known[one] for one in document.bindings if one in known]
    rows = [
        {
            "id": field.id,
            "name": field.name,
            "type": field.type,
            "value": document.metadata.get(field.name),
        }
        for field in given
    ]
    return rows + [
        {"id": "built-in", "name": name, "type": kind, "value": value}
        for name, kind, value in (
            ("document_name", "string", document.name),
            ("uploader", "string", ACCOUNT_NAME),
            ("upload_date", "time", str(float(document.created_at))),
            ("last_update_date", "time", str(document.updated_at)),
            ("source", "string", "file_upload"),
        )
    ]


def page(rows: list[Any], number: int, limit: int, most: int = 100) -> tuple[list[Any], Json]:
    """The rows of a page, and what is said beside them.

    No page has more than `most` rows, yet `limit` is echoed and `has_more` reckoned as asked for.
    """
    size = max(1, min(limit, most))
    shown = rows[(number - 1) * size : number * size]
    said = {"has_more": len(shown) == limit, "limit": limit, "total": len(rows), "page": number}
    return shown, said
