"""The schema of libraries that were made before there were migrations; they are at 1 already."""

from __future__ import annotations

revision = "1"
down_revision = None


def upgrade() -> None:
    """Nothing to do."""
