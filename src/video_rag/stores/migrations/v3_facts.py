"""Facts of videos stand in the ledger, so that no lost file costs them; removing is a state.

What cannot be read any more is forgotten where it can be made again.
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "3"
down_revision = "2"

_FACTS = ("origins", "video", "talk", "media", "page", "talk@1", "media@1")


def upgrade() -> None:
    """Add the columns, and fill them from the blobs."""
    leaving = sa.Column("is_leaving", sa.Boolean, nullable=False, server_default=sa.false())
    op.add_column("videos", leaving)
    op.add_column("results", sa.Column("value", sa.Text))
    db = op.get_bind()
    blobs = Path(str(db.engine.url.database)).parent / "blobs"
    names = ", ".join(f"'{name}'" for name in _FACTS)
    rows = db.execute(
        sa.text(f"select video_id, name, digest from results where name in ({names})")
    )  # noqa: S608 (our own names)
    for video_id, name, digest in rows.fetchall():
        change = "update results set value = :value where video_id = :id and name = :name"
        value = _text(blobs / digest[:2] / digest[2:])
        db.execute(sa.text(change), {"value": value, "id": video_id, "name": name})
    db.execute(sa.text("delete from results where value is null and name in ('media', 'page')"))


def _text(path: Path) -> str | None:
    """What a blob holds; None when it is gone or empty."""
    try:
        return path.read_text("utf-8") or None
    except (OSError, UnicodeDecodeError):
        return None
