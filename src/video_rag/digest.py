"""Hashes of bytes, files and values; everything stored is named by one."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, NewType

Digest = NewType("Digest", str)
"""A sha256 in 64 lower-case hex digits."""


def of_bytes(data: bytes) -> Digest:
    """The digest of some bytes."""
    return Digest(hashlib.sha256(data).hexdigest())


def of_file(path: Path) -> Digest:
    """The digest of a file's bytes; reads it once, in pieces."""
    with path.open("rb") as file:
        return Digest(hashlib.file_digest(file, "sha256").hexdigest())


def of_value(value: Any) -> Digest:
    """The digest of a JSON value, whatever the order of its keys."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return of_bytes(text.encode())
