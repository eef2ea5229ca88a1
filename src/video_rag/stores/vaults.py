"""Where backups lie: a folder or a bucket, and what encrypts them.

A vault holds bytes by name, each whole or not there. With a `Box` they are encrypted for a key of
[age](https://age-encryption.org), so that the program `age` opens each of them, too; their names
are then told by that key, and say nothing of what is in them.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from video_rag import disk
from video_rag.errors import NeedsExtra, Rejected, UsageError
from video_rag.settings.buckets import BlobsSettings

if TYPE_CHECKING:
    from video_rag.stores.objects import Objects

_KEY = "AGE-SECRET-KEY-1"


class Vault(Protocol):
    """Bytes by name. Raises `DiskError` and `Unavailable`."""

    where: str
    """The folder, or the bucket's URL, for people."""

    def read(self, name: str) -> bytes | None:
        """The bytes of something small; None when it is not there."""

    def write(self, name: str, data: bytes) -> None:
        """Keep some bytes in place of earlier ones."""

    def bring(self, name: str, path: Path) -> bool:
        """Write something large into a file; false when it is not there."""

    def keep(self, name: str, path: Path) -> None:
        """Keep a copy of a file."""

    def names(self, below: str) -> Iterator[tuple[str, int, float]]:
        """What is below a name: name, bytes, and when it was written (seconds since the epoch)."""

    def discard(self, names: Iterable[str]) -> None:
        """Delete; what is not there is no error."""


def open_vault(place: Path | str, settings: BlobsSettings) -> Vault:
    """The vault in a folder, or in a bucket reached as `[blobs]` says."""
    if isinstance(place, Path):
        return FolderVault(place)
    from video_rag.stores.objects import Objects

    return BucketVault(Objects(place, settings))


class FolderVault:
    """A folder, which only its owner may read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.where = str(folder)

    def read(self, name: str) -> bytes | None:
        """The bytes of a file."""
        with disk.told(self.folder / name), suppress(FileNotFoundError, NotADirectoryError):
            return (self.folder / name).read_bytes()
        return None

    def write(self, name: str, data: bytes) -> None:
        """Write a file."""
        path = self._ready(name)
        disk.replace(path, data, part=_part(path), flush=True, mode=0o600)

    def bring(self, name: str, path: Path) -> bool:
        """Copy a file from here."""
        with disk.told(self.folder / name), suppress(FileNotFoundError):
            shutil.copyfile(self.folder / name, path)
            return True
        return False

    def keep(self, name: str, path: Path) -> None:
        """Copy a file to here."""
        target = self._ready(name)
        part = _part(target)
        with disk.told(target):
            try:
                part.touch(mode=0o600)
                with path.open("rb") as source, part.open("wb") as copy:
                    shutil.copyfileobj(source, copy, 1024 * 1024)
                    copy.flush()
                    os.fsync(copy.fileno())
                part.replace(target)
            finally:
                part.unlink(missing_ok=True)

    def names(self, below: str) -> Iterator[tuple[str, int, float]]:
        """The files below a folder; half-written ones of killed processes included."""
        with disk.told(self.folder):
            for path in sorted((self.folder / below).rglob("*")):
                with suppress(FileNotFoundError):
                    if path.is_file():
                        state = path.stat()
                        name = path.relative_to(self.folder).as_posix()
                        yield name, state.st_size, state.st_mtime

    def discard(self, names: Iterable[str]) -> None:
        """Delete files."""
        for name in names:
            with disk.told(self.folder / name):
                (self.folder / name).unlink(missing_ok=True)

    def _ready(self, name: str) -> Path:
        path = self.folder / name
        if not self.folder.is_dir():
            disk.make_folder(self.folder)
            with suppress(OSError):  # a disk without such rights
                self.folder.chmod(0o700)
        disk.make_folder(path.parent)
        return path


class BucketVault:
    """A prefix of a bucket."""

    def __init__(self, objects: Objects) -> None:
        self.objects = objects
        self.where = objects.where

    def read(self, name: str) -> bytes | None:
        """The bytes of an object."""
        return self.objects.read(name)

    def write(self, name: str, data: bytes) -> None:
        """Put an object."""
        self.objects.write(name, data)

    def bring(self, name: str, path: Path) -> bool:
        """Write an object into a file, piece by piece."""
        found = self.objects.there([name]).get(name)
        if found is None:
            return False
        with disk.told(path), suppress(FileNotFoundError), path.open("wb") as file:
            for piece in self.objects.pieces(name, 0, found.size):
                file.write(piece)
            return True
        return False

    def keep(self, name: str, path: Path) -> None:
        """Put a file as an object, in parts where it is large."""
        self.objects.upload(name, path)

    def names(self, below: str) -> Iterator[tuple[str, int, float]]:
        """The objects below a name."""
        for name, found in self.objects.names(below):
            yield name, found.size, found.changed

    def discard(self, names: Iterable[str]) -> None:
        """Delete objects."""
        self.objects.discard(names)


class Box(Protocol):
    """What makes of bytes those that are kept."""

    def name(self, digest: str) -> str:
        """The name under which bytes of this digest are kept."""

    def seal(self, data: bytes) -> bytes:
        """The bytes as they are kept."""

    def unseal(self, data: bytes) -> bytes:
        """The bytes as they were. Raises `Rejected` for what was damaged."""

    def seal_file(self, source: Path, target: Path) -> None:
        """The same for a file."""

    def unseal_file(self, source: Path, target: Path) -> None:
        """The same for a file."""


class Open:
    """Bytes are kept as they are."""

    def name(self, digest: str) -> str:
        """The digest itself."""
        return digest

    def seal(self, data: bytes) -> bytes:
        """The same."""
        return data

    def unseal(self, data: bytes) -> bytes:
        """The same."""
        return data

    def seal_file(self, source: Path, target: Path) -> None:
        """A copy."""
        with disk.told(target):
            shutil.copyfile(source, target)

    def unseal_file(self, source: Path, target: Path) -> None:
        """A copy."""
        with disk.told(target):
            shutil.copyfile(source, target)


class Sealed:
    """Bytes are encrypted for a key of age."""

    def __init__(self, key: str) -> None:
        age = library()
        try:
            self._key = age.x25519.Identity.from_str(key)
        except age.IdentityError:
            raise UsageError(
                "this is no key of age", hint=f"it is one line that begins with {_KEY}"
            ) from None
        self._recipient = self._key.to_public()
        self._naming = hashlib.sha256(b"video-rag: names in backups\n" + key.encode()).digest()

    @property
    def recipient(self) -> str:
        """The public half of the key, which may be known."""
        return str(self._recipient)

    def name(self, digest: str) -> str:
        """A name that only the key tells."""
        return hmac.new(self._naming, digest.encode(), "sha256").hexdigest()

    def seal(self, data: bytes) -> bytes:
        """The bytes, encrypted."""
        return bytes(library().encrypt(data, [self._recipient]))

    def unseal(self, data: bytes) -> bytes:
        """The bytes, decrypted."""
        age = library()
        try:
            return bytes(age.decrypt(data, [self._key]))
        except age.DecryptError:
            raise _damaged() from None

    def seal_file(self, source: Path, target: Path) -> None:
        """A file, encrypted."""
        with disk.told(target):
            library().encrypt_file(str(source), str(target), [self._recipient])

    def unseal_file(self, source: Path, target: Path) -> None:
        """A file, decrypted."""
        age = library()
        with disk.told(target):
            try:
                age.decrypt_file(str(source), str(target), [self._key])
            except age.DecryptError:
                raise _damaged() from None


def is_key(text: str) -> bool:
    """Whether this is a key of age, not a passphrase."""
    return text.strip().startswith(_KEY)


def new_key() -> str:
    """A key that nobody had before."""
    return str(library().x25519.Identity.generate())


def lock(key: str, passphrase: str) -> bytes:
    """A key that only who knows the passphrase opens; takes a second on purpose."""
    return bytes(library().passphrase.encrypt(key.encode(), passphrase))


def unlock(locked: bytes, passphrase: str) -> str | None:
    """The key again; None for a wrong passphrase."""
    age = library()
    try:
        return bytes(age.passphrase.decrypt(locked, passphrase)).decode()
    except age.DecryptError:
        return None


def library() -> _Age:
    """The library for age, imported where it is needed. Raises `NeedsExtra`."""
    try:
        import pyrage
    except ImportError:
        raise NeedsExtra("the library that encrypts backups", "backup") from None
    found: _Age = pyrage
    return found


if TYPE_CHECKING:
    from typing import Any

    _Age = Any


def _damaged() -> Rejected:
    return Rejected(
        "something in the backup cannot be decrypted: it was cut or damaged",
        hint="restore an earlier one: `video-rag backups` lists them",
    )


def _part(path: Path) -> Path:
    return path.with_name(f".{path.name[:80]}.part")
