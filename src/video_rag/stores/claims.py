"""Claims in SQL: who works on what, until when, and how far it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from video_rag.stores import owner
from video_rag.stores.agenda import AtWork
from video_rag.stores.tables import claims
from video_rag.stores.transactions import Transactions


class Claims:
    """The part of a ledger that gives out claims: see `stores.Ledger`."""

    _reader: Transactions
    _writer: Transactions

    def claim(self, video_id: str, stage: str, who: str, seconds: float) -> bool:
        with self._writer.begin() as db:
            return claim(self._writer, db, video_id, stage, who, seconds)

    def release(self, video_id: str, stage: str, who: str) -> None:
        with self._writer.begin() as db:
            db.execute(sa.delete(claims).where(is_it(video_id, stage), claims.c.owner == who))

    def claimed(self) -> set[tuple[str, str]]:
        with self._reader.begin() as db:
            return {(one.video_id, one.stage) for one in living(db, self._reader.now(db))}


def claim(
    writer: Transactions, db: sa.Connection, video_id: str, stage: str, who: str, seconds: float
) -> bool:
    """Take or extend a claim, unless a living owner has it."""
    now = writer.now(db)
    row = {
        "video_id": video_id,
        "stage": stage,
        "owner": who,
        "until": now + seconds,
        "worker": owner.worker(),
        "since": now,
        "share": 0.0,
        "note": "",
    }
    if _taken(writer, db, row, sa.or_(claims.c.owner == who, claims.c.until <= now)):
        return True
    held = db.scalar(sa.select(claims.c.owner).where(is_it(video_id, stage)))
    if held is None or owner.is_dead(held):
        return _taken(writer, db, row, claims.c.owner == held)
    return False


def _taken(
    writer: Transactions,
    db: sa.Connection,
    row: Mapping[str, Any],
    is_free: sa.ColumnElement[bool],
) -> bool:
    """Write a claim where there is none, or one that is free; who extends begins nothing anew."""
    is_mine = claims.c.owner == row["owner"]
    new = {
        name: value
        if name in {"owner", "until"}
        else sa.case((is_mine, claims.c[name]), else_=value)
        for name, value in row.items()
        if name not in {"video_id", "stage"}
    }
    statement = writer.insert(claims).values(**row)
    known = statement.on_conflict_do_update(
        index_elements=["video_id", "stage"], set_=new, where=is_free
    )
    return db.execute(known.returning(claims.c.owner)).one_or_none() is not None


def living(db: sa.Connection, now: float) -> list[AtWork]:
    """The claims that hold, the oldest first."""
    names = ("video_id", "stage", "owner", "worker", "since", "until", "share", "note")
    query = sa.select(*(claims.c[name] for name in names)).where(claims.c.until > now)
    rows = db.execute(query.order_by(claims.c.since)).all()
    return [AtWork(*row) for row in rows if not owner.is_dead(row.owner)]


def is_it(video_id: str, stage: str) -> sa.ColumnElement[bool]:
    """The claim of this stage."""
    return sa.and_(claims.c.video_id == video_id, claims.c.stage == stage)
