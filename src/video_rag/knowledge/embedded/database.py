"""The SQLite file of the embedded knowledge base: opening, schema, errors in our own words."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from pydantic import ValidationError

from video_rag import databases, disk, private
from video_rag.backups import copy_before
from video_rag.errors import DiskError, Rejected

_BUSY_SECONDS = 60.0
_MIGRATING_SECONDS = 600
"""How long other processes wait for the one that migrates."""
_SCHEMA = """
create table meta (name text primary key, value text not null) without rowid;
create table passages (
    id integer primary key,
    chunk_id text not null unique,
    document_id text not null,
    collection text not null,
    language text not null,
    published text,
    words integer not null,
    characters integer not null,
    chunk text not null,
    embedder text not null default '',
    vector blob
);
create index passages_of_document on passages (document_id);
create index lengths_of_passages on passages (words, characters);
create index passages_of_embedder on passages (embedder);
create table documents (id integer primary key, document_id text not null unique);
create virtual table passage_terms using fts5 (
    words, near, characters, tokenize = "ascii tokenchars '+#.'"
);
create virtual table document_terms using fts5 (
    title, words, tokenize = "ascii tokenchars '+#.'"
);
create virtual table passage_vocabulary using fts5vocab (passage_terms, 'col');
"""
"""Terms come ready-made from `tokens`, so FTS5 must not cut them again: its `ascii` tokenizer takes
every character beyond ASCII for a letter. `passage_terms` and `document_terms` share their rowids
with `passages` and `documents`. `collection` is one name or several, as `memberships` frames them:
bases from before a video could be in several need no change."""

STEPS: tuple[str, ...] = (_SCHEMA,)
"""What leads from each schema to the next, statements that end in `;` and a line break: the first
makes schema 1 in an empty file. One that was released is never changed; another is added."""

_WAIT = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


class Database:
    """One file. Every call opens its own connection, so threads and processes may share it."""

    def __init__(self, path: Path, steps: Sequence[str] = STEPS) -> None:
        self.path = path
        self._steps = steps

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection that sees one state of the base, however long it reads."""
        with self._open() as connection:
            connection.execute("begin")
            yield connection
            connection.execute("rollback")

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it is done, or after an error or a kill none of it."""
        with self._open() as connection:
            connection.execute("begin immediate")
            try:
                yield connection
            except BaseException:
                connection.execute("rollback")
                raise
            connection.execute(
                "insert into meta values ('generation', '1') on conflict (name)"
                " do update set value = cast(value as integer) + 1"
            )
            connection.execute("commit")

    def store(self) -> str:
        """The name of this very file's content: one made anew has another."""
        try:
            with self.reading() as db:
                row = db.execute("select value from meta where name = 'store'").fetchone()
        except DiskError:
            if self.path.exists():
                raise
            return ""  # none can be made now: there is none, and what lies around it can be read
        return str(row[0]) if row else self._named_anew()

    def _named_anew(self) -> str:
        """A new name, for who lost that may have lost all."""
        with self.writing() as db:
            db.execute("insert or ignore into meta values ('store', lower(hex(randomblob(8))))")
            row = db.execute("select value from meta where name = 'store'").fetchone()
        return str(row[0])

    def damaged(self, what: str) -> Rejected:
        """The error that tells how to get rid of a file that cannot be read."""
        return Rejected(
            f"the knowledge base {self.path} is damaged: {what}",
            hint=f"move {self.path.name} and the files {self.path.name}-* away, then run "
            "`video-rag run`: it publishes again what was in it, and recognises nothing anew",
        )

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with self._translated():
            disk.make_folder(self.path.parent)
            private.touch(self.path)
            with closing(databases.connect(self.path, _BUSY_SECONDS)) as connection:
                self._prepare(connection)
                yield connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        """Make or migrate the tables; several processes may do so at the same time."""
        connection.execute("pragma synchronous = normal")
        found, wanted = _version(connection), len(self._steps)
        if found == wanted:
            return
        if found > wanted:
            raise Rejected(
                f"the knowledge base {self.path} was made by a newer version of video-rag "
                f"(schema {found}, this one knows {wanted})",
                hint=f"update video-rag, or move {self.path.name} away and run `video-rag run`",
            )
        _use_wal(connection)
        connection.execute(f"pragma busy_timeout = {_MIGRATING_SECONDS * 1000}")
        connection.execute("begin immediate")
        found = _version(connection)  # another process may have been faster
        if 0 < found < wanted:
            copy_before(self.path, wanted)
        for step in self._steps[found:]:
            for statement in step.split(";\n"):
                connection.execute(statement)
        if found == 0:
            connection.execute("insert into meta values ('store', lower(hex(randomblob(8))))")
        if found < wanted:
            connection.execute(f"pragma user_version = {wanted}")
        connection.execute("commit")
        connection.execute(f"pragma busy_timeout = {int(_BUSY_SECONDS * 1000)}")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            if "fts5" in str(error) and "module" in str(error):
                raise Rejected(
                    "this Python's SQLite has no full-text search (FTS5)",
                    hint="use a Python that was built with it, such as the one of your system",
                ) from error
            if databases.is_damage(error):
                raise self.damaged(str(error)) from error
            raise databases.told(error, self.path) or error from error
        except ValidationError as error:
            raise self.damaged("a passage is not what was written") from error
        except OSError as error:
            raise disk.refusal(error, self.path) from error


def _version(connection: sqlite3.Connection) -> int:
    found: int = connection.execute("pragma user_version").fetchone()[0]
    return found


def _use_wal(connection: sqlite3.Connection) -> None:
    """Readers and a writer side by side. SQLite does not wait for this switch by itself."""
    give_up = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("pragma journal_mode = wal")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in _WAIT or time.monotonic() > give_up:
                raise
            time.sleep(0.02)
        else:
            return
