"""Logins of the page: a signed cookie, and a count of the attempts that failed."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import time
from collections import OrderedDict
from pathlib import Path

COOKIE = "video_rag_session"
SESSION_SECONDS = 30 * 24 * 3600.0
SECRET_BYTES = 32


class Sessions:
    """Signs `key id . end` with a secret of this library; nothing is kept on the server.

    A session says only which key it stands for. Whether that key still lives, and what it may do,
    is looked up with every request: revoking a key ends its sessions at once.
    """

    def __init__(self, secret_file: Path) -> None:
        self._secret = _secret_in(secret_file)

    def issue(self, key_id: str, *, now: float | None = None) -> str:
        """The cookie's value for this key."""
        ends = int((time.time() if now is None else now) + SESSION_SECONDS)
        return f"{key_id}.{ends}.{self._sign(f'{key_id}.{ends}')}"

    def read(self, cookie: str, *, now: float | None = None) -> str | None:
        """The key id of a session that we signed and that has not ended."""
        told, _, signature = cookie.rpartition(".")
        if not hmac.compare_digest(self._sign(told).encode(), signature.encode()):
            return None
        key_id, _, ends = told.rpartition(".")
        return key_id if (time.time() if now is None else now) < int(ends) else None

    def _sign(self, text: str) -> str:
        return hmac.new(self._secret, text.encode(), hashlib.sha256).hexdigest()


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
    """The secret of a library, made at first use; readable by its owner alone.

    It is written beside and linked into place, so that of two servers that start at once both use
    the one that was first, and none reads half of it.
    """
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        with os.fdopen(os.open(scratch, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(secrets.token_bytes(SECRET_BYTES))
        try:
            path.hardlink_to(scratch)
        except FileExistsError:
            pass  # the other one was faster
        finally:
            scratch.unlink()
    return path.read_bytes()
