"""API keys: made once, shown once, kept as hashes.

A key is `vr_<key id>_<secret>`. The id finds the row, the secret proves the right to it. The secret
is 256 random bits, so one round of SHA-256 is the right hash: slow, salted ones (argon2, scrypt)
protect what people think up from being guessed, and nobody guesses 2^256 values. A fast hash also
keeps the check of every request, and of a flood of wrong ones, cheap.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import UTC, datetime
from typing import Literal, get_args

from video_rag.errors import NotFound, UsageError
from video_rag.stores import ApiKey, Ledger

Role = Literal["read", "write", "admin"]
"""read: look, search and ask; write: also add, retry and remove; admin: also read server paths."""

ROLES: tuple[str, ...] = get_args(Role)
"""From the least to the most: each may do all that those before it may."""

PREFIX = "vr"
SECRET_BYTES = 32


def make(ledger: Ledger, name: str, role: str) -> tuple[ApiKey, str]:
    """Keep a new key; returns it and the plain text, which is never to be had again.

    Raises `UsageError` for a blank name or an unknown role.
    """
    name = name.strip()
    if not name or not name.isprintable():
        raise UsageError("a key needs a name", hint="say whose it is: video-rag keys add alice")
    if role not in ROLES:
        raise UsageError(f"no role is called {role!r}", hint=f"known: {', '.join(ROLES)}")
    key_id, secret = secrets.token_hex(4), secrets.token_urlsafe(SECRET_BYTES)
    created = datetime.now(UTC).isoformat(timespec="microseconds")
    key = ApiKey(key_id, name, role, _hash(secret), created, revoked=False)
    ledger.add_api_key(key)
    return key, f"{PREFIX}_{key_id}_{secret}"


def verify(ledger: Ledger, plain: str) -> ApiKey | None:
    """The living key that this text is, or None; a wrong secret takes as long as the right one."""
    prefix, _, rest = plain.strip().partition("_")
    key_id, _, secret = rest.partition("_")
    key = find(ledger, key_id)
    is_right = hmac.compare_digest(_hash(secret), key.hashed if key else _hash(""))
    return key if key and is_right and prefix == PREFIX else None


def find(ledger: Ledger, key_id: str) -> ApiKey | None:
    """The key with this id, unless it is revoked."""
    found = (key for key in living(ledger) if key.key_id == key_id)
    return next(found, None)


def living(ledger: Ledger) -> list[ApiKey]:
    """The keys that open the door, oldest first."""
    return [key for key in ledger.api_keys() if not key.revoked]


def ever(ledger: Ledger) -> bool:
    """Whether a key was ever made, be it revoked or lost: then a door stays closed."""
    return ledger.had_api_keys()


def revoke(ledger: Ledger, name: str) -> ApiKey:
    """Shut a key out at once, by its id or its name; again is harmless.

    Raises `NotFound`, or `UsageError` when several living keys have that name.
    """
    keys = ledger.api_keys()
    fits = [key for key in keys if key.key_id == name]
    fits = fits or [key for key in keys if key.name == name and not key.revoked]
    if not fits:
        raise NotFound(f"no key {name!r}", hint="see `video-rag keys list`")
    if len(fits) > 1:
        ids = ", ".join(key.key_id for key in fits)
        raise UsageError(f"{len(fits)} keys are called {name!r}", hint=f"use an id: {ids}")
    ledger.revoke_api_key(fits[0].key_id)
    return fits[0]


def allows(role: str, needed: Role) -> bool:
    """Whether a role may do what needs `needed`; an unknown role may do nothing."""
    return role in ROLES and ROLES.index(needed) <= ROLES.index(role)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()
