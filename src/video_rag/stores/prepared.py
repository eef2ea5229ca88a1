"""Statements that every stage needs: put together once, and on SQLite run by the driver itself.

There SQLAlchemy's way from a statement to its rows takes ten times as long as SQLite takes
(35 against 3 µs), and while it lasts a writer keeps the others out: see benchmarks/queue.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite


class Prepared:
    """One statement; its parameters are named by its `bindparam`s, or by columns of an insert.

    It runs in the transaction that its connection has begun. Rows have their columns as attributes;
    truth values of SQLite's are 0 and 1.
    """

    def __init__(self, statement: Any) -> None:
        self.statement = statement

    def run(self, db: sa.Connection, values: Mapping[str, Any]) -> None:
        """Execute it; what it returns is of no interest."""
        self.run_many(db, [values])

    def run_many(self, db: sa.Connection, many: Sequence[Mapping[str, Any]]) -> None:
        """Execute it with each of these; none are fine."""
        if db.dialect.name != "sqlite":
            if many:
                db.execute(self.statement, many)
            return
        text, names, given, _row = self._compiled
        execute = _driver(db).execute
        for values in many:
            own = {**given, **values}
            execute(text, [own[name] for name in names])

    def all(self, db: sa.Connection, values: Mapping[str, Any]) -> Sequence[Any]:
        """The rows that it finds."""
        if db.dialect.name != "sqlite":
            return db.execute(self.statement, values).all()
        text, names, given, row = self._compiled
        own = {**given, **values}
        found = _driver(db).execute(text, [own[name] for name in names])
        return [row(*one) for one in found]

    def first(self, db: sa.Connection, values: Mapping[str, Any]) -> Any | None:
        """The one row that it finds, if any."""
        found = self.all(db, values)
        return found[0] if found else None

    @cached_property
    def _compiled(self) -> tuple[str, list[str], dict[str, Any], Any]:
        """Its text, the names of its parameters in order, values that it has, and its row."""
        made: Any = self.statement.compile(dialect=sqlite.dialect())
        columns = getattr(self.statement, "exported_columns", None)
        names = [column.key for column in columns] if columns else []
        return str(made), list(made.positiontup or ()), dict(made.params), namedtuple("Row", names)  # noqa: PYI024 (columns are known only here)


def _driver(db: sa.Connection) -> Any:
    return db.connection.dbapi_connection
