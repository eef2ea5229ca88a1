"""Addresses as people may see them: without logins, tokens and signatures.

What must be fetched keeps its address as it was given; what is shown, published or sent on is the
page's own. Cut are the login before the host, and of the query (also after a `#`, and `;name=` in a
path) the parameters that

- are named like a secret: `token`, `key`, `sig`, `password`, `session`, `X-Amz-…`, `accessToken` …
- have a value that looks drawn by lot, sixteen letters and digits or more, unless the name tells
  that it says what is shown: `v`, `p`, `t`, `list`, `id` and all that ends so, `bvid`, `videoId` …

All else stays as it is written, so that a link still opens its page at its second. Secrets within a
path cannot be told from names there, and stay.
"""

from __future__ import annotations

import re
from urllib.parse import quote, unquote, unquote_plus

_NAMED = frozenset({"postgresql://", "postgres://", "amqp://", "amqps://"})
"""Servers that people have a name at: alone it is none of the secrets."""
_PARTS = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)(?P<host>[^/?#]*)(?P<path>[^?#]*)"
    r"(?P<query>\?[^#]*)?(?P<fragment>#.*)?",
    re.DOTALL,
)
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_SECRET_WORDS = frozenset(
    {
        *("auth", "authorization", "bearer", "jwt", "key", "keys", "login", "oauth", "sso"),
        *("cookie", "cookies", "credential", "credentials", "csrf", "sess", "sessdata", "session"),
        *("hdnea", "hdntl", "hdnts", "hmac", "policy", "sid", "sig", "sign", "signature"),
        *("otp", "pass", "passcode", "passphrase", "passwd", "password", "passwords", "pin", "pwd"),
        *("secret", "secrets", "ticket", "token", "tokens"),
    }
)
_SECRET_ENDS = re.compile(
    r"(?:token|secret|signature|password|passwd|passcode|keyid|accessid|sess(?:ion)?id"
    r"|(?:api|access|app|auth|private|resource|rl|secret|session|sign|signing|stream)key"
    r"|bilijct|credential|jwt|hmac)$"
)
_SECRET_START = re.compile(r"x-(?:amz|goog|oss|cos|bce|obs|tos)-|(?:hdn|ws)(?:ts|ea|tl|secret)")
_NAMES = re.compile(
    r"[vptq]|[a-z_-]*id|list|start|end|index|item|page|part|lang|hl|title|name|file|path|url|src"
)
"""Parameters that say what is shown, whatever they hold."""
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_TURNS = re.compile(r"(?<=[a-z])(?=[A-Z0-9])|(?<=[A-Z])(?=[0-9])|(?<=[0-9])(?=[A-Za-z])")
_LEAST = 16
_DIGEST = re.compile(r"(?=[a-f]*[0-9])(?=[0-9]*[a-f])[0-9a-f]{32,}", re.IGNORECASE)
_SHARE = 5
"""Of random letters and digits, more than one in so many is followed by another sort."""
_TOKEN = re.compile(r"[\w.~+/=:-]+", re.ASCII)


def public(url: str) -> str:
    """The address without what only its owner may know; what is no address stays as it is."""
    return _Knife().cut(url)


def masked(url: str, mask: str) -> str:
    """The address with its secrets replaced, so that one sees that they were there."""
    return _Knife(mask).cut(url)


def secrets_in(url: str) -> list[str]:
    """What `public` cuts out: values, passwords, logins without one; decoded."""
    knife = _Knife()
    knife.cut(url)
    return [text for text in knife.found if text]


def looks_random(text: str) -> bool:
    """Whether a text looks drawn by lot: a key, a token, a digest, and no word or name."""
    if not _TOKEN.fullmatch(text):
        return False
    letters = re.sub(r"[^A-Za-z0-9]", "", text)
    if len(letters) < _LEAST or letters.isdecimal() or _UUID.fullmatch(text):
        return False
    return bool(_DIGEST.fullmatch(text)) or len(_TURNS.findall(text)) * _SHARE > len(letters)


def is_secret(name: str, value: str) -> bool:
    """Whether a parameter of an address is for its owner alone."""
    name = unquote_plus(name)
    words = [word.lower() for word in _WORDS.findall(name)]
    lower = name.lower()
    if _SECRET_WORDS & set(words) or _SECRET_ENDS.search("".join(words)):
        return True
    if _SECRET_START.match(lower):
        return True
    if _NAMES.fullmatch(lower):
        return False
    given = unquote_plus(value or name)
    return bool(looks_random(given) or _UUID.fullmatch(given))


class _Knife:
    """Takes one address apart, and the addresses within it; an empty mask drops what is found."""

    def __init__(self, mask: str = "") -> None:
        self._mask = mask
        self.found: list[str] = []

    def cut(self, url: str) -> str:
        """The address without its secrets; one without any stays byte for byte."""
        match = _PARTS.fullmatch(url)
        if match is None or match["scheme"].lower() == "file://":
            return url
        before = len(self.found)
        new = "".join(
            (
                match["scheme"],
                self._host(match["host"], is_named=match["scheme"].lower() in _NAMED),
                re.sub(r";([^/;=]+)=([^/;]*)", self._in_path, match["path"]),
                self._query(match["query"] or ""),
                self._fragment(match["fragment"] or ""),
            )
        )
        return new if len(self.found) > before else url

    def _host(self, text: str, *, is_named: bool) -> str:
        login, at, host = text.rpartition("@")
        if not at:
            return host
        user, _, password = login.partition(":")
        if is_named and not password:
            return text
        self.found += [unquote(password or user), *([unquote(login)] if password else [])]
        return f"{self._mask}@{host}" if self._mask else host

    def _in_path(self, match: re.Match[str]) -> str:
        """`/page;jsessionid=…` without it."""
        kept = self._row(match[0][1:])
        return f";{kept}" if kept else ""

    def _query(self, query: str) -> str:
        """A query with its `?`; empty when nothing of it is left."""
        text, separator = "", ""
        for piece in re.split(r"([&;])", query[1:]):
            if piece in {"&", ";"}:
                separator = piece
            elif new := self._row(piece):
                text += f"{separator}{new}" if text else new
        return f"?{text}" if text else ""

    def _fragment(self, fragment: str) -> str:
        """`#t=12` and `#/talks/3` as they are; a query in it is one."""
        if "=" not in fragment:
            return fragment
        route, mark, query = fragment[1:].rpartition("?")
        kept = self._query(f"?{query}")
        return f"#{route}{kept}" if mark else kept and f"#{kept[1:]}"

    def _row(self, row: str) -> str:
        name, equals, value = row.partition("=")
        if row and is_secret(name, value):
            self.found.append(unquote_plus(value or name))
            return self._mask and (f"{name}={self._mask}" if value else self._mask)
        inner = unquote(value)
        if not equals or not re.match(r"https?://", inner):
            return row
        clean = self.cut(inner)
        return row if clean == inner else f"{name}={quote(clean, safe='')}"
