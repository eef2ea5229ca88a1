"""The cookies of signed-in people: handed to yt-dlp, looked at before they are needed.

They open somebody's account, so nothing here puts their values into a message or a log, and yt-dlp
gets a copy: its own writing never reaches the file. Each goes to its own site alone, which
yt-dlp's jar sees to.
"""

from __future__ import annotations

import functools
import logging
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

from video_rag.errors import BadSettings, Rejected, VideoRagError
from video_rag.sources import _cookie_file as files
from video_rag.sources._cookie_file import EXPORT, Cookie
from video_rag.sources.walls import DAY

log = logging.getLogger("video_rag")

SOON = 7 * DAY
"""Seconds before their end from which on expiring cookies are warned of."""
WALLS = frozenset({"sign-in", "bot-check", "risk-control"})
"""Reasons (`VideoRagError.reason`) that expired cookies explain."""
LOGIN: dict[str, tuple[tuple[str, ...], ...]] = {
    "bilibili.com": (("SESSDATA",),),
    "instagram.com": (("sessionid",),),
    "linkedin.com": (("li_at",),),
    "nicovideo.jp": (("user_session",),),
    "patreon.com": (("session_id",),),
    "reddit.com": (("reddit_session",),),
    "x.com": (("auth_token",),),
    "youtube.com": (("LOGIN_INFO",), ("SAPISID", "__Secure-1PAPISID", "__Secure-3PAPISID")),
}
"""By site, the cookies without which nobody is signed in: one of each group.

They are those that yt-dlp's extractors ask for before they call somebody signed in.
"""
BROWSERS = ("brave", "chrome", "chromium", "edge", "firefox", "opera", "safari", "vivaldi", "whale")
KEYRINGS = ("BASICTEXT", "GNOMEKEYRING", "KWALLET", "KWALLET5", "KWALLET6")
_BROWSER = re.compile(
    r"(?P<name>[^+:]+)(?:\s*\+\s*(?P<keyring>[^:]+))?"
    r"(?:\s*:\s*(?!:)(?P<profile>.+?))?(?:\s*::\s*(?P<container>.+))?"
)


class Row(NamedTuple):
    """A line for `doctor`: `note` works, but not as well or as long as it could."""

    state: Literal["ok", "note", "wrong"]
    text: str
    hint: str = ""


class Given(Protocol):
    """Where cookies come from: the options of a source, or of one of its sites."""

    @property
    def cookies(self) -> Path | None:
        """A cookies.txt."""

    @property
    def cookies_from_browser(self) -> str | None:
        """A browser on this machine."""


@dataclass(frozen=True)
class Chosen:
    """Where the cookies of one site come from."""

    cookies: Path | None = None
    cookies_from_browser: str | None = None


class Settings(Given, Protocol):
    """The options of a source with tables for single sites."""

    @property
    def sites(self) -> Any:
        """By site, a `Given`."""


def chosen(options: Settings, site: str) -> Chosen:
    """What is set for a site; its table replaces file and browser of all sites together.

    A table of `example.com` also counts for `media.example.com`.
    """
    for name in _with_parents(site):
        own = options.sites.get(name)
        if own is not None and (own.cookies or own.cookies_from_browser):
            return Chosen(own.cookies, own.cookies_from_browser or None)
    return Chosen(options.cookies, options.cookies_from_browser or None)


def parameters(given: Given) -> dict[str, Any]:
    """yt-dlp's parameters for these cookies; empty without any. Raises `BadSettings`."""
    found: dict[str, Any] = {}
    if given.cookies is not None:
        path = given.cookies.expanduser()
        found["cookiefile"] = files.Copy(path, files.read(path)[0])
    if given.cookies_from_browser:
        found["cookiesfrombrowser"] = browser(given.cookies_from_browser)
    return found


def browser(text: str) -> tuple[str, str | None, str | None, str | None]:
    """Name, profile, keyring and container of `BROWSER[+KEYRING][:PROFILE][::CONTAINER]`.

    The syntax is that of yt-dlp's `--cookies-from-browser`. Raises `BadSettings`.
    """
    match = _BROWSER.fullmatch(text.strip())
    name = match["name"].strip().lower() if match else ""
    if match is None or name not in BROWSERS:
        raise BadSettings(
            f"cookies_from_browser: no browser is called {name or text!r}",
            hint=f"known: {', '.join(BROWSERS)}; with a profile: firefox:default-release",
        )
    keyring = match["keyring"].strip().upper() if match["keyring"] else None
    if keyring and keyring not in KEYRINGS:
        raise BadSettings(
            f"cookies_from_browser: no keyring is called {keyring}",
            hint=f"known: {', '.join(KEYRINGS).lower()}",
        )
    if match["container"] and name != "firefox":
        raise BadSettings("cookies_from_browser: only firefox has containers", hint="leave it out")
    return name, match["profile"], keyring, match["container"]


def keep(parameters: dict[str, Any], jar: Iterable[files.JarCookie]) -> bool:
    """Put cookies that a site renewed back into their file; tells whether any were.

    For the end of a visit that went well. `parameters` are those that yt-dlp was opened with, and
    `jar` is its jar. Nothing is written when a browser's cookies are in the jar too, which must
    not get into a file. A file that cannot be written is warned of once.
    """
    copy = parameters.get("cookiefile")
    if not isinstance(copy, files.Copy) or parameters.get("cookiesfrombrowser"):
        return False
    try:
        return files.write_back(copy, jar)
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8"
        _warn(f"cookies: {copy.path} cannot be written back: {why}; set write_back_cookies = false")
        return False


def findings(options: Settings, now: float | None = None) -> list[Row]:
    """What there is to say of all the cookies that are set, for `doctor`; no network.

    `now` is seconds since the epoch.
    """
    now = time.time() if now is None else now
    rows = list(_of(Chosen(options.cookies, options.cookies_from_browser), "", now))
    for site in sorted(options.sites):
        own = options.sites[site]
        rows += _of(Chosen(own.cookies, own.cookies_from_browser), site, now)
    return rows


def warn(given: Given, site: str, now: float | None = None) -> None:
    """Say once in this process what is amiss with the cookies for a site, before it is visited."""
    now = time.time() if now is None else now
    for row in _of(given, site, now):
        if row.state != "ok":
            _warn(f"{row.text}; {row.hint}" if row.hint else row.text)


def explain(
    error: VideoRagError, given: Given, site: str, now: float | None = None
) -> VideoRagError:
    """The error, or where a site's cookies are over and it turns us away, one that says so.

    Its reason is `cookies-expired`, and its cause the error: what cools a site down should look at
    that one's reason.
    """
    now = time.time() if now is None else now
    if error.reason not in WALLS or given.cookies is None:
        return error
    try:
        end = _end(files.read(given.cookies.expanduser())[0], site)
    except BadSettings:
        return error
    if end is None or end > now:
        return error
    told = Rejected(
        f"{error} (the cookies of {site} ended on {_day(end)})",
        hint=f"{EXPORT} at {given.cookies}",
        reason="cookies-expired",
    )
    told.video_id = error.video_id
    told.retry_after = DAY  # by then somebody may have exported them again
    told.__cause__ = error
    return told


def _of(given: Given, site: str, now: float) -> Iterator[Row]:
    """The rows about one file and one browser; `site` "" means every site."""
    if given.cookies_from_browser:
        yield _of_browser(given.cookies_from_browser)
    if given.cookies is None:
        return
    path = given.cookies.expanduser()
    try:
        found, bad = files.read(path)
    except BadSettings as error:
        yield Row("wrong", str(error), error.hint)
        return
    if files.readable_by_others(path):
        hint = f"whoever reads it is signed in as you: chmod 600 {path}"
        yield Row("note", f"cookies: other users may read {path}", hint)
    if bad:
        text = f"cookies: {path} has {bad} lines that are none, and are left out"
        yield Row("note", text, f"{EXPORT} there")
    known = [name for name in LOGIN if any(cookie.belongs_to(name) for cookie in found)]
    for name in [site] if site else known or [""]:
        yield _of_site(found, name, path, now)


def _of_browser(text: str) -> Row:
    try:
        name, profile, _keyring, _container = browser(text)
    except BadSettings as error:
        return Row("wrong", str(error), error.hint)
    return Row("ok", f"cookies: those of {name}{f' ({profile})' if profile else ''}")


def _of_site(found: list[Cookie], site: str, path: Path, now: float) -> Row:
    """How long one is signed in to a site; without a site, how long any cookie is good."""
    whose = f" of {site}" if site else ""
    end = _end(found, site)
    if end is None:
        return Row("note", f"cookies: no login{whose} in {path}", f"{EXPORT} there")
    if end <= now:
        return Row("note", f"cookies: those{whose} ended on {_day(end)}", f"{EXPORT} at {path}")
    if end <= now + SOON:
        return Row("note", f"cookies: those{whose} end on {_day(end)}", f"soon {EXPORT} at {path}")
    until = f"until {_day(end)}" if end != float("inf") else "without a date"
    return Row("ok", f"cookies: those{whose} are good {until}")


def _end(cookies: list[Cookie], site: str) -> float | None:
    """When a login is over, in seconds since the epoch; infinite without a date, None without one.

    Of cookies that nobody says are the login's, the last one counts.
    """
    own = [cookie for cookie in cookies if not site or cookie.belongs_to(site)]
    needed = next((LOGIN[name] for name in _with_parents(site) if name in LOGIN), None)
    groups = [[cookie for cookie in own if cookie.name in names] for names in needed or ()]
    groups = groups or [own]
    if not all(groups):
        return None
    return min(max(cookie.expires or float("inf") for cookie in group) for group in groups)


def _with_parents(site: str) -> list[str]:
    """A host and the domains above it: `a.b.com`, `b.com`."""
    host = site.rpartition(":")[0] if re.search(r":\d+$", site) else site
    labels = host.split(".")
    above = [".".join(labels[start:]) for start in range(max(1, len(labels) - 1))]
    return [site, *(name for name in above if name != site)]


def _day(seconds: float) -> str:
    """The date of a time; some exporters write ends that no calendar has."""
    most = datetime.max.replace(tzinfo=UTC).timestamp() - 86_400
    return datetime.fromtimestamp(min(seconds, most), UTC).date().isoformat()


@functools.cache
def _warn(line: str) -> None:
    """Log a line the first time that it is said."""
    log.warning("%s", line)
