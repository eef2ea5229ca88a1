"""Files of cookies in Netscape's format (`cookies.txt`): read, made clean, written back.

The format, as curl and yt-dlp read it: a line per cookie of seven fields with tabs between them
(domain, whether subdomains count, path, whether HTTPS only, end in seconds since the epoch or 0,
name, value); `#` begins a comment, except that `#HttpOnly_` begins a cookie.
"""

from __future__ import annotations

import fcntl
import io
import os
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from video_rag.errors import BadSettings
from video_rag.settings.redaction import remember

HEADER = "# Netscape HTTP Cookie File"
EXPORT = "sign in with a browser, export its cookies as cookies.txt (Netscape format) and put it"
_HTTP_ONLY = "#HttpOnly_"
_FIELDS = 7
_DAY = 86_400.0
_LARGEST = 8_000_000
"""Bytes; a browser with ten years of cookies has less than one million."""

Key = tuple[str, str, str]
"""Domain, path and name: what makes a cookie the same cookie."""


@dataclass(frozen=True)
class Cookie:
    """One cookie; `expires` is seconds since the epoch, None ends with the browser's session."""

    domain: str
    path: str
    name: str
    value: str = field(repr=False)
    expires: float | None = None
    secure: bool = False

    @property
    def key(self) -> Key:
        """What makes it the same cookie."""
        return self.domain, self.path, self.name

    def belongs_to(self, site: str) -> bool:
        """Whether the site or a host below it gets this cookie."""
        host = self.domain.removeprefix(".").lower()
        return host == site or host.endswith("." + site)

    def line(self) -> str:
        """The line of a cookies.txt."""
        below, secure = (str(given).upper() for given in (self.domain[:1] == ".", self.secure))
        end = str(int(self.expires or 0))
        return "\t".join((self.domain, below, self.path, secure, end, self.name, self.value))


class JarCookie(Protocol):
    """A cookie as Python's `http.cookiejar` has it."""

    domain: str
    path: str
    name: str
    value: str | None
    expires: int | None
    secure: bool


class Copy(io.StringIO):
    """The cookies of a file for yt-dlp, which writes to what it is given: never to the file."""

    def __init__(self, path: Path, cookies: Iterable[Cookie]) -> None:
        self.path = path
        self.cookies = {cookie.key: cookie for cookie in cookies}
        lines = [HEADER, *(cookie.line() for cookie in self.cookies.values())]
        super().__init__("\n".join(lines) + "\n")

    def __repr__(self) -> str:
        return f"Copy({self.path})"


def read(path: Path) -> tuple[list[Cookie], int]:
    """The cookies of a file, and how many of its lines are none. Raises `BadSettings`."""
    return _understood(_text(path), path)


def write_back(copy: Copy, jar: Iterable[JarCookie]) -> bool:
    """Put the cookies that a site changed back into their file; tells whether any were.

    Sites replace the cookies of a signed-in visitor every now and then, and the old ones stop
    working. A cookie that another process or its owner changed meanwhile stays as it is in the
    file, none is ever taken out, and none of a site that is not in the file is put in. The file is
    replaced whole or not at all and may be read by its owner only. Raises `OSError`.
    """
    changed = {cookie.key: cookie for cookie in _of_jar(jar) if _is_news(cookie, copy)}
    if not changed:
        return False
    path = copy.path.resolve()
    with _locked(path) as file:
        if os.fstat(file.fileno()).st_uid != os.geteuid():
            raise PermissionError(1, "it belongs to another user", str(path))
        before = file.read()
        after = _merged(before, copy, changed)
        if after.rstrip() == before.rstrip():
            return False
        _replace(path, after)
    return True


def _text(path: Path) -> str:
    try:
        if not path.is_file() or path.stat().st_size > _LARGEST:
            fault = "is too large for one" if path.is_file() else "is not there"
            raise BadSettings(f"cookies: {path} {fault}", hint=f"{EXPORT} there")
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise BadSettings(
            f"cookies: {path} cannot be read: {error.strerror}",
            hint="let this user read it, and only this user: chmod 600",
        ) from error
    except UnicodeError:
        # Without its cause, which holds the bytes of the file.
        raise BadSettings(f"cookies: {path} is not UTF-8", hint="save it as UTF-8 text") from None


def _understood(text: str, path: Path) -> tuple[list[Cookie], int]:
    # Not splitlines, which also cuts at characters that may be in a value.
    lines = [line for line in text.split("\n") if _counts(line)]
    found = [_cookie(line) for line in lines]
    cookies = [cookie for cookie in found if cookie]
    remember(cookie.value for cookie in cookies)
    if cookies:
        return cookies, len(found) - len(cookies)
    if text.lstrip()[:1] in ("[", "{"):
        fault = "is JSON, not Netscape's format: choose `Netscape` or `cookies.txt` when exporting"
    elif not found:
        fault = "has no cookies"
    elif any(len(line.split()) >= _FIELDS - 1 for line in lines):
        fault = "lost its tabs: they became spaces, so copy the file, not its text"
    else:
        fault = "is not in Netscape's format"
    raise BadSettings(f"cookies: {path} {fault}", hint=f"{EXPORT} there")


def _counts(line: str) -> bool:
    """Whether a line should be a cookie, and is no comment."""
    return bool(line.strip()) and (line.startswith(_HTTP_ONLY) or not line.startswith("#"))


def _cookie(line: str) -> Cookie | None:
    """The cookie of a line; None where it is none."""
    fields = line.removeprefix(_HTTP_ONLY).split("\t")
    if len(fields) == _FIELDS - 1:
        fields.append("")  # an editor took the tab before an empty value away
    if len(fields) != _FIELDS or not fields[0].strip() or not fields[2].startswith("/"):
        return None
    domain, _below, path, secure, end, name, value = fields
    try:
        expires = float(end or 0)
    except ValueError:
        return None
    is_dated = 0 < expires < float("inf")
    is_secure = secure.upper() == "TRUE"
    return Cookie(domain.strip(), path, name, value, expires if is_dated else None, is_secure)


def _of_jar(jar: Iterable[JarCookie]) -> Iterator[Cookie]:
    for row in jar:
        # A cookie without a name is one without a value for Python; the file has it otherwise.
        name, value = ("", row.name) if row.value is None else (row.name, row.value)
        if not any(
            mark in text for mark in "\t\r\n" for text in (row.domain, row.path, name, value)
        ):
            expires = float(row.expires) if row.expires else None
            yield Cookie(row.domain, row.path, name, value, expires, bool(row.secure))


def _is_news(cookie: Cookie, copy: Copy) -> bool:
    """Whether a site set it anew, and it belongs to a site of the file.

    Some sites put the end of every cookie a little further off with every answer: that alone is
    worth writing once a day.
    """
    old = copy.cookies.get(cookie.key)
    if old is not None:
        later = abs((cookie.expires or 0) - (old.expires or 0))
        return old.value != cookie.value or later > _DAY
    return any(cookie.domain == known.domain for known in copy.cookies.values())


def _merged(text: str, copy: Copy, changed: dict[Key, Cookie]) -> str:
    """The text of the file with the changed cookies in their lines, new ones at its end."""
    lines, left = [], dict(changed)
    for line in text.rstrip("\n").split("\n"):
        old = _cookie(line) if _counts(line) else None
        new = left.pop(old.key, None) if old else None
        is_ours = old is not None and old == copy.cookies.get(old.key)
        mark = _HTTP_ONLY if line.startswith(_HTTP_ONLY) else ""
        lines.append(mark + new.line() if new and is_ours else line)
    added = [cookie.line() for key, cookie in left.items() if key not in copy.cookies]
    return "\n".join([*lines, *added]) + "\n"


@contextmanager
def _locked(path: Path) -> Iterator[io.TextIOWrapper]:
    """The file, held against other processes; the one that is there, not one just replaced."""
    while True:
        with path.open(encoding="utf-8-sig") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # closing the file releases it
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                yield file
                return


def _replace(path: Path, text: str) -> None:
    """Write a file whole or not at all; only its owner may read it."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mode 0600
    part = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except (OSError, UnicodeError):
        part.unlink(missing_ok=True)
        raise


def readable_by_others(path: Path) -> bool:
    """Whether another user of this machine may read or change it."""
    try:
        return bool(stat.S_IMODE(path.stat().st_mode) & 0o077)
    except OSError:
        return False
