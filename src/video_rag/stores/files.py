"""Files of ours that people use, below one folder or in one bucket: the contract, and the folder.

How they get into a bucket: docs/how-to/buckets.md.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Protocol

from video_rag import disk
from video_rag.net import guard


class Stored(NamedTuple):
    """A file that is there."""

    size: int
    """Bytes."""
    changed: float
    """When it was written, by the clock of where it lies (seconds since the epoch)."""


class Files(Protocol):
    """Files by name, such as `lecture.md` or `lecture/a1b2.jpg`; none is ever half there.

    Raises `DiskError` where a person must mend something, `Unavailable` where waiting may help.
    """

    where: str
    """The folder, or the bucket's URL, for people."""

    def place(self, name: str) -> Path | str:
        """The path or URL of a file; it need not be there."""

    def read(self, name: str) -> bytes | None:
        """The bytes of a small file; None when there is none."""

    def write(self, name: str, data: bytes) -> None:
        """Put a file in place of an earlier one."""

    def there(self, names: Collection[str]) -> dict[str, Stored]:
        """Those of the names that are there."""

    def discard(self, names: Iterable[str]) -> None:
        """Delete files; those that are not there are no error."""

    def check(self) -> None:
        """Raise what keeps us from reading and writing here."""


class Folder:
    """A folder of this machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.where = str(folder)

    def place(self, name: str) -> Path:
        """The path of a file."""
        return self.folder / name

    def read(self, name: str) -> bytes | None:
        """The bytes of a file."""
        with disk.told(self.folder / name), suppress(FileNotFoundError):
            return (self.folder / name).read_bytes()
        return None

    def write(self, name: str, data: bytes) -> None:
        """Write a file; unchanged content is left alone."""
        write(self.folder / name, data)

    def there(self, names: Collection[str]) -> dict[str, Stored]:
        """Those of the names that are files."""
        found = {}
        for name in names:
            path = self.folder / name
            with disk.told(self.folder):
                if path.is_file():
                    state = path.stat()
                    found[name] = Stored(state.st_size, state.st_mtime)
        return found

    def discard(self, names: Iterable[str]) -> None:
        """Delete files of ours, and the folders that they leave empty."""
        for name in names:
            path = guard.inside(self.folder, self.folder / name)
            with disk.told(path):
                path.unlink(missing_ok=True)
                is_below = path.parent != self.folder and path.parent.is_dir()
                if is_below and not any(path.parent.iterdir()):
                    path.parent.rmdir()

    def check(self) -> None:
        """Write a file and list the folder, which is made if it is not there."""
        disk.make_folder(self.folder)
        probe = self.folder / ".doctor"
        with disk.told(self.folder):
            probe.write_bytes(b"")
            probe.unlink()
            list(self.folder.iterdir())


def write(path: Path, data: bytes) -> None:
    """Write a file so that it is never half there; unchanged content is left alone."""
    with disk.told(path):
        if path.is_file() and path.read_bytes() == data:
            return
    disk.replace(path, data, part=path.with_name(f".{path.name[:80]}.part"))
