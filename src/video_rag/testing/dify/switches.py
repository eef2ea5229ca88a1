"""What a test may switch: parts of Dify that are missing, slow or at fault."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

PROVIDER = "langgenius/openai_api_compatible/openai_api_compatible"
"""Of the models that the server has."""


@dataclass
class Limits:
    """What a plan of the cloud allows, and what every server does."""

    knowledge_per_minute: int | None = None
    """Calls that write or search; one more is refused as the cloud refuses it."""
    documents: int | None = None
    vector_space_is_full: bool = False
    upload_bytes: int = 15 * 1024 * 1024
    name_length: int = 200
    """Characters that are kept of a document's name."""


@dataclass
class Switches:
    """How a server behaves; all may be changed while it runs."""

    index_seconds: float = 0.02
    """From the start of a document's indexing to its end."""
    workers: int = 4
    """How many documents are indexed at a time. Only read at the start."""
    status_seconds: float = 1.0
    """For so long a document whose status was changed refuses the next change."""
    has_plugin_daemon: bool = True
    has_sandbox: bool = True
    """Whether templates of Chatflows can be filled in."""
    embedding_alive: bool = True
    """Whether the embedding model can be reached."""
    embedding_error: str = "[Errno 111] Connection refused"
    """What Dify says where it cannot; a provider's plug-in gives `[its name] Error`."""
    model_alive: bool = True
    """Whether the language model can be reached."""
    loses_parallel_segments: bool = True
    """Economy: of documents indexed at the same time, the last one's keywords win."""
    limits: Limits = field(default_factory=Limits)
    external_seconds: float = 5.0
    """Time-out of a request to external knowledge; there are four of them."""
    answering: Callable[[str, list[str]], str] | None = None
    """`(question, passages) -> answer`, in place of quotes from the passages."""
    piece_seconds: float = 0.0
    """Pause before each piece of a streamed answer."""
    stream_fault: Literal["", "cut", "short"] = ""
    """How streams end before their time: with the connection, or merely without an end."""
    set_up: bool = True
    """Whether the owner's account exists already."""
    email: str = "admin@example.com"
    password: str = "Passw0rd-local"  # noqa: S105 - opens nothing but this server
    embedding_models: list[tuple[str, str]] = field(
        default_factory=lambda: [(PROVIDER, "stub-embed")]
    )
    """Provider and name."""
    rerank_models: list[tuple[str, str]] = field(default_factory=list)
    """Provider and name."""
    chat_models: list[tuple[str, str]] = field(default_factory=lambda: [(PROVIDER, "stub-chat")])
    """Provider and name."""
