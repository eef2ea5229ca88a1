"""SQLite files: opened also where nothing can be written, and their errors in our words."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from video_rag import disk
from video_rag.errors import DiskError, Unavailable, VideoRagError

_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_LOCKED = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL})
_OF_DAMAGE = (
    *("no such table", "malformed database", "malformed JSON", "Could not decode to UTF-8"),
    "UNIQUE constraint failed",  # by what replaces a row: its index lost it
)
_REFUSED = frozenset(
    {
        *(sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR),
        *(sqlite3.SQLITE_PERM, sqlite3.SQLITE_FULL),
    }
)


class ReadOnly(sqlite3.Connection):
    """A connection that only reads, since the disk lets nothing be written. Not to be kept."""


def connect(path: Path, seconds: float) -> sqlite3.Connection:
    """A connection to a file, in which we say `begin` ourselves; waits so long for a lock.

    A database with a WAL is opened by writing beside it. Where that is refused it is opened to be
    read, as long as nobody else has it open. Raises `sqlite3.Error`.
    """
    path = path.absolute()
    try:
        return _open(path, seconds, sqlite3.Connection)
    except sqlite3.Error as error:
        if not (_size(path) and code_of(error) in _REFUSED):
            raise
    return _open(path, seconds, ReadOnly, _how_to_read(path))


def _how_to_read(path: Path) -> str:
    if not _size(path.with_name(f"{path.name}-wal")):
        return "?mode=ro&immutable=1"  # which would not see what is in a WAL
    if disk.is_open(path):
        return ""
    return "?mode=ro&vfs=unix-none"  # what cannot be written cannot be locked either


def _open(
    path: Path, seconds: float, kind: type[sqlite3.Connection], how: str = ""
) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"file:{quote(str(path), errors='surrogateescape')}{how}",
        uri=True,
        timeout=seconds,
        isolation_level=None,
        check_same_thread=False,
        factory=kind,
    )
    try:
        if kind is ReadOnly:  # the shared memory of a WAL then is this process's own
            connection.execute("pragma locking_mode = exclusive")
        connection.execute("select 1 from sqlite_master").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def _size(path: Path) -> int:
    with suppress(OSError):
        return path.stat().st_size
    return 0


def code_of(error: sqlite3.Error) -> int:
    """SQLite's primary code of an error."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def is_damage(error: sqlite3.Error) -> bool:
    """Whether the file is not what was written: torn, no database, without its tables or texts."""
    return code_of(error) in _DAMAGED or str(error).startswith(_OF_DAMAGE)


def told(error: sqlite3.Error, path: Path) -> VideoRagError | None:
    """The error of ours for one about a file that is not damaged; None for a bug."""
    code = code_of(error)
    if code in _LOCKED:
        return Unavailable(
            f"another process holds {path}: it is locked",
            hint="wait until that one has ended (`fuser` names it), then try again",
        )
    if code not in _REFUSED:
        return None
    if error.sqlite_errorcode in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE}:
        return disk.full(path)
    return disk.reason(path) or DiskError(
        f"{path} cannot be used: {error}", hint="look at that disk and at the folder's rights"
    )
