"""What is due is found by an index; what is judged of a video stands beside it.

Nothing is judged here, since the plan decides: every video is judged when somebody first asks.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "6"
down_revision = "5"

_INDEXES = {
    "videos_by_plan": ["plan"],
    "videos_by_state": ["state", "position"],
    "videos_by_place": ["place"],
    "videos_by_title": ["title"],
    "videos_by_leaving": ["is_leaving", "position"],
}


def _said(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, server_default="")


def _of_videos() -> list[sa.Column[Any]]:
    urgent = sa.Column("is_urgent", sa.Boolean, nullable=False, server_default=sa.false())
    return [
        sa.Column("change", sa.Integer, nullable=False, server_default="0"),
        _said("plan"),
        sa.Column("state", sa.Text, nullable=False, server_default="queued"),
        urgent,
        *(_said(name) for name in ("host", "place", "title", "words")),
        sa.Column("duration", sa.Float),
        sa.Column("published", sa.Text),
    ]


def _of_claims() -> list[sa.Column[Any]]:
    return [
        _said("worker"),
        sa.Column("since", sa.Float, nullable=False, server_default="0"),
        sa.Column("share", sa.Float, nullable=False, server_default="0"),
        _said("note"),
    ]


def upgrade() -> None:
    """Add the columns, the tables and their indexes."""
    for table, columns in (("videos", _of_videos()), ("claims", _of_claims())):
        for column in columns:
            op.add_column(table, column)
    for name, indexed in _INDEXES.items():
        op.create_index(name, "videos", indexed)
    op.create_table(
        "due",
        sa.Column("video_id", sa.Text, primary_key=True),
        sa.Column("stage", sa.Text, primary_key=True),
        sa.Column("route", sa.Text, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("is_urgent", sa.Boolean, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("sent", sa.Float),
    )
    op.create_index("due_by_route", "due", ["route", "is_urgent", "at", "position"])
    op.create_index("due_by_time", "due", ["is_urgent", "at", "position"])
    op.create_table(
        "memberships",
        sa.Column("collection", sa.Text, primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("video_id", sa.Text, nullable=False),
    )
    op.create_index("memberships_by_video", "memberships", ["video_id"])


def downgrade() -> None:
    """Take all of it away: it can be found out again."""
    for table in ("memberships", "due"):
        op.drop_table(table)
    for name in _INDEXES:
        op.drop_index(name, "videos")
    for table, columns in (("videos", _of_videos()), ("claims", _of_claims())):
        with op.batch_alter_table(table) as batch:
            for column in columns:
                batch.drop_column(column.name)
