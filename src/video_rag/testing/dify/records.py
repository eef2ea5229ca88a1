"""The records that a Dify keeps: datasets and what is in them, other servers, conversations."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from video_rag.testing.dify.wire import not_found

Json = dict[str, Any]
DONE = "completed"


@dataclass
class Upload:
    """A file as it was sent."""

    id: str
    name: str
    text: str
    size: int
    extension: str
    mime_type: str
    created_at: float = field(default_factory=time.time)


@dataclass
class Rule:
    """A process rule: how a document is cut."""

    id: str
    mode: str
    rules: dict[str, Any] | None


@dataclass
class Child:
    """A child chunk of a hierarchical document."""

    id: str
    content: str
    position: int
    type: str = "automatic"
    created_at: int = field(default_factory=lambda: int(time.time()))
    updated_at: int = field(default_factory=lambda: int(time.time()))


@dataclass
class Segment:
    """A passage of a document."""

    id: str
    node_id: str
    document_id: str
    position: int
    content: str
    serial: int
    """Grows with every segment made: the order in which a database gives them back."""
    answer: str | None = None
    keywords: list[str] | None = None
    children: list[Child] = field(default_factory=list)
    enabled: bool = False
    status: str = "indexing"
    tokens: int = 0
    updated_by: str | None = None
    created_at: int = field(default_factory=lambda: int(time.time()))
    updated_at: int = field(default_factory=lambda: int(time.time()))
    completed_at: int | None = None

    @property
    def words(self) -> int:
        """Dify's word count, which counts characters."""
        return len(self.content) + len(self.answer or "")


@dataclass
class Document:
    """A document of a dataset."""

    id: str
    name: str
    position: int
    upload: Upload
    rule: Rule
    batch: str
    doc_form: str
    doc_language: str = "English"
    created_from: str = "api"
    created_at: int = field(default_factory=lambda: int(time.time()))
    updated_at: float = field(default_factory=time.time)
    status: str = "waiting"
    times: dict[str, int] = field(default_factory=dict)
    """When each step of the indexing ended, unix seconds."""
    error: str | None = None
    enabled: bool = True
    archived: bool = False
    disabled_at: int | None = None
    in_index: bool = True
    """Whether its segments are in the index: switching it off or archiving it takes them out, and
    indexing it anew puts them in, archived or not."""
    word_count: int | None = None
    tokens: int | None = None
    run: int = 0
    """Which posting of its content this is; an indexing of an older one is void."""
    metadata: dict[str, Any] | None = None
    bindings: list[str] = field(default_factory=list)
    """Ids of the metadata fields that were given to it."""
    segments: list[Segment] = field(default_factory=list)
    busy_until: float = 0.0
    """Monotonic time until which a change of status is still worked on."""

    @property
    def display_status(self) -> str:
        """What the list of documents shows."""
        if self.status == "waiting":
            return "queuing"
        if self.status not in {DONE, "error"}:
            return "indexing"
        if self.status == "error":
            return "error"
        if self.archived:
            return "archived"
        return "available" if self.enabled else "disabled"

    @property
    def searchable(self) -> bool:
        """Whether its segments can be retrieved."""
        return self.status == DONE and self.in_index


@dataclass
class Field:
    """A metadata field."""

    id: str
    name: str
    type: str


@dataclass
class Dataset:
    """A knowledge base."""

    id: str
    name: str
    settings: dict[str, Any]
    """What a client can set and read back, under the names of the answers."""
    search_was_set: bool = False
    """Whether a client said how to search it."""
    enable_api: bool = True
    built_in_fields: bool = False
    fields: list[Field] = field(default_factory=list)
    documents: dict[str, Document] = field(default_factory=dict)
    table: dict[str, frozenset[str]] = field(default_factory=dict)
    """The keyword table: keyword → node ids."""
    latest_rule: Rule | None = None
    doc_form: str | None = None
    tags: list[str] = field(default_factory=list)
    external: dict[str, Any] | None = None
    created_at: int = field(default_factory=lambda: int(time.time()))
    updated_at: int = field(default_factory=lambda: int(time.time()))

    @property
    def technique(self) -> str | None:
        """`economy`, `high_quality`, or None before the first document."""
        found: str | None = self.settings["indexing_technique"]
        return found

    def document(self, document_id: str, message: str = "Document not found.") -> Document:
        """One of its documents; else 404."""
        if document_id not in self.documents:
            raise not_found(message)
        return self.documents[document_id]


@dataclass
class ExternalApi:
    """A registered server."""

    id: str
    name: str
    endpoint: str
    key: str
    description: str = ""
    created_at: float = field(default_factory=time.time)

    @property
    def url(self) -> str:
        """A last slash of the endpoint is doubled, as Dify does."""
        return f"{self.endpoint}/retrieval"


@dataclass
class Conversation:
    """Questions and answers of one user."""

    id: str
    app_id: str
    user: str
    name: str
    introduction: str
    messages: list[Json] = field(default_factory=list)
    created_at: int = field(default_factory=lambda: int(time.time()))

    def json(self) -> Json:
        """As lists show it."""
        return {
            "id": self.id,
            "name": self.name,
            "inputs": {},
            "status": "normal",
            "introduction": self.introduction,
            "created_at": self.created_at,
            "updated_at": int(time.time()),
        }
