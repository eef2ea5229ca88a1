"""What Dify checks in request bodies. The names are Dify's: they stand in its error messages."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator


class _Payload(BaseModel):
    model_config = ConfigDict(extra="ignore")


class ProcessRuleMode(StrEnum):
    """How a document is cut."""

    AUTOMATIC = "automatic"
    CUSTOM = "custom"
    HIERARCHICAL = "hierarchical"


class ProcessRule(_Payload):
    """A process rule."""

    mode: ProcessRuleMode
    rules: dict[str, Any] | None = None


class SearchMethod(StrEnum):
    """How segments are found."""

    SEMANTIC_SEARCH = "semantic_search"
    FULL_TEXT_SEARCH = "full_text_search"
    HYBRID_SEARCH = "hybrid_search"
    KEYWORD_SEARCH = "keyword_search"


class Condition(_Payload):
    """One condition on a metadata field."""

    name: str
    comparison_operator: Literal[
        "contains",
        "not contains",
        "start with",
        "end with",
        "is",
        "is not",
        "empty",
        "not empty",
        "in",
        "not in",
        "=",
        "≠",
        ">",
        "<",
        "≥",
        "≤",
        "before",
        "after",
    ]
    value: str | list[str] | int | float | None = None


class MetadataFilteringCondition(_Payload):
    """All conditions of a search."""

    logical_operator: Literal["and", "or"] | None = "and"
    conditions: list[Condition] | None = None


class RetrievalModel(_Payload):
    """How to search."""

    search_method: SearchMethod
    reranking_enable: bool
    reranking_model: dict[str, Any] | None = None
    reranking_mode: str | None = None
    top_k: int
    score_threshold_enabled: bool
    score_threshold: float | None = None
    weights: dict[str, Any] | None = None
    metadata_filtering_conditions: MetadataFilteringCondition | None = None


class HitTestingPayload(_Payload):
    """A search."""

    query: str = Field(max_length=250)
    retrieval_model: RetrievalModel | None = None
    external_retrieval_model: dict[str, Any] | None = None


class DatasetCreatePayload(_Payload):
    """A new dataset."""

    name: str = Field(min_length=1, max_length=40)
    description: str = Field(default="", max_length=400)
    indexing_technique: Literal["high_quality", "economy"] | None = None
    permission: Literal["only_me", "all_team_members", "partial_members"] | None = "only_me"
    provider: Literal["vendor", "external"] = "vendor"
    external_knowledge_api_id: str | None = None
    external_knowledge_id: str | None = None
    embedding_model: str | None = None
    embedding_model_provider: str | None = None
    retrieval_model: RetrievalModel | None = None


class DatasetUpdatePayload(_Payload):
    """A change of a dataset."""

    name: str | None = Field(default=None, min_length=1, max_length=40)
    description: str | None = Field(default=None, max_length=400)
    indexing_technique: Literal["high_quality", "economy"] | None = None
    permission: Literal["only_me", "all_team_members", "partial_members"] | None = None
    embedding_model: str | None = None
    embedding_model_provider: str | None = None
    retrieval_model: RetrievalModel | None = None
    external_retrieval_model: dict[str, Any] | None = None


def _known_form(value: str) -> str:
    if value not in {"text_model", "hierarchical_model", "qa_model"}:
        raise ValueError("Invalid doc_form.")
    return value


class DocumentTextCreatePayload(_Payload):
    """A new document, as text."""

    name: str
    text: str
    process_rule: ProcessRule | None = None
    original_document_id: str | None = None
    doc_form: str = "text_model"
    doc_language: str = "English"
    indexing_technique: str | None = None
    retrieval_model: RetrievalModel | None = None

    _form = field_validator("doc_form")(_known_form)


class DocumentTextUpdate(_Payload):
    """New content for a document, as text."""

    name: str | None = None
    text: str | None = None
    process_rule: ProcessRule | None = None
    doc_form: str | None = None
    doc_language: str = "English"

    @field_validator("doc_form")
    @classmethod
    def _form(cls, value: str | None) -> str | None:
        return value if value is None else _known_form(value)


class KnowledgeConfig(_Payload):
    """What Dify makes of both, and of the `data` beside a file."""

    indexing_technique: Literal["high_quality", "economy"]
    duplicate: bool = True
    process_rule: ProcessRule | None = None
    doc_form: str = "text_model"
    doc_language: str = "English"
    original_document_id: str | None = None
    name: str | None = None


class MetadataArgs(_Payload):
    """A new metadata field."""

    type: Literal["string", "number", "time"]
    name: str


class MetadataUpdatePayload(_Payload):
    """A field's new name."""

    name: str


class MetadataDetail(_Payload):
    """A value for a document. Booleans become numbers."""

    id: str
    name: str
    value: Annotated[str | int | float | None, Field(union_mode="smart")] = None


class DocumentMetadataOperation(_Payload):
    """The values of one document."""

    document_id: str
    metadata_list: list[MetadataDetail]
    partial_update: bool = False


class MetadataOperationData(_Payload):
    """The values of several documents."""

    operation_data: list[DocumentMetadataOperation]


class SegmentCreateItem(_Payload):
    """A new segment."""

    content: str
    answer: str | None = None
    keywords: list[str] | None = None


class SegmentCreatePayload(_Payload):
    """New segments."""

    segments: list[SegmentCreateItem] | None = None


class SegmentUpdateArgs(_Payload):
    """A segment's new content."""

    content: str | None = None
    answer: str | None = None
    keywords: list[str] | None = None
    enabled: bool | None = None
    regenerate_child_chunks: bool = False


class SegmentUpdatePayload(_Payload):
    """A change of a segment."""

    segment: SegmentUpdateArgs


class ChildChunkPayload(_Payload):
    """A child chunk's content."""

    content: str


class DocumentIds(_Payload):
    """Documents whose status is changed."""

    document_ids: list[str] = []
