"""Plain BM25 for comparison: 45 s windows, rjieba tokens, stop-words dropped, FTS5 and no more."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from video_rag.chunking import ChunkOptions, cut
from video_rag.model import Chunk, Document, Hit, Query
from video_rag.text.tokens import terms

WINDOWS = ChunkOptions(max_seconds=45, overlap=0)


class Plain:
    """What anybody would write first."""

    def __init__(self, documents: Sequence[Document]) -> None:
        self.db = sqlite3.connect(":memory:")
        self.db.execute(
            "create virtual table fts using fts5(tok, tokenize = \"ascii tokenchars '+#.'\")"
        )
        self.chunks: list[Chunk] = []
        for document in documents:
            self.chunks.extend(cut(one_section(document), lambda _: "", WINDOWS))
        rows = [(row, " ".join(terms(chunk.text))) for row, chunk in enumerate(self.chunks)]
        self.db.executemany("insert into fts (rowid, tok) values (?, ?)", rows)

    def search(self, query: Query) -> list[Hit]:
        match = " OR ".join(f'"{term}"' for term in dict.fromkeys(terms(query.text)))
        rows = self.db.execute(
            "select rowid, -rank from fts where fts match ? order by rank limit ?",
            (match, query.limit),
        )
        return [Hit(chunk=self.chunks[row], score=score) for row, score in rows]


def one_section(document: Document) -> Document:
    """The same document as if it had no sections."""
    first, last = document.sections[0], document.sections[-1]
    lines = tuple(line for section in document.sections for line in section.segments)
    whole = first.model_copy(update={"end": last.end, "segments": lines})
    return document.model_copy(update={"sections": (whole,)})
