"""What was asked, in SQL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, fields

import sqlalchemy as sa

from video_rag.stores.questions import Asked
from video_rag.stores.tables import questions
from video_rag.stores.transactions import Transactions

MOST = 200_000
"""Of more the oldest go: a machine that asks all day must not fill the disk."""
_NAMES = [field.name for field in fields(Asked)]


class SqlQuestions:
    """The questions of a ledger: see `stores.questions.Questions`."""

    def __init__(self, reader: Transactions, writer: Transactions, most: int = MOST) -> None:
        self._reader = reader
        self._writer = writer
        self._most = most

    def keep(self, asked: Sequence[Asked], not_before: float) -> None:
        """Keep some, and forget those from before that time (epoch), and all but the latest."""
        c = questions.c
        with self._writer.begin() as db:
            if asked:
                db.execute(sa.insert(questions), [asdict(one) for one in asked])
            db.execute(sa.delete(questions).where(c.at < not_before))
            last = db.scalar(sa.select(sa.func.max(c.position)))
            db.execute(sa.delete(questions).where(c.position <= (last or 0) - self._most))

    def since(self, at: float) -> Iterator[Asked]:
        """Those that were asked at that time or later, the latest first."""
        query = sa.select(*(questions.c[name] for name in _NAMES)).where(questions.c.at >= at)
        with self._reader.begin() as db:
            for row in db.execute(query.order_by(questions.c.position.desc())):
                yield Asked(*row)
