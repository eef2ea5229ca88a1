"""Logins of the page: a signed cookie, and a count of the attempts that failed."""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
import threading
import time
from collections import OrderedDict
from pathlib import Path

from video_rag import disk, private
from video_rag.errors import DiskError

log = logging.getLogger("video_rag")

COOKIE = "video_rag_session"
SESSION_SECONDS = 30 * 24 * 3600.0
SECRET_BYTES = 32


class Sessions:
    """Signs `key id . number . end` with a secret of this library; only what was ended is kept.

    A session says only which key it stands for. Whether that key still lives, and what it may do,
    is looked up with every request: revoking a key ends its sessions at once.
    """

    def __init__(self, secret_file: Path) -> None:
        self._secret = _secret_in(secret_file)
        self._ended = Ended(secret_file.with_name("sessions.ended"))

    def issue(self, key_id: str, *, now: float | None = None) -> str:
        """The cookie's value for this key."""
        ends = int((time.time() if now is None else now) + SESSION_SECONDS)
        told = f"{key_id}.{secrets.token_hex(8)}.{ends}"
        return f"{told}.{self._sign(told)}"

    def read(self, cookie: str, *, now: float | None = None) -> str | None:
        """The key id of a session that we signed and that has not ended."""
        told = self._told(cookie)
        if told is None or _ends(told) <= (time.time() if now is None else now):
            return None
        return None if self._ended.has(told) else told.partition(".")[0]

    def end(self, cookie: str, *, now: float | None = None) -> None:
        """Let this session open nothing any more, also for other processes and after a restart.

        What is no session of ours is left alone. Raises `Unavailable` when it cannot be written.
        """
        if self.read(cookie, now=now) and (told := self._told(cookie)):
            self._ended.add(told, time.time() if now is None else now)

    def _told(self, cookie: str) -> str | None:
        told, _, signature = cookie.rpartition(".")
        is_ours = hmac.compare_digest(self._sign(told).encode(), signature.encode())
        return told if is_ours else None

    def _sign(self, text: str) -> str:
        return hmac.new(self._secret, text.encode(), hashlib.sha256).hexdigest()


class Ended:
    """The sessions that people ended before their time: one hash on each line, with its end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read: tuple[int, int] | None = None
        self._known: dict[str, int] = {}
        self._lock = threading.Lock()

    def has(self, told: str) -> bool:
        """Whether this session was ended. Raises as `disk.told` does."""
        with self._lock, disk.told(self._path):
            self._look()
            return _hashed(told) in self._known

    def add(self, told: str, now: float) -> None:
        """Keep that it was; those that would have ended by now anyway are dropped."""
        with self._lock, disk.told(self._path):
            self._look()
            self._known = {name: ends for name, ends in self._known.items() if ends > now}
            self._known[_hashed(told)] = _ends(told)
            lines = "".join(f"{name} {ends}\n" for name, ends in self._known.items())
            private.write(self._path, lines.encode())
            self._read = None

    def _look(self) -> None:
        """Read the file anew when it is another: several servers may share a library."""
        try:
            stat = self._path.stat()
        except FileNotFoundError:
            return
        if self._read != (seen := (stat.st_mtime_ns, stat.st_ino)):
            rows = (line.split() for line in self._path.read_text(encoding="ascii").splitlines())
            self._known |= {name: int(ends) for name, ends in rows}
            self._read = seen


class Attempts:
    """Counts failures by address: after `limit` within `seconds` the address must wait."""

    def __init__(self, limit: int = 10, seconds: float = 300.0, addresses: int = 10_000) -> None:
        self.limit = limit
        self.seconds = seconds
        self.addresses = addresses
        self._failed: OrderedDict[str, list[float]] = OrderedDict()

    def wait(self, address: str, *, now: float | None = None) -> float:
        """Seconds until this address may try again; 0.0 when it may now."""
        at = time.monotonic() if now is None else now
        recent = [t for t in self._failed.get(address, []) if t > at - self.seconds]
        return max(0.0, recent[-self.limit] + self.seconds - at) if len(recent) >= self.limit else 0

    def fail(self, address: str, *, now: float | None = None) -> None:
        """Count one failure. The addresses that were quiet longest are forgotten first."""
        at = time.monotonic() if now is None else now
        self._failed[address] = [*self._failed.get(address, []), at][-self.limit :]
        self._failed.move_to_end(address)
        while len(self._failed) > self.addresses:
            self._failed.popitem(last=False)


def _secret_in(path: Path) -> bytes:
    """The secret of a library, made at first use; of servers that start at once all use one.

    Where none can be kept the server has its own, so that a library that only reads is served.
    """
    if not path.is_file():
        secret = secrets.token_bytes(SECRET_BYTES)
        try:
            private.make(path, secret)
        except DiskError as error:
            log.warning("%s; whoever logs in is logged out when this server ends", error)
            return secret
    with disk.told(path):
        return path.read_bytes()


def _ends(told: str) -> int:
    return int(told.rpartition(".")[2])


def _hashed(told: str) -> str:
    return hashlib.sha256(told.encode()).hexdigest()[:32]
