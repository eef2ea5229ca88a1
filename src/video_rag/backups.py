"""What guards a library while it is changed for good: a copy of its file, a mark on a half one."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from video_rag import disk
from video_rag.errors import Rejected

HALF = "restoring"
"""A file in the home while a backup is put in its place; says which."""


def refuse_half(home: Path) -> None:
    """Raise `Rejected` for a home in which a restore was cut off."""
    with disk.told(home):
        what = (home / HALF).read_text("utf-8") if (home / HALF).is_file() else None
    if what is not None:
        raise Rejected(
            f"{home} is half restored: `video-rag restore` was cut off there",
            hint=f"run it again, it begins anew: {what.strip()}",
        )


def copy_before(path: Path, version: int) -> Path:
    """Copy a database to `<name>.before-<version>`, what is still in its WAL included.

    The copy has its name only once it is whole; one that was there is replaced. Raises
    `sqlite3.Error` and `OSError`.
    """
    copy = path.with_name(f"{path.name}.before-{version}")
    half = copy.with_name(f"{copy.name}.part")
    half.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(path, timeout=60)) as source, closing(_new(half)) as target:
            source.backup(target)
        half.replace(copy)
    except (OSError, sqlite3.Error):
        with suppress(OSError):  # half a copy would keep room that is wanted
            half.unlink()
        raise
    return copy


def _new(path: Path) -> sqlite3.Connection:
    path.touch(mode=0o600)
    return sqlite3.connect(path)
