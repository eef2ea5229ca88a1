"""Requests in SQL."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any

import sqlalchemy as sa

from video_rag.errors import Conflict, NotFound
from video_rag.stores.requests import OPEN, Obstacle, Progress, Request, Requested
from video_rag.stores.tables import requests
from video_rag.stores.transactions import Transactions

_NAMES = [field.name for field in fields(Request)]
_COLUMNS = [requests.c[name] for name in _NAMES]
_IS_OPEN = requests.c.state.in_(sorted(OPEN))


class SqlRequests:
    """The requests of a ledger: see `stores.requests.Requests`."""

    def __init__(self, reader: Transactions, writer: Transactions) -> None:
        self._reader = reader
        self._writer = writer

    def submit(self, request: Request, once: str = "") -> Request:
        """Keep a new request, and return it; or the earlier one that was kept with `once`."""
        with self._writer.begin() as db:
            same = _one(db, requests.c.once == once) if once else None
            if same is not None:
                if (same.kind, same.wish) != (request.kind, request.wish):
                    raise Conflict(
                        "this idempotency key was used for something else",
                        hint="give each request a key of its own",
                    )
                return same
            db.execute(sa.insert(requests).values(**asdict(request), once=once or None))
        return request

    def get(self, request_id: str) -> Request:
        """One request. Raises `NotFound`."""
        with self._reader.begin() as db:
            return _need(db, request_id)

    def page(self, wanted: Requested) -> list[Request]:
        """Some requests, the newest first."""
        c = requests.c
        query = sa.select(*_COLUMNS).order_by(c.position.desc()).limit(wanted.limit)
        if wanted.states:
            query = query.where(c.state.in_(sorted(wanted.states)))
        if wanted.before:
            last = sa.select(c.position).where(c.request_id == wanted.before)
            query = query.where(c.position < last.scalar_subquery())
        with self._reader.begin() as db:
            return [_request(row) for row in db.execute(query)]

    def due(self) -> list[Request]:
        """What is to be worked on, in the order it was asked for."""
        query = sa.select(*_COLUMNS).where(_IS_OPEN).order_by(requests.c.position)
        with self._reader.begin() as db:
            return [_request(row) for row in db.execute(query)]

    def counts(self) -> dict[tuple[str, str], int]:
        """How many there are, by kind and state."""
        c = requests.c
        query = sa.select(c.kind, c.state, sa.func.count()).group_by(c.kind, c.state)
        with self._reader.begin() as db:
            return {(kind, state): many for kind, state, many in db.execute(query)}

    def waiting(self) -> int:
        """How many have not ended."""
        with self._reader.begin() as db:
            return db.scalar(sa.select(sa.func.count()).select_from(requests).where(_IS_OPEN)) or 0

    def keep(self, request: Request) -> bool:
        """Keep how far a request is; a cancellation that came meanwhile stays."""
        row = asdict(request)
        is_it = requests.c.request_id == row.pop("request_id")
        del row["is_unwanted"]
        with self._writer.begin() as db:
            is_unwanted = db.scalar(sa.select(requests.c.is_unwanted).where(is_it))
            db.execute(sa.update(requests).where(is_it).values(**row))
        return is_unwanted is False

    def cancel(self, request_id: str) -> Request:
        """Take a request back, unless it has ended. Raises `NotFound`."""
        return self._change(request_id, _IS_OPEN, is_unwanted=True)

    def again(self, request_id: str) -> Request:
        """Put a request that has ended among the due ones once more. Raises `NotFound`."""
        new = {"state": "queued", "attempts": 0, "begun": None, "ended": None, "is_unwanted": False}
        return self._change(request_id, ~_IS_OPEN, **new, failures=[], progress=asdict(Progress()))

    def tidy(self, most: int) -> int:
        """Forget the oldest ended ones but for so many; returns how many."""
        c = requests.c
        newest = sa.select(c.position).where(~_IS_OPEN).order_by(c.position.desc()).limit(most)
        with self._writer.begin() as db:
            gone = sa.delete(requests).where(~_IS_OPEN, c.position.not_in(newest))
            return int(db.execute(gone).rowcount)

    def _change(self, request_id: str, allowed: sa.ColumnElement[bool], **values: Any) -> Request:
        is_it = requests.c.request_id == request_id
        with self._writer.begin() as db:
            db.execute(sa.update(requests).where(is_it, allowed).values(**values))
            return _need(db, request_id)


def _need(db: sa.Connection, request_id: str) -> Request:
    found = _one(db, requests.c.request_id == request_id)
    if found is None:
        raise NotFound("there is no such request", hint="see `video-rag requests list`")
    return found


def _one(db: sa.Connection, condition: sa.ColumnElement[bool]) -> Request | None:
    row = db.execute(sa.select(*_COLUMNS).where(condition)).one_or_none()
    return None if row is None else _request(row)


def _request(row: Any) -> Request:
    values = dict(row._mapping)  # noqa: SLF001 (public API of SQLAlchemy)
    values["progress"] = Progress(**values["progress"])
    values["video_ids"] = tuple(values["video_ids"])
    values["failures"] = tuple(Obstacle(**one) for one in values["failures"])
    return Request(**values)
