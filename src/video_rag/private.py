"""What only the owner of a library may read: its databases, results, caches and cookies.

The home itself is as the umask says, since documents and media, which are made to be read, lie in
it. SQLite gives the files beside a database the rights of the database.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from video_rag import disk

FOLDERS = ("blobs", "feeds", "locks", "scratch")
FILES = ("library.*", "keys.*", "knowledge.db*", "dify.json", "session*")


def touch(path: Path) -> None:
    """Make a file that only its owner may read, if there is none; else it stays as it is.

    Where that cannot be, whoever opens the file will say so.
    """
    with suppress(OSError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def write(path: Path, data: bytes) -> None:
    """Put a file that only its owner may read in place of another, whole and on the disk.

    Raises as `disk.told` does.
    """
    disk.replace(path, data, part=_beside(path), flush=True, mode=0o600)


def make(path: Path, data: bytes) -> None:
    """Write such a file where there is none: of several processes one's counts for all.

    Raises as `disk.told` does.
    """
    draft = _beside(path)
    write(draft, data)
    with disk.told(path):
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            pass  # another one was faster
        finally:
            draft.unlink()


def tighten(home: Path) -> None:
    """Shut others out of what lies in a home, also in one that was made more openly before.

    Folders are made, so that nobody makes them otherwise. What cannot be changed (a home that is
    read only, or somebody else's) stays as it is.
    """
    with suppress(OSError):  # whoever needs it will say so
        home.mkdir(parents=True, exist_ok=True)
    for name in FOLDERS:
        with suppress(OSError):
            (home / name).mkdir(mode=0o700, exist_ok=True)
    for path in _ours(home):
        with suppress(OSError):
            mode = path.lstat().st_mode
            if mode & 0o077 and not path.is_symlink():
                path.chmod(mode & 0o700)


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}")


def _ours(home: Path) -> Iterator[Path]:
    with suppress(OSError):
        yield from (home / name for name in FOLDERS if (home / name).is_dir())
        for pattern in FILES:
            yield from home.glob(pattern)
