"""The filter by speaker: which stored passages hold words of one person."""

from __future__ import annotations

import sqlite3

from video_rag.text.names import is_meant

CONDITION = (
    "(instr(p.chunk, '\"speaker\":\"') and exists (select 1 from json_each(p.chunk, '$.lines') l"
    " where spoken_by(json_extract(l.value, '$.speaker'), ?)))"
)
"""SQL about `p`, with the person's name for its question mark; needs `prepare`."""


def prepare(db: sqlite3.Connection) -> None:
    """Teach a connection how names are compared."""
    db.create_function(
        "spoken_by", 2, lambda name, asked: bool(name) and is_meant(asked, name), deterministic=True
    )
