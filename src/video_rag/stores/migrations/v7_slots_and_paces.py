"""When each thing of a schedule was last begun, and how many stages ended in each minute."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "7"
down_revision = "6"


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "slots",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("is_done", sa.Boolean, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
    )
    op.create_table(
        "paces",
        sa.Column("minute", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("worker", sa.Text, primary_key=True),
        sa.Column("stage", sa.Text, primary_key=True),
        sa.Column("many", sa.Integer, nullable=False),
    )


def downgrade() -> None:
    """Take them away: the next clock begins anew, and counts do."""
    op.drop_table("paces")
    op.drop_table("slots")
