"""How Dify is told to index and to search: always said outright, since it inherits neither well."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from video_rag import plugins
from video_rag.dify.connection import Connection
from video_rag.dify.datasets import MAX_SEGMENT, Technique
from video_rag.knowledge.dify.text import SEPARATOR

Json = dict[str, Any]
CHILD_OVERLAP = 0


class Options(Connection):
    """The Dify server, the dataset in it, and how documents are published there."""

    mode: Literal["", "economy", "high-quality"] = Field(
        "",
        description="How the dataset is indexed: by keywords, or by an embedding model. Empty: "
        "as Dify says.",
    )
    segmentation: Literal["passages", "parent-child"] = Field(
        "passages",
        description="One segment for each passage; `parent-child` also indexes smaller pieces of "
        "it (high quality only).",
    )
    child_length: int = Field(
        300, ge=50, le=MAX_SEGMENT, description="Longest of these pieces, in Dify's tokens."
    )
    keywords: bool = Field(
        False,
        description="Economy only: give every segment all its words as keywords, in place of the "
        "ten that Dify chooses. Finds much more; one more call for each segment.",
    )
    part_bytes: int = Field(
        10_000_000,
        ge=4 * MAX_SEGMENT,
        description="A longer document is published in parts; Dify takes 15 MB at most.",
    )
    embedding_provider: str = Field(
        "", description="Provider of the embedding model, such as `langgenius/openai/openai`."
    )
    embedding_model: str = Field(
        "", description="Embedding model of a dataset that is made; empty: the workspace's own."
    )
    rerank_provider: str = plugins.inert("", description="Provider of the ranking model.")
    rerank_model: str = plugins.inert(
        "", description="Model that ranks what Dify found (high quality only); empty: none."
    )
    search_method: Literal["hybrid_search", "semantic_search", "full_text_search"] = plugins.inert(
        "hybrid_search", description="How a high-quality dataset is searched."
    )
    candidates: int = plugins.inert(
        200,
        ge=10,
        description="Economy only: segments asked for, to be ranked here; Dify's own order there "
        "means nothing.",
    )
    concurrency: int = plugins.inert(
        8,
        ge=1,
        le=16,
        description="Documents published at once; in an economy dataset only one is indexed at a "
        "time, whatever this says.",
    )
    wait_seconds: float = plugins.inert(
        300.0,
        gt=0,
        description="Seconds that indexing may stand still before it counts as stuck.",
    )
    patience: float = plugins.inert(
        120.0,
        ge=0,
        description="Seconds that publishing waits for Dify to come back when it is away.",
    )
    poll_seconds: float = plugins.inert(
        2.0, gt=0, description="Longest pause between two looks at the indexing, in seconds."
    )


def indexing(options: Options, technique: Technique) -> Json:
    """What goes with every document that is sent."""
    rules: Json = {
        "pre_processing_rules": [
            {"id": "remove_extra_spaces", "enabled": True},
            {"id": "remove_urls_emails", "enabled": False},  # it would delete the links
        ],
        "segmentation": {"separator": SEPARATOR, "max_tokens": MAX_SEGMENT, "chunk_overlap": 0},
    }
    is_nested = options.segmentation == "parent-child"
    if is_nested:
        rules |= {
            "parent_mode": "paragraph",
            "subchunk_segmentation": {
                "separator": "\n",
                "max_tokens": options.child_length,
                "chunk_overlap": 0,
            },
        }
    body: Json = {
        "indexing_technique": technique,
        "doc_form": "hierarchical_model" if is_nested else "text_model",
        "process_rule": {"mode": "hierarchical" if is_nested else "custom", "rules": rules},
        "retrieval_model": retrieval(options, technique, 10),
    }
    if technique == "high_quality" and options.embedding_model:
        body |= {
            "embedding_model": options.embedding_model,
            "embedding_model_provider": options.embedding_provider,
        }
    return body


def retrieval(options: Options, technique: Technique, top_k: int) -> Json:
    """How a dataset is searched. Economy knows keywords only, and only when told so."""
    model: Json = {
        "search_method": "keyword_search",
        "reranking_enable": False,
        "top_k": top_k,
        "score_threshold_enabled": False,
    }
    if technique == "economy":
        return model
    model["search_method"] = options.search_method
    if options.rerank_model:
        model |= {
            "reranking_enable": True,
            "reranking_mode": "reranking_model",
            "reranking_model": {
                "reranking_provider_name": options.rerank_provider,
                "reranking_model_name": options.rerank_model,
            },
        }
    return model
