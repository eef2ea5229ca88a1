"""Transactions on the ledger's file, and what goes wrong in them in our words."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from video_rag import databases, disk, private
from video_rag.errors import Rejected

BUSY_SECONDS = 30.0


class Transactions:
    """Begins transactions on one file; those that `write` take the lock at once."""

    def __init__(self, engine: sa.Engine, path: Path, *, write: bool) -> None:
        self._engine = engine.execution_options(writes=True) if write else engine
        self._path = path

    @contextmanager
    def begin(self) -> Iterator[sa.Connection]:
        """One transaction. Raises `DiskError`, `Unavailable` for a lock, `Rejected` for damage."""
        with told(self._path), self._engine.begin() as db:
            yield db


def make_engine(path: Path) -> sa.Engine:
    """What opens connections to a file, also to one that can only be read now."""
    url = sa.URL.create("sqlite", database=str(path))  # steps of migrations ask for it
    engine = sa.create_engine(url, creator=lambda: _connect(path))
    sa.event.listen(engine, "begin", _begin)
    sa.event.listen(engine, "checkin", _let_go)
    return engine


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Say what SQLite or the disk says of this file in our words."""
    try:
        yield
    except sa.exc.DBAPIError as error:
        raise _meant(error.orig, path) or error from error
    except sqlite3.Error as error:
        raise _meant(error, path) or error from error


def _meant(error: object, path: Path) -> Exception | None:
    if not isinstance(error, sqlite3.Error):
        return None
    return damaged(path, str(error)) if databases.is_damage(error) else databases.told(error, path)


def damaged(path: Path, what: str) -> Rejected:
    """The error for a ledger that cannot be read; it says how to go on without it."""
    return Rejected(
        f"{path} is damaged: {what}",
        hint=f"put a copy of it in its place; for want of one move {path.name} and the files "
        f"{path.name}-* away and add your sources again, which are then worked on anew",
    )


def _connect(path: Path) -> sqlite3.Connection:
    disk.make_folder(path.parent)
    private.touch(path)
    connection = databases.connect(path, BUSY_SECONDS)
    if not isinstance(connection, databases.ReadOnly):
        try:
            for pragma in ("journal_mode=WAL", "synchronous=NORMAL"):
                connection.execute(f"PRAGMA {pragma}")
        except BaseException:
            connection.close()
            raise
    return connection


def _let_go(connection: Any, record: Any) -> None:
    """Keep no connection that cannot write: next time the disk may let us."""
    if isinstance(connection, databases.ReadOnly):
        record.invalidate()


def _begin(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
