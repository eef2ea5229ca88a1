"""What is due, in SQL: see `agenda.Agenda`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

import sqlalchemy as sa

from video_rag.causes import Cause
from video_rag.choices import State
from video_rag.digest import of_bytes
from video_rag.model import Job
from video_rag.stores import listing, owner
from video_rag.stores.agenda import AtWork, Backlog, Judged, Seen, Step, Verdict
from video_rag.stores.claims import claim, is_it, living
from video_rag.stores.prepared import Prepared
from video_rag.stores.records import failure_of
from video_rag.stores.tables import claims, due, failures, memberships, videos
from video_rag.stores.transactions import Transactions
from video_rag.text.addresses import public

_LONGEST = 200
"""Characters of a title that it is sorted by."""
_TRIES = 5
"""Others may take the same stage in the same moment."""


class SqlAgenda:
    """The agenda of a ledger."""

    def __init__(self, reader: Transactions, writer: Transactions) -> None:
        self._reader = reader
        self._writer = writer

    def see(self, video_id: str) -> Seen | None:
        """All that is known of one video; None for an unknown one or one that leaves."""
        c = videos.c
        columns = (c.change, c.host, c.is_urgent, c.request_id, c.trace_id)
        query = sa.select(*columns).where(c.video_id == video_id, ~c.is_leaving)
        failed = sa.select(failures).where(failures.c.video_id == video_id)
        with self._reader.begin() as db:
            row = db.execute(query).one_or_none()
            if row is None:
                return None
            known = {one.stage: failure_of(one) for one in db.execute(failed)}
            results = listing.results(db, video_id)
            cause = Cause(row.request_id, row.trace_id)
            return Seen(video_id, row.change, results, known, row.host, row.is_urgent, cause)

    def unjudged(self, plan: str, most: int, *, others: bool = True) -> list[Seen]:
        """Some videos that were not judged by this plan; `others`: also those by another plan."""
        c = videos.c
        found: list[Any] = []
        wanted = [c.plan == ""]
        if others:
            wanted += [sa.and_(c.plan > "", c.plan < plan), c.plan > plan]
        with self._reader.begin() as db:
            for one in wanted:
                query = sa.select(c.video_id, c.change, c.host).where(one, ~c.is_leaving)
                found += db.execute(query.limit(most - len(found))).all()
                if len(found) >= most:
                    break
            ids = [row.video_id for row in found]
            results, failed = listing.results_of(db, ids), listing.failures_of(db, ids)
        return [
            Seen(
                row.video_id,
                row.change,
                results[row.video_id],
                {one.stage: one for one in failed.get(row.video_id, ())},
                row.host,
            )
            for row in found
        ]

    def judge(self, verdicts: Mapping[str, Verdict]) -> None:
        """Keep judgements by video; one of a video that changed meanwhile is dropped."""
        c = videos.c
        ids = sorted(verdicts)
        if not ids:
            return
        query = sa.select(c.video_id, c.change).where(c.video_id.in_(ids), ~c.is_leaving)
        with self._writer.begin() as db:
            rows = db.execute(query.order_by(c.position).with_for_update()).all()
            same = [row.video_id for row in rows if verdicts[row.video_id].change == row.change]
            keep_verdicts(db, {video_id: verdicts[video_id].judged for video_id in same})

    def due(self, most: int | None = None) -> list[str]:
        """The videos of which a stage can run now, in the order they were added."""
        c = due.c
        first = sa.func.min(c.position)
        with self._reader.begin() as db:
            query = sa.select(c.video_id).where(c.at <= self._reader.now(db))
            return list(db.scalars(query.group_by(c.video_id).order_by(first).limit(most)))

    def steps(self, video_id: str) -> list[Step]:
        """The stages of one video that can run, now or later."""
        c = due.c
        query = sa.select(c.stage, c.route, c.at, c.sent).where(c.video_id == video_id)
        with self._reader.begin() as db:
            return [Step(*row) for row in db.execute(query.order_by(c.at, c.stage))]

    def take(self, routes: Collection[str] | None, who: str, seconds: float) -> Job | None:
        """Claim the first stage that can run: urgent ones first, then by time and video."""
        for _ in range(_TRIES):
            with self._writer.begin() as db:
                job = _first(db, routes, self._writer.now(db))
                if job and claim(self._writer, db, job.video_id, job.stage, who, seconds):
                    return job
            if job is None and not self.lapse():  # what a dead neighbour held is free
                return None
        return None

    def to_send(self, most: int, not_since: float) -> list[tuple[Job, str, bool]]:
        """Stages that can run now and were not sent to a queue since then: job, route, urgency."""
        c = due.c
        with self._reader.begin() as db:
            now = self._reader.now(db)
            query = sa.select(c.video_id, c.stage, c.route, c.is_urgent)
            query = query.where(c.at <= now, sa.or_(c.sent.is_(None), c.sent < not_since))
            query = query.where(~_CLAIMED).order_by(c.at, c.position).limit(most)
            return [
                (Job(video_id=row.video_id, stage=row.stage), row.route, row.is_urgent)
                for row in db.execute(query, {"now": now})
            ]

    def sent(self, jobs: Iterable[Job]) -> None:
        """Remember that these were handed to a queue now."""
        rows = [{"of": job.video_id, "named": job.stage} for job in jobs]
        is_one = sa.and_(due.c.video_id == sa.bindparam("of"), due.c.stage == sa.bindparam("named"))
        if rows:
            with self._writer.begin() as db:
                statement = sa.update(due).where(is_one).values(sent=self._writer.now(db))
                db.execute(statement, rows)

    def hurry(self, video_ids: Iterable[str]) -> None:
        """A person waits for these: they go first until each is ready or failed."""
        ids = [{"of": video_id} for video_id in video_ids]
        if ids:
            with self._writer.begin() as db:
                for table in (videos, due):
                    is_one = table.c.video_id == sa.bindparam("of")
                    db.execute(sa.update(table).where(is_one).values(is_urgent=True), ids)

    def cause(self, video_id: str, cause: Cause) -> None:
        """Remember which request wants work on a video, for whoever does it."""
        is_one = videos.c.video_id == video_id
        ids = {"request_id": cause.request_id, "trace_id": cause.trace_id}
        with self._writer.begin() as db:
            db.execute(sa.update(videos).where(is_one).values(**ids))

    def at_work(self) -> list[AtWork]:
        """Every claim that holds now, the oldest first."""
        with self._reader.begin() as db:
            return living(db, self._reader.now(db))

    def report(self, video_id: str, stage: str, who: str, share: float, note: str) -> bool:
        """Note how far a claimed stage is; false when the work is for nothing."""
        mine = sa.and_(is_it(video_id, stage), claims.c.owner == who)
        with self._writer.begin() as db:
            held = db.execute(sa.update(claims).where(mine).values(share=share, note=note))
            leaves = sa.select(videos.c.is_leaving).where(videos.c.video_id == video_id)
            return bool(held.rowcount) and not db.scalar(leaves)

    def backlog(self) -> list[Backlog]:
        """What waits, by route."""
        c = due.c
        with self._reader.begin() as db:
            now = self._reader.now(db)
            is_ready = sa.case((c.at <= now, True), else_=False).label("ready")
            query = sa.select(c.route, is_ready, c.is_urgent, sa.func.count())
            query = query.where(~_CLAIMED).group_by(c.route, is_ready, c.is_urgent)
            found: dict[str, Backlog] = {}
            for route, ready, is_urgent, many in db.execute(query, {"now": now}):
                one = found.get(route, Backlog(route, 0, 0))
                if not ready:
                    found[route] = replace(one, later=one.later + many)
                else:
                    urgent = one.urgent + (many if is_urgent else 0)
                    found[route] = replace(one, ready=one.ready + many, urgent=urgent)
        return [found[route] for route in sorted(found)]

    def states(self) -> dict[State, int]:
        """How many videos are in each state, as they were judged."""
        c = videos.c
        query = sa.select(c.state, sa.func.count()).group_by(c.state)  # by the index alone
        with self._reader.begin() as db:
            all_of = Counter({row[0]: int(row[1]) for row in db.execute(query)})
            gone = db.execute(query.where(c.is_leaving == sa.true()))
            all_of.subtract({row[0]: int(row[1]) for row in gone})
        return {cast("State", state): many for state, many in all_of.items() if state and many}

    def unready(self) -> list[str]:
        """The videos that were not judged to be ready, in the order they were added."""
        return self._ids(videos.c.state.in_(["queued", "waiting", "failed"]))

    def lapse(self) -> int:
        """Forget claims that ran out or whose owners surely died; returns how many."""
        c = claims.c
        with self._writer.begin() as db:
            now = self._writer.now(db)
            gone = db.execute(sa.delete(claims).where(c.until <= now)).rowcount
            owners = db.scalars(sa.select(c.owner).distinct())
            dead = [one for one in owners if owner.is_dead(one)]
            if dead:
                gone += db.execute(sa.delete(claims).where(c.owner.in_(dead))).rowcount
        return int(gone)

    def positions(self, urls: Iterable[str]) -> dict[str, dict[str, int]]:
        """By path or URL the videos that came from there, each with its place in the library."""
        places = {place(url): url for url in urls}
        found: dict[str, dict[str, int]] = {url: {} for url in places.values()}
        c = videos.c
        query = sa.select(c.place, c.video_id, c.position).where(c.place.in_(sorted(places)))
        with self._reader.begin() as db:
            for row in db.execute(query.where(~c.is_leaving).order_by(c.position)):
                found[places[row.place]][row.video_id] = row.position
        return found

    def crowded(self) -> list[list[str]]:
        """The videos that share a path or URL with others, together."""
        c = videos.c
        full = sa.select(c.place).where(c.place != "").group_by(c.place)
        full = full.having(sa.func.count() > 1)
        query = sa.select(c.place, c.video_id).where(c.place.in_(full), ~c.is_leaving)
        found: dict[str, list[str]] = {}
        with self._reader.begin() as db:
            for at, video_id in db.execute(query.order_by(c.position)):
                found.setdefault(at, []).append(video_id)
        return list(found.values())

    def named(self, name: str) -> list[str]:
        """The videos whose title or address contains this, or whose id begins so."""
        c = videos.c
        has = c.words.contains(name.casefold(), autoescape=True)
        return self._ids(sa.or_(has, c.video_id.startswith(name, autoescape=True)))

    def _ids(self, chosen: sa.ColumnElement[bool]) -> list[str]:
        c = videos.c
        query = sa.select(c.video_id).where(chosen, ~c.is_leaving).order_by(c.position)
        with self._reader.begin() as db:
            return list(db.scalars(query))


def place(url: str) -> str:
    """What a path or URL is found by."""
    return of_bytes(url.encode(errors="surrogatepass"))[:32]


def keep_verdicts(db: sa.Connection, judged: Mapping[str, Judged]) -> None:
    """Write judgements beside their videos, with what is due and where each belongs."""
    c = videos.c
    named = sa.select(c.video_id, c.position, c.is_urgent).where(c.video_id.in_(sorted(judged)))
    rows = db.execute(named).all() if judged else []
    for row in rows:
        known = Known(row.video_id, row.position, is_urgent=row.is_urgent, is_new=True)
        keep_verdict(db, known, judged[row.video_id])


@dataclass(frozen=True)
class Known:
    """What the ledger has of a video that is judged."""

    video_id: str
    position: int
    is_urgent: bool
    is_new: bool
    """Whether its collections may be others than before."""
    changes: int = 0


def keep_verdict(db: sa.Connection, known: Known, judged: Judged) -> None:
    """Write one judgement; the statements are put together once, since this is done so often."""
    told = _columns(judged)
    urgent = known.is_urgent and bool(judged.steps)
    told |= {"of": known.video_id, "urgent": urgent, "changes": known.changes}
    _TELL.run(db, told)
    before = _WAITING.all(db, {"of": known.video_id})
    sent = {row.stage: row.sent for row in before}
    steps = [
        {
            "video_id": known.video_id,
            "position": known.position,
            "is_urgent": known.is_urgent,
            "stage": step.stage,
            "route": step.route,
            "at": step.at,
            "sent": sent.get(step.stage),
        }
        for step in judged.steps
    ]
    if before:
        _FORGET_DUE.run(db, {"of": known.video_id})
    _NEW_DUE.run_many(db, steps)
    if known.is_new:
        _FORGET_MEMBER.run(db, {"of": known.video_id})
        belongs = [
            {"collection": name, "position": known.position, "video_id": known.video_id}
            for name in dict.fromkeys(judged.collections)
        ]
        _NEW_MEMBER.run_many(db, belongs)


_COLUMNS = ("plan", "state", "place", "title", "words", "duration", "published")
_OF: sa.BindParameter[str] = sa.bindparam("of")
_TELL = Prepared(
    sa.update(videos)
    .where(videos.c.video_id == _OF)
    .values(
        **{name: sa.bindparam(f"new_{name}") for name in _COLUMNS},
        is_urgent=sa.bindparam("urgent"),
        change=videos.c.change + sa.bindparam("changes"),
    )
)
_WAITING = Prepared(sa.select(due.c.stage, due.c.sent).where(due.c.video_id == _OF))
_FORGET_DUE, _FORGET_MEMBER = (
    Prepared(sa.delete(table).where(table.c.video_id == _OF)) for table in (due, memberships)
)
_NEW_DUE, _NEW_MEMBER = Prepared(sa.insert(due)), Prepared(sa.insert(memberships))


def _columns(judged: Judged) -> dict[str, Any]:
    title, url = _plain(judged.title), _plain(public(judged.url))
    return {
        "new_plan": judged.plan,
        "new_state": judged.state if judged.url else "",
        "new_place": place(judged.url) if judged.url else "",
        "new_title": title[:_LONGEST],
        "new_words": f"{title}\n{url}",
        "new_duration": judged.duration,
        "new_published": judged.published,
    }


def _plain(text: str) -> str:
    """For looking up alone, in what every database keeps: no NUL, no halves of characters."""
    return text.casefold().replace("\0", "").encode(errors="replace").decode()


_CLAIMED = sa.exists(
    sa.select(claims.c.owner).where(
        claims.c.video_id == due.c.video_id,
        claims.c.stage == due.c.stage,
        claims.c.until > sa.bindparam("now"),
    )
)


def _free(*, is_urgent: bool, has_route: bool) -> Prepared:
    """The first stage that can run and is in no hands."""
    c = due.c
    query = sa.select(c.video_id, c.stage, c.at, c.position).where(
        c.is_urgent == sa.literal(is_urgent), c.at <= sa.bindparam("now"), ~_CLAIMED
    )
    if has_route:
        query = query.where(c.route == sa.bindparam("route"))
    query = query.order_by(c.at, c.position).limit(1)
    return Prepared(query.with_for_update(of=due, skip_locked=True))


_FREE = {
    (is_urgent, has_route): _free(is_urgent=is_urgent, has_route=has_route)
    for is_urgent in (True, False)
    for has_route in (True, False)
}


def _first(db: sa.Connection, routes: Collection[str] | None, now: float) -> Job | None:
    """The first stage of these routes (None: of all) that can run and is in no hands."""
    has_route = routes is not None
    asked = [{"now": now, "route": route} for route in routes] if routes else [{"now": now}]
    for is_urgent in (True, False):
        query = _FREE[is_urgent, has_route]
        found = [row for one in asked if (row := query.first(db, one)) is not None]
        if found:
            best = min(found, key=lambda row: (row.at, row.position))
            return Job(video_id=best.video_id, stage=best.stage)
    return None
