"""The ledger in a SQLite file: connections, transactions, and what goes wrong in our words."""

from __future__ import annotations

import random
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from video_rag import databases, disk, private
from video_rag.stores.forward import bring_forward, damaged

BUSY_SECONDS = 30.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.0003, 0.01
"""Seconds between two tries to get the lock. SQLite's own pauses grow to a tenth of a second, in
which many short transactions of others would have had room for ours."""


class Sqlite:
    """One file; many processes of one machine may use it at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._pool = make_engine(path)
        self._writing = self._pool.execution_options(writes=True)
        self._lock = threading.Lock()
        self._watcher: sqlite3.Connection | None = None
        with told(path), disk.told(path):
            bring_forward(self._pool, path)

    @contextmanager
    def begin(self, *, write: bool, alone: str = "") -> Iterator[sa.Connection]:
        """One transaction; one that is to `write` takes the lock at once, whatever it is about.

        Raises `DiskError`, `Unavailable` for a lock, `Rejected` for damage.
        """
        del alone
        engine = self._writing if write else self._pool
        with told(self.path), engine.begin() as db:
            yield db

    insert = staticmethod(insert)

    def now(self, db: sa.Connection | None = None) -> float:
        """Seconds since the epoch: every process has the clock of this machine."""
        del db
        return time.time()

    def changes(self) -> int | None:
        """A number that is another after each change by whichever process; cheap to ask for."""
        with self._lock:
            try:
                if self._watcher is None:
                    self._watcher = sqlite3.connect(self.path, check_same_thread=False)
                with closing(self._watcher.execute("PRAGMA data_version")) as rows:
                    return int(rows.fetchone()[0])
            except sqlite3.Error:
                return None

    def check(self, *, thorough: bool) -> str:
        """How large it is; reads it for damage. Raises `Rejected`."""
        look = "integrity_check(1)" if thorough else "quick_check(1)"
        with self.begin(write=False) as db:
            found = str(db.exec_driver_sql(f"PRAGMA {look}").scalar())
        if found != "ok":
            raise damaged(self.path, found)
        return f"{self.path.stat().st_size / 1e6:.1f} MB"

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            if self._watcher:
                self._watcher.close()
                self._watcher = None
        self._pool.dispose()


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
    if not connection.get_execution_options().get("writes"):
        connection.exec_driver_sql("BEGIN")
        return
    raw: Any = connection.connection.dbapi_connection
    limit, pause = time.monotonic() + BUSY_SECONDS, _FIRST_PAUSE
    raw.execute("PRAGMA busy_timeout=0")
    try:
        while True:
            try:
                raw.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if databases.code_of(error) != sqlite3.SQLITE_BUSY or time.monotonic() > limit:
                    raise
            time.sleep(pause * (0.5 + random.random()))  # noqa: S311 (no secret)
            pause = min(1.5 * pause, _LONGEST_PAUSE)
    finally:
        raw.execute(f"PRAGMA busy_timeout={round(BUSY_SECONDS * 1000)}")
