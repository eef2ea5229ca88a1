"""The ledger in SQL, SQLite or PostgreSQL; the statements are SQLAlchemy Core's."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from video_rag.stores import Failure, Listed, Result, Shown, listing
from video_rag.stores.claims import Claims
from video_rag.stores.forward import KEYS_MARK
from video_rag.stores.prepared import Prepared
from video_rag.stores.records import Records, failure_of, upsert
from video_rag.stores.remembered import SqlSites, SqlWatchlist
from video_rag.stores.tables import (
    claims,
    due,
    failures,
    identity,
    memberships,
    places,
    receipts,
    results,
    videos,
)
from video_rag.stores.transactions import Transactions, open_database

if TYPE_CHECKING:
    from video_rag.stores.activity_sql import SqlActivity
    from video_rag.stores.agenda import Verdict
    from video_rag.stores.asked import SqlRequests
    from video_rag.stores.due import SqlAgenda
    from video_rag.stores.questions_sql import SqlQuestions
    from video_rag.stores.slots_sql import SqlSlots


class Sql(Claims, Records):
    """A ledger in a SQLite file, or behind the URL of a PostgreSQL database.

    Many processes may use it at once; on PostgreSQL also those of many machines.
    """

    def __init__(self, place: Path | str) -> None:
        self._database = open_database(place)
        self._reader = Transactions(self._database, write=False)
        self._writer = Transactions(self._database, write=True)
        self.watchlist = SqlWatchlist(self._reader, self._writer)
        self.sites = SqlSites(self._reader, self._writer)
        self._keys_mark = place.with_name(KEYS_MARK) if isinstance(place, Path) else None
        self.had_api_keys()

    @cached_property
    def requests(self) -> SqlRequests:
        """What somebody asked for; few commands need it."""
        from video_rag.stores.asked import SqlRequests

        return SqlRequests(self._reader, self._writer)

    @cached_property
    def questions(self) -> SqlQuestions:
        """What was asked; few commands need it."""
        from video_rag.stores.questions_sql import SqlQuestions

        return SqlQuestions(self._reader, self._writer)

    @cached_property
    def agenda(self) -> SqlAgenda:
        """What is due."""
        from video_rag.stores.due import SqlAgenda

        return SqlAgenda(self._reader, self._writer)

    @cached_property
    def activity(self) -> SqlActivity:
        """How the work goes."""
        from video_rag.stores.activity_sql import SqlActivity

        return SqlActivity(self._reader, self._writer)

    @cached_property
    def slots(self) -> SqlSlots:
        """What a clock remembers; few commands need it."""
        from video_rag.stores.slots_sql import SqlSlots

        return SqlSlots(self._reader, self._writer)

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()

    def check(self, *, thorough: bool = False) -> str:
        """One line on how the ledger is; reads it for damage. Raises `Rejected`, `DiskError`."""
        how = self._database.check(thorough=thorough)
        with self._reader.begin() as db:
            many = db.scalar(sa.select(sa.func.count()).select_from(videos))
        return f"{many} videos, {how}"

    def now(self) -> float:
        return self._database.now()

    # videos and their results

    def video_ids(self) -> list[str]:
        query = sa.select(videos.c.video_id).where(~videos.c.is_leaving)
        with self._reader.begin() as db:
            return list(db.scalars(query.order_by(videos.c.position)))

    def results(self, video_id: str) -> dict[str, Result]:
        with self._reader.begin() as db:
            return listing.results(db, video_id) if _is_leaving(db, video_id) is False else {}

    def all_results(self, facts: Collection[str] = ()) -> dict[str, dict[str, Result]]:
        found: dict[str, dict[str, Result]] = {video_id: {} for video_id in self.video_ids()}
        c = results.c
        value = sa.case((c.name.in_(facts), c.value)).label("value")
        query = sa.select(c.video_id, c.name, c.digest, c.key, value)
        with self._reader.begin() as db:
            for row in db.execute(query.where(c.name.not_like("image/%"))):
                if row.video_id in found:
                    found[row.video_id][row.name] = Result(row.digest, row.key, row.value)
        return found

    def page(self, wanted: Shown) -> Listed:
        with self._reader.begin() as db:
            return listing.page(db, wanted)

    def results_of(self, video_ids: Collection[str]) -> dict[str, dict[str, Result]]:
        with self._reader.begin() as db:
            return listing.results_of(db, video_ids)

    def collections(self) -> dict[str, int]:
        with self._reader.begin() as db:
            return listing.collections(db)

    def changes(self) -> int | None:
        return self._database.changes()

    def commit(
        self,
        video_id: str,
        stage: str,
        made: Mapping[str, Result],
        who: str = "",
        verdict: Verdict | None = None,
        host: str = "",
    ) -> bool:
        rows = [
            {"video_id": video_id, "stage": stage, "name": name, **vars(result)}
            for name, result in made.items()
        ]
        one = {"of": video_id, "named": stage}
        with self._writer.begin() as db:
            row = _STATE.first(db, one)
            if row.is_leaving if row is not None else stage != "give":
                return False  # the video was removed while the stage worked
            if who and (row is None or row.owner != who):
                return False  # its claim had run out, and others work on it or did
            if row is None:
                new = self._writer.insert(videos).values(video_id=video_id)
                db.execute(new.on_conflict_do_nothing())
                row = _STATE.all(db, one)[0]
            _FORGET[results].run(db, one)
            _NEW_RESULTS.run_many(db, rows)
            _FORGET[failures].run(db, one)
            self._judged(db, row, verdict, is_new=stage == "give" or not row.words)
            if host:
                is_one = videos.c.video_id == video_id
                db.execute(sa.update(videos).where(is_one).values(host=host))
            if who:
                _FORGET[claims].run(db, one)
        return True

    def fail(
        self, video_id: str, failure: Failure, who: str = "", verdict: Verdict | None = None
    ) -> None:
        with self._writer.begin() as db:
            row = _STATE.first(db, {"of": video_id, "named": failure.stage})
            if row is None or row.is_leaving or (who and row.owner != who):
                return
            upsert(self._writer, db, failures, {"video_id": video_id, **vars(failure)})
            self._judged(db, row, verdict, is_new=not row.words)

    def forgive(self, video_id: str) -> None:
        with self._writer.begin() as db:
            if db.execute(sa.delete(failures).where(failures.c.video_id == video_id)).rowcount:
                self._changed(db, video_id)

    def failures(self, video_id: str) -> dict[str, Failure]:
        query = sa.select(failures).where(failures.c.video_id == video_id)
        with self._reader.begin() as db:
            return {row.stage: failure_of(row) for row in db.execute(query)}

    def failures_of(self, video_ids: Collection[str]) -> dict[str, list[Failure]]:
        with self._reader.begin() as db:
            return listing.failures_of(db, video_ids)

    def all_failures(self) -> dict[str, list[Failure]]:
        found: dict[str, list[Failure]] = {}
        with self._reader.begin() as db:
            for row in db.execute(sa.select(failures)):
                found.setdefault(row.video_id, []).append(failure_of(row))
        return found

    def lose(self, digest: str) -> None:
        c = results.c
        with self._writer.begin() as db:
            made_of = sa.select(c.video_id, c.stage).where(c.digest == digest, c.stage != "give")
            for video_id, stage in sorted(db.execute(made_of.distinct()).all()):
                own = sa.or_(c.name.not_like("%@%"), c.digest == digest)  # not what a part made
                forget = _FORGET[results].statement.where(own)
                db.execute(forget, {"of": video_id, "named": stage})
                self._changed(db, video_id)

    def leave(self, video_id: str) -> dict[str, Result]:
        with self._writer.begin() as db:
            known = videos.c.video_id == video_id
            db.execute(sa.update(videos).where(known).values(is_leaving=True))
            for table in (due, memberships):
                db.execute(sa.delete(table).where(table.c.video_id == video_id))
            return listing.results(db, video_id)

    def leaving(self) -> list[str]:
        query = sa.select(videos.c.video_id).where(videos.c.is_leaving == sa.true())
        with self._reader.begin() as db:
            return list(db.scalars(query.order_by(videos.c.position)))

    def remove(self, video_id: str) -> None:
        with self._writer.begin() as db:
            for table in (results, failures, claims, due, memberships, videos):
                db.execute(sa.delete(table).where(table.c.video_id == video_id))
            db.execute(sa.delete(receipts).where(receipts.c.document_id == video_id))

    def digests(self) -> Iterator[str]:
        with self._reader.begin() as db:
            blobs = sa.select(results.c.digest).where(results.c.value.is_(None))
            yield from db.scalars(blobs.distinct())

    def place(self, name: str) -> str:
        with self._reader.begin() as db:
            found = db.scalar(sa.select(places.c.value).where(places.c.name == name))
            return str(found or "")

    def keep_place(self, name: str, value: str) -> None:
        with self._writer.begin() as db:
            upsert(self._writer, db, places, {"name": name, "value": value})

    def library_id(self) -> str:
        query = sa.select(identity.c.library_id)
        with self._reader.begin() as db:
            return str(db.scalar(query) or "")

    def keep_library_id(self, library_id: str) -> None:
        with self._writer.begin("identity") as db:
            db.execute(sa.delete(identity))
            db.execute(sa.insert(identity).values(library_id=library_id))

    def _changed(self, db: sa.Connection, video_id: str) -> None:
        """Count a change: what was judged of the video counts no longer."""
        _CHANGE.run(db, {"of": video_id})

    def _judged(
        self, db: sa.Connection, row: Any, verdict: Verdict | None, *, is_new: bool
    ) -> None:
        """Count a change with what is judged in the light of it, if nothing else changed."""
        if verdict is None or verdict.change != row.change:
            self._changed(db, row.video_id)
            return
        from video_rag.stores.due import Known, keep_verdict

        known = Known(row.video_id, row.position, row.is_urgent, is_new, changes=1)
        keep_verdict(db, known, verdict.judged)


_OF: sa.BindParameter[str] = sa.bindparam("of")
_NAMED: sa.BindParameter[str] = sa.bindparam("named")
_STATE = Prepared(
    sa.select(
        *(videos.c[name] for name in ("video_id", "is_leaving", "change", "position")),
        *(videos.c.is_urgent, videos.c.words),
        sa.select(claims.c.owner)
        .where(claims.c.video_id == _OF, claims.c.stage == _NAMED)
        .scalar_subquery()
        .label("owner"),
    )
    .where(videos.c.video_id == _OF)
    .with_for_update(of=videos)
)
"""What decides whether a stage may be committed."""
_FORGET = {
    table: Prepared(sa.delete(table).where(table.c.video_id == _OF, table.c.stage == _NAMED))
    for table in (results, failures, claims)
}
_NEW_RESULTS = Prepared(sa.insert(results))
_CHANGE = Prepared(
    sa.update(videos).where(videos.c.video_id == _OF).values(change=videos.c.change + 1, plan="")
)


def _is_leaving(db: sa.Connection, video_id: str) -> bool | None:
    """Whether a video is being removed; None for an unknown one."""
    query = sa.select(videos.c.is_leaving).where(videos.c.video_id == video_id)
    found: bool | None = db.scalar(query)
    return found
