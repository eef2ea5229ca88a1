"""Brings the schema of `library.db` forward by alembic; imported only when there is need to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from video_rag.errors import UsageError

OLDEST = 3
"""The schema that can be gone back to: before it, facts lay in blobs."""
STEPS = Path(__file__).parent / "migrations"


def script(steps: Path = STEPS) -> ScriptDirectory:
    """The steps in a folder."""
    return ScriptDirectory(str(steps), version_locations=[str(steps)])


def upgrade(db: sa.Connection, found: int, steps: Path = STEPS) -> None:
    """Run every step after schema `found` within the transaction of `db`.

    SQLite changes tables by making them anew: steps use `op.batch_alter_table`.
    """
    scripts = script(steps)

    def run(_revision: Any, context: MigrationContext) -> Any:
        context.stamp(scripts, str(found))  # the table `schema` is what counts
        return scripts._upgrade_revs("head", str(found))  # noqa: SLF001 (as alembic's own `upgrade`)

    with EnvironmentContext(Config(), scripts, fn=run) as environment:
        environment.configure(connection=db, render_as_batch=True, transactional_ddl=True)
        environment.run_migrations()
    head = int(scripts.get_current_head() or found)
    db.execute(sa.text("update schema set version = :head"), {"head": head})


def downgrade(db: sa.Connection, to: int, steps: Path = STEPS) -> None:
    """Take the last steps back, so that an earlier version of video-rag can use the ledger.

    Within the transaction of `db`. What only later versions know is forgotten. Raises alembic's
    errors, and `UsageError` below schema 3, from which there is no way back.
    """
    scripts = script(steps)
    found = int(db.scalar(sa.text("select version from schema")) or 0)
    if to < OLDEST:
        raise UsageError(f"there is no way back from schema {OLDEST}", hint="use a copy of before")

    MigrationContext.configure(db).stamp(scripts, str(found))

    def run(_revision: Any, _context: MigrationContext) -> Any:
        return scripts._downgrade_revs(str(to), str(found))  # noqa: SLF001 (as alembic's own)

    with EnvironmentContext(Config(), scripts, fn=run) as environment:
        environment.configure(connection=db, render_as_batch=True, transactional_ddl=True)
        environment.run_migrations()
    db.execute(sa.text("update schema set version = :to"), {"to": to})
