"""Moving the ledger to another database, and back to an earlier schema."""

from __future__ import annotations

from pathlib import Path

from video_rag.errors import UsageError
from video_rag.settings import Settings
from video_rag.settings.redaction import remember, secrets_of
from video_rag.stores import moving
from video_rag.stores.transactions import open_database


def place(settings: Settings) -> Path | str:
    """Where the ledger in force lies: a file, or the URL of a database."""
    return settings.ledger.url or settings.home / "library.db"


def copy(settings: Settings, to: str) -> dict[str, int]:
    """Copy the ledger in force to a URL, or to a SQLite file; gives the rows by table.

    Raises `UsageError` for a target that has videos, or that is the one in force.
    """
    remember(secrets_of(to))
    target = to if "://" in to else Path(to).expanduser().absolute()
    source = place(settings)
    if target == source:
        raise UsageError(
            "that is the ledger in use", hint="name another one: postgresql://… or a new file"
        )
    if isinstance(source, Path) and not source.is_file():
        raise UsageError(f"there is no ledger in {source}", hint="look at VIDEO_RAG_HOME")
    old, new = open_database(source), open_database(target)
    try:
        return moving.copy(old, new)
    finally:
        old.close()
        new.close()
