"""What a disk refuses, in our words: it is full, read-only, not ours, or a file is in the way."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from video_rag.errors import DiskError, UsageError, VideoRagError

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_CLOSED = frozenset({errno.EACCES, errno.EPERM})
_IN_THE_WAY = frozenset({errno.EEXIST, errno.ENOTDIR, errno.EISDIR})
_LITTLE = 256 * 1024
"""Bytes. Where SQLite says less than why, a disk with no more than these is full for it."""


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Say in our words what keeps the block from reading or writing `path`.

    Raises `DiskError`, and `UsageError` where a file lies in the place of a folder.
    """
    try:
        yield
    except OSError as error:
        raise refusal(error, path) from error


def refusal(error: OSError, path: Path) -> VideoRagError:
    """The error of ours for one of the system's about a file or folder."""
    if error.errno in _FULL:
        return full(path)
    if error.errno == errno.EROFS:
        return read_only(path)
    if error.errno in _CLOSED:
        return closed(path)
    if error.errno in _IN_THE_WAY and (found := in_the_way(path)):
        return found
    return DiskError(
        f"{path} cannot be used: {error.strerror or error}", hint="look at that disk, and try again"
    )


def foreseen(error: OSError, default: Path) -> VideoRagError | None:
    """The same for what comes from anywhere; None for what no disk says."""
    if error.errno not in {*_FULL, *_CLOSED, errno.EROFS, errno.EIO}:
        return None
    return refusal(error, Path(os.fsdecode(error.filename)) if error.filename else default)


def full(path: Path) -> DiskError:
    """The error for a disk, or a share of one, without room."""
    return DiskError(
        f"no space left on the disk of {nearest_folder(path)}",
        hint="free some there, then run the same again, or `video-rag run`: it goes on",
    )


def read_only(path: Path) -> DiskError:
    """The error for what would change a disk that must not be changed."""
    return DiskError(
        f"{nearest_folder(path)} is on a read-only disk: it can be searched, and nothing can be "
        "changed",
        hint="mount it for writing (look at `mount` and the system's log), or name another folder "
        "in the settings",
    )


def closed(path: Path) -> DiskError:
    """The error for what this user may not read or write; names what is closed."""
    places = (path, *path.parents)
    place = next((one for one in places if _is_there(one) and not is_open(one)), path)
    return DiskError(
        f"{place} may not be read or written by this user",
        hint="give this user the right to it (`ls -ld`, `chown`, `chmod`), or name another folder "
        "in the settings (VIDEO_RAG_HOME, [library])",
    )


def in_the_way(path: Path) -> UsageError | None:
    """The error for a file in the place of a folder, or the other way round; None for neither."""
    file = next((one for one in (path, *path.parents) if _is_there(one) and not one.is_dir()), None)
    if file is None and not path.is_dir():
        return None
    what = f"{path} is a folder, and must be a file" if file is None else f"{file} is no folder"
    error = UsageError(
        what, hint="move it away, or name another place in the settings (VIDEO_RAG_HOME, [library])"
    )
    error.retry_after = 0.0
    return error


def reason(path: Path) -> VideoRagError | None:
    """What keeps a file from being opened or changed, as far as the disk tells without trying."""
    folder = nearest_folder(path)
    with suppress(OSError):
        state = os.statvfs(folder)
        if state.f_flag & os.ST_RDONLY:
            return read_only(path)
        if state.f_bavail * state.f_frsize < _LITTLE or (state.f_files and not state.f_favail):
            return full(path)
    if path.is_dir() or not folder.is_dir():
        return in_the_way(path)
    return None if all(map(is_open, filter(_is_there, (path, folder)))) else closed(path)


def make_folder(path: Path) -> None:
    """A folder, if it is not there yet. Raises as `told` does."""
    with told(path):
        path.mkdir(parents=True, exist_ok=True)


def replace(path: Path, data: bytes, *, part: Path, flush: bool = False, mode: int = 0o666) -> None:
    """Write a file whole or not at all, by way of `part` beside it, of which nothing stays.

    `flush`: it is on the disk before it has its name; `mode`: its rights, less the umask's.
    Raises as `told` does.
    """
    make_folder(path.parent)
    with told(path):
        try:
            with open(part, "wb", opener=lambda at, how: os.open(at, how, mode)) as file:
                file.write(data)
                if flush:
                    file.flush()
                    os.fsync(file.fileno())
            part.replace(path)
        except OSError:
            with suppress(OSError):  # half a file would keep room that is wanted
                part.unlink()
            raise


def is_open(path: Path) -> bool:
    """Whether this user may read and write a file or folder, which no read-only disk allows."""
    needed = os.R_OK | os.W_OK | (os.X_OK if path.is_dir() else 0)
    return os.access(path, needed, effective_ids=os.access in os.supports_effective_ids)


def nearest_folder(path: Path) -> Path:
    """The nearest folder that is there."""
    return next((one for one in (path, *path.parents) if one.is_dir()), path)


def _is_there(path: Path) -> bool:
    return os.path.lexists(path)
