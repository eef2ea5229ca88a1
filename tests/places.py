"""What sources may touch, with a real ledger: the places of a library in a folder of its own."""

from __future__ import annotations

from pathlib import Path

from video_rag.library.wiring import Places
from video_rag.stores.sql import Sql


def places(
    home: Path,
    *,
    media: Path | None = None,
    allow_private: bool = True,
    media_bytes: int | None = None,
) -> Places:
    """The places of the library in `home`; two of them share what is remembered."""
    return Places(
        home=home,
        media=media or home / "media",
        allow_private=allow_private,
        ledger=Sql(home / "library.db"),
        media_bytes=media_bytes,
        claim_seconds=30.0,
    )
