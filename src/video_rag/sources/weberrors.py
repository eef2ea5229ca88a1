"""From yt-dlp's many errors to the few of ours; nothing secret gets into a message."""

from __future__ import annotations

import re
from collections.abc import Iterator

from video_rag.errors import (
    BadSettings,
    ContentError,
    Rejected,
    Unavailable,
    UnsupportedUrl,
    VideoRagError,
)

_COOKIES = 'give the cookies of a signed-in browser: [sources.ytdlp] cookies = "cookies.txt"'
_LATER = "try again later"
_LOOK = "open it in a browser to see whether it is there"
_UPDATE = "the site may have changed: update yt-dlp (pip install -U 'yt-dlp[default]')"

_GONE = re.compile(
    r"private video|is private|members.only|join this channel|has been removed|removed by"
    r"|no longer available|been (?:deleted|terminated)|may be deleted|does not exist|not exist"
    r"|video (?:is )?(?:unavailable|not available)|supporter.only|copyright"
    r"|not available (?:in|from) your|geo.?restrict|premium.only|DRM",
    re.IGNORECASE,
)
_NOT_YET = re.compile(
    r"live event will begin|premieres in|not currently live|will begin", re.IGNORECASE
)
_SIGN_IN = re.compile(
    r"not a bot|sign in|log(?:ged)?[ -]?in|login|--cookies|account cookies|confirm your age",
    re.IGNORECASE,
)
_BUSY = re.compile(
    r"rate.?limit|too many requests|try (?:again )?later|timed out|time-?out|bytes read"
    r"|temporarily|connection (?:reset|refused|aborted)|giving up after|name resolution"
    r"|failed to resolve|unexpected_eof",
    re.IGNORECASE,
)


_QUERY = re.compile(r"(https?://[^\s?#'\"]+)[?#]([^\s'\"]*)")
_NAMES_A_VIDEO = re.compile(r"(?:v|p|list|bvid)=[\w-]+")


def translate(error: Exception, what: str) -> VideoRagError:
    """The error of ours that one of yt-dlp's means; `what` names the video in the message."""
    chain = list(_chain(error))
    names = {name for link in chain for name in _class_names(link)}
    for link in chain:
        if callable(close := getattr(link, "close", None)):
            close()  # an HTTPError holds its connection open
    found = (getattr(link, "status", None) for link in chain)
    status = next((status for status in found if isinstance(status, int)), None)
    if "CookieLoadError" in names:
        return BadSettings("the cookie file cannot be read", hint="export it as cookies.txt again")
    if "UnsupportedError" in names:
        return UnsupportedUrl(f"{what}: no video was found there", hint="give a video's own page")
    if status is not None:
        return _of_status(status, what, _said(error))
    bug = any(getattr(link, "expected", True) is False for link in chain)
    return _of_words(f"{what}: {_said(error)}", names, bug)


def _of_words(message: str, names: set[str], bug: bool) -> VideoRagError:
    """What a message means; `names` are the classes of the errors behind it."""
    if _NOT_YET.search(message):
        return ContentError(message, hint="add it again when it is over")
    if _GONE.search(message) or "GeoRestrictedError" in names:
        return ContentError(message, hint=_LOOK)
    if _SIGN_IN.search(message):
        return Rejected(message, hint=_COOKIES)
    if _BUSY.search(message) or names & {"TransportError", "OSError"}:
        return Unavailable(message, hint="check the network, or " + _LATER)
    return Rejected(message, hint=_UPDATE) if bug else ContentError(message, hint=_LOOK)


def redacted(text: str) -> str:
    """One line without colours, yt-dlp's advice to its own users, and the queries of URLs."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", text)
    text = re.sub(r"\(caused by .*", "", text, flags=re.DOTALL)
    text = re.split(r"[;.]?\s*(?:please report this issue|Use --cookies|See\s+https?://)", text)[0]
    text = re.sub(r"(https?://)[^\s/@]*@", r"\1", text)
    text = re.sub(r"HTTPS?Connection\([^)]*\):\s*", "", text)
    text = _QUERY.sub(_harmless, text)
    return " ".join(text.split())[:300]


def _harmless(match: re.Match[str]) -> str:
    """An address with those of its parameters that say which video it is."""
    kept = [row for row in match[2].partition("#")[0].split("&") if _NAMES_A_VIDEO.fullmatch(row)]
    return match[1] + ("?" + "&".join(kept) if kept else "")


def _said(error: Exception) -> str:
    text = redacted(re.sub(r"^\s*(?:\x1b\[[0-9;]*m)*ERROR:(?:\x1b\[[0-9;]*m)*\s*", "", str(error)))
    return re.sub(r"^\[[^\]]+\]\s*(?:\S+:\s)?", "", text) or type(error).__name__


def _of_status(status: int, what: str, said: str) -> VideoRagError:
    """What an HTTP status means for a video."""
    if status in {404, 410, 451}:
        return ContentError(f"{what}: it is not there ({status})", hint="check the URL")
    if status in {408, 412, 425, 429} or status >= 500:
        hint = f"{_LATER}; {_COOKIES}" if status in {412, 429} else _LATER
        return Unavailable(f"{what}: the site answered {status}", hint=hint)
    if status in {401, 403}:
        return Rejected(f"{what}: the site refused it ({status})", hint=_COOKIES)
    return Rejected(f"{what}: {said}", hint=_UPDATE)


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
