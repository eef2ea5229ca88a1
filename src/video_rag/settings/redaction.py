"""What must never be shown: which names hold secrets, and how secrets are cut out of text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import SecretStr

MASK = "********"
"""Stands where a secret stood."""

_WORDS = r"keys?|passwords?|passwd|passphrase|token|secrets?|credentials?|authorization|cookie"
_WORDS += r"|proxy"  # its URL often holds a login
_SECRET_NAME = re.compile(
    rf"(?:^|[_-]|api|access|auth|private|secret)(?:{_WORDS})$", flags=re.IGNORECASE
)
_LOGIN = re.compile(r"(?<=://)[^\s/]*@")
_HEADER = re.compile(
    r"\b((?:proxy-)?authorization|(?:set-)?cookies?)([\"']?\s*[:=]\s*)[^\r\n]+", flags=re.IGNORECASE
)
_BEARER = re.compile(r"\b(bearer)\s+[\w.~+/=-]+", flags=re.IGNORECASE)
_PAIR = re.compile(
    r"((?:key|token|password|passwd|passphrase|secret|signature|sessdata|bili_jct)[\"']?\s*[=:]\s*)"
    r"(?:\"[^\"]*\"|'[^']*'|[^\s&;,\"')}\]]+)",
    flags=re.IGNORECASE,
)
_PARAMETER = re.compile(
    r"([?&](?:auth|sig|sign|pwd|pass|sid|session|sessionid|access|hash|hdnts)=)[^\s&#\"')]+",
    flags=re.IGNORECASE,
)
"""Of an address; as a word in a sentence these names say nothing."""
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S+")
# How keys of OpenAI-compatible servers and of Dify begin; servers quote them in their refusals.
_KEY = re.compile(r"\b(sk|app|dataset)-(?:[a-z0-9]{1,8}-){0,2}[A-Za-z0-9*_]{16}[\w*-]*")


def looks_secret(name: str) -> bool:
    """Whether a setting of this name holds a secret: `api_key` does, `key_file` does not."""
    return bool(_SECRET_NAME.search(name))


def redact(text: str) -> str:
    """The text without logins in URLs, `token=…` pairs, authorization headers and cookies."""
    text = _LOGIN.sub(f"{MASK}@", text)
    text = _HEADER.sub(rf"\1\2{MASK}", text)
    text = _BEARER.sub(rf"\1 {MASK}", text)
    text = _PAIR.sub(rf"\1{MASK}", text)
    text = _PARAMETER.sub(rf"\1{MASK}", text)
    return _KEY.sub(rf"\1-{MASK}", text)


def redact_urls(text: str) -> str:
    """The text with the secrets cut out of its addresses only.

    For sentences of ours, which may say `cookies = "cookies.txt"`.
    """
    return _URL.sub(lambda match: redact(match[0]), text)


def hide(name: str, value: Any) -> Any:
    """The value of a setting with everything that its name marks as secret in `SecretStr`.

    `cookies` is the path of a file, unless it is a table of cookies.
    """
    if isinstance(value, Mapping):
        all_secret = looks_secret(name) or name.lower() == "cookies"
        return {
            key: hide("secret" if all_secret else str(key), inner) for key, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [hide(name, inner) for inner in value]
    if looks_secret(name) and isinstance(value, str | int | float) and not isinstance(value, bool):
        return SecretStr(str(value))
    return value


def shown(value: Any) -> Any:
    """The value as it may be printed: JSON types only, secrets masked."""
    if isinstance(value, SecretStr):
        return MASK if value.get_secret_value() else ""
    if isinstance(value, Mapping):
        return {str(key): shown(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [shown(inner) for inner in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return redact(str(value))
