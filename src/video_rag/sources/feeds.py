"""RSS, Atom and podcasts, read by feedparser from bytes; it never opens an address itself.

An item is the video of the page that it links to, where that page has a player that we know by its
address; else the sound or video file that it carries; else whatever its page holds.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

from video_rag.digest import of_value
from video_rag.errors import ContentError, NeedsExtra, VideoRagError
from video_rag.media import AUDIO_SUFFIXES, VIDEO_SUFFIXES
from video_rag.model import Video
from video_rag.sources import web
from video_rag.sources.weberrors import redacted

MOST_BYTES = 50_000_000
"""Of one feed: 10,000 episodes with their notes are 30 MB."""
LOOK_AT = 4096
"""Bytes in which a feed must say that it is one."""
_PREFIXES = ("feed:", "podcast:")
_SUFFIXES = frozenset({".xml", ".rss", ".atom", ".rdf"})
_WORDS = frozenset({"feed", "feeds", "rss", "atom", "podcast.rss"})
_NOT_FEEDS = frozenset({"youtube.com", "www.youtube.com", "m.youtube.com"})
"""`/feed/subscriptions` there is a page for people; only `/feeds/videos.xml` is a feed."""
_LONG_GUID = 16
"""Characters from which on a guid is taken for unique in the world; "3" is so in its feed only."""
ACCEPT = "application/rss+xml, application/atom+xml, application/xml;q=0.9, */*;q=0.5"

Found = Video | VideoRagError


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
    """Whether the first bytes of a page are those of a feed."""
    return re.search(rb"<(?:\w+:)?(?:rss|feed|RDF)[\s>]", start[:LOOK_AT]) is not None


def parse(body: bytes, url: str, *, most: int, media_type: str = "") -> list[Found] | None:
    """The videos of a feed's bytes; None when they are no feed.

    Of one that is broken, what could be read, and an error that says so.
    """
    if not begins_like_one(body):
        return None
    try:
        import feedparser
    except ImportError as error:
        raise NeedsExtra("feedparser", "download") from error
    headers = {"content-location": url, "content-type": media_type or "application/xml"}
    feed = feedparser.parse(
        body, response_headers=headers, resolve_relative_uris=False, sanitize_html=False
    )
    if len(feed.entries) > most:
        raise ContentError(
            f"{redacted(url)}: the feed has more than {most} items",
            hint="raise max_entries in [sources.ytdlp]",
            reason="too-large",
        )
    found: dict[str, Found] = {}
    for entry in feed.entries:
        if video := _video(entry, feed.feed, url):
            found.setdefault(video.video_id, video)
    rows = list(found.values())
    if feed.bozo and _is_broken(feed.get("bozo_exception")):
        why = str(feed.bozo_exception).partition("\n")[0]
        rows.append(
            ContentError(
                f"{redacted(url)}: the feed is broken after {len(feed.entries)} items: "
                f"{redacted(why)}",
                hint="tell its owner; what could be read was taken",
            )
        )
    if not rows:
        raise ContentError(
            f"{redacted(url)}: the feed has no items", hint="check the URL", reason="empty"
        )
    return rows


def _is_broken(error: Any) -> bool:
    """Whether something may be missing: not for a wrong encoding or media type."""
    names = {"CharacterEncodingOverride", "NonXMLContentType"}
    return error is not None and type(error).__name__ not in names


def _video(entry: Mapping[str, Any], feed: Mapping[str, Any], url: str) -> Video | None:
    """The video that an item stands for, if any."""
    told = [entry.get("link"), *(row.get("href") for row in entry.get("links") or ())]
    links = [_joined(url, str(link)) for link in dict.fromkeys(told) if link]
    named = next((link for link in links if web.named_by(link)), None)
    enclosure = None if named else _enclosure(entry, url)
    target = named or enclosure or next((link for link in links if _is_web(link)), None)
    if target is None or not _is_web(target):
        return None
    video = web.video_of(
        {
            "url": target,
            "title": entry.get("title"),
            "channel": feed.get("title"),
            "timestamp": _stamp(entry),
            "duration": seconds_of(str(entry.get("itunes_duration") or "")),
            "language": feed.get("language"),
        },
        fallback_url=target,
    )
    guid = str(entry.get("id") or "").strip()
    if not enclosure or not guid:
        return video
    return video.model_copy(update={"video_id": f"feed:{_mark(guid, url)}"})


def _mark(guid: str, url: str) -> str:
    """What tells an item apart from all others, whatever tokens are in the file's address."""
    is_unique = len(guid) >= _LONG_GUID
    return of_value([guid] if is_unique else [guid, web.canonical(url)])[:16]


def _enclosure(entry: Mapping[str, Any], url: str) -> str | None:
    """The address of the file that an item carries: a video before sound."""
    rows = [row for row in entry.get("links") or () if row.get("rel") == "enclosure"]
    files = [(row.get("href"), row.get("type")) for row in rows]
    files += [(row.get("url"), row.get("type")) for row in entry.get("media_content") or ()]
    best: dict[str, str] = {}
    for address_, media_type in files:
        kind = _kind(str(address_ or ""), str(media_type or ""))
        if address_ and kind:
            best.setdefault(kind, _joined(url, str(address_)))
    return best.get("video") or best.get("audio")


def _kind(address_: str, media_type: str) -> str:
    """`video` or `audio`, by the type that is said, else by the file's suffix."""
    kind = media_type.partition("/")[0].lower()
    if kind in {"video", "audio"}:
        return kind
    try:
        suffix = PurePosixPath(urlsplit(address_).path).suffix.lower()
    except ValueError:
        return ""
    if suffix in VIDEO_SUFFIXES:
        return "video"
    return "audio" if suffix in AUDIO_SUFFIXES else ""


def seconds_of(text: str) -> float | None:
    """`3723`, `62:03` or `1:02:03` as seconds; None for all else."""
    if not re.fullmatch(r"\d{1,6}(?::\d{1,2}){0,2}(?:\.\d+)?", text.strip(), re.ASCII):
        return None
    total = 0.0
    for part in text.strip().split(":"):
        total = total * 60 + float(part)
    return total or None


def _stamp(entry: Mapping[str, Any]) -> float | None:
    """When an item was published, in seconds since the epoch."""
    parsed = entry.get("published_parsed") or entry.get("updated_parsed")
    try:
        return float(calendar.timegm(parsed)) if parsed else None
    except (ValueError, OverflowError, TypeError):
        return None


def _joined(url: str, link: str) -> str:
    """A link of a feed as a whole address; empty for one that is none."""
    if link.startswith(("http://", "https://")):
        return link
    try:
        return urljoin(url, link)
    except ValueError:
        return ""


def _is_web(url: str) -> bool:
    return url.lower().startswith(("http://", "https://"))
