"""The library's id, which its documents carry where several libraries publish."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "4"
down_revision = "3"


def upgrade() -> None:
    """Add the table; the id comes with the next publishing."""
    op.create_table("identity", sa.Column("library_id", sa.Text, primary_key=True))


def downgrade() -> None:
    """The home keeps the id, too."""
    op.drop_table("identity")
