"""What was asked for is kept until it is done."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "5"
down_revision = "4"


def upgrade() -> None:
    """Add the table; what an earlier version was asked for was never kept."""
    op.create_table(
        "requests",
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("request_id", sa.Text, nullable=False, unique=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("wish", sa.JSON, nullable=False),
        sa.Column("about", sa.Text, nullable=False),
        sa.Column("asked_by", sa.Text, nullable=False),
        sa.Column("asked", sa.Float, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("begun", sa.Float),
        sa.Column("ended", sa.Float),
        sa.Column("progress", sa.JSON, nullable=False),
        sa.Column("video_ids", sa.JSON, nullable=False),
        sa.Column("failures", sa.JSON, nullable=False),
        sa.Column("is_unwanted", sa.Boolean, nullable=False),
        sa.Column("once", sa.Text, unique=True),
    )
    op.create_index("requests_by_state", "requests", ["state", "position"])


def downgrade() -> None:
    """Forget what was asked for."""
    op.drop_table("requests")
