"""Knowledge bases: where passages are kept and found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from video_rag.model import Chunk, Document, Hit, Query, Receipt
from video_rag.plugins import Options


class Knowledge(Protocol):
    """One knowledge base. Built as `Class(options, home=Path, embedder=Embedder | None)`."""

    version: int
    options: Options

    def stamp(self) -> str:
        """Names this very store of passages, without any network.

        A store that was lost and made anew, or another one in its place, has another stamp:
        everything is then published to it again.
        """

    def publish(self, document: Document, chunks: Sequence[Chunk], previous: Receipt | None) -> str:
        """Make the base hold exactly these chunks for this document; returns its id there.

        Idempotent: the same call twice leaves one document. A call that died before may have left
        half of its work; `previous` (state `sent`) says so. Raises `Unavailable`, `Rejected`.
        """

    def withdraw(self, document_id: str, receipt: Receipt | None) -> None:
        """Remove a document; one that is not there is no error."""

    def search(self, query: Query) -> list[Hit]:
        """The best passages first, at most `query.limit`."""

    def check(self) -> str:
        """One line on how it is, such as its size. Raises a `BackendError` with the remedy."""
