"""Remembers what the results of schema 1 were made from, so that none must be made again.

`origins` says which source it is from. `talk@1`, `media@1` and `frames@1` keep the inputs of what
was recognised and read; `pipeline/before.py` knows the results by them.
"""

from __future__ import annotations

import json
from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "2"
down_revision = "1"

_KEPT = """
insert into results (video_id, name, stage, digest, key)
select video_id, :kept, 'before', digest, key from results as found where name = :name
and not exists (
    select 1 from results where video_id = found.video_id and name in (:better, :kept)
)
"""


def upgrade() -> None:
    """Add the rows."""
    db = op.get_bind()
    for name, better in (("talk", ""), ("video", "talk"), ("media", ""), ("frames", "")):
        kept = "talk@1" if name == "video" else f"{name}@1"  # the oldest kept a video alone
        db.execute(sa.text(_KEPT), {"name": name, "kept": kept, "better": better})
    blobs = Path(str(db.engine.url.database)).parent / "blobs"
    rows = db.execute(sa.text("select video_id, digest from results where name = 'origins'"))
    for video_id, digest in rows.fetchall():
        change = "update results set key = :source where video_id = :id and name = 'origins'"
        source = _source(blobs / digest[:2] / digest[2:])
        db.execute(sa.text(change), {"source": source, "id": video_id})


def _source(origins: Path) -> str:
    """The source that a stored `Origins` names; empty when it cannot be read."""
    try:
        return str(json.loads(origins.read_bytes())["source"])
    except (OSError, ValueError, KeyError):
        return ""
