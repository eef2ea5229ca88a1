"""Addresses of feeds and in feeds: which are feeds, and how they are written properly."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from urllib.parse import parse_qsl, urljoin, urlsplit

LOOK_AT = 4096
"""Bytes in which a feed must say that it is one."""
_PREFIXES = ("feed:", "podcast:")
_SUFFIXES = frozenset({".xml", ".rss", ".atom", ".rdf"})
_WORDS = frozenset({"feed", "feeds", "rss", "atom", "podcast.rss"})
_NOT_FEEDS = frozenset({"youtube.com", "www.youtube.com", "m.youtube.com"})
"""`/feed/subscriptions` there is a page for people; only `/feeds/videos.xml` is a feed."""
_WEB = re.compile(r"(https?://[^/?#\\\s]+)([/?#\\].*|)", re.IGNORECASE | re.DOTALL)
_BREAKS = re.compile(r"[\t\r\n]+")
"""Browsers drop these inside an address: they come from a feed's own line breaks."""
_LONE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_UNSAFE = {ord(char): f"%{ord(char):02X}" for char in ' "<>^`{|}'}
"""What people write and servers refuse. Control characters stay, so that the guard sees them."""


def address(url: str) -> tuple[str, bool]:
    """A URL without `feed:` or `podcast:` before it, and whether that was there.

    `feed:https://a.example/x` and the older `feed://a.example/x` mean the same.
    """
    for prefix in _PREFIXES:
        if url.lower().startswith(prefix):
            rest = url[len(prefix) :]
            return (f"https:{rest}" if rest.startswith("//") else rest), True
    return url, False


def looks_like_one(url: str) -> bool:
    """Whether an address looks like that of a feed; no network."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    path = PurePosixPath(parts.path.lower())
    if host in _NOT_FEEDS:
        return path.as_posix() == "/feeds/videos.xml"
    if path.suffix in _SUFFIXES or _WORDS & set(path.parts):
        return True
    rows = {(name.lower(), value.lower()) for name, value in parse_qsl(parts.query)}
    kinds = {(name, value) for name in ("format", "type", "feed") for value in ("rss", "atom")}
    return bool(rows & (kinds | {("feed", "rss2"), ("feed", "podcast")}))


def begins_like_one(start: bytes) -> bool:
    """Whether the first bytes of a page are those of a feed, in UTF-16 too."""
    text = start[:LOOK_AT].replace(b"\0", b"")
    return re.search(rb"<(?:\w+:)?(?:rss|feed|RDF)[\s>]", text) is not None


def joined(url: str, link: str) -> str:
    """A link in a feed as a whole address; empty for one that is none.

    People write what browsers forgive: spaces, backslashes, an ampersand that was escaped twice.
    The host is left as it is: whoever opens the address judges it.
    """
    link = _BREAKS.sub("", link.strip()).replace("&amp;", "&")
    try:
        whole = link if is_web(link) else urljoin(url, link.replace("\\", "/"))
    except ValueError:
        return ""
    return proper(whole)


def proper(url: str) -> str:
    """A web address with what may not stand in one percent-encoded, behind its host."""
    match = _WEB.fullmatch(url)
    if match is None:
        return url
    path, mark, query = _LONE_PERCENT.sub("%25", match[2]).partition("?")
    path = path.replace("\\", "/").translate(_UNSAFE)
    return f"{match[1]}{path}{mark}{query.translate(_UNSAFE).replace(chr(92), '%5C')}"


def is_web(url: str) -> bool:
    """Whether a link says that it is on the web."""
    return url.lower().startswith(("http://", "https://"))
