"""One page of the videos, by a query: chosen, sorted and cut in the database.

What they are chosen and sorted by stands beside each video, as it was judged.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from video_rag.stores import Failure, Listed, Result, Shown
from video_rag.stores.records import failure_of
from video_rag.stores.tables import failures, memberships, videos
from video_rag.stores.tables import results as results_table

_AT_ONCE = 1000
"""Ids that one statement names; databases take so many parameters and no more."""


def page(db: sa.Connection, wanted: Shown) -> Listed:
    """The results of the videos on it, with all facts, and how many there are on all pages."""
    chosen = _chosen(wanted)
    ids = chosen.order_by(*_order(wanted)).limit(wanted.limit).offset(wanted.offset)
    return Listed(_total(db, wanted, chosen), results_of(db, list(db.scalars(ids))))


def results(db: sa.Connection, video_id: str) -> dict[str, Result]:
    """All results of a video."""
    c = results_table.c
    query = sa.select(c.name, c.digest, c.key, c.value).where(c.video_id == video_id)
    return {row.name: Result(row.digest, row.key, row.value) for row in db.execute(query)}


def results_of(db: sa.Connection, ids: Collection[str]) -> dict[str, dict[str, Result]]:
    """The results of these videos, in this order; no pictures' rows."""
    found: dict[str, dict[str, Result]] = {video_id: {} for video_id in ids}
    c = results_table.c
    query = sa.select(c.video_id, c.name, c.digest, c.key, c.value)
    for some in _in_parts(ids):
        rows = db.execute(query.where(c.video_id.in_(some), c.name.not_like("image/%")))
        for row in rows:
            found[row.video_id][row.name] = Result(row.digest, row.key, row.value)
    return found


def failures_of(db: sa.Connection, ids: Collection[str]) -> dict[str, list[Failure]]:
    """What went wrong with these videos."""
    found: dict[str, list[Failure]] = {}
    for some in _in_parts(ids):
        for row in db.execute(sa.select(failures).where(failures.c.video_id.in_(some))):
            found.setdefault(row.video_id, []).append(failure_of(row))
    return found


def collections(db: sa.Connection) -> dict[str, int]:
    """How many videos are in each collection, by name."""
    name = memberships.c.collection
    query = sa.select(name, sa.func.count()).group_by(name)
    return dict(sorted((str(row[0]), int(row[1])) for row in db.execute(query) if row[0]))


def _in_parts(ids: Collection[str]) -> Iterator[Sequence[str]]:
    listed = list(ids)
    for start in range(0, len(listed), _AT_ONCE):
        yield listed[start : start + _AT_ONCE]


def _total(db: sa.Connection, wanted: Shown, chosen: sa.Select[Any]) -> int:
    """How many there are; of all videos by their indexes alone."""
    c = videos.c
    if wanted != Shown(wanted.limit, wanted.offset, wanted.sort):
        return db.scalar(sa.select(sa.func.count()).select_from(chosen.subquery())) or 0
    every, nameless = (
        sa.select(sa.func.count()).where(one).select_from(videos).scalar_subquery()
        for one in (c.is_leaving == sa.false(), sa.and_(c.state == "", c.is_leaving == sa.false()))
    )
    return db.scalar(sa.select(every - nameless)) or 0


def _chosen(wanted: Shown) -> sa.Select[Any]:
    c = videos.c
    query = sa.select(c.video_id).where(c.is_leaving == sa.false())
    query = query.where(c.state == wanted.state if wanted.state else c.state != "")
    if wanted.text:
        query = query.where(c.words.contains(wanted.text.casefold(), autoescape=True))
    if wanted.collection:
        m = memberships.c
        query = query.join(memberships, m.position == c.position)
        query = query.where(m.collection == wanted.collection)
    if wanted.only is not None:
        query = query.where(c.video_id.in_(sorted(wanted.only)))
    if wanted.apart:
        query = query.where(c.video_id.not_in(sorted(wanted.apart)))
    return query


def _order(wanted: Shown) -> list[Any]:
    c = videos.c
    position = memberships.c.position if wanted.collection else c.position
    name = wanted.sort.removeprefix("-")
    first: Any = position if name == "added" else c[name]
    first = first.desc() if wanted.sort.startswith("-") else first.asc()
    if name in {"duration", "published"}:
        first = first.nulls_last()
    return [first, position]
