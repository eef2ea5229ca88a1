"""A place of backups: files by content, and for each backup a list of them, written last.

    place.json            whose backups these are, and what opens them
    objects/ab/cdef…      every file once, whichever backups it is part of
    backups/<id>.json     a backup: counts, versions, and the object that lists its files

A backup is there once its `backups/<id>.json` is; what a killed one leaves is used by the next. See
docs/how-to/backup.md.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from video_rag.digest import of_bytes, of_value
from video_rag.errors import NotFound, Rejected, UsageError, VideoRagError
from video_rag.settings import Settings
from video_rag.settings.buckets import is_bucket, place
from video_rag.settings.redaction import remember
from video_rag.stores import vaults
from video_rag.stores.forward import SCHEMA_VERSION
from video_rag.stores.vaults import Box, Vault

FORMAT = 1
"""Of all that is written here; raised when an older video-rag could not read it."""
_PLACE = "place.json"
_HINT_KEY = "give the one that it was made with: --key-file FILE, or VIDEO_RAG_BACKUP__PASSPHRASE"


@dataclass(frozen=True)
class Entry:
    """A file of a backup."""

    kind: str
    """`database`, `result`, `document`, `home` or `settings`."""
    name: str
    digest: str
    kept: int
    """Bytes that it takes in the place."""


@dataclass(frozen=True)
class Backup:
    """What is said of a backup without reading it; no secrets."""

    backup_id: str
    made: str
    """ISO 8601, UTC."""
    video_rag: str
    """The version that made it."""
    schema: int
    """Of its ledger."""
    library: str
    """The id of the library."""
    machine: str
    ledger: str
    """`SQLite` or `PostgreSQL`: what the ledger was kept in."""
    is_encrypted: bool
    counts: dict[str, int]
    """Videos, results, documents and more."""
    files: int
    bytes: int
    """What its files take in the place; shared with other backups."""
    listed: str
    """Digest of the list of its files."""
    documents: str
    """Where documents lay."""
    media: str
    """Where media lay."""
    format: int = FORMAT


class Place:
    """A place of backups that was opened."""

    def __init__(self, vault: Vault, box: Box, *, is_encrypted: bool) -> None:
        self.vault, self.box, self.is_encrypted = vault, box, is_encrypted
        self.where = vault.where

    def there(self) -> dict[str, int]:
        """Every object with its bytes."""
        return {name: size for name, size, _ in self.vault.names("objects")}

    def object_of(self, digest: str) -> str:
        """The name of the object with the bytes of this digest."""
        name = self.box.name(digest)
        return f"objects/{name[:2]}/{name[2:]}"

    def put(self, data: bytes) -> int:
        """Keep some bytes, read back and compared; returns how many they take."""
        name, sealed = self.object_of(of_bytes(data)), self.box.seal(data)
        self.vault.write(name, sealed)
        if self.vault.read(name) != sealed:
            raise _not_as_written(self.where)
        return len(sealed)

    def put_file(self, path: Path, digest: str, scratch: Path) -> int:
        """The same for a file."""
        name, sealed, again = self.object_of(digest), scratch / "sealed", scratch / "again"
        self.box.seal_file(path, sealed)
        self.vault.keep(name, sealed)
        size = sealed.stat().st_size
        is_there = self.vault.bring(name, again)
        if not is_there or not _alike(sealed, again):
            raise _not_as_written(self.where)
        sealed.unlink()
        again.unlink()
        return size

    def get(self, digest: str) -> bytes:
        """The bytes of a digest. Raises `Rejected` when they are not there, or are others."""
        kept = self.vault.read(self.object_of(digest))
        data = None if kept is None else self.box.unseal(kept)
        if data is None or of_bytes(data) != digest:
            raise cut(self.where)
        return data

    def get_file(self, digest: str, path: Path) -> None:
        """The same, into a file."""
        from video_rag.digest import of_file

        sealed = path.with_name(f"{path.name}.sealed")
        if not self.vault.bring(self.object_of(digest), sealed):
            raise cut(self.where)
        self.box.unseal_file(sealed, path)
        sealed.unlink()
        if of_file(path) != digest:
            raise cut(self.where)

    def list_of(self, backup: Backup) -> list[Entry]:
        """The files of a backup."""
        lines = gzip.decompress(self.get(backup.listed)).decode().splitlines()
        return [Entry(*json.loads(line)) for line in lines]

    def keep_list(self, entries: Iterable[Entry]) -> tuple[str, int]:
        """Keep a list; gives its digest and the bytes that it takes."""
        rows = [list(asdict(one).values()) for one in entries]
        text = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
        data = gzip.compress(text.encode(), mtime=0)
        return of_bytes(data), self.put(data)

    def keep(self, backup: Backup) -> None:
        """Write what makes a backup one; read back and compared."""
        told = asdict(backup)
        data = json.dumps({**told, "digest": of_value(told)}, indent=1).encode()
        name = f"backups/{backup.backup_id}.json"
        self.vault.write(name, data)
        if self.vault.read(name) != data:
            raise _not_as_written(self.where)

    def backups(self) -> list[Backup]:
        """Every backup that can be read, oldest first."""
        return [one for one in map(self._maybe, self._ids()) if one]

    def find(self, at: str | None = None) -> Backup:
        """The newest backup, or the newest that was made by a moment or has this id.

        Raises `NotFound`, `UsageError`, and `Rejected` for one that is cut or of a newer version.
        """
        from video_rag.operations.backing.moments import moment

        ids = self._ids()
        if not ids:
            raise NotFound(f"there is no backup in {self.where}", hint="make one: video-rag backup")
        if at in ids or at is None:
            return self._read(at or ids[-1])
        until = moment(at)
        found = [one for one in ids if one <= until]
        if not found:
            raise NotFound(
                f"no backup in {self.where} is as old as {at}",
                hint=f"the oldest is {ids[0]}: see `video-rag backups`",
            )
        return self._read(found[-1])

    def _ids(self) -> list[str]:
        names = (name for name, _, _ in self.vault.names("backups"))
        return sorted(Path(name).stem for name in names if not Path(name).name.startswith("."))

    def _maybe(self, backup_id: str) -> Backup | None:
        try:
            return self._read(backup_id)
        except Rejected:
            return None

    def damaged(self) -> list[str]:
        """The ids of backups that cannot be read, and why, in one line each."""
        found = []
        for backup_id in self._ids():
            try:
                self._read(backup_id)
            except VideoRagError as error:
                found.append(f"{backup_id}: {error}")
        return found

    def _read(self, backup_id: str) -> Backup:
        data = self.vault.read(f"backups/{backup_id}.json") or b""
        try:
            told: dict[str, Any] = json.loads(data)
            version = int(told["format"])
            digest = told.pop("digest")
        except (ValueError, TypeError, KeyError):
            raise cut(self.where, backup_id) from None
        if version > FORMAT or int(told.get("schema", 0)) > SCHEMA_VERSION:
            raise Rejected(
                f"the backup {backup_id} was made by a newer video-rag ({told.get('video_rag')})",
                hint="update video-rag here to that version, then restore again",
            )
        known = {field.name for field in fields(Backup)}
        if of_value(told) != digest or set(told) != known:
            raise cut(self.where, backup_id)
        return Backup(**told)


def cut(where: str, backup_id: str = "") -> Rejected:
    """The error for a backup that is not whole."""
    named = f"the backup {backup_id}" if backup_id else "the backup"
    return Rejected(
        f"{named} in {where} is cut or damaged: not all of it is there as it was written",
        hint="restore another one (`video-rag backups` lists them, --at chooses)",
    )


def locate(text: str) -> Path | str:
    """A folder, or a bucket's URL, as a person writes it. Raises `UsageError`."""
    try:
        return place(text)
    except ValueError as error:
        raise UsageError(
            f"a place of backups {error}", hint="give a folder, or s3://bucket/prefix"
        ) from None


def open_place(
    settings: Settings, where: Path | str, secret: str | None, *, library: str | None = None
) -> Place:
    """Open a place of backups; one that is new is made for a `library`, which it then belongs to.

    Raises `NotFound` for a place that is none, `UsageError` for another library's and for a wrong
    or missing passphrase.
    """
    if secret:
        remember([secret])
    vault = vaults.open_vault(where, settings.blobs)
    told = _told(vault)
    if told is None:
        if library is None:
            raise NotFound(
                f"there are no backups in {vault.where}",
                hint="name the folder or bucket that they are in",
            )
        return _make(vault, secret, library)
    if library is not None and told["library"] != library:
        raise UsageError(
            f"{vault.where} holds backups of another library ({str(told['library'])[:8]}…)",
            hint="name another place, or a folder in it, for this one",
        )
    return _opened(vault, told, secret)


def _told(vault: Vault) -> Mapping[str, Any] | None:
    data = vault.read(_PLACE)
    if data is None:
        return None
    try:
        told = json.loads(data)
        version = int(told["format"])
    except (ValueError, TypeError, KeyError):
        raise Rejected(
            f"{_PLACE} in {vault.where} is damaged",
            hint="bring it back from a copy of this place; it holds the key of encrypted backups",
        ) from None
    if version > FORMAT:
        raise Rejected(
            f"the backups in {vault.where} were made by a newer video-rag",
            hint="update video-rag here, then try again",
        )
    return dict(told)


def _make(vault: Vault, secret: str | None, library: str) -> Place:
    told: dict[str, Any] = {"format": FORMAT, "library": library, "is_encrypted": bool(secret)}
    box: Box = vaults.Open()
    if secret:
        key = secret.strip() if vaults.is_key(secret) else vaults.new_key()
        box = sealed = vaults.Sealed(key)
        locked = b"" if vaults.is_key(secret) else vaults.lock(key, secret)
        told |= {"recipient": sealed.recipient, "key": base64.b64encode(locked).decode()}
    vault.write(_PLACE, json.dumps(told, indent=1).encode())
    return Place(vault, box, is_encrypted=bool(secret))


def _opened(vault: Vault, told: Mapping[str, Any], secret: str | None) -> Place:
    if not told["is_encrypted"]:
        if secret:
            raise UsageError(
                f"the backups in {vault.where} are not encrypted",
                hint="name another place for encrypted ones, or leave the passphrase out",
            )
        return Place(vault, vaults.Open(), is_encrypted=False)
    if not secret:
        raise UsageError(
            f"the backups in {vault.where} are encrypted, and no passphrase was given",
            hint=_HINT_KEY,
        )
    locked = base64.b64decode(told["key"])
    key = secret.strip() if vaults.is_key(secret) else vaults.unlock(locked, secret)
    box = vaults.Sealed(key) if key else None
    if box is None or box.recipient != told["recipient"]:
        what = "key" if vaults.is_key(secret) else "passphrase"
        raise UsageError(f"this {what} does not open {vault.where}", hint=_HINT_KEY)
    return Place(vault, box, is_encrypted=True)


def secret_in(file: Path | None, settings: Settings) -> str | None:
    """The passphrase or key: what a file holds, else what is set. Raises `UsageError`."""
    if file is None:
        told = settings.backup.passphrase
        return (told.get_secret_value().strip() or None) if told else None
    try:
        lines = file.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(
            f"{file} cannot be read: {why}", hint="name a file with a passphrase or a key of age"
        ) from None
    found = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    if len(found) != 1:
        raise UsageError(
            f"{file} holds no passphrase", hint="write it on one line; `age-keygen` makes a key"
        )
    return found[0]


def beside(where: Path | str, home: Path) -> bool:
    """Whether a place lies in the home itself, and would be lost with it."""
    return isinstance(where, Path) and not is_bucket(where) and where.is_relative_to(home)


def _alike(one: Path, other: Path) -> bool:
    import filecmp

    return filecmp.cmp(one, other, shallow=False)


def _not_as_written(where: str) -> Rejected:
    return Rejected(
        f"what was written to {where} reads otherwise",
        hint="its disk may be damaged: make the backup elsewhere, with --to",
    )


def objects(backups: Iterable[Backup], place: Place) -> Iterator[str]:
    """The objects that these backups are made of."""
    for backup in backups:
        yield place.object_of(backup.listed)
        yield from (place.object_of(entry.digest) for entry in place.list_of(backup))
