"""Publishing: documents become passages, and knowledge bases are brought in line with them."""

from __future__ import annotations

from contextlib import AbstractContextManager

from video_rag.chunking import cut
from video_rag.library.shelf import Shelf
from video_rag.model import Chunk, Document
from video_rag.pipeline.publishing import Publishing


def passages(shelf: Shelf, video_id: str) -> tuple[Document, list[Chunk]]:
    """See `Library.passages`."""
    document = shelf.need(video_id, "document", Document)
    return document, cut(document, shelf.tools.link(document.video), shelf.parts.passages())


def publishing(shelf: Shelf, knowledge: str) -> Publishing:
    """See `Library.publishing`."""
    base = shelf.parts.knowledge(knowledge)

    def claim(video_id: str, stage: str) -> AbstractContextManager[bool]:
        shelf.parts.identify()
        return shelf.engine.claim(video_id, stage)

    return Publishing(
        knowledge,
        base,
        shelf.ledger,
        lambda video_id: passages(shelf, video_id),
        claim,
    )
