"""What the exit code of a command says of several things that went wrong."""

from __future__ import annotations

from collections.abc import Iterable

CODES = {"ContentError": 3, "Unavailable": 4, "DiskError": 4, "Rejected": 4, "Bug": 1}
"""Exit codes of the errors that the ledger remembers by name; all others are usage errors."""


def worst(codes: Iterable[int]) -> int:
    """A video at fault (3) is what `add` promises to tell; then bugs, servers, usage."""
    found = set(codes)
    return next((code for code in (3, 1, 4, 2) if code in found), 0)


def of_error(name: str) -> int:
    """The code of an error that is remembered by the name of its class."""
    return CODES.get(name, 2)
