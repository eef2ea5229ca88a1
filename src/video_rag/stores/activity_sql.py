"""How the work goes, in SQL."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from video_rag.stores.activity import Pace, Trouble
from video_rag.stores.tables import claims, due, failures, paces
from video_rag.stores.transactions import Transactions

_MINUTE = 60
_KEPT = 24 * 60
"""Minutes that are remembered."""


class SqlActivity:
    """What a ledger tells of the work: see `stores.activity.Activity`."""

    def __init__(self, reader: Transactions, writer: Transactions) -> None:
        self._reader = reader
        self._writer = writer

    def count(self, worker: str, stages: Mapping[str, int]) -> None:
        """Add stages that just ended to those of this minute; forgets what is a day old."""
        with self._writer.begin() as db:
            minute = int(self._writer.now(db) // _MINUTE)
            for stage, many in stages.items():
                row = {"minute": minute, "worker": worker, "stage": stage, "many": many}
                new = self._writer.insert(paces).values(**row)
                db.execute(
                    new.on_conflict_do_update(
                        index_elements=["minute", "worker", "stage"],
                        set_={"many": paces.c.many + new.excluded.many},
                    )
                )
            db.execute(sa.delete(paces).where(paces.c.minute < minute - _KEPT))

    def pace(self, seconds: float) -> Pace:
        """What ended in the last so many seconds."""
        c = paces.c
        with self._reader.begin() as db:
            now = self._reader.now(db)
            begin = int((now - seconds) // _MINUTE) + 1
            query = sa.select(c.stage, sa.func.sum(c.many)).where(c.minute >= begin)
            stages = {str(row[0]): int(row[1]) for row in db.execute(query.group_by(c.stage))}
            earlier = db.scalar(sa.select(sa.func.min(c.minute)))
        first = begin if earlier is None else max(begin, int(earlier))
        return Pace(max(now - first * _MINUTE, float(_MINUTE)), stages)

    def troubles(self) -> list[Trouble]:
        """Failures by kind, the most frequent first."""
        c = failures.c
        many = sa.func.count(c.video_id.distinct())
        again = sa.func.count(sa.case((c.due.is_not(None), c.video_id)).distinct())
        query = sa.select(c.error, many, again).group_by(c.error).order_by(many.desc(), c.error)
        with self._reader.begin() as db:
            return [Trouble(*row) for row in db.execute(query)]

    def oldest(self) -> float | None:
        """When the stage that waits longest on a queue was handed to it (epoch); None: none."""
        c = due.c
        held = sa.exists().where(claims.c.video_id == c.video_id, claims.c.stage == c.stage)
        with self._reader.begin() as db:
            query = sa.select(sa.func.min(c.sent)).where(c.at <= self._reader.now(db), ~held)
            found: float | None = db.scalar(query)
        return found
