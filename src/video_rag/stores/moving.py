"""A ledger in another database: copied whole, and counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import sqlalchemy as sa

from video_rag.errors import Rejected, UsageError
from video_rag.stores import tables
from video_rag.stores.transactions import Database

_AT_ONCE = 2000
_STAYS = {"schema", "claims"}
"""The target has its own schema; whoever holds a claim does so here."""


def copy(source: Database, target: Database, *, is_replaced: bool = False) -> dict[str, int]:
    """Copy every row into an empty ledger; gives how many there are then, by table.

    It is one transaction: killed anywhere, nothing is there. Nobody writes to the source meanwhile.
    Raises `UsageError` for a target that has videos, unless it `is_replaced`, and `Rejected` where
    the counts differ.
    """
    with source.begin(write=True, alone="copy") as old, target.begin(write=True) as new:
        _stop_writers(old)
        if not is_replaced and new.scalar(sa.select(sa.func.count()).select_from(tables.videos)):
            raise UsageError(
                "the ledger to copy into has videos already",
                hint="name an empty database, or one that was not used yet",
            )
        return _copy(old, new)


def copy_of_now(source: Database, target: Database, seen: Callable[[], None]) -> None:
    """Copy every row as it is at one moment of a PostgreSQL database, whose writers go on.

    `seen` is called at that moment, while they wait.
    """
    with source.begin(write=True) as old, target.begin(write=True) as new:
        old.exec_driver_sql("set transaction isolation level repeatable read")
        with source.begin(write=True) as stopped:
            _stop_writers(stopped)
            _count(old, tables.schema)  # from here on `old` sees this moment
            seen()
        _copy(old, new)


def _copy(old: sa.Connection, new: sa.Connection) -> dict[str, int]:
    copied = {}
    for table in tables.metadata.sorted_tables:
        if table.name not in _STAYS:
            new.execute(sa.delete(table))
            for rows in _parts(old, table):
                new.execute(sa.insert(table), rows)
            copied[table.name] = _count(new, table)
            _refuse_other(table, _count(old, table), copied[table.name])
    _go_on_counting(new)
    return copied


def _parts(db: sa.Connection, table: sa.Table) -> Iterator[list[dict[str, object]]]:
    rows = db.execution_options(yield_per=_AT_ONCE).execute(sa.select(table))
    for part in rows.mappings().partitions(_AT_ONCE):
        yield [dict(row) for row in part]


def _count(db: sa.Connection, table: sa.Table) -> int:
    return db.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def _refuse_other(table: sa.Table, there: int, copied: int) -> None:
    if there != copied:
        raise Rejected(
            f"of {there} rows of {table.name} {copied} were copied; nothing was kept",
            hint="please report this; the ledger in use is as it was",
        )


def _stop_writers(db: sa.Connection) -> None:
    """On PostgreSQL by locks of the tables; SQLite has one writer at a time."""
    if db.dialect.name == "postgresql":
        for table in tables.metadata.sorted_tables:
            db.exec_driver_sql(f"lock table {table.name} in share mode")


def _go_on_counting(db: sa.Connection) -> None:
    """PostgreSQL counts positions by sequences of their own."""
    if db.dialect.name == "postgresql":
        for table in (tables.videos, tables.requests, tables.subscriptions):
            last = f"(select coalesce(max(position), 0) + 1 from {table.name})"  # noqa: S608 (ours)
            name = f"pg_get_serial_sequence('{table.name}', 'position')"
            db.exec_driver_sql(f"select setval({name}, {last}, false)")
