"""Documents and a ledger that are published to one base."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from video_rag.knowledge import Knowledge
from video_rag.model import Chunk, Document
from video_rag.pipeline.publishing import Change, Outcome, Publishing
from video_rag.stores import Result
from video_rag.stores.sql import Sql
from video_rag.testing.knowledge_contract import SHARK, lecture, passages

Pair = tuple[str, str]


class Desk:
    """Documents, a ledger, and the work that publishes them to one base."""

    def __init__(self, base: Knowledge, folder: Path) -> None:
        self.base = base
        self.home = folder
        self.ledger = Sql(folder / "library.db")
        self.documents: dict[str, Document] = {}
        self.busy: set[str] = set()

    def put(self, number: int, lines: tuple[str, ...] = SHARK) -> str:
        """Give the library a document."""
        document = lecture(lines, video_id=f"file:{number}")
        self.documents[document.document_id] = document
        self.ledger.commit(document.document_id, "give", {"video": Result("digest", "")})
        return document.document_id

    def passages(self, video_id: str) -> tuple[Document, Sequence[Chunk]]:
        document = self.documents[video_id]
        return document, passages(document)

    @contextmanager
    def claim(self, video_id: str, stage: str) -> Iterator[bool]:
        assert stage == "publish@base"
        yield video_id not in self.busy

    def work(self) -> Publishing:
        return Publishing("base", self.base, self.ledger, self.passages, self.claim)

    def plan(self, *, prune: bool = False, force: bool = False) -> list[Change]:
        known = set(self.ledger.video_ids())
        return list(self.work().changes(self.documents, known=known, prune=prune, force=force))

    def actions(self, *, prune: bool = False, force: bool = False) -> list[Pair]:
        return [
            (change.action, change.document_id) for change in self.plan(prune=prune, force=force)
        ]

    def publish(self, *, prune: bool = False, force: bool = False) -> list[Outcome]:
        changes = self.plan(prune=prune, force=force)
        return list(self.work().carry_out(changes, force=force))
