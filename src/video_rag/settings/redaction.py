"""What must never be shown: which names hold secrets, and how secrets are cut out of text.

Secrets are known by their shape (`token=…`, `sk-…`, logins in addresses), and those of this process
by themselves: whatever reads one (settings, cookie files) hands it to `remember`, and from then on
`redact` cuts it out of any text, also where a server quotes it in JSON, encoded for an address, or
shortened (`sk-ab…yz`). Of addresses that are visited (`visit`) only the latest are known. All
threads share them; nothing that is configured is ever forgotten.
"""

from __future__ import annotations

import base64
import html
import json
import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

from pydantic import SecretStr

from video_rag.text import addresses

MASK = "********"
"""Stands where a secret stood."""
LEAST = 8
"""Characters from which on a known secret is cut out wherever it stands. A shorter one (`test`, a
PIN) is part of too many words: that one is found by its shape alone."""
_PIECE = 8
"""Of a long secret that looks random so many characters in a row are cut out, too."""
_END = 3
"""Characters of its beginning or end that tell a secret which a server shortened."""

_WORDS = r"keys?|passwords?|passwd|passphrase|token|secrets?|credentials?|authorization|cookie"
_WORDS += r"|proxy"  # its URL often holds a login
_SECRET_NAME = re.compile(
    rf"(?:^|[_-]|api|access|auth|private|secret)(?:{_WORDS})$", flags=re.IGNORECASE
)
_NAME_ALONE = re.compile(
    rf"(?:(?:api|access|auth|private|secret|client)[_-]?)*(?:{_WORDS}|signature)",
    flags=re.IGNORECASE,
)
"""A default such as `password`. Cut out everywhere, it would take the name from what follows it."""
_LOGIN = re.compile(r"(?<=://)[^\s/]*@")
_HEADER = re.compile(
    r"\b((?:proxy-)?authorization|(?:set-)?cookies?)([\"']?\s*[:=]\s*)[^\r\n]+", flags=re.IGNORECASE
)
_BEARER = re.compile(r"\b(bearer)\s+[\w.~+/=-]+", flags=re.IGNORECASE)
_BASIC = re.compile(r"\b(basic)\s+[A-Za-z0-9+/]{7,}={0,2}(?=[^\w+/=]|$)", flags=re.IGNORECASE)
_PAIR = re.compile(
    r"((?:(?:key|token|password|passwd|passphrase|secret|signature|sessdata|bili_jct)[\"']?\s*[=:]"
    r"|\*{8}[\"']?\s*=)\s*)"  # a known secret can end like a name, and have another behind it
    r"(?:\"[^\"]*\"|'[^']*'|[^\s&;,\"')}\]]+)",
    flags=re.IGNORECASE,
)
_PARAMETER = re.compile(
    r"([?&](?:auth|sig|sign|pwd|pass|sid|session|sessionid|access|hash|hdnts)=)[^\s&#\"')]+",
    flags=re.IGNORECASE,
)
"""Of an address; as a word in a sentence these names say nothing."""
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S+")
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s\"'<>\\`]+")
# How keys of OpenAI-compatible servers and of Dify begin; servers quote them in their refusals.
_KEY = re.compile(r"\b(sk|app|dataset)-(?:[a-z0-9]{1,8}-){0,2}[A-Za-z0-9*_]{16}[\w*-]*")
_OTHER_KEYS = re.compile(
    r"\b(vr_[0-9a-f]{8}_|gsk_|hf_|r8_|xai-|pplx-|nvapi-|gh[opsu]_|github_pat_|glpat-|xox[abpr]-"
    r"|AIza|AKIA|ASIA|LTAI)[\w-]{12,}"
)
"""Of this library itself and of other providers."""
_JWT = re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?")
_COOKIE_LINE = re.compile(
    r"((?:TRUE|FALSE)(?:\t|\\t)[^\t\n]{1,200}?(?:\t|\\t)(?:TRUE|FALSE)(?:\t|\\t)-?\d+(?:\.\d+)?"
    r"(?:\t|\\t)[^\t\n\\]{1,200}(?:\t|\\t))[^\s'\"]+"
)
"""Of a cookies.txt, as programs quote one that they cannot read."""
_COOKIES = re.compile(
    r"\s*[\w.!#$%&'*+^`|~-]+=[^;\s]+\s*(?:;\s*[\w.!#$%&'*+^`|~-]+=[^;\s]*\s*)+;?\s*"
)
"""`name=value; name=value`, which belongs into a file, given as a setting."""
_SHORTENED = re.compile(r"([\w.~+/=-]{0,60}?)(?:\*{2,}|•{2,}|\.{3,}|…+|[xX]{4,})([\w~+/=-]{0,60})")
_MIXED = re.compile(r"(?=.*[0-9])(?=.*[A-Za-z])|(?=.*[a-z]).+[A-Z]")


class _Known:
    """The secrets of this process. Only grows; readers see one whole state of it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: frozenset[str] = frozenset()
        self._starts: Mapping[str, tuple[str, ...]] = {}
        self._pieces: frozenset[str] = frozenset()

    def add(self, values: Iterable[str]) -> None:
        new = {value.strip() for value in values}
        new = {value for value in new if len(value) >= LEAST and not _NAME_ALONE.fullmatch(value)}
        new -= self._values
        if not new:
            return
        with self._lock:
            starts: dict[str, tuple[str, ...]] = dict(self._starts)
            for form in {form for value in new for form in _forms(value)}:
                starts[form[:LEAST]] = (*starts.get(form[:LEAST], ()), form)
            self._pieces |= {piece for value in new for piece in _pieces(value)}
            self._starts = starts
            self._values |= new

    def __len__(self) -> int:
        return len(self._values)

    def cut(self, text: str) -> str:
        """The text without them, whole, in part or shortened."""
        if not self._values or len(text) < _END:
            return text
        text = _SHORTENED.sub(self._told_short, text)
        parts: list[str] = []
        done = 0
        for start, end in self._spans(text):
            if start > done or not parts:
                parts += [text[done:start], MASK]
            done = max(done, end)
        return "".join((*parts, text[done:]))

    def _spans(self, text: str) -> Iterator[tuple[int, int]]:
        starts, pieces = self._starts, self._pieces
        for at in range(len(text) - LEAST + 1):
            window = text[at : at + LEAST]
            whole = [len(one) for one in starts.get(window, ()) if text.startswith(one, at)]
            if whole or window in pieces:
                yield at, at + max([LEAST, *whole])

    def _told_short(self, match: re.Match[str]) -> str:
        head, tail = match[1], match[2]
        before = max((_common(head, value) for value in self._values), default=0)
        after = max((_common(tail[::-1], value[::-1]) for value in self._values), default=0)
        if before < _END and after < _END:
            return match[0]
        return f"{head[: len(head) - before]}{MASK}{tail[after:] if after else tail}"


def _common(text: str, value: str) -> int:
    """How much of the end of a text is the beginning of a value."""
    most = min(len(text), len(value))
    return next((size for size in range(most, 0, -1) if text.endswith(value[:size])), 0)


def _forms(value: str) -> set[str]:
    """A secret as it may be quoted: as it is, in JSON, in an address, in HTML, in a header."""
    encoded = {quote(value), quote(value, safe=""), quote_plus(value)}
    encoded |= {re.sub(r"%..", lambda match: match[0].lower(), one) for one in encoded}
    written = {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
    in_header = {base64.b64encode(value.encode()).decode()} if len(value) > LEAST else set()
    return {value, repr(value)[1:-1], html.escape(value), *encoded, *written, *in_header}


def _pieces(value: str) -> Iterator[str]:
    """What of a random secret nobody else would write: letters and digits, or cases, mixed."""
    if addresses.looks_random(value):
        for at in range(len(value) - _PIECE + 1):
            piece = value[at : at + _PIECE]
            if _MIXED.match(piece):
                yield piece


class _Latest:
    """The secrets of the latest addresses: as many as two generations hold."""

    MOST = 1000

    def __init__(self) -> None:
        self._generations = (_Known(), _Known())

    def add(self, values: Iterable[str]) -> None:
        if len(self._generations[1]) >= self.MOST:
            self._generations = (self._generations[1], _Known())
        self._generations[1].add(values)

    def cut(self, text: str) -> str:
        for one in self._generations:
            text = one.cut(text)
        return text


_KNOWN, _VISITED = _Known(), _Latest()


def remember(values: Iterable[str]) -> None:
    """Know these secrets from now on; of an address only what it holds of secrets."""
    for value in values:
        found = addresses.secrets_in(value) if "://" in value else (value,)
        _KNOWN.add(found)


def visit(url: str) -> None:
    """Know the secrets of an address that is about to be asked: its server may quote them."""
    _VISITED.add(addresses.secrets_in(url))


def looks_secret(name: str) -> bool:
    """Whether a setting of this name holds a secret: `api_key` does, `key_file` does not."""
    return bool(_SECRET_NAME.search(name))


def known(text: str) -> str:
    """The text without the secrets of this process; shapes alone change nothing."""
    return _VISITED.cut(_KNOWN.cut(text))


def redact(text: str) -> str:
    """The text without known secrets, logins in URLs, `token=…` pairs, keys, headers, cookies."""
    text = known(text)
    text = _LOGIN.sub(f"{MASK}@", text)
    text = _HEADER.sub(rf"\1\2{MASK}", text)
    text = _BEARER.sub(rf"\1 {MASK}", text)
    text = _BASIC.sub(_login, text)
    text = _PAIR.sub(rf"\1{MASK}", text)
    text = _PARAMETER.sub(rf"\1{MASK}", text)
    text = _ADDRESS.sub(lambda match: addresses.masked(match[0], MASK), text)
    text = _COOKIE_LINE.sub(rf"\1{MASK}", text)
    return _keys(text)


def redact_urls(text: str) -> str:
    """The text without known secrets, keys, and those in its addresses.

    For sentences of ours, which may say `cookies = "cookies.txt"`.
    """
    return _keys(_URL.sub(lambda match: redact(match[0]), known(text)))


def _keys(text: str) -> str:
    text = _JWT.sub(MASK, _OTHER_KEYS.sub(rf"\1{MASK}", text))
    return _KEY.sub(rf"\1-{MASK}", text)


def _login(match: re.Match[str]) -> str:
    """`Basic dXNlcjpwYXNz` is a login, "basic research" is none."""
    try:
        is_login = ":" in base64.b64decode(match[0].split()[1], validate=True).decode()
    except ValueError:
        return match[0]
    return f"{match[1]} {MASK}" if is_login else match[0]


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


def secrets_of(value: Any) -> Iterator[str]:
    """Every secret in a value of the settings, also one that stands in the wrong place."""
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from secrets_of(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from secrets_of(inner)
    elif isinstance(value, str):
        if "://" in value:
            yield value
        elif _COOKIES.fullmatch(value):
            yield value
            yield from (row.partition("=")[2].strip() for row in value.split(";"))
        elif _is_misplaced(value):
            yield value


def _is_misplaced(value: str) -> bool:
    """Whether a setting that should hold no secret seems to hold one."""
    if value.lstrip().startswith(("/", "~", ".")):
        return False  # a path
    return _keys(value) != value or bool(addresses.looks_random(value.strip()))


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
    text = str(value)
    if isinstance(value, str) and _COOKIES.fullmatch(text):
        return MASK
    return MASK if isinstance(value, str) and _is_misplaced(text) else redact(text)
