"""What was asked, which request wants work on a video, and the one word for why a stage failed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "9"
down_revision = "8"

_NEW = {"videos": ("request_id", "trace_id"), "requests": ("trace_id",), "failures": ("reason",)}


def upgrade() -> None:
    """Add the table and the columns; nothing is known of what was asked before."""
    for table, names in _NEW.items():
        with op.batch_alter_table(table) as change:
            for name in names:
                change.add_column(sa.Column(name, sa.Text, nullable=False, server_default=""))
    op.create_table(
        "questions",
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("at", sa.Float, nullable=False),
        *(
            sa.Column(name, sa.Text, nullable=False)
            for name in ("kind", "text", "collection", "base", "outcome", "asked_by")
        ),
        sa.Column("found", sa.Integer, nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("request_id", sa.Text, nullable=False),
    )
    op.create_index("questions_by_time", "questions", ["at"])


def downgrade() -> None:
    """Take them away."""
    op.drop_table("questions")
    for table, names in _NEW.items():
        for name in names:  # a batch would make the table anew, and lose what is unique in it
            op.execute(f"alter table {table} drop column {name}")
