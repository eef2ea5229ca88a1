"""What a ledger remembers beside videos: receipts, files, keys of the API."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from video_rag import private
from video_rag.digest import Digest
from video_rag.errors import DiskError
from video_rag.model import Receipt
from video_rag.stores import ApiKey, Failure
from video_rag.stores.tables import api_keys, files, receipts, videos
from video_rag.stores.transactions import Transactions


class Records:
    """The part of a ledger that any table of its own has: see `stores.Ledger`."""

    _reader: Transactions
    _writer: Transactions
    _keys_mark: Path | None
    """A file that tells that there were keys, where the ledger is a file itself."""

    # receipts

    def receipt(self, knowledge: str, document_id: str) -> Receipt | None:
        found = [r for r in self.receipts(document_id) if r.knowledge == knowledge]
        return found[0] if found else None

    def receipts(self, document_id: str) -> list[Receipt]:
        query = sa.select(receipts).where(receipts.c.document_id == document_id)
        with self._reader.begin() as db:
            return [Receipt(**row._mapping) for row in db.execute(query)]  # noqa: SLF001 (public API of SQLAlchemy)

    def keep(self, receipt: Receipt) -> None:
        with self._writer.begin() as db:
            upsert(self._writer, db, receipts, receipt.model_dump())

    def published(self, knowledge: str) -> dict[str, str]:
        c = receipts.c
        here = sa.select(videos.c.video_id).where(~videos.c.is_leaving)
        query = sa.select(c.document_id, c.revision).where(
            c.knowledge == knowledge, c.state == "done", c.document_id.in_(here)
        )
        with self._reader.begin() as db:
            return {row.document_id: row.revision for row in db.execute(query)}

    def drop(self, knowledge: str, document_id: str) -> None:
        c = receipts.c
        with self._writer.begin() as db:
            db.execute(
                sa.delete(receipts).where(c.knowledge == knowledge, c.document_id == document_id)
            )

    # files whose digest is known

    def known_file(self, path: Path) -> Digest | None:
        stat = path.stat()
        with self._reader.begin() as db:
            row = db.execute(sa.select(files).where(files.c.path == str(path))).one_or_none()
        same = row and (row.size, row.mtime_ns) == (stat.st_size, stat.st_mtime_ns)
        return Digest(row.digest) if row and same else None

    def know_files(self, known: Iterable[tuple[Path, Digest]]) -> None:
        with self._writer.begin() as db:
            for path, digest in sorted(known):
                stat = path.stat()
                row = {
                    "path": str(path),
                    "size": stat.st_size,
                    "mtime_ns": stat.st_mtime_ns,
                    "digest": digest,
                }
                upsert(self._writer, db, files, row)

    # API keys

    def api_keys(self) -> list[ApiKey]:
        with self._reader.begin() as db:
            rows = db.execute(sa.select(api_keys).order_by(api_keys.c.created))
            return [ApiKey(**row._mapping) for row in rows]  # noqa: SLF001 (public API of SQLAlchemy)

    def had_api_keys(self) -> bool:
        if self._keys_mark and self._keys_mark.is_file():
            return True
        if not self.api_keys():
            return False
        with suppress(DiskError):  # what cannot be written now is known all the same
            self._mark_keys()  # for keys from before there was a mark
        return True

    def _mark_keys(self) -> None:
        """Remember it outside of the ledger, since it is the ledger that may be lost."""
        if self._keys_mark is None:
            return
        text = b"This library had API keys: `video-rag serve` opens to nobody without one.\n"
        private.write(self._keys_mark, text)

    def add_api_key(self, key: ApiKey) -> None:
        self._mark_keys()
        with self._writer.begin() as db:
            db.execute(sa.insert(api_keys).values(**vars(key)))

    def revoke_api_key(self, key_id: str) -> bool:
        with self._writer.begin() as db:
            known = api_keys.c.key_id == key_id
            done = db.execute(sa.update(api_keys).where(known).values(revoked=True))
            return bool(done.rowcount)


def upsert(
    writer: Transactions, db: sa.Connection, table: sa.Table, row: Mapping[str, Any]
) -> None:
    """Keep a row in place of the earlier one with the same primary key."""
    keys = [column.name for column in table.primary_key]
    rest = {name: value for name, value in row.items() if name not in keys}
    statement = writer.insert(table).values(**row)
    db.execute(statement.on_conflict_do_update(index_elements=keys, set_=rest))


def failure_of(row: Any) -> Failure:
    """A failure from its row."""
    values = dict(row._mapping)  # noqa: SLF001 (public API of SQLAlchemy)
    values.pop("video_id")
    return Failure(**values)
