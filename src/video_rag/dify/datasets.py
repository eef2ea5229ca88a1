"""Dify's knowledge API: datasets, documents, segments, metadata, retrieval.

Every call is one request of the service API (`…/v1/datasets/…`, key `dataset-…`), as measured
on 1.16.1. Raises what `Client.call` raises.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from video_rag.dify.client import Client
from video_rag.errors import NotFound, Rejected

PAGE = 100
"""Rows of a page; Dify gives no more, whatever is asked for."""
MAX_NAME = 200
"""Characters of a document's name; Dify cuts longer ones."""
MAX_DATASET_NAME = 40
MAX_QUERY = 250
"""Characters of a question; Dify refuses longer ones."""
MAX_SEGMENT = 4000
"""The largest `max_tokens` of a process rule; beyond it, indexing fails."""

Technique = Literal["economy", "high_quality"]
Action = Literal["enable", "disable", "archive", "un_archive"]
Json = dict[str, Any]


class _Answer(BaseModel):
    """Part of an answer; what a later Dify adds is passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


class Dataset(_Answer):
    """A knowledge base in Dify."""

    id: str
    name: str
    indexing_technique: Technique | None = None
    doc_form: str | None = None
    embedding_model: str | None = None
    embedding_available: bool | None = None
    provider: str = "vendor"
    document_count: int = 0
    enable_api: bool = True
    retrieval_model: Json = Field(default={}, alias="retrieval_model_dict")
    """How apps search it."""


class RemoteDocument(_Answer):
    """A document, and how its indexing stands."""

    id: str
    name: str
    indexing_status: str = ""
    """waiting, parsing, cleaning, splitting, indexing, paused, completed or error."""
    display_status: str | None = None
    """queuing, indexing, paused, error, available, disabled or archived."""
    enabled: bool = True
    archived: bool = False
    error: str | None = None
    word_count: int | None = None
    """Characters of all segments; None while it is indexed."""
    segment_count: int | None = None
    """Only told of a single document."""
    doc_form: str | None = None
    metadata: dict[str, Any] = Field(default={}, alias="doc_metadata")

    @field_validator("metadata", mode="before")
    @classmethod
    def _by_name(cls, value: Any) -> dict[str, Any]:
        if isinstance(value, dict):  # as a retrieve tells it
            return value
        return {row["name"]: row.get("value") for row in value or ()}


class Segment(_Answer):
    """A passage as Dify keeps it."""

    id: str
    position: int
    content: str
    keywords: list[str] = []
    enabled: bool = True
    status: str = ""
    word_count: int = 0

    @field_validator("keywords", mode="before")
    @classmethod
    def _or_none(cls, value: Any) -> list[str]:
        return value or []


class Progress(_Answer):
    """How far the indexing of a posted document is."""

    id: str
    indexing_status: str
    error: str | None = None
    completed_segments: int = 0
    total_segments: int = 0


class Record(NamedTuple):
    """A segment that was retrieved."""

    segment_id: str
    document_id: str
    document_name: str
    content: str
    score: float
    """Always 0 from a keyword search."""
    metadata: Mapping[str, Any]


class Posted(NamedTuple):
    """What a document was given when it was sent."""

    document_id: str
    batch: str


@contextmanager
def _understood() -> Iterator[None]:
    """Turn an answer of a form that nobody knows into an error that tells so."""
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValidationError) as error:
        raise Rejected(
            f"Dify's answer has an unknown form: {type(error).__name__}",
            hint="does base_url lead to Dify's service API, and to Dify 1.5 or later?",
        ) from error


class Datasets:
    """The knowledge API behind one dataset key."""

    def __init__(self, client: Client) -> None:
        self.client = client

    # datasets

    @_understood()
    def create(self, name: str, technique: Technique, **more: Any) -> Dataset:
        """Make a dataset. A name that is taken is refused (409), as after a lost answer."""
        body = {"name": name, "indexing_technique": technique, "permission": "only_me", **more}
        return Dataset.model_validate(
            self.client.call("POST", "/datasets", repeatable=True, json=body)
        )

    @_understood()
    def get(self, dataset_id: str) -> Dataset:
        """One dataset. Needs Dify's plugin daemon."""
        return Dataset.model_validate(self.client.call("GET", f"/datasets/{dataset_id}"))

    @_understood()
    def find(self, name: str) -> Dataset | None:
        """The dataset of exactly this name. Needs Dify's plugin daemon."""
        rows = self._pages("/datasets", {"keyword": name})
        return next((Dataset.model_validate(row) for row in rows if row["name"] == name), None)

    def change(self, dataset_id: str, **fields: Any) -> None:
        """Change some settings of a dataset."""
        self.client.call("PATCH", f"/datasets/{dataset_id}", repeatable=True, json=fields)

    def delete(self, dataset_id: str) -> None:
        """Delete a dataset and all that is in it."""
        self.client.call("DELETE", f"/datasets/{dataset_id}")

    @_understood()
    def models(self, kind: Literal["text-embedding", "rerank", "llm"]) -> list[Json]:
        """The providers that have a model of this kind. Needs Dify's plugin daemon."""
        found = self.client.call("GET", f"/workspaces/current/models/model-types/{kind}")
        return list(found["data"])

    # documents

    @_understood()
    def post(self, dataset_id: str, name: str, text: str, **rules: Any) -> Posted:
        """Send a document. An enabled one of the same name is replaced and keeps its id.

        `rules` must hold `indexing_technique` and `process_rule`: Dify inherits neither well.
        """
        answer = self.client.call(
            "POST",
            f"/datasets/{dataset_id}/document/create-by-text",
            repeatable=True,
            json={"name": name, "text": text, **rules},
        )
        return Posted(answer["document"]["id"], answer["batch"])

    @_understood()
    def progress(self, dataset_id: str, posted: Posted) -> Progress | None:
        """How far a posted document is; None when a later post has superseded it."""
        path = f"/datasets/{dataset_id}/documents/{posted.batch}/indexing-status"
        try:
            rows = self.client.call("GET", path)["data"]
        except NotFound:
            return None
        mine = (row for row in rows if row["id"] == posted.document_id)
        return next((Progress.model_validate(row) for row in mine), None)

    @_understood()
    def document(self, dataset_id: str, document_id: str) -> RemoteDocument | None:
        """One document; None when there is none of this id."""
        try:
            row = self.client.call("GET", f"/datasets/{dataset_id}/documents/{document_id}")
        except NotFound:
            return None
        return RemoteDocument.model_validate(row)

    def documents(self, dataset_id: str, keyword: str = "") -> Iterator[RemoteDocument]:
        """Every document whose name holds the keyword, each once."""
        path = f"/datasets/{dataset_id}/documents"
        for row in self._pages(path, {"keyword": keyword} if keyword else {}):
            with _understood():
                found = RemoteDocument.model_validate(row)
            yield found

    def unfinished(self, dataset_id: str) -> list[RemoteDocument]:
        """The documents that wait for their indexing or are at it."""
        path = f"/datasets/{dataset_id}/documents"
        found = (row for of in ("queuing", "indexing") for row in self._pages(path, {"status": of}))
        with _understood():
            return [RemoteDocument.model_validate(row) for row in found]

    def named(self, dataset_id: str, name: str) -> list[RemoteDocument]:
        """The documents of exactly this name: none, one, or several."""
        return [found for found in self.documents(dataset_id, name) if found.name == name]

    def delete_document(self, dataset_id: str, document_id: str) -> None:
        """Delete a document; one that is not there is no error."""
        try:
            self.client.call("DELETE", f"/datasets/{dataset_id}/documents/{document_id}")
        except NotFound:
            return

    def set_status(
        self,
        dataset_id: str,
        action: Action,
        document_ids: Iterable[str],
    ) -> None:
        """Switch documents on or off, or put them into the archive and back."""
        path = f"/datasets/{dataset_id}/documents/status/{action}"
        body = {"document_ids": list(document_ids)}
        self.client.call("PATCH", path, repeatable=True, json=body)

    # segments

    @_understood()
    def segments(self, dataset_id: str, document_id: str) -> list[Segment]:
        """A document's segments in order."""
        path = f"/datasets/{dataset_id}/documents/{document_id}/segments"
        found = [Segment.model_validate(row) for row in self._pages(path, {})]
        return sorted(found, key=lambda segment: segment.position)

    def set_keywords(
        self, dataset_id: str, document_id: str, segment: Segment, keywords: Sequence[str]
    ) -> None:
        """Give a segment keywords of its own in place of the ten that Dify chose."""
        path = f"/datasets/{dataset_id}/documents/{document_id}/segments/{segment.id}"
        body = {"segment": {"content": segment.content, "keywords": list(keywords)}}
        self.client.call("POST", path, repeatable=True, json=body)

    # metadata

    @_understood()
    def fields(self, dataset_id: str) -> dict[str, str]:
        """The metadata fields of a dataset: name → id."""
        found = self.client.call("GET", f"/datasets/{dataset_id}/metadata")
        return {row["name"]: row["id"] for row in found["doc_metadata"]}

    def create_field(self, dataset_id: str, name: str, kind: str) -> None:
        """Make a metadata field: `string`, `number` or `time`. One of that name is refused."""
        path = f"/datasets/{dataset_id}/metadata"
        self.client.call("POST", path, repeatable=True, json={"type": kind, "name": name})

    def set_metadata(
        self,
        dataset_id: str,
        values: Mapping[str, Mapping[str, str | float | None]],
        fields: Mapping[str, str],
    ) -> None:
        """Set fields of documents (id → name → value); fields that are not named stay."""
        operations = [
            {
                "document_id": document_id,
                "partial_update": True,  # without it, Dify wipes what is not listed
                "metadata_list": [
                    {"id": fields[name], "name": name, "value": value}
                    for name, value in row.items()
                ],
            }
            for document_id, row in values.items()
        ]
        path = f"/datasets/{dataset_id}/documents/metadata"
        self.client.call("POST", path, repeatable=True, json={"operation_data": operations})

    # retrieval

    @_understood()
    def retrieve(self, dataset_id: str, query: str, retrieval_model: Json) -> list[Record]:
        """The segments that Dify finds for a question of at most `MAX_QUERY` characters."""
        answer = self.client.call(
            "POST",
            f"/datasets/{dataset_id}/retrieve",
            repeatable=True,
            json={"query": query[:MAX_QUERY], "retrieval_model": retrieval_model},
        )
        return [_record(row) for row in answer["records"]]

    def _pages(self, path: str, params: Mapping[str, Any]) -> Iterator[Json]:
        """Every row of a list, each once. `has_more` is wrong on full pages: `total` decides."""
        page, read = 1, 0
        seen: set[str] = set()  # rows move to the next page when others write meanwhile
        while True:
            asked = {**params, "page": page, "limit": PAGE}
            answer = self.client.call("GET", path, params=asked)
            with _understood():
                rows, ids = answer["data"], [row["id"] for row in answer["data"]]
            yield from (row for row in rows if row["id"] not in seen)
            seen |= set(ids)
            read += len(rows)
            if not rows or read >= answer.get("total", 0):
                return
            page += 1


def _record(row: Json) -> Record:
    segment = row["segment"]
    document = segment.get("document") or {}
    return Record(
        segment_id=segment["id"],
        document_id=segment["document_id"],
        document_name=document.get("name") or "",
        content=segment["content"],
        score=row.get("score") or 0.0,
        metadata=document.get("doc_metadata") or {},
    )
