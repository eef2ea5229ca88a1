"""Claims in SQL: who works on what, until when, and how far it is."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import sqlalchemy as sa

from video_rag.stores import owner
from video_rag.stores.agenda import AtWork
from video_rag.stores.prepared import Prepared
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
    of_free, of_dead = _upserts(writer.insert)
    row = {
        "new_video_id": video_id,
        "new_stage": stage,
        "new_owner": who,
        "new_until": now + seconds,
        "new_worker": owner.worker(),
        "new_since": now,
        "new_share": 0.0,
        "new_note": "",
    }
    if of_free.first(db, {**row, "now": now}) is not None:
        return True
    held = db.scalar(sa.select(claims.c.owner).where(is_it(video_id, stage)))
    if held is None or owner.is_dead(held):
        return of_dead.first(db, {**row, "held": held}) is not None
    return False


@cache
def _upserts(insert: Callable[[sa.Table], Any]) -> tuple[Prepared, Prepared]:
    """Write a claim where there is none, or a free one, or one of a dead owner.

    Who extends a claim begins nothing anew.
    """
    new: dict[str, Any] = {
        column.name: sa.bindparam(f"new_{column.name}") for column in claims.columns
    }
    is_mine = claims.c.owner == new["owner"]
    kept = {name: sa.case((is_mine, claims.c[name]), else_=new[name]) for name in _OF_BEGIN}
    ways = (
        sa.or_(is_mine, claims.c.until <= sa.bindparam("now")),
        claims.c.owner == sa.bindparam("held"),
    )
    of_free, of_dead = (
        Prepared(
            insert(claims)
            .values(**new)
            .on_conflict_do_update(
                index_elements=["video_id", "stage"],
                set_={"owner": new["owner"], "until": new["until"], **kept},
                where=way,
            )
            .returning(claims.c.owner)
        )
        for way in ways
    )
    return of_free, of_dead


_OF_BEGIN = ("worker", "since", "share", "note")


def living(db: sa.Connection, now: float) -> list[AtWork]:
    """The claims that hold, the oldest first."""
    names = ("video_id", "stage", "owner", "worker", "since", "until", "share", "note")
    query = sa.select(*(claims.c[name] for name in names)).where(claims.c.until > now)
    rows = db.execute(query.order_by(claims.c.since)).all()
    return [AtWork(*row) for row in rows if not owner.is_dead(row.owner)]


def is_it(video_id: str, stage: str) -> sa.ColumnElement[bool]:
    """The claim of this stage."""
    return sa.and_(claims.c.video_id == video_id, claims.c.stage == stage)
