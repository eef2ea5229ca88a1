"""Slots in SQL."""

from __future__ import annotations

from dataclasses import asdict

import sqlalchemy as sa

from video_rag.stores.slots import Slot
from video_rag.stores.tables import slots
from video_rag.stores.transactions import Transactions


class SqlSlots:
    """The slots of a ledger: see `stores.slots.Slots`."""

    def __init__(self, reader: Transactions, writer: Transactions) -> None:
        self._reader = reader
        self._writer = writer

    def get(self, name: str) -> Slot | None:
        """The last slot of this name; None before the first."""
        with self._reader.begin() as db:
            row = db.execute(sa.select(slots).where(slots.c.name == name)).mappings().one_or_none()
        return Slot(**row) if row else None

    def all(self) -> list[Slot]:
        """The last slot of every name."""
        with self._reader.begin() as db:
            rows = db.execute(sa.select(slots).order_by(slots.c.name)).mappings()
            return [Slot(**row) for row in rows]

    def keep(self, seen: Slot | None, new: Slot) -> bool:
        """Put a slot in the place of the one that was seen; false when that is another now."""
        with self._writer.begin() as db:
            if seen is None:
                first = self._writer.insert(slots).values(**asdict(new))
                statement = first.on_conflict_do_nothing().returning(slots.c.name)
                return db.execute(statement).one_or_none() is not None
            is_it = [slots.c[name] == value for name, value in asdict(seen).items()]
            changed = db.execute(sa.update(slots).where(*is_it).values(**asdict(new)))
            return bool(changed.rowcount)
