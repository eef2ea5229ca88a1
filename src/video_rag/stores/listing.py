"""One page of the videos, by a query: chosen, sorted and cut in the database."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Collection
from contextlib import closing
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from video_rag.stores import Listed, Result, Shown
from video_rag.stores.tables import results, videos

_OWN, _MEDIA, _PAGE = (results.alias(name) for name in ("video", "media", "page"))

_COLLECTIONS = sa.text("""
with facts as (
  select case json_valid(r.value) when 1 then r.value else '{}' end as fact
  from videos v join results r on r.video_id = v.video_id and r.name = 'video'
  where not v.is_leaving
)
select name, count(*) from (
  select json_extract(fact, '$.collection') as name from facts
  union all select also.value from facts, json_each(fact, '$.also_in') also
) group by name order by name
""")


def page(db: sa.Connection, wanted: Shown) -> Listed:
    """The results of the videos on it, with all facts, and how many there are on all pages."""
    chosen = _chosen(wanted)
    total = db.scalar(sa.select(sa.func.count()).select_from(chosen.subquery())) or 0
    order = _order(wanted.sort)
    ids = list(db.scalars(chosen.order_by(*order).limit(wanted.limit).offset(wanted.offset)))
    return Listed(total, results_of(db, ids))


def results_of(db: sa.Connection, ids: Collection[str]) -> dict[str, dict[str, Result]]:
    """The results of these videos, in this order; no pictures' rows."""
    found: dict[str, dict[str, Result]] = {video_id: {} for video_id in ids}
    c = results.c
    query = sa.select(c.video_id, c.name, c.digest, c.key, c.value).where(
        _among(c.video_id, ids), c.name.not_like("image/%")
    )
    for row in db.execute(query):
        found[row.video_id][row.name] = Result(row.digest, row.key, row.value)
    return found


def collections(db: sa.Connection) -> dict[str, int]:
    """How many videos are in each collection, by name."""
    return {str(name): count for name, count in db.execute(_COLLECTIONS) if name}


class Changes:
    """Tells whether anything was written, by whichever process: as cheap as asking gets."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._watcher: sqlite3.Connection | None = None

    def count(self) -> int | None:
        """A number that is another after each change; None when it cannot be told."""
        with self._lock:
            try:
                if self._watcher is None:
                    self._watcher = sqlite3.connect(self._path, check_same_thread=False)
                with closing(self._watcher.execute("PRAGMA data_version")) as rows:
                    return int(rows.fetchone()[0])
            except sqlite3.Error:
                return None

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            if self._watcher:
                self._watcher.close()
                self._watcher = None


def _chosen(wanted: Shown) -> sa.Select[Any]:
    query = _listed(sa.select(videos.c.video_id))
    if wanted.sort not in {"added", "-added"} or wanted.text:
        query = _with_facts(query)
    if wanted.text:
        words = wanted.text.casefold()
        said = sa.func.lower(_title() + "\n" + _fact(_OWN, "$.url"))
        query = query.where(sa.or_(*(sa.func.instr(said, w) > 0 for w in {words, wanted.text})))
    if wanted.collection:
        also = sa.func.json_each(_value(_OWN), "$.also_in").table_valued("value")
        is_other = sa.exists(sa.select(also.c.value).where(also.c.value == wanted.collection))
        query = query.where(sa.or_(_fact(_OWN, "$.collection") == wanted.collection, is_other))
    if wanted.only is not None:
        query = query.where(_among(videos.c.video_id, wanted.only))
    return query


def _listed(query: sa.Select[Any]) -> sa.Select[Any]:
    """From the videos that are there, each with its own facts."""
    own = sa.and_(_OWN.c.video_id == videos.c.video_id, _OWN.c.name == "video")
    return query.select_from(videos.join(_OWN, own)).where(~videos.c.is_leaving)


def _with_facts(query: sa.Select[Any]) -> sa.Select[Any]:
    for table in (_MEDIA, _PAGE):
        fits = sa.and_(table.c.video_id == videos.c.video_id, table.c.name == table.name)
        query = query.outerjoin(table, fits)
    return query


def _order(sort: str) -> list[Any]:
    by: dict[str, Any] = {
        "added": videos.c.position,
        "title": sa.func.lower(_title()),
        "duration": sa.func.coalesce(*(_fact(t, "$.duration") for t in (_PAGE, _MEDIA, _OWN))),
        "published": sa.func.coalesce(*(_fact(t, "$.published") for t in (_MEDIA, _OWN))),
    }
    column = by[sort.removeprefix("-")]
    first = column.desc() if sort.startswith("-") else column.asc()
    return [first.nulls_last(), videos.c.position]


def _title() -> Any:
    own = _fact(_OWN, "$.title")
    inside = sa.func.nullif(_fact(_MEDIA, "$.title"), "")
    return sa.case((_fact(_OWN, "$.is_title_given") == 1, own), else_=sa.func.coalesce(inside, own))


def _value(table: Any) -> Any:
    """The JSON of a fact; a damaged one is read as an empty one."""
    return sa.case((sa.func.json_valid(table.c.value) == 1, table.c.value), else_="{}")


def _fact(table: Any, path: str) -> Any:
    return sa.func.json_extract(_value(table), path)


def _among(column: Any, ids: Collection[str]) -> Any:
    """As one parameter: there may be more of them than a statement takes."""
    named = sa.func.json_each(json.dumps(list(ids))).table_valued("value")
    return column.in_(sa.select(named.c.value))
