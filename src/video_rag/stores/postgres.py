"""The ledger in a PostgreSQL database: connections, transactions, and errors in our words.

Its clock is the database's: what each machine believes the time to be does not matter.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from video_rag.errors import BadSettings, NeedsExtra, Unavailable, VideoRagError
from video_rag.settings.redaction import redact, redact_urls
from video_rag.stores.forward import SCHEMA_VERSION, refuse_newer
from video_rag.stores.tables import metadata, schema

log = logging.getLogger("video_rag")

AWAY_SECONDS = 30.0
"""How long a transaction waits for a server that was there before: it may be starting anew."""
_CLOCK_SECONDS = 60.0
"""How long the difference of the clocks is taken for granted."""
_CONNECTING: Mapping[str, Any] = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
    "application_name": "video-rag",
}
"""How soon a host that was cut off is noticed; what the URL says stands against it."""
_WRONG_LOGIN = ("28", "3D000", "42501", "3F000")
"""SQLSTATE: not let in, no such database, no right to it, no such schema."""
_REFUSED = ("authentication failed", "does not exist", "no pg_hba.conf entry", "no password")
"""What is said while connecting, where the driver gives no SQLSTATE."""
_FULL = ("53100", "53200", "53300", "53400")
_MIGRATE = "video-rag: schema"


class Postgres:
    """One database (or schema of it); processes of many machines may use it at once."""

    def __init__(self, url: str) -> None:
        self._name = redact_urls(url)
        self._engine = _engine(url)
        self._lock = threading.Lock()
        self._ahead: tuple[float, float] | None = None
        self._was_there = False
        try:
            with self.begin(write=True, alone=_MIGRATE) as db:
                _bring_forward(db, self._name)
        except BaseException:
            self.close()
            raise
        self._was_there = True

    @contextmanager
    def begin(self, *, write: bool, alone: str = "") -> Iterator[sa.Connection]:
        """One transaction. Raises `Unavailable`, and `BadSettings` for a login."""
        del write
        with self._told(), self._connected() as db, db.begin():
            if alone:
                lock = sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(alone, 0))
                db.execute(sa.select(lock))
            yield db

    @contextmanager
    def _connected(self) -> Iterator[sa.Connection]:
        """A connection, also to a server that comes back only now."""
        limit = time.monotonic() + (AWAY_SECONDS if self._was_there else 0)
        pause = 0.1
        while True:
            try:
                db = self._engine.connect()
                break
            except sa.exc.DBAPIError as error:
                if time.monotonic() > limit or not _is_away(error):
                    raise
            time.sleep(pause)
            pause = min(2 * pause, 2.0)
        with db:
            yield db

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sa.exc.DBAPIError as error:
            raise self._meant(error) or error from error
        except sa.exc.TimeoutError as error:
            raise Unavailable(
                f"all connections of this process to {self._name} are in use",
                hint="let fewer threads work at once",
            ) from error

    def _meant(self, error: sa.exc.DBAPIError) -> VideoRagError | None:
        """The error of ours; None for a bug."""
        state = _state(error)
        what = redact(" ".join(str(error.orig).split()))
        if state.startswith(_WRONG_LOGIN) or any(said in what for said in _REFUSED):
            return BadSettings(
                f"the ledger {self._name} lets nobody in: {what}",
                hint="look at [ledger] url: user, password, database and its rights",
            )
        if state in _FULL:
            return Unavailable(
                f"the ledger {self._name} has no room: {what}",
                hint="make room there, or raise its limits; nothing that it has is lost",
            )
        if _is_away(error):
            return Unavailable(
                f"the ledger {self._name} is away: {what}",
                hint="start PostgreSQL, or look at [ledger] url; nothing that it has is lost",
            )
        if state == "25006":
            return Unavailable(
                f"the ledger {self._name} can only be read now",
                hint="it may be a standby: point [ledger] url at the primary",
            )
        return None

    insert = staticmethod(insert)

    def now(self, db: sa.Connection | None = None) -> float:
        """The database's time: asked for now and then, and counted on by a clock that never jumps.

        Seconds since the epoch.
        """
        with self._lock:
            here = _steady()
            if self._ahead and here - self._ahead[0] < _CLOCK_SECONDS:
                return here + self._ahead[1]
        if db is None:
            with self.begin(write=False) as own:
                return self._ask(own)
        return self._ask(db)

    def _ask(self, db: sa.Connection) -> float:
        asked = sa.select(sa.func.extract("epoch", sa.func.clock_timestamp()))
        found = float(db.scalar(asked) or 0)
        with self._lock:
            here = _steady()
            self._ahead = here, found - here
        return found

    def changes(self) -> int | None:
        """How much was ever written there; it grows with every change, and sometimes without."""
        said = "select (pg_current_wal_insert_lsn() - '0/0')::bigint"
        try:
            with self.begin(write=False) as db:
                return int(db.exec_driver_sql(said).scalar() or 0)
        except (VideoRagError, sa.exc.DBAPIError):
            return None

    def check(self, *, thorough: bool) -> str:
        """Which server it is and how far its clock is from ours; reads every row if `thorough`."""
        with self.begin(write=False) as db:
            version = str(db.exec_driver_sql("show server_version").scalar()).split()[0]
            apart = self._ask(db) - time.time()
            if thorough:
                for table in metadata.sorted_tables:
                    for _ in db.execute(sa.select(table)):
                        pass
        told = f", its clock is {abs(apart):.0f} s off ours" if abs(apart) > 2 else ""
        return f"PostgreSQL {version}{told}"

    def close(self) -> None:
        """Let go of the connections."""
        self._engine.dispose()


def _engine(url: str) -> sa.Engine:
    try:
        place = sa.make_url(url)
    except sa.exc.ArgumentError:
        raise BadSettings(
            "[ledger] url is no address of a database",
            hint="write it so: postgresql://user:password@host:5432/database",
        ) from None
    if place.get_backend_name() not in {"postgresql", "postgres"}:
        raise BadSettings(
            f"[ledger] url: {place.get_backend_name()} cannot hold a ledger",
            hint="use postgresql://…, or leave it empty for SQLite in the home",
        )
    place = place.set(drivername="postgresql+psycopg")
    try:
        return sa.create_engine(
            place,
            pool_pre_ping=True,
            pool_size=8,
            max_overflow=24,
            connect_args={k: v for k, v in _CONNECTING.items() if k not in place.query},
        )
    except ModuleNotFoundError:
        raise NeedsExtra("psycopg, the driver of PostgreSQL,", "postgres") from None


def _bring_forward(db: sa.Connection, name: str) -> None:
    """Make the tables, or migrate those of an earlier version; nobody else is at it."""
    there = sa.inspect(db).has_table("schema")
    found = db.scalar(sa.select(schema.c.version)) if there else None
    refuse_newer(found, name)
    if found is None:
        metadata.create_all(db)
        db.execute(sa.insert(schema).values(version=SCHEMA_VERSION))
    elif found < SCHEMA_VERSION:
        from video_rag.stores import migrating

        log.info("migrating %s from schema %s to %s", name, found, SCHEMA_VERSION)
        migrating.upgrade(db, found)


def _state(error: sa.exc.DBAPIError) -> str:
    return str(getattr(error.orig, "sqlstate", None) or "")


def _is_away(error: sa.exc.DBAPIError) -> bool:
    """Whether the server could not be reached, went, or is starting or ending."""
    state = _state(error)
    if state.startswith(("08", "57P", "40")) or error.connection_invalidated:
        return True
    is_of_connection = isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError)
    return is_of_connection and not state


def _steady() -> float:
    """Seconds by a clock that nobody sets, and that goes on while the machine sleeps (Linux)."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)
