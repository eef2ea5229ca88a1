"""Prepared statements: the same rows and the same writes, whichever way they take."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from video_rag.stores.prepared import Prepared

_TABLE = sa.Table(
    "things",
    sa.MetaData(),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("size", sa.Float),
    sa.Column("is_new", sa.Boolean),
)
_NEW = Prepared(sa.insert(_TABLE))
_FOUND = Prepared(
    sa.select(_TABLE.c.size, _TABLE.c.name.label("called"))
    .where(_TABLE.c.is_new == sa.literal(True), _TABLE.c.size <= sa.bindparam("most"))
    .order_by(_TABLE.c.size, _TABLE.c.name)
)
_GROWN = Prepared(
    sa.update(_TABLE)
    .where(_TABLE.c.name == sa.bindparam("of"))
    .values(size=_TABLE.c.size + sa.bindparam("more"))
)


@pytest.fixture
def db() -> Iterator[sa.Connection]:
    engine = sa.create_engine("sqlite://")
    _TABLE.metadata.create_all(engine)
    with engine.connect() as connection:
        yield connection


def _thing(name: str, size: float | None, *, is_new: bool = True) -> dict[str, object]:
    return {"name": name, "size": size, "is_new": is_new}


@settings(max_examples=30)
@given(things=st.dictionaries(st.text(), st.floats(-9, 9) | st.none()), most=st.floats(-9, 9))
def test_what_it_finds_is_what_sqlalchemy_finds(
    things: dict[str, float | None], most: float
) -> None:
    things = {name: size for name, size in things.items() if name.isprintable()}
    engine = sa.create_engine("sqlite://")
    _TABLE.metadata.create_all(engine)
    with engine.connect() as db:
        _NEW.run_many(
            db, [_thing(name, size, is_new=len(name) < 3) for name, size in things.items()]
        )
        found = _FOUND.all(db, {"most": most})
        assert [tuple(row) for row in found] == [
            tuple(row) for row in db.execute(_FOUND.statement, {"most": most})
        ]
        assert len(found) == sum(
            size is not None and size <= most and len(name) < 3 for name, size in things.items()
        )


def test_its_rows_have_names(db: sa.Connection) -> None:
    _NEW.run(db, _thing("a", 2.0))
    row = _FOUND.first(db, {"most": 3})
    assert row is not None
    assert (row.called, row.size) == ("a", 2.0)
    assert _FOUND.first(db, {"most": 1}) is None


def test_it_writes_in_the_transaction_of_its_connection(db: sa.Connection) -> None:
    with db.begin():
        _NEW.run_many(db, [_thing("a", 1.0), _thing("b", 2.0)])
    with db.begin() as transaction:
        _GROWN.run(db, {"of": "b", "more": 5})
        assert db.scalar(sa.select(sa.func.sum(_TABLE.c.size))) == 8.0
        transaction.rollback()
    assert db.scalar(sa.select(sa.func.sum(_TABLE.c.size))) == 3.0
    _NEW.run_many(db, [])
    assert db.scalar(sa.select(sa.func.count()).select_from(_TABLE)) == 2
