"""The knowledge base in one SQLite file: full-text search, vectors if there is a model for them.

How passages are indexed and found is in `passages`. That is imported when it is needed: every
command asks whose base this is, and few look into it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from video_rag import plugins
from video_rag.embedders import Embedder
from video_rag.knowledge import Holding, revision_of
from video_rag.knowledge.embedded.database import Database
from video_rag.model import Chunk, Document, Hit, Query, Receipt
from video_rag.once import Once

if TYPE_CHECKING:
    from video_rag.knowledge.embedded.passages import Passages


class Embedded:
    """Passages by words and, with an embedder, by meaning; no server.

    Scores are positive and higher is better. They compare passages of one search: without an
    embedder sums of term weights, with one sums of reciprocal ranks.
    """

    version = 2  # speakers are indexed

    class Options(plugins.Options):
        """How thoroughly to search."""

        candidates: int = plugins.inert(
            300, ge=10, description="Passages that are looked at closely for each question."
        )

    def __init__(
        self,
        options: Options,
        *,
        home: Path,
        embedder: Embedder | None = None,
        page_url: str = "",
    ) -> None:
        del page_url  # the page makes its own links
        self.options = options
        self._database = Database(home / "knowledge.db")
        self.passages = Once(lambda: self._opened(embedder))

    def _opened(self, embedder: Embedder | None) -> Passages:
        from video_rag.knowledge.embedded.passages import Passages

        return Passages(self._database, self.options.candidates, embedder)

    def stamp(self) -> str:
        """The name that the file was given when it was made."""
        return self._database.store()

    @property
    def writers(self) -> int:
        """SQLite has one writer."""
        return 1

    def revision(self, document: Document, chunks: Sequence[Chunk]) -> str:
        """The passages are all that is kept."""
        del document
        return revision_of(chunks)

    def publish(
        self,
        document: Document,
        chunks: Sequence[Chunk],
        previous: Receipt | None,
        *,
        force: bool = False,
    ) -> str:
        """Replace what is there of this document, in one transaction."""
        del previous, force  # nothing of ours is ever half done, and nobody else writes here
        self.passages().replace(document.document_id, chunks)
        return document.document_id

    def withdraw(self, document_id: str, receipt: Receipt | None) -> None:
        """Remove a document."""
        del receipt
        self.passages().remove(document_id)

    def search(self, query: Query) -> list[Hit]:
        """The best passages, each a place of its own. Raises `Unavailable`, `Rejected`."""
        return self.passages().search(query)

    def holdings(self, *, thorough: bool = False) -> list[Holding]:
        """Every document and the number of its passages."""
        del thorough
        count = "select document_id, count(*) from passages group by document_id"
        with self._database.reading() as db:
            rows = db.execute(count).fetchall()
        return [Holding(document_id=id_, remote_ids=(id_,), segments=n) for id_, n in rows]

    def absent(self, published: Mapping[str, str], *, thorough: bool = False) -> set[str]:
        """Documents that were deleted, or passages of them, or what finds these."""
        nothing = revision_of(())  # a video without words has no passages
        wanted = {id_: mark for id_, mark in published.items() if mark != nothing}
        with self._database.reading() as db:
            there = {row[0] for row in db.execute("select document_id from documents")}
            there &= {row[0] for row in db.execute("select distinct document_id from passages")}
            unfound = (
                "select distinct document_id from passages"
                " where id not in (select id from passage_terms_content)"
            )
            there -= {row[0] for row in db.execute(unfound)}
            gone = wanted.keys() - there
            if thorough:
                gone |= {id_ for id_ in wanted.keys() & there if _mark(db, id_) != wanted[id_]}
        return gone

    def check(self) -> str:
        """How much is in it; reads the file for damage."""
        self.passages().refresh()
        with self._database.reading() as db:
            damage = db.execute("pragma quick_check(1)").fetchone()[0]
            if damage != "ok":
                raise self._database.damaged(damage)
            passages = db.execute("select count(*) from passages").fetchone()[0]
            documents = db.execute("select count(*) from documents").fetchone()[0]
        megabytes = self._database.path.stat().st_size / 1e6
        several = "" if passages == 1 else "s", "" if documents == 1 else "s"
        held = f"{passages} passage{several[0]} of {documents} video{several[1]}"
        return f"{held}, {megabytes:.1f} MB"


def _mark(db: sqlite3.Connection, document_id: str) -> str:
    """The revision of what is stored of a document."""
    stored = "select chunk from passages where document_id = ? order by id"
    rows = db.execute(stored, (document_id,))
    return revision_of([Chunk.model_validate_json(row[0]) for row in rows])
