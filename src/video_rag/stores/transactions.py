"""Transactions on whichever database has the ledger."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

import sqlalchemy as sa


class Database(Protocol):
    """What differs between the databases that can hold a ledger."""

    def begin(self, *, write: bool, alone: str = "") -> AbstractContextManager[sa.Connection]:
        """One transaction. Raises errors of ours alone.

        `alone`: a name; of the transactions with the same one, one is in progress at a time.
        """

    def insert(self, table: sa.Table) -> Any:
        """An insert that knows `on_conflict_do_update`."""

    def now(self, db: sa.Connection | None = None) -> float:
        """Seconds since the epoch, by the clock that all who use this database share."""

    def changes(self) -> int | None:
        """Another number after each change by any process; None when it cannot be told."""

    def check(self, *, thorough: bool) -> str:
        """One line on how it is. Raises what is wrong."""

    def close(self) -> None:
        """Let go of it."""


class Transactions:
    """Begins transactions of one kind on a database."""

    def __init__(self, database: Database, *, write: bool) -> None:
        self._database = database
        self._write = write
        self.insert = database.insert

    def begin(self, alone: str = "") -> AbstractContextManager[sa.Connection]:
        """One transaction: see `Database.begin`."""
        return self._database.begin(write=self._write, alone=alone)

    def now(self, db: sa.Connection) -> float:
        """Seconds since the epoch, by the ledger's clock."""
        return self._database.now(db)


def open_database(place: Path | str) -> Database:
    """The SQLite file at a path, or the PostgreSQL database behind a URL."""
    if isinstance(place, Path):
        from video_rag.stores.sqlite import Sqlite

        return Sqlite(place)
    from video_rag.stores.postgres import Postgres

    return Postgres(place)
