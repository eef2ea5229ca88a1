"""Vectors beside the passages, and the passages nearest to a question's vector."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from video_rag.digest import of_value
from video_rag.embedders import Embedder
from video_rag.errors import Rejected
from video_rag.knowledge.embedded.database import Database
from video_rag.model import Chunk

_BATCH = 256

Vector = NDArray[np.float32]


class Vectors:
    """The vectors of one embedder; those of another one are not compared with."""

    def __init__(self, database: Database, embedder: Embedder) -> None:
        self.embedder = embedder
        self.name = _name(embedder)
        self._database = database
        self._cache: tuple[str, NDArray[np.int64], Vector] | None = None

    def complete(self) -> None:
        """Embed every passage that has no vector of this embedder, also after it was changed."""
        while True:
            with self._database.reading() as db:
                rows = db.execute(
                    "select id, chunk_id, chunk from passages where embedder <> ? limit ?",
                    (self.name, _BATCH),
                ).fetchall()
            if not rows:
                return
            chunks = [Chunk.model_validate_json(chunk) for _, _, chunk in rows]
            vectors = self.embedder.embed([_text(chunk) for chunk in chunks])
            with self._database.writing() as db:
                db.executemany(
                    "update passages set embedder = ?, vector = ? where id = ? and chunk_id = ?",
                    [
                        (self.name, vector.astype("<f4").tobytes(), row, chunk_id)
                        for (row, chunk_id, _), vector in zip(rows, vectors, strict=True)
                    ],
                )

    def question(self, text: str) -> Vector:
        """The vector of a question. Raises what the embedder raises."""
        vector: Vector = self.embedder.embed([text], query=True)[0]
        return vector

    def nearest(
        self, db: sqlite3.Connection, vector: Vector, where: str, values: Sequence[str], limit: int
    ) -> list[int]:
        """Rows within the filters, nearest first."""
        rows, matrix = self._matrix(db)
        if not len(rows):
            return []
        if where:
            found = db.execute(f"select p.id from passages p where true{where}", values)  # noqa: S608 (ours)
            inside = np.isin(rows, [row[0] for row in found.fetchall()])
            rows, matrix = rows[inside], matrix[inside]
        best = np.argsort(-(matrix @ vector), kind="stable")[:limit]
        return [int(row) for row in rows[best]]

    def _matrix(self, db: sqlite3.Connection) -> tuple[NDArray[np.int64], Vector]:
        """Every vector, kept in memory until any process writes to the base."""
        found = db.execute("select value from meta where name = 'generation'").fetchone()
        generation = found[0] if found else ""
        cache = self._cache
        if cache is None or cache[0] != generation:
            cache = (generation, *self._load(db))
            self._cache = cache
        return cache[1], cache[2]

    def _load(self, db: sqlite3.Connection) -> tuple[NDArray[np.int64], Vector]:
        rows = db.execute(
            "select id, vector from passages where embedder = ? order by id", (self.name,)
        ).fetchall()
        if not rows and db.execute("select 1 from passages limit 1").fetchone():
            raise Rejected(
                "no passage has a vector of the embedder in the settings",
                hint="publish again so that they are made, or unset [search] embedder",
            )
        matrix = np.frombuffer(b"".join(row[1] for row in rows), dtype="<f4")
        return (
            np.array([row[0] for row in rows], dtype=np.int64),
            matrix.reshape(len(rows), -1 if rows else 0),
        )


def _name(embedder: Embedder) -> str:
    """What decides an embedder's vectors: class, version and the options that change results."""
    kind, options = type(embedder), embedder.options
    fields = type(options).model_fields.items()
    inert = {name for name, info in fields if (info.json_schema_extra or {}) == {"inert": True}}
    dumped = options.model_dump(mode="json", exclude=inert)
    return of_value([kind.__module__, kind.__qualname__, embedder.version, dumped])


def _text(chunk: Chunk) -> str:
    """What a passage is about, for the embedder."""
    parts = (chunk.title, chunk.heading, chunk.text, chunk.slide_text)
    return "\n".join(part for part in parts if part)
