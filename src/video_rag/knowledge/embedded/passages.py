"""Passages in the SQLite file: indexed, and found by full-text search and by vectors, if any."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from video_rag.embedders import Embedder
from video_rag.knowledge import ranking
from video_rag.knowledge.embedded import speakers
from video_rag.knowledge.embedded.database import Database
from video_rag.knowledge.embedded.matching import any_of, match_expression
from video_rag.model import Chunk, Hit, Query
from video_rag.text import tokens
from video_rag.text.asking import Wish, asked
from video_rag.text.memberships import frame, framed

if TYPE_CHECKING:
    from video_rag.knowledge.embedded.vectors import Vectors

_MOST_TERMS = 64
"""Of a longer question the rarest words are looked for."""

_SPELLED = 3
"""Of so many times the wanted passages it is seen whether they hold the question's very words."""


class Passages:
    """The passages of a base, by words and, with an embedder, by meaning."""

    def __init__(self, database: Database, candidates: int, embedder: Embedder | None) -> None:
        self.weights = ranking.Weights()
        self._candidates = candidates
        self._database = database
        self._vectors = self._by_meaning(embedder) if embedder else None

    def _by_meaning(self, embedder: Embedder) -> Vectors:
        from video_rag.knowledge.embedded.vectors import Vectors  # brings numpy

        return Vectors(self._database, embedder)

    def replace(self, document_id: str, chunks: Sequence[Chunk]) -> None:
        """Put these in the place of what is there of a document, in one transaction."""
        self.refresh()
        with self._database.writing() as db:
            vectors = _remove(db, document_id)
            _insert(db, document_id, chunks, vectors)
        if self._vectors:
            self._vectors.complete()

    def remove(self, document_id: str) -> None:
        """Delete those of a document."""
        with self._database.writing() as db:
            _remove(db, document_id)

    def search(self, query: Query) -> list[Hit]:
        """See `Embedded.search`."""
        self.refresh()
        wish = self._vectors.question(query.text) if self._vectors and query.text.strip() else None
        with self._database.reading() as db:
            speakers.prepare(db)
            scores = self._by_words(db, query)
            for row in sorted(scores, key=lambda row: -scores[row])[: _SPELLED * query.limit]:
                if ranking.is_verbatim(query.text, _chunk(db, row)):
                    scores[row] *= ranking.VERBATIM
            if self._vectors and wish is not None:
                limit = self._candidates
                near = self._vectors.nearest(db, wish, *_conditions(query), limit)
                scores = ranking.fused([sorted(scores, key=lambda row: -scores[row]), near])
            ranked = sorted(scores, key=lambda row: (-scores[row], row))
            best = ranking.distinct(((row, _chunk(db, row)) for row in ranked), query.limit)
        return [Hit(chunk=chunk, score=scores[row]) for row, chunk in best]

    def refresh(self) -> None:
        """Make the index anew from the stored passages when it has another form."""
        with self._database.reading() as db:
            if _form(db) == ranking.FORM:
                return
        with self._database.writing() as db:
            if _form(db) == ranking.FORM:  # another process was faster
                return
            ids = [row[0] for row in db.execute("select document_id from documents").fetchall()]
            for document_id in ids:
                rows = db.execute(
                    "select chunk from passages where document_id = ? order by id", (document_id,)
                )
                chunks = [Chunk.model_validate_json(row[0]) for row in rows.fetchall()]
                _insert(db, document_id, chunks, _remove(db, document_id))
            db.execute("insert or replace into meta values ('form', ?)", (ranking.FORM,))

    def _by_words(self, db: sqlite3.Connection, query: Query) -> dict[int, float]:
        """Row of each candidate → its score."""
        wanted = _wanted(db, query)
        candidates = _candidates(db, wanted, query, self._candidates)
        documents = _documents(db, wanted)
        weight = self.weights.document
        return {
            row: ranking.score(entry, wanted, self.weights) + weight * documents.get(id_, 0.0)
            for row, id_, entry in candidates
        }


def _form(db: sqlite3.Connection) -> str:
    row = db.execute("select value from meta where name = 'form'").fetchone()
    return row[0] if row else ""


_Stored = dict[str, tuple[str, bytes | None]]
"""Passage → the name of the embedder and the vector that it made."""


def _remove(db: sqlite3.Connection, document_id: str) -> _Stored:
    """Delete a document; returns its vectors, which are dear."""
    rows = db.execute(
        "select id, chunk_id, embedder, vector from passages where document_id = ?", (document_id,)
    ).fetchall()
    db.executemany("delete from passage_terms where rowid = ?", [(row[0],) for row in rows])
    db.execute("delete from passages where document_id = ?", (document_id,))
    db.execute(
        "delete from document_terms where rowid in"
        " (select id from documents where document_id = ?)",
        (document_id,),
    )
    db.execute("delete from documents where document_id = ?", (document_id,))
    return {chunk_id: (embedder, vector) for _, chunk_id, embedder, vector in rows}


def _insert(
    db: sqlite3.Connection, document_id: str, chunks: Sequence[Chunk], vectors: _Stored
) -> None:
    if not chunks:
        return
    for chunk, entry in zip(chunks, ranking.entries(chunks), strict=True):
        row = db.execute(
            "insert into passages (chunk_id, document_id, collection, language, published,"
            " words, characters, chunk, embedder, vector) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(chunk.chunk_id, document_id, framed(chunk.collections)),
                *(chunk.language, chunk.published),
                *(len(entry.words), len(entry.characters), chunk.model_dump_json()),
                *vectors.get(chunk.chunk_id, ("", None)),
            ),
        ).lastrowid
        db.execute(
            "insert or replace into passage_terms (rowid, words, near, characters)"
            " values (?, ?, ?, ?)",
            (row, " ".join(entry.words), " ".join(entry.near), " ".join(entry.characters)),
        )
    row = db.execute("insert into documents (document_id) values (?)", (document_id,)).lastrowid
    title = " ".join(tokens.index_terms(chunks[0].title))
    db.execute(
        "insert or replace into document_terms (rowid, title, words) values (?, ?, ?)",
        (row, title, " ".join(ranking.document_terms(chunks))),
    )


def _wanted(db: sqlite3.Connection, query: Query) -> ranking.Wanted:
    """What the question looks for and how rare each term is."""
    passages, words, characters, with_characters = db.execute(
        "select count(*), total(words), total(characters), total(characters > 0) from passages"
    ).fetchone()
    wishes = asked(query.text, query.synonyms)
    single = tokens.characters(query.text)
    terms_ = [term for wish in wishes for term in wish.terms]
    word_field = _field(db, "words", terms_, passages, words)
    character_field = _field(db, "characters", single, int(with_characters), characters)

    def rarity(wish: Wish) -> float:
        return wish.weight * max(map(word_field.rarity, wish.terms))

    return ranking.Wanted(
        sorted(wishes, key=rarity, reverse=True)[:_MOST_TERMS],
        sorted(set(single), key=character_field.rarity, reverse=True)[:_MOST_TERMS],
        word_field,
        character_field,
    )


def _field(
    db: sqlite3.Connection, column: str, wanted: Iterable[str], texts: int, length: float
) -> ranking.Field:
    find = "select doc from passage_vocabulary where term = ? and col = ?"
    seen = {term: db.execute(find, (term, column)).fetchone() for term in dict.fromkeys(wanted)}
    frequencies = {term: row[0] if row else 0 for term, row in seen.items()}
    return ranking.Field(texts, length / texts if texts else 0.0, frequencies)


_FIND = """
select p.id, p.document_id, t.words, t.near, t.characters
from passage_terms t join passages p on p.id = t.rowid
where passage_terms match ?{where}
order by bm25(passage_terms, 1.0, 0.2, 1.0) limit ?
"""


def _candidates(
    db: sqlite3.Connection, wanted: ranking.Wanted, query: Query, limit: int
) -> list[tuple[int, str, ranking.Entry]]:
    """Row, document and terms of the passages that FTS5 thinks best, within the filters."""
    match = match_expression(wanted)
    if not match:
        return []
    where, values = _conditions(query)
    find = _FIND.replace("{where}", where)
    rows = db.execute(find, (match, *values, limit)).fetchall()
    return [
        (row, id_, ranking.Entry(words.split(), near.split(), characters.split()))
        for row, id_, words, near, characters in rows
    ]


def _documents(db: sqlite3.Connection, wanted: ranking.Wanted) -> dict[str, float]:
    """How well whole videos fit: document → BM25, title and all that is said."""
    strong = [wish for wish in wanted.words if wish.weight == 1]
    if not strong:
        return {}
    rows = db.execute(
        "select d.document_id, -bm25(document_terms, 1.0, 1.0) from document_terms t"
        " join documents d on d.id = t.rowid where document_terms match ?",
        (any_of(dict.fromkeys(term for wish in strong for term in wish.terms)),),
    )
    return dict(rows.fetchall())


def _conditions(query: Query) -> tuple[str, list[str]]:
    """The filters of a query as SQL about `p`, and the values for its question marks."""
    wished = {
        "p.language = ?": query.language,
        "p.document_id = ?": query.video_id,
        "p.published >= ?": query.since,
        "p.published <= ?": query.until,
        speakers.CONDITION: query.speaker,
    }
    chosen = {condition: [value] for condition, value in wished.items() if value is not None}
    if query.collection is not None:
        several = "(p.collection = ? or instr(p.collection, ?))"
        chosen[several] = [framed([query.collection]), frame(query.collection)]
    where = "".join(f" and {condition}" for condition in chosen)
    return where, [value for values in chosen.values() for value in values]


def _chunk(db: sqlite3.Connection, row: int) -> Chunk:
    found = db.execute("select chunk from passages where id = ?", (row,)).fetchone()
    return Chunk.model_validate_json(found[0])
