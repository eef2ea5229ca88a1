"""What sources may touch, with a real ledger: the places of a library in a folder of its own."""

from __future__ import annotations

from pathlib import Path

from video_rag.library.wiring import Places
from video_rag.stores.media import MediaFolder
from video_rag.stores.sql import Sql


def places(
    home: Path,
    *,
    media: Path | None = None,
    allow_private: bool = True,
    media_bytes: int | None = None,
) -> Places:
    """The places of the library in `home`; two of them share what is remembered."""
    files = MediaFolder(media or home / "media", media_bytes)
    return Places(
        home=home,
        media=files.folder,
        allow_private=allow_private,
        ledger=Sql(home / "library.db"),
        room=files.room,
        claim_seconds=30.0,
    )
