"""The databases of a library as they were at one moment, while others go on writing.

The ledger and the embedded knowledge base are seen at the same moment: writers wait for as long as
it takes to begin two transactions. What a writer had begun then is in the ledger as an intent, as
if it had been killed there, which is what the next pass takes up.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from video_rag import databases, disk
from video_rag.stores import moving
from video_rag.stores.sqlite import told
from video_rag.stores.tables import claims
from video_rag.stores.transactions import open_database

LEDGER, KNOWLEDGE = "library.db", "knowledge.db"
_WAIT_SECONDS = 60.0


def take(ledger: Path | str, knowledge: Path | None, into: Path) -> None:
    """Copy the ledger (a file or a database) and the base, if there is one, into a folder.

    Whichever database has the ledger, its copy is a SQLite file, without the claims of those who
    work on it now. Raises errors of ours.
    """
    with _reading(knowledge) as base:
        if isinstance(ledger, Path):
            _of_file(ledger, into / LEDGER, base)
        else:
            _of_server(ledger, into / LEDGER, base)
        if base is not None:
            base.copy(into / KNOWLEDGE)


class _Reader:
    """A SQLite file, seen as it is when `begin` is called."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = databases.connect(path, _WAIT_SECONDS)

    def begin(self) -> None:
        """See this moment from now on."""
        with told(self._path):
            self._connection.execute("begin")
            self._connection.execute("select count(*) from sqlite_master").fetchone()

    def copy(self, target: Path) -> None:
        """Copy what is seen."""
        with told(self._path), disk.told(target):
            target.touch(mode=0o600)
            with closing(sqlite3.connect(target)) as copy:
                self._connection.backup(copy)

    def close(self) -> None:
        """Let go of it."""
        self._connection.close()


@contextmanager
def _reading(path: Path | None) -> Iterator[_Reader | None]:
    if path is None or not path.is_file():
        yield None
        return
    with told(path), closing(_Reader(path)) as reader:
        yield reader


def _of_file(path: Path, target: Path, base: _Reader | None) -> None:
    with (
        told(path),
        closing(databases.connect(path, _WAIT_SECONDS)) as writers,
        closing(_Reader(path)) as reader,
    ):
        writers.execute("begin immediate")
        reader.begin()
        if base is not None:
            base.begin()
        writers.execute("rollback")
        reader.copy(target)
    with told(target), closing(sqlite3.connect(target)) as copy, copy:
        copy.execute(f"delete from {claims.name}")  # noqa: S608 (ours)


def _of_server(url: str, target: Path, base: _Reader | None) -> None:
    source, copy = open_database(url), open_database(target)
    try:
        moving.copy_of_now(source, copy, base.begin if base is not None else lambda: None)
    finally:
        source.close()
        copy.close()


def put_back(copy: Path, path: Path) -> None:
    """Put a copy in place of a SQLite file, in one transaction, also while others have it open.

    Killed anywhere, the file is as it was.
    """
    disk.make_folder(path.parent)
    with told(path), disk.told(path):
        if not path.exists():
            path.touch(mode=0o600)
        with (
            closing(databases.connect(copy, _WAIT_SECONDS)) as source,
            closing(databases.connect(path, _WAIT_SECONDS)) as target,
        ):
            source.backup(target)
