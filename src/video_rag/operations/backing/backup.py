"""Making a backup while everything runs.

The ledger and the embedded base are copied as they were at one moment; then what they name is
brought to the place, unless it is there. What others change meanwhile shows at the end: then the
same is done once more, which takes little time, since most is there. Where they never stop, what is
not as the ledger's copy says is taken out of that copy, in the ways in which a library heals: a
video that was removed is being removed, a result that is gone is to be made again.
"""

from __future__ import annotations

import fcntl
import gzip
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from video_rag import __version__, disk
from video_rag.digest import of_bytes, of_file
from video_rag.errors import Lost, Rejected, Unavailable
from video_rag.library import Library
from video_rag.library.storing import documents_of
from video_rag.model import Page
from video_rag.operations import ledgers
from video_rag.operations.backing import configuration
from video_rag.operations.backing.moments import new_id
from video_rag.operations.backing.place import Backup, Entry, Place
from video_rag.pipeline.results import load
from video_rag.stores import Result, snapshots
from video_rag.stores.forward import KEYS_MARK, SCHEMA_VERSION
from video_rag.stores.hold import hold
from video_rag.stores.sql import Sql

Tell = Callable[[str, int, int], None]
"""Told what is copied (`results`, `documents`), how many are done, and of how many."""

_ROUNDS = 4
_LOCK = ".in-use"
_SIDE_BY_SIDE = 8
_HELD_SECONDS = 120.0
_HOME = ("library.id", KEYS_MARK, "dify.json")
_HOME_SECRETS = ("session.key", "sessions.ended")
Rows = Mapping[str, Mapping[str, Result]]
_Kept = TypeVar("_Kept")


@dataclass(frozen=True)
class Made:
    """A backup that was just made."""

    backup: Backup
    copied: int
    """Files that were not in the place before."""
    mended: int
    """Results and documents that others changed all the time: a restored library makes them again,
    out of what it has."""


@dataclass
class _Found:
    """What one round has brought together."""

    results: dict[str, Entry] = field(default_factory=dict)
    documents: dict[str, list[Entry]] = field(default_factory=dict)
    """By video."""
    lost: set[str] = field(default_factory=set)
    """Digests of results that were not there any more."""
    torn: set[str] = field(default_factory=set)
    """Videos whose documents changed meanwhile."""

    @property
    def is_whole(self) -> bool:
        return not self.lost and not self.torn

    @property
    def entries(self) -> list[Entry]:
        return [*self.results.values(), *(one for some in self.documents.values() for one in some)]


def back_up(library: Library, place: Place, tell: Tell = lambda *_: None) -> Made:
    """Make a backup of a library, verified.

    Raises `Unavailable` while another one is being made.
    """
    with hold(library.ledger, "library", "backup", _HELD_SECONDS) as is_ours:
        if not is_ours:
            raise Unavailable(
                "another backup of this library is being made or thinned out",
                hint="wait for it; `video-rag backups` lists those that are ready",
            )
        with scratch(library.settings.home) as folder:
            return _Backing(library, place, folder, tell).make()


@contextmanager
def scratch(home: Path) -> Iterator[Path]:
    """A folder of one's own in the library's, gone afterwards; those of killed ones go first."""
    within = home / "scratch"
    disk.make_folder(within)
    with disk.told(within):
        for left in within.glob("backup-*"):
            if not _is_in_use(left):
                shutil.rmtree(left, ignore_errors=True)
        folder = Path(tempfile.mkdtemp(prefix="backup-", dir=within))
    with (folder / _LOCK).open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # ends with the process
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _is_in_use(folder: Path) -> bool:
    try:
        with (folder / _LOCK).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


class _Backing:
    """One backup of one library."""

    def __init__(self, library: Library, place: Place, folder: Path, tell: Tell) -> None:
        self._library, self._place, self._folder, self._tell = library, place, folder, tell
        self._settings = library.settings
        self._documents = documents_of(library.settings, library.parts.identify)
        self._there = place.there()
        self._copied = 0

    def make(self) -> Made:
        mended = 0
        for number in range(1, _ROUNDS + 1):
            now = datetime.now(UTC)
            folder = self._folder / str(number)
            folder.mkdir()
            self._snapshot(folder)
            with _ledger(folder) as then:
                found = self._round(then)
                is_last = found.is_whole or number == _ROUNDS
                if not found.is_whole and is_last:
                    mended = len(found.lost) + len(found.torn)
                    self._mend(then, found)
                counts = _counts(then, found)
            if is_last:
                break
            shutil.rmtree(folder)
        entries = [*found.entries, *self._databases(folder), *self._small()]
        return Made(self._keep(now, entries, counts), self._copied, mended)

    def _snapshot(self, folder: Path) -> None:
        home = self._settings.home
        knowledge = home / snapshots.KNOWLEDGE if self._library.parts.is_home else None
        snapshots.take(ledgers.place(self._settings), knowledge, folder)

    def _round(self, then: Sql) -> _Found:
        found = _Found()
        digests = list(dict.fromkeys(then.digests()))
        rows = then.all_results(("page",))
        for done, (digest, kept) in enumerate(self._at_once(self._result, digests), start=1):
            if kept is None:
                found.lost.add(digest)
            else:
                found.results[digest] = Entry("result", digest, digest, kept)
            self._tell("results", done, len(digests))
        if self._has_documents:
            self._bring_documents(rows, found)
        return found

    @property
    def _has_documents(self) -> bool:
        """Whether this machine has them: see `[library] host`."""
        is_folder = isinstance(self._settings.library.documents, Path)
        return self._library.parts.is_home or not is_folder

    def _result(self, digest: str) -> int | None:
        """Bring a result there; None when the library has it no longer."""
        name = self._place.object_of(digest)
        if name in self._there:
            return self._there[name]
        try:
            return self._put(self._library.blobs.get(digest))
        except Lost:
            return None

    def _put(self, data: bytes) -> int:
        name = self._place.object_of(of_bytes(data))
        kept = self._there.get(name)
        is_as_long = self._place.is_encrypted or kept == len(data)
        if kept is None or not is_as_long:
            kept = self._place.put(data)
            self._there[name] = kept
            self._copied += 1
        return kept

    def _bring_documents(self, rows: Rows, found: _Found) -> None:
        pages = {}
        for video_id, row in rows.items():
            if "page" in row:
                try:
                    pages[video_id] = load(self._library.blobs, row["page"], Page)
                except Lost:
                    found.torn.add(video_id)
        for done, (video_id, entries) in enumerate(
            self._at_once(lambda one: self._document(pages[one]), list(pages)), start=1
        ):
            if entries is None:
                found.torn.add(video_id)
            else:
                found.documents[video_id] = entries
            self._tell("documents", done, len(pages))
        found.torn |= self._changed(rows, pages)

    def _document(self, page: Page) -> list[Entry] | None:
        entries = []
        for name in (page.path, *page.files):
            data = self._documents.read(name)
            if data is None:
                return None
            entries.append(Entry("document", name, of_bytes(data), self._put(data)))
        return entries

    def _changed(self, rows: Rows, pages: Iterable[str]) -> set[str]:
        """Videos whose documents were written while they were read, or are being written."""
        claimed = {
            video_id for video_id, stage in self._library.ledger.claimed() if stage == "save"
        }
        now = self._library.ledger.all_results(("page",))
        return {
            video_id
            for video_id in pages
            if video_id in claimed or now.get(video_id, {}).get("page") != rows[video_id]["page"]
        }

    def _mend(self, then: Sql, found: _Found) -> None:
        """Take out of the ledger's copy what is not as it says."""
        living = set(self._library.ledger.video_ids())
        for video_id in set(then.video_ids()) - living:
            then.leave(video_id)
        for digest in found.lost:
            then.lose(digest)
        for video_id in found.torn:
            found.documents.pop(video_id, None)
            if video_id in living:
                then.commit(video_id, "save", {})
        named = set(then.digests())
        found.results = {one: entry for one, entry in found.results.items() if one in named}

    def _databases(self, folder: Path) -> list[Entry]:
        entries = []
        for name in (snapshots.LEDGER, snapshots.KNOWLEDGE):
            path = folder / name
            if path.is_file():
                packed = folder / f"{name}.gz"
                _pack(path, packed)
                digest = of_file(packed)
                kept = self._there.get(self._place.object_of(digest))
                if kept is None:
                    kept = self._place.put_file(packed, digest, folder)
                    self._copied += 1
                entries.append(Entry("database", packed.name, digest, kept))
        return entries

    def _small(self) -> Iterator[Entry]:
        home, is_encrypted = self._settings.home, self._place.is_encrypted
        for name in (*_HOME, *(_HOME_SECRETS if is_encrypted else ())):
            with disk.told(home / name):
                data = (home / name).read_bytes() if (home / name).is_file() else None
            if data is not None:
                yield Entry("home", name, of_bytes(data), self._put(data))
        text = configuration.written(self._settings, with_secrets=is_encrypted).encode()
        yield Entry("settings", configuration.NAME, of_bytes(text), self._put(text))

    def _keep(self, now: datetime, entries: list[Entry], counts: dict[str, int]) -> Backup:
        listed, size = self._place.keep_list(entries)
        there = self._place.there()
        if any(there.get(self._place.object_of(one.digest)) != one.kept for one in entries):
            raise Rejected(
                f"not all that was written to {self._place.where} is there",
                hint="somebody deletes there, or its disk is damaged: make the backup again",
            )
        library = self._settings.library
        backup = Backup(
            backup_id=new_id(now),
            made=now.isoformat(timespec="milliseconds"),
            video_rag=__version__,
            schema=SCHEMA_VERSION,
            library=self._library.parts.identify(),
            machine=self._settings.pipeline.machine,
            ledger="PostgreSQL" if self._settings.ledger.url else "SQLite",
            is_encrypted=self._place.is_encrypted,
            counts=counts,
            files=len(entries),
            bytes=size + sum({one.digest: one.kept for one in entries}.values()),
            listed=listed,
            documents=str(library.documents),
            media=str(library.media),
        )
        while backup.backup_id in {one.backup_id for one in self._place.backups()}:
            now = datetime.now(UTC)
            backup = replace(
                backup, backup_id=new_id(now), made=now.isoformat(timespec="milliseconds")
            )
        self._place.keep(backup)
        return backup

    def _at_once(
        self, call: Callable[[str], _Kept], names: list[str]
    ) -> Iterator[tuple[str, _Kept]]:
        """Each with its result, in order; an error ends it, and what has begun is waited for."""
        with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
            futures = [pool.submit(call, name) for name in names]
            try:
                for name, future in zip(names, futures, strict=True):
                    yield name, future.result()
            finally:
                for future in futures:
                    future.cancel()


@contextmanager
def _ledger(folder: Path) -> Iterator[Sql]:
    ledger = Sql(folder / snapshots.LEDGER)
    try:
        yield ledger
    finally:
        ledger.close()


def _counts(then: Sql, found: _Found) -> dict[str, int]:
    kinds = [one.kind for one in found.entries]
    return {
        "videos": len(then.video_ids()),
        "results": kinds.count("result"),
        "document files": kinds.count("document"),
        "subscriptions": len(then.watchlist.subscriptions()),
        "keys": sum(not key.revoked for key in then.api_keys()),
    }


def _pack(path: Path, packed: Path) -> None:
    """The same bytes for the same file: no time, no name."""
    with (
        disk.told(packed),
        path.open("rb") as source,
        packed.open("wb") as raw,
        gzip.GzipFile("", "wb", 6, raw, mtime=0) as target,
    ):
        shutil.copyfileobj(source, target, 1024 * 1024)
