"""From yt-dlp's many errors to the few of ours; nothing secret gets into a message.

Which words mean which wall stands in `walls`.
"""

from __future__ import annotations

import email.utils
import re
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from video_rag.errors import (
    BadSettings,
    ContentError,
    DiskError,
    Rejected,
    UnsupportedUrl,
    VideoRagError,
)
from video_rag.net.sites import site_of
from video_rag.settings.redaction import redact
from video_rag.sources import walls
from video_rag.sources.walls import Wall

_LOOK = "open it in a browser to see whether it is there"
_QUERY = re.compile(r"(https?://[^\s?#'\"]+)[?#]([^\s'\"]*)")
_NAMES_A_VIDEO = re.compile(r"(?:v|p|list|bvid)=[\w-]+")
_EXTRACTOR = re.compile(r"^\[([^\]]+)\]\s*(?:\S+:\s)?")
_STATUS = re.compile(r"HTTP Error (\d{3})\b")
_UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}
_IN = re.compile(rf"\bin (\d+|an?) ({'|'.join(_UNITS)})s?", re.IGNORECASE)
_NOTHING_TO_PLAY = re.compile(
    r"requested format is not available|no video formats found|only images are available",
    re.IGNORECASE,
)
_NO_WEB = re.compile(
    r"file:// URLs are disabled|no connection adapters|unknown url type"
    r"|protocol .{0,40}(?:not supported|disabled)",
    re.IGNORECASE,
)
"""How yt-dlp and its libraries refuse `file:` and the like, which pages redirect to."""
_CIRCLE = (
    "open it in a browser: it sends its visitors in a circle, maybe only those without cookies"
)
_BY_CLASS = {
    "GeoRestrictedError": "region",
    "UserNotLive": "upcoming",
    "SSLError": "network",
    "ProxyError": "network",
    "TransportError": "network",
    "ContentTooShortError": "network",
    "OSError": "network",
}
_DISK = re.compile("No space left on device|Disk quota exceeded|Read-only file system")
_EXPLAIN = ("javascript", "po-token", "drm")
"""Walls that yt-dlp only warns of, before it finds nothing that it could play."""


def translate(
    error: Exception, what: str, warned: Iterable[Wall] = (), site: str = ""
) -> VideoRagError:
    """The error of ours that one of yt-dlp's means; `what` names the video in the message.

    `warned` are the walls that yt-dlp warned of before: they may be the true reason. `site` is the
    one that was asked, if `what` is no URL of it.
    """
    chain = list(_chain(error))
    names = {name for link in chain for name in _class_names(link)}
    status, retry_after = _answer(chain)
    for link in chain:
        if callable(close := getattr(link, "close", None)):
            close()  # an HTTPError holds its connection open
    if "CookieLoadError" in names:
        return BadSettings("the cookie file cannot be read", hint="export it as cookies.txt again")
    if "UnsupportedError" in names:
        return UnsupportedUrl(f"{what}: no video was found there", hint="give a video's own page")
    said, extractor = words_of(str(error))
    said = said or type(error).__name__
    if told := _of_no_site(what, said):
        return told
    if status is None and (match := _STATUS.search(said)):
        status = int(match[1])  # the downloader keeps only the words of what it met
    site = site or site_of(what) or _site_of_extractor(extractor)
    found = walls.of_words(_without_urls(said), extractor) or _of_class(names)
    if status is not None and (found is None or found.reason in ("network", "busy", "rate-limit")):
        return _of_status(status, site, f"{what}: ", said, retry_after)
    if _NOTHING_TO_PLAY.search(said):
        causes = {wall.reason: wall for wall in warned}
        found = next((causes[reason] for reason in _EXPLAIN if reason in causes), found)
    if found is None:
        bug = any(getattr(link, "expected", True) is False for link in chain)
        return _of_nothing_known(f"{what}: {said}", is_bug=bug)
    return made(found, f"{what}: {_with_countries(said, chain)}", site, _patience(said))


def _of_no_site(what: str, said: str) -> VideoRagError | None:
    """The error for what our own disk said, and for an address of no site."""
    if _DISK.search(said):
        hint = "free some space where the media and the library lie, then `video-rag run` goes on"
        return DiskError(f"{what}: {said}", hint=hint)
    if _NO_WEB.search(said):
        hint = "such addresses are never fetched: check where it leads, in a browser"
        return UnsupportedUrl(f"{what} leads to what is neither http nor https", hint=hint)
    return None


def made(
    wall: Wall, message: str, site: str = "", retry_after: float | None = None
) -> VideoRagError:
    """The error that stands for a wall; `retry_after` (seconds) is what the site itself said."""
    hint = wall.hint.replace("{site}", site or "…")
    error = wall.kind(message, hint=hint, reason=wall.reason)
    error.retry_after = wall.retry_after if retry_after is None else retry_after
    return error


def redacted(text: str) -> str:
    """One line without colours, yt-dlp's advice to its own users, and the queries of URLs."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", text)
    text = re.sub(r"\(caused by .*", "", text, flags=re.DOTALL)
    text = re.split(
        r"[;.]?\s*(?:please report this issue|Use --[a-z]|(?:See|refer to)\s+https?://)", text
    )[0]
    text = re.sub(r"(https?://)[^\s/@]*@", r"\1", text)
    text = re.sub(r"HTTPS?Connection\([^)]*\):\s*", "", text)
    text = _QUERY.sub(_harmless, text)
    return redact(" ".join(text.split()))[:300]


def seconds_of(header: str | None, now: Callable[[], float] = time.time) -> float | None:
    """`Retry-After` in seconds, be it a number or a date; None when it says nothing we know.

    RFC 9110 §10.2.3. A date that has passed is 0.
    """
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        date = email.utils.parsedate_to_datetime(text)
        return max(0.0, date.timestamp() - now())
    except (ValueError, TypeError, OverflowError, OSError):
        return None


def _harmless(match: re.Match[str]) -> str:
    """An address with those of its parameters that say which video it is."""
    kept = [row for row in match[2].partition("#")[0].split("&") if _NAMES_A_VIDEO.fullmatch(row)]
    return match[1] + ("?" + "&".join(kept) if kept else "")


def words_of(message: str) -> tuple[str, str]:
    """What yt-dlp says, without its marks, and which of its extractors says it."""
    text = redacted(re.sub(r"^\s*(?:\x1b\[[0-9;]*m)*ERROR:(?:\x1b\[[0-9;]*m)*\s*", "", message))
    match = _EXTRACTOR.match(text)
    return text[match.end() :] if match else text, match[1] if match else ""


def _site_of_extractor(extractor: str) -> str:
    """For what has no URL, such as a subtitle: the two sites that have walls of their own."""
    name = extractor.lower()
    known = {"youtube": "youtube.com", "bili": "bilibili.com"}
    return next((site for start, site in known.items() if name.startswith(start)), "")


def _without_urls(text: str) -> str:
    """Words in an address say nothing about the video."""
    return re.sub(r"https?://\S+", "", text)


def _of_class(names: set[str]) -> Wall | None:
    """The wall that the classes of the errors behind a message stand for."""
    reason = next((reason for name, reason in _BY_CLASS.items() if name in names), None)
    if "SSLError" in names:
        return walls.of_words("certificate verify failed")
    if "ProxyError" in names:
        return walls.of_words("proxy")
    found = (wall for wall in reversed(walls.WALLS) if wall.reason == reason)
    return next(found, None) if reason else None


def _of_status(
    status: int, site: str, what: str, said: str, retry_after: float | None
) -> VideoRagError:
    """What an HTTP status means for a video."""
    wall = walls.of_status(status, site, said)
    if wall is None:
        hint = _CIRCLE if 300 <= status < 400 else walls.UPDATE
        return Rejected(f"{what}{said}", hint=hint, reason="changed")
    if wall.kind is ContentError:
        told = f"it is not there ({status})" if wall.reason == "deleted" else f"refused ({status})"
        return made(wall, what + told, site)
    told = "the site refused it" if wall.kind is Rejected else "the site answered"
    message = f"{told} ({status})" if wall.kind is Rejected else f"{told} {status}"
    return made(wall, what + message, site, retry_after)


def _of_nothing_known(message: str, *, is_bug: bool) -> VideoRagError:
    """An error of no known wall: yt-dlp stumbled, or the video has nothing that can be had."""
    if is_bug:
        return Rejected(message, hint=walls.UPDATE, reason="changed")
    empty = "empty" if _NOTHING_TO_PLAY.search(message) else ""
    return ContentError(message, hint=_LOOK, reason=empty)


def _with_countries(said: str, chain: list[BaseException]) -> str:
    """The message, and where the video may be seen, if that is known."""
    found = next((link for link in chain if getattr(link, "countries", None)), None)
    countries = list(getattr(found, "countries", None) or ())
    return f"{said} (seen in: {', '.join(map(str, countries[:8]))})" if countries else said


def _patience(said: str) -> float | None:
    """Seconds until what a message announces: `Premieres in 5 minutes`."""
    match = _IN.search(said)
    if match is None:
        return None
    number = 1 if match[1].lower().startswith("a") else int(match[1][:6])
    return float(number * _UNITS[match[2].lower()])


def _answer(chain: list[BaseException]) -> tuple[int | None, float | None]:
    """Status and `Retry-After` of the HTTP answer behind an error."""
    for link in chain:
        status = getattr(link, "status", None)
        if isinstance(status, int):
            headers: Any = getattr(getattr(link, "response", None), "headers", None) or {}
            return status, seconds_of(headers.get("Retry-After"))
    return None, None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and those that it came from, by yt-dlp's attributes and Python's."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        info = getattr(error, "exc_info", None)
        cause = getattr(error, "cause", None)
        inner = info[1] if isinstance(info, tuple) and len(info) > 1 else None
        error = inner or (cause if isinstance(cause, BaseException) else error.__cause__)


def _class_names(error: BaseException) -> set[str]:
    """By name, so that yt-dlp need not be imported to look at an error."""
    return {kind.__name__ for kind in type(error).__mro__}
