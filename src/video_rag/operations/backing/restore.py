"""Putting a backup in the place of a library.

First all of it is brought here and looked at; until that is done nothing is changed. Then results,
documents and small files are put where the settings say, the databases last, each in one
transaction. Meanwhile a mark in the home keeps others from opening what is half there; killed, the
same command again does it all.
"""

from __future__ import annotations

import gzip
import shutil
import sqlite3
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from video_rag import backups, disk, private
from video_rag.errors import Rejected, Unavailable, UsageError, VideoRagError
from video_rag.library import Library
from video_rag.library.storing import blobs_of, documents_of
from video_rag.model import Page
from video_rag.operations import ledgers, moving
from video_rag.operations.backing.backup import Made, scratch
from video_rag.operations.backing.place import Backup, Entry, Place, cut
from video_rag.settings import Settings
from video_rag.settings.buckets import place as as_place
from video_rag.stores import moving as rows
from video_rag.stores import snapshots
from video_rag.stores.sql import Sql
from video_rag.stores.transactions import open_database

Tell = Callable[[str, int, int], None]
_SIDE_BY_SIDE = 8
_LARGE = 32 * 1024**2
"""Bytes from which on a file goes through the disk, not through memory."""


@dataclass(frozen=True)
class Restored:
    """What a restore did."""

    backup: Backup
    before: Made | None
    """The backup of the library that was there, where one was."""
    without: str = ""
    """What was left out, and why."""


def into_home(settings: Settings, home: Path) -> Settings:
    """The settings with everything below another home: nothing of this library is touched."""
    library = settings.library.model_copy(
        update={"media": home / "media", "documents": home / "documents"}
    )
    return settings.model_copy(
        update={
            "home": home,
            "library": library,
            "blobs": settings.blobs.model_copy(update={"url": home / "blobs"}),
            "ledger": settings.ledger.model_copy(update={"url": ""}),
            "backup": settings.backup.model_copy(update={"to": home / "backups"}),
        }
    )


def restore(
    settings: Settings,
    place: Place,
    backup: Backup,
    *,
    save: Callable[[Library], Made] | None,
    command: str,
    tell: Tell = lambda *_: None,
) -> Restored:
    """Put a backup where the settings say.

    A library that is there is given to `save` first; without it, it is refused. `command` is what
    to run again should this be cut off. Raises `UsageError`, `Rejected` and `DiskError`; nothing is
    changed then.
    """
    there = _what_is_there(settings)
    if there and save is None:
        raise UsageError(
            f"{settings.home} has a library: {there}",
            hint="--force backs it up first and then replaces it; --into DIR restores elsewhere",
        )
    entries = place.list_of(backup)
    kept = place.there()
    gone = sum(kept.get(place.object_of(one.digest)) != one.kept for one in entries)
    if gone:
        raise _incomplete(place, backup, gone, len(entries))
    was_there = settings.home.is_dir()
    try:
        with scratch(settings.home) as folder:
            _bring(place, entries, folder, tell)
            _unpack(folder)
            before = _saved(settings, save) if there and save else None
            without = _put(settings, backup, entries, folder, command)
    except VideoRagError:
        if not was_there:
            _take_away(settings.home)
        raise
    return Restored(backup, before, without)


def _what_is_there(settings: Settings) -> str:
    """What a library in this place holds, in words; empty for none, or one that holds nothing."""
    where = ledgers.place(settings)
    if isinstance(where, Path) and not where.exists():
        return ""
    if (settings.home / backups.HALF).is_file():
        return ""  # it is half a backup
    try:
        ledger = Sql(where)
    except VideoRagError as error:
        name = settings.home if isinstance(where, Path) else "the database of [ledger] url"
        raise Rejected(
            f"what is there cannot be opened, nor be backed up: {error}",
            hint=f"move {name} away, then restore to an empty one",
        ) from None
    try:
        if ledger.claimed():
            raise Unavailable(
                f"{settings.home} is being worked on",
                hint="stop its workers, clocks and commands, then restore",
            )
        held = {
            "videos": len(ledger.video_ids()),
            "subscriptions": len(ledger.watchlist.subscriptions()),
            "API keys": len(ledger.api_keys()),
        }
    finally:
        ledger.close()
    return ", ".join(f"{many} {what}" for what, many in held.items() if many)


def _saved(settings: Settings, save: Callable[[Library], Made]) -> Made:
    library = Library(settings)
    try:
        return save(library)
    finally:
        library.close()


def _bring(place: Place, entries: list[Entry], folder: Path, tell: Tell) -> None:
    """Bring every file here, by digest, and look at it."""
    todo = {one.digest: one for one in entries}

    def bring(entry: Entry) -> None:
        path = folder / entry.digest
        if entry.kept > _LARGE or entry.kind == "database":
            place.get_file(entry.digest, path)
            return
        data = place.get(entry.digest)
        with disk.told(path):
            path.write_bytes(data)

    with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
        futures = [pool.submit(bring, entry) for entry in todo.values()]
        try:
            for done, future in enumerate(futures, start=1):
                future.result()
                tell("files", done, len(futures))
        finally:
            for future in futures:
                future.cancel()
    for entry in todo.values():
        if entry.kind == "database":
            (folder / entry.digest).rename(folder / entry.name)


def _unpack(folder: Path) -> None:
    """The databases as they were, read through for damage."""
    for packed in folder.glob("*.gz"):
        path = packed.with_suffix("")
        try:
            with disk.told(path), gzip.open(packed) as source, path.open("wb") as target:
                shutil.copyfileobj(source, target, 1024 * 1024)
            with closing(sqlite3.connect(path)) as db:
                found = db.execute("pragma integrity_check(1)").fetchone()[0]
        except (EOFError, zlib.error, sqlite3.Error):
            found = "cut"
        packed.unlink()
        if found != "ok":
            raise cut(str(path.name))


def _put(
    settings: Settings, backup: Backup, entries: list[Entry], folder: Path, command: str
) -> str:
    """Put everything in its place; the databases last."""
    home = settings.home
    mark = home / backups.HALF
    private.write(mark, f"{command}\n".encode())
    private.tighten(home)
    blobs = blobs_of(settings, lambda: backup.library)
    documents = documents_of(settings, lambda: backup.library)
    is_home = settings.library.host in {"", settings.pipeline.machine}
    has_documents = is_home or not isinstance(settings.library.documents, Path)
    for entry in entries:
        if entry.kind == "database":
            continue
        data = (folder / entry.digest).read_bytes()
        if entry.kind == "result":
            blobs.put(data)
        elif entry.kind == "document" and has_documents:
            documents.write(entry.name, data)
        elif entry.kind in {"home", "settings"}:
            private.write(home / entry.name, data)
    if has_documents:
        names = {entry.name for entry in entries if entry.kind == "document"}
        documents.discard(sorted(_documents_before(settings) - names))
    if is_home and (folder / snapshots.KNOWLEDGE).is_file():
        snapshots.put_back(folder / snapshots.KNOWLEDGE, home / snapshots.KNOWLEDGE)
    _put_ledger(settings, folder / snapshots.LEDGER)
    mark.unlink()
    _rename(settings, backup)
    return "" if is_home else f"documents and knowledge.db, which lie on {settings.library.host}"


def _documents_before(settings: Settings) -> set[str]:
    """The files of the documents of the library that is being replaced."""
    where = ledgers.place(settings)
    if isinstance(where, Path) and not where.exists():
        return set()
    try:
        ledger = Sql(where)
    except VideoRagError:
        return set()  # half of a restore that was killed
    try:
        found = [
            row["page"].value for row in ledger.all_results(("page",)).values() if "page" in row
        ]
    finally:
        ledger.close()
    pages = [Page.model_validate_json(value) for value in found if value]
    return {name for page in pages for name in (page.path, *page.files)}


def _put_ledger(settings: Settings, copy: Path) -> None:
    where = ledgers.place(settings)
    if isinstance(where, Path):
        snapshots.put_back(copy, where)
        return
    source, target = open_database(copy), open_database(where)
    try:
        rows.copy(source, target, is_replaced=True)
    finally:
        source.close()
        target.close()


def _rename(settings: Settings, backup: Backup) -> None:
    """Have what was fresh where it lay be fresh where it lies now."""
    places = {"documents": as_place(backup.documents), "media": as_place(backup.media)}
    now = settings.library
    if (now.documents, now.media) == (places["documents"], places["media"]):
        return
    before = settings.model_copy(update={"library": now.model_copy(update=places)})
    library = Library(settings)
    try:
        moving.rename(library, before, settings, set())
    finally:
        library.close()


def _take_away(home: Path) -> None:
    """The folder that this made; what else is in it stays."""
    for folder in (home / "scratch", home):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def _incomplete(place: Place, backup: Backup, gone: int, of: int) -> Rejected:
    return Rejected(
        f"the backup {backup.backup_id} in {place.where} is cut: {gone} of its {of} files are not "
        "there as they were written",
        hint="restore another one (`video-rag backups` lists them, --at chooses)",
    )
