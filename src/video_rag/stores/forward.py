"""Brings the ledger's file to the schema of today, when it is opened."""

from __future__ import annotations

import logging
from pathlib import Path

import sqlalchemy as sa

from video_rag.backups import copy_before
from video_rag.errors import Rejected
from video_rag.stores.tables import metadata, schema

log = logging.getLogger("video_rag")

KEYS_MARK = "keys.made"
"""A file beside the ledger: this library had API keys."""
SCHEMA_VERSION = 10
"""Of `tables`; the number of the last file in `migrations`."""
_MIGRATING_SECONDS = 600
"""How long other processes wait for the one that migrates."""


def bring_forward(pool: sa.Engine, path: Path) -> None:
    """Make the tables, or migrate those of an earlier version; a newer one is left alone.

    Raises `Rejected` for that one, and for one that lost its tables.
    """
    was_there = path.exists()
    with pool.begin() as db:
        found = _version(db)
    if found == SCHEMA_VERSION:
        return
    refuse_newer(found, path)
    with pool.connect() as alone:
        alone.exec_driver_sql(f"PRAGMA busy_timeout={_MIGRATING_SECONDS * 1000}")
        alone.rollback()
        alone.execution_options(writes=True)
        with alone.begin():
            found = _version(alone)  # another process may have been faster
            if found is None:
                _refuse_emptied(path, was_there=was_there)
                metadata.create_all(alone)
                alone.execute(sa.insert(schema).values(version=SCHEMA_VERSION))
            elif found < SCHEMA_VERSION:
                _migrate(alone, found, path)
        alone.invalidate()
    pool.dispose()  # whoever closes last brings the tables from the WAL to the disk


def refuse_newer(found: int | None, what: object) -> None:
    """Raise `Rejected` for a ledger that a newer version wrote."""
    if found is not None and found > SCHEMA_VERSION:
        raise Rejected(
            f"{what} was written by a newer version of video-rag (schema {found}, "
            f"this one knows {SCHEMA_VERSION})",
            hint="update video-rag, or point VIDEO_RAG_HOME at a new folder",
        )


def _refuse_emptied(path: Path, *, was_there: bool) -> None:
    """Raise for a ledger without tables beside what only a library has: it lost them.

    A ledger that is not there at all is a new one: who deleted it wanted that.
    """
    beside = [path.with_name(name) for name in ("blobs", "knowledge.db", KEYS_MARK)]
    is_kept = (next(beside[0].glob("??/*"), None), *(_size(one) for one in beside[1:]))
    left = next((one for one, some in zip(beside, is_kept, strict=True) if some), None)
    if was_there and left:
        raise damaged(path, f"it is empty, but {left.name} beside it is of a library that was here")


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _version(db: sa.Connection) -> int | None:
    """The schema of a library; None for one that is not there yet."""
    there = "select 1 from sqlite_master where type = 'table' and name = 'schema'"
    if db.exec_driver_sql(there).first() is None:
        return None
    found: int | None = db.scalar(sa.select(schema.c.version))
    return found


def _migrate(db: sa.Connection, found: int, path: Path) -> None:
    """Copy the file, then run the steps; killed anywhere, the library is as it was."""
    from video_rag.stores import migrating  # alembic takes longer than all else here

    copy = copy_before(path, SCHEMA_VERSION)
    log.info("migrating %s from schema %s to %s; a copy is %s", path, found, SCHEMA_VERSION, copy)
    migrating.upgrade(db, found)


def damaged(path: Path, what: str) -> Rejected:
    """The error for a ledger that cannot be read; it says how to go on without it."""
    return Rejected(
        f"{path} is damaged: {what}",
        hint=f"put a copy of it in its place; for want of one move {path.name} and the files "
        f"{path.name}-* away and add your sources again, which are then worked on anew",
    )
