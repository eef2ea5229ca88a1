"""How long stages took, by day, and what is counted for metrics."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "10"
down_revision = "9"


def upgrade() -> None:
    """Add the tables, and indexes that say how many documents there are, and where."""
    op.create_table(
        "timings",
        sa.Column("day", sa.Integer, primary_key=True, autoincrement=False),
        *(
            sa.Column(name, sa.Text, primary_key=True)
            for name in ("stage", "plugin", "site", "length", "outcome")
        ),
        sa.Column("many", sa.Integer, nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("longest", sa.Float, nullable=False),
        sa.Column("duration", sa.Float, nullable=False),
    )
    op.create_table(
        "tallies",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("labels", sa.Text, primary_key=True),
        sa.Column("amount", sa.Float, nullable=False),
    )
    op.create_index("receipts_by_state", "receipts", ["knowledge", "state"])
    is_document = sa.text("name = 'document'")
    op.create_index(
        "results_documents",
        "results",
        ["video_id"],
        sqlite_where=is_document,
        postgresql_where=is_document,
    )


def downgrade() -> None:
    """Take them away: counting begins anew."""
    op.drop_index("results_documents", "results")
    op.drop_index("receipts_by_state", "receipts")
    op.drop_table("tallies")
    op.drop_table("timings")
