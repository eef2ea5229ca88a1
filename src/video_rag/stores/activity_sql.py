"""How the work goes, in SQL."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from video_rag.stores.activity import Ended, Holdings, Pace, Timing, Trouble, length_of, site_of
from video_rag.stores.tables import (
    claims,
    due,
    failures,
    paces,
    receipts,
    results,
    tallies,
    timings,
    videos,
)
from video_rag.stores.transactions import Transactions
from video_rag.tallies import Series

_MINUTE = 60
_KEPT = 24 * 60
"""Minutes that are remembered."""
_DAY = 86_400
_DAYS = 400
"""Days of which it is known how long stages took."""


class SqlActivity:
    """What a ledger tells of the work: see `stores.activity.Activity`."""

    def __init__(self, reader: Transactions, writer: Transactions) -> None:
        self._reader = reader
        self._writer = writer

    def count(self, worker: str, stages: Mapping[str, int]) -> None:
        """Add stages that just ended to those of this minute; forgets what is a day old."""
        with self._writer.begin() as db:
            self._count(db, worker, stages)

    def keep(self, worker: str, ended: Sequence[Ended], amounts: Mapping[Series, float]) -> None:
        """Count the same, with how long each took, and what was counted for metrics."""
        done = [one.stage.partition("@")[0] for one in ended if one.outcome == "done"]
        with self._writer.begin() as db:
            if done:
                self._count(db, worker, Counter(done))
            if ended:
                self._time(db, ended)
            for (name, labels), amount in sorted(amounts.items()):
                row = {"name": name, "labels": json.dumps(dict(labels)), "amount": amount}
                self._add(db, tallies, row, {"amount"})

    def timings(self, since: float = 0.0) -> list[Timing]:
        """How long stages took that ended on the day of `since` (epoch) or later."""
        c = timings.c
        keys = (c.stage, c.plugin, c.site, c.length, c.outcome)
        sums = (sa.func.sum(c.many), sa.func.sum(c.seconds), sa.func.max(c.longest))
        query = sa.select(*keys, *sums, sa.func.sum(c.duration)).where(c.day >= int(since // _DAY))
        with self._reader.begin() as db:
            return [Timing(*row) for row in db.execute(query.group_by(*keys).order_by(*keys))]

    def tallies(self) -> dict[Series, float]:
        """What was counted for metrics, by all processes."""
        with self._reader.begin() as db:
            rows = db.execute(sa.select(tallies)).all()
        return {(name, tuple(json.loads(labels).items())): amount for name, labels, amount in rows}

    def holdings(self, bases: Sequence[str]) -> Holdings:
        """How many documents there are, and how many these bases and others have of them."""
        has = results.c.name == sa.literal_column("'document'")  # as the index says it
        c = receipts.c
        with self._reader.begin() as db:
            documents = int(
                db.scalar(sa.select(sa.func.count()).select_from(results).where(has)) or 0
            )
            query = (
                sa.select(c.knowledge, sa.func.count())
                .where(c.state == "done")
                .group_by(c.knowledge)
            )
            published = dict.fromkeys(bases, 0)
            published |= {row[0]: row[1] for row in db.execute(query)}
        lacking = {base: max(0, documents - published[base]) for base in bases}
        return Holdings(documents, published, lacking)

    def failing(self) -> dict[tuple[str, str], int]:
        """How many failures stand, by stage and class of error."""
        c = failures.c
        query = sa.select(c.stage, c.error, sa.func.count()).group_by(c.stage, c.error)
        with self._reader.begin() as db:
            return {(stage, error): many for stage, error, many in db.execute(query)}

    def _count(self, db: sa.Connection, worker: str, stages: Mapping[str, int]) -> None:
        minute = int(self._writer.now(db) // _MINUTE)
        for stage, many in sorted(stages.items()):
            row = {"minute": minute, "worker": worker, "stage": stage, "many": many}
            self._add(db, paces, row, {"many"})
        db.execute(sa.delete(paces).where(paces.c.minute < minute - _KEPT))

    def _time(self, db: sa.Connection, ended: Sequence[Ended]) -> None:
        day = int(self._writer.now(db) // _DAY)
        ids = sorted({one.video_id for one in ended})
        query = sa.select(videos.c.video_id, videos.c.duration).where(videos.c.video_id.in_(ids))
        durations: dict[str, float | None] = {row[0]: row[1] for row in db.execute(query)}
        rows: dict[tuple[Any, ...], dict[str, Any]] = {}
        for one in ended:
            duration = durations.get(one.video_id)
            key = {
                "day": day,
                "stage": one.stage,
                "plugin": one.plugin,
                "site": site_of(one.video_id),
                "length": length_of(duration),
                "outcome": one.outcome,
            }
            nothing = {"many": 0, "seconds": 0.0, "longest": 0.0, "duration": 0.0}
            row = rows.setdefault(tuple(key.values()), key | nothing)
            row["many"] += 1
            row["seconds"] += one.seconds
            row["longest"] = max(row["longest"], one.seconds)
            row["duration"] += duration or 0.0
        for _key, row in sorted(rows.items()):
            self._add(db, timings, row, {"many", "seconds", "duration"}, {"longest"})
        db.execute(sa.delete(timings).where(timings.c.day < day - _DAYS))

    def _add(
        self,
        db: sa.Connection,
        table: sa.Table,
        row: Mapping[str, Any],
        sums: Collection[str],
        most: Collection[str] = (),
    ) -> None:
        """Add a row's numbers to those that are there, or keep the larger one."""
        new = self._writer.insert(table).values(**row)
        c, n = table.c, new.excluded
        larger = {name: sa.case((c[name] > n[name], c[name]), else_=n[name]) for name in most}
        added = {name: c[name] + n[name] for name in sums}
        keys = [column.name for column in table.primary_key]
        db.execute(new.on_conflict_do_update(index_elements=keys, set_=added | larger))

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
