"""The ledger in SQL: SQLite beside the library; the statements are SQLAlchemy Core's."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from video_rag import disk, private
from video_rag.digest import Digest
from video_rag.errors import DiskError
from video_rag.model import Receipt
from video_rag.stores import ApiKey, Failure, Listed, Result, Shown, listing, owner
from video_rag.stores.forward import KEYS_MARK, bring_forward
from video_rag.stores.remembered import SqlSites, SqlWatchlist
from video_rag.stores.tables import (
    api_keys,
    claims,
    failures,
    files,
    identity,
    receipts,
    results,
    videos,
)
from video_rag.stores.transactions import Transactions, damaged, make_engine, told

if TYPE_CHECKING:
    from video_rag.stores.asked import SqlRequests

log = logging.getLogger("video_rag")


class Sql:
    """A ledger in a SQLite file; many processes may use it at once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pool = make_engine(path)
        self._engine = Transactions(self._pool, path, write=False)
        self._writer = Transactions(self._pool, path, write=True)
        self._changes = listing.Changes(path)
        self.watchlist = SqlWatchlist(self._engine, self._writer)
        self.sites = SqlSites(self._engine, self._writer)
        self._keys_mark = path.with_name(KEYS_MARK)
        with told(path), disk.told(path):
            bring_forward(self._pool, path)
        self.had_api_keys()

    @cached_property
    def requests(self) -> SqlRequests:
        """What somebody asked for; few commands need it."""
        from video_rag.stores.asked import SqlRequests

        return SqlRequests(self._engine, self._writer)

    def close(self) -> None:
        """Let go of the file."""
        self._changes.close()
        self._pool.dispose()

    def check(self, *, thorough: bool = False) -> str:
        """One line on how the file is; reads it for damage. Raises `Rejected`, `DiskError`."""
        look = "integrity_check(1)" if thorough else "quick_check(1)"
        with self._engine.begin() as db:
            found = str(db.exec_driver_sql(f"PRAGMA {look}").scalar())
            if found != "ok":
                raise damaged(self._path, found)
            many = db.scalar(sa.select(sa.func.count()).select_from(videos))
        return f"{many} videos, {self._path.stat().st_size / 1e6:.1f} MB"

    # videos and their results

    def video_ids(self) -> list[str]:
        query = sa.select(videos.c.video_id).where(~videos.c.is_leaving)
        with self._engine.begin() as db:
            return list(db.scalars(query.order_by(videos.c.position)))

    def results(self, video_id: str) -> dict[str, Result]:
        with self._engine.begin() as db:
            return _results(db, video_id) if _is_leaving(db, video_id) is False else {}

    def all_results(self, facts: Collection[str] = ()) -> dict[str, dict[str, Result]]:
        found: dict[str, dict[str, Result]] = {video_id: {} for video_id in self.video_ids()}
        c = results.c
        value = sa.case((c.name.in_(facts), c.value)).label("value")
        query = sa.select(c.video_id, c.name, c.digest, c.key, value)
        with self._engine.begin() as db:
            for row in db.execute(query.where(c.name.not_like("image/%"))):
                if row.video_id in found:
                    found[row.video_id][row.name] = Result(row.digest, row.key, row.value)
        return found

    def page(self, wanted: Shown) -> Listed:
        with self._engine.begin() as db:
            return listing.page(db, wanted)

    def results_of(self, video_ids: Collection[str]) -> dict[str, dict[str, Result]]:
        with self._engine.begin() as db:
            return listing.results_of(db, video_ids)

    def collections(self) -> dict[str, int]:
        with self._engine.begin() as db:
            return listing.collections(db)

    def changes(self) -> int | None:
        return self._changes.count()

    def commit(self, video_id: str, stage: str, made: Mapping[str, Result], who: str = "") -> bool:
        rows = [
            {"video_id": video_id, "stage": stage, "name": name, **vars(result)}
            for name, result in made.items()
        ]
        with self._writer.begin() as db:
            is_leaving = _is_leaving(db, video_id)
            if is_leaving or (is_leaving is None and stage != "give"):
                return False  # the video was removed while the stage worked
            if who and db.scalar(_select(claims, video_id, stage, claims.c.owner)) != who:
                return False  # its claim had run out, and others work on it or did
            if is_leaving is None:
                db.execute(insert(videos).values(video_id=video_id))
            db.execute(_of(results, video_id, stage))
            if rows:
                db.execute(insert(results), rows)
            db.execute(_of(failures, video_id, stage))
        return True

    def lose(self, digest: str) -> None:
        c = results.c
        with self._writer.begin() as db:
            made_of = sa.select(c.video_id, c.stage).where(c.digest == digest, c.stage != "give")
            for video_id, stage in db.execute(made_of.distinct()).all():
                own = sa.or_(c.name.not_like("%@%"), c.digest == digest)  # not what a part made
                db.execute(_of(results, video_id, stage).where(own))

    def leave(self, video_id: str) -> dict[str, Result]:
        with self._writer.begin() as db:
            known = videos.c.video_id == video_id
            db.execute(sa.update(videos).where(known).values(is_leaving=True))
            return _results(db, video_id)

    def leaving(self) -> list[str]:
        with self._engine.begin() as db:
            return list(db.scalars(sa.select(videos.c.video_id).where(videos.c.is_leaving)))

    def remove(self, video_id: str) -> None:
        with self._writer.begin() as db:
            for table in (results, failures, claims, videos):
                db.execute(sa.delete(table).where(table.c.video_id == video_id))
            db.execute(sa.delete(receipts).where(receipts.c.document_id == video_id))

    def digests(self) -> Iterator[str]:
        with self._engine.begin() as db:
            blobs = sa.select(results.c.digest).where(results.c.value.is_(None))
            yield from db.scalars(blobs.distinct())

    # claims

    def claim(self, video_id: str, stage: str, who: str, seconds: float) -> bool:
        until = owner.now() + seconds
        mine = {"video_id": video_id, "stage": stage, "owner": who, "until": until}
        with self._writer.begin() as db:
            held = db.execute(_select(claims, video_id, stage)).one_or_none()
            if held and held.owner != who and _lives(held):
                return False
            _upsert(db, claims, mine)
        return True

    def release(self, video_id: str, stage: str, who: str) -> None:
        with self._writer.begin() as db:
            db.execute(_of(claims, video_id, stage).where(claims.c.owner == who))

    def claimed(self) -> set[tuple[str, str]]:
        with self._engine.begin() as db:
            return {
                (row.video_id, row.stage) for row in db.execute(sa.select(claims)) if _lives(row)
            }

    # failures

    def failures(self, video_id: str) -> dict[str, Failure]:
        query = sa.select(failures).where(failures.c.video_id == video_id)
        with self._engine.begin() as db:
            return {row.stage: _failure(row) for row in db.execute(query)}

    def all_failures(self) -> dict[str, list[Failure]]:
        found: dict[str, list[Failure]] = {}
        with self._engine.begin() as db:
            for row in db.execute(sa.select(failures)):
                found.setdefault(row.video_id, []).append(_failure(row))
        return found

    def fail(self, video_id: str, failure: Failure) -> None:
        with self._writer.begin() as db:
            _upsert(db, failures, {"video_id": video_id, **vars(failure)})

    def forgive(self, video_id: str) -> None:
        with self._writer.begin() as db:
            db.execute(sa.delete(failures).where(failures.c.video_id == video_id))

    # receipts

    def receipt(self, knowledge: str, document_id: str) -> Receipt | None:
        found = [r for r in self.receipts(document_id) if r.knowledge == knowledge]
        return found[0] if found else None

    def receipts(self, document_id: str) -> list[Receipt]:
        query = sa.select(receipts).where(receipts.c.document_id == document_id)
        with self._engine.begin() as db:
            return [Receipt(**row._mapping) for row in db.execute(query)]  # noqa: SLF001 (public API of SQLAlchemy)

    def keep(self, receipt: Receipt) -> None:
        with self._writer.begin() as db:
            _upsert(db, receipts, receipt.model_dump())

    def published(self, knowledge: str) -> dict[str, str]:
        c = receipts.c
        here = sa.select(videos.c.video_id).where(~videos.c.is_leaving)
        query = sa.select(c.document_id, c.revision).where(
            c.knowledge == knowledge, c.state == "done", c.document_id.in_(here)
        )
        with self._engine.begin() as db:
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
        with self._engine.begin() as db:
            row = db.execute(sa.select(files).where(files.c.path == str(path))).one_or_none()
        same = row and (row.size, row.mtime_ns) == (stat.st_size, stat.st_mtime_ns)
        return Digest(row.digest) if row and same else None

    def know_files(self, known: Iterable[tuple[Path, Digest]]) -> None:
        with self._writer.begin() as db:
            for path, digest in known:
                stat = path.stat()
                row = {
                    "path": str(path),
                    "size": stat.st_size,
                    "mtime_ns": stat.st_mtime_ns,
                    "digest": digest,
                }
                _upsert(db, files, row)

    # API keys

    def api_keys(self) -> list[ApiKey]:
        with self._engine.begin() as db:
            rows = db.execute(sa.select(api_keys).order_by(api_keys.c.created))
            return [ApiKey(**row._mapping) for row in rows]  # noqa: SLF001 (public API of SQLAlchemy)

    def had_api_keys(self) -> bool:
        if self._keys_mark.is_file():
            return True
        if not self.api_keys():
            return False
        with suppress(DiskError):  # what cannot be written now is known all the same
            self._mark_keys()  # for keys from before there was a mark
        return True

    def _mark_keys(self) -> None:
        """Remember it outside of the ledger, since it is the ledger that may be lost."""
        text = b"This library had API keys: `video-rag serve` opens to nobody without one.\n"
        private.write(self._keys_mark, text)

    def add_api_key(self, key: ApiKey) -> None:
        self._mark_keys()
        with self._writer.begin() as db:
            db.execute(insert(api_keys).values(**vars(key)))

    def revoke_api_key(self, key_id: str) -> bool:
        with self._writer.begin() as db:
            known = api_keys.c.key_id == key_id
            done = db.execute(sa.update(api_keys).where(known).values(revoked=True))
            return bool(done.rowcount)

    def library_id(self) -> str:
        query = sa.select(identity.c.library_id)
        with self._engine.begin() as db:
            return str(db.scalar(query) or "")

    def keep_library_id(self, library_id: str) -> None:
        with self._writer.begin() as db:
            db.execute(sa.delete(identity))
            db.execute(insert(identity).values(library_id=library_id))


def _is_leaving(db: sa.Connection, video_id: str) -> bool | None:
    """Whether a video is being removed; None for an unknown one."""
    found: bool | None = db.scalar(
        sa.select(videos.c.is_leaving).where(videos.c.video_id == video_id)
    )
    return found


def _results(db: sa.Connection, video_id: str) -> dict[str, Result]:
    c = results.c
    query = sa.select(c.name, c.digest, c.key, c.value).where(c.video_id == video_id)
    return {row.name: Result(row.digest, row.key, row.value) for row in db.execute(query)}


def _of(table: sa.Table, video_id: str, stage: str) -> sa.Delete:
    return sa.delete(table).where(table.c.video_id == video_id, table.c.stage == stage)


def _select(table: sa.Table, video_id: str, stage: str, *of: sa.Column[Any]) -> sa.Select[Any]:
    return sa.select(*(of or (table,))).where(table.c.video_id == video_id, table.c.stage == stage)


def _upsert(db: sa.Connection, table: sa.Table, row: Mapping[str, Any]) -> None:
    keys = [column.name for column in table.primary_key]
    rest = {name: value for name, value in row.items() if name not in keys}
    statement = insert(table).values(**row).on_conflict_do_update(index_elements=keys, set_=rest)
    db.execute(statement)


def _lives(claim: Any) -> bool:
    return claim.until > owner.now() and not owner.is_dead(claim.owner)


def _failure(row: Any) -> Failure:
    values = dict(row._mapping)  # noqa: SLF001 (public API of SQLAlchemy)
    values.pop("video_id")
    return Failure(**values)
