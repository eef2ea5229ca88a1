"""Facts of videos stand in the ledger, so that no lost file costs them; removing is a state.

A video whose own facts are lost already has them from its document. Where that is lost, too, it is
unknown until its file or page is added again.
"""

from __future__ import annotations

import hashlib
import json
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
    rows = db.execute(sa.text("select video_id, name, digest from results")).fetchall()
    documents = {row.video_id: row.digest for row in rows if row.name == "document"}
    change = sa.text(
        "update results set value = :value, digest = :digest"
        " where video_id = :video_id and name = :name"
    )
    for video_id, name, digest in rows:
        if name in _FACTS:
            value = _text(blobs, digest)
            fact = {"video_id": video_id, "name": name, "value": value, "digest": digest}
            if name == "video" and value is None:
                value = _of_document(blobs, documents.get(video_id, "")) or ""
                fact |= {"value": value, "digest": hashlib.sha256(value.encode()).hexdigest()}
            db.execute(change, fact)
    db.execute(sa.text("delete from results where name = 'video' and value = ''"))


def _text(blobs: Path, digest: str) -> str | None:
    """What a blob holds; None when it is gone or empty."""
    try:
        return (blobs / digest[:2] / digest[2:]).read_text("utf-8") or None
    except (OSError, UnicodeDecodeError):
        return None


def _of_document(blobs: Path, digest: str) -> str | None:
    """The facts of a video as its document repeats them."""
    try:
        return json.dumps(json.loads(_text(blobs, digest) or "")["video"])
    except (ValueError, KeyError, TypeError):
        return None
