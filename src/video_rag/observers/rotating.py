"""A log file that many processes write, and that any of them puts aside once it is full.

Nothing is locked to write: a line is one write to a file opened for appending, which the system
keeps whole. Who finds the file full takes a lock on the very file that it sees, looks whether that
one is still in its place, and renames. Others notice before their next line that the name stands
for another file; a line that was on its way meanwhile lands in the one that was put aside, which is
deleted only when `keep` more are full. Programs such as logrotate may move the file as well.
"""

from __future__ import annotations

import logging
import os
import sys
from contextlib import suppress
from logging.handlers import WatchedFileHandler
from pathlib import Path

try:
    import fcntl
except ModuleNotFoundError:  # Windows, where nobody can rename a file that is open
    fcntl = None  # type: ignore[assignment]  # as it is there


class RotatingFile(WatchedFileHandler):
    """A file that may be moved away; a disk that takes no lines stops no work.

    Raises `OSError` when it is made for a file that cannot be written.
    """

    def __init__(self, name: str, max_bytes: int, keep: int) -> None:
        # Names of videos may hold what UTF-8 cannot.
        super().__init__(name, encoding="utf-8", errors="backslashreplace")
        self._max_bytes = max_bytes if fcntl else 0
        self._keep = keep
        self._is_told = False

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line, into a new file if this one is full."""
        try:
            self.reopenIfNeeded()
            if self.stream and self._is_full(self.stream.fileno()):
                self._put_aside(self.stream.fileno())
                self.reopenIfNeeded()
        except OSError as error:  # its folder is gone, or closed
            self._tell_once(error)
            return
        self._is_told = False
        super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (the library's name)
        """Keep quiet about the disk, which the work itself meets; tell of what is a bug."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)

    def _tell_once(self, error: OSError) -> None:
        """Say where there is no log to say it in that lines are missing from now on."""
        if not self._is_told:
            self._is_told = True
            told = f"video-rag: cannot write the log {self.baseFilename}: {error.strerror}"
            sys.stderr.write(f"{told}; the work goes on without it\n")

    def _is_full(self, number: int) -> bool:
        return bool(self._max_bytes) and os.fstat(number).st_size >= self._max_bytes

    def _put_aside(self, number: int) -> None:
        """Rename the file, if nobody else did meanwhile; the older ones move up one place."""
        fcntl.flock(number, fcntl.LOCK_EX)
        try:
            here = Path(self.baseFilename)
            with suppress(FileNotFoundError):
                if os.path.samestat(here.stat(), os.fstat(number)):
                    self._make_room(here)
                    here.replace(_aside(here, 1))
        finally:
            fcntl.flock(number, fcntl.LOCK_UN)

    def _make_room(self, here: Path) -> None:
        """Free the first place; what a kill left half done leaves a free one to move into."""
        numbers = range(1, self._keep + 1)
        free = next((one for one in numbers if not _aside(here, one).exists()), self._keep)
        for one in range(free, 1, -1):
            _aside(here, one - 1).replace(_aside(here, one))


def _aside(here: Path, number: int) -> Path:
    return here.with_name(f"{here.name}.{number}")
