"""RSS, Atom and podcasts, read by feedparser from bytes; it never opens an address itself.

An item is the video of the page that it links to, where that page has a player that we know by its
address; else the sound or video file that it carries; else whatever its page holds.
"""

from __future__ import annotations

import calendar
import logging
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from video_rag.digest import of_value
from video_rag.errors import ContentError, NeedsExtra, VideoRagError
from video_rag.media import AUDIO_SUFFIXES, VIDEO_SUFFIXES
from video_rag.model import Beside, Video
from video_rag.sources import web
from video_rag.sources.feeds.addresses import begins_like_one, is_web, joined
from video_rag.sources.feeds.plain import plain
from video_rag.sources.weberrors import redacted
from video_rag.text.languages import normalise

log = logging.getLogger("video_rag")

MOST_BYTES = 50_000_000
"""Of one feed: 10,000 episodes with their notes are 30 MB."""
_MOST_BESIDE = 20
"""Transcripts of one episode that are kept in mind."""
_LONG_GUID = 16
"""Characters from which on a guid is taken for unique in the world; "3" is so in its feed only."""
_CDATA = re.compile(rb"(<!\[CDATA\[.*?\]\]>)", re.DOTALL)
_LONE_AMPERSAND = re.compile(rb"&(?!#\d{1,7};|#[xX][0-9A-Fa-f]{1,6};|[A-Za-z][A-Za-z0-9]{1,30};)")
_CONTROL = re.compile(rb"[\x01-\x08\x0b\x0c\x0e-\x1f]")
_END = 4096
"""Bytes in which the end of a feed must stand; comments and the noise of servers may follow."""
ACCEPT = "application/rss+xml, application/atom+xml, application/xml;q=0.9, */*;q=0.5"

Found = Video | VideoRagError


@dataclass(frozen=True)
class _Item:
    """An item of a feed, and what it stands for."""

    entry: Mapping[str, Any]
    named: str | None
    """The page of a player that we know by its address."""
    enclosure: str | None
    """The file that it carries."""
    page: str | None
    """Whatever else it links to."""

    @property
    def guid(self) -> str:
        return str(self.entry.get("id") or "").strip()


def parse(body: bytes, url: str, *, most: int, media_type: str = "") -> list[Found] | None:
    """The videos of a feed's bytes; None when they are no feed.

    Of one that breaks off, what could be read, and an error that says so. One that is no proper XML
    and of which every item was read is as good as any.
    """
    if not begins_like_one(body):
        return None
    headers = {"content-location": url, "content-type": media_type or "application/xml"}
    feed = _parsed(body, headers)
    if _is_broken(feed) and (mended := _mended(body)) != body:
        feed = _parsed(mended, headers)
    if len(feed.entries) > most:
        raise ContentError(
            f"{redacted(url)}: the feed has more than {most} items",
            hint="raise max_entries in [sources.ytdlp]",
            reason="too-large",
        )
    found: dict[str, Found] = {}
    for video in _videos([_item(entry, url) for entry in feed.entries], feed.feed, url):
        found.setdefault(video.video_id, video)
    rows = list(found.values())
    if _is_broken(feed):
        why = redacted(str(feed.bozo_exception).partition("\n")[0])
        if _is_whole(body, len(feed.entries)):
            log.info("%s: no proper XML, every item was read: %s", redacted(url), why)
        else:
            rows.append(
                ContentError(
                    f"{redacted(url)}: the feed is broken after {len(feed.entries)} items: {why}",
                    hint="tell its owner; what could be read was taken",
                )
            )
    if not rows:
        raise ContentError(
            f"{redacted(url)}: the feed has no items", hint="check the URL", reason="empty"
        )
    return rows


@cache
def _parser() -> Any:
    """feedparser, taught to keep every transcript of an item: by itself it keeps the last one."""
    try:
        import feedparser
        from feedparser import mixin
    except ImportError as error:
        raise NeedsExtra("feedparser", "download") from error

    def start(kind: str) -> Any:
        def keep(self: Any, attributes: Mapping[str, str]) -> None:
            self._get_context().setdefault(f"podcast_{kind}_all", []).append(dict(attributes))

        return keep

    kind = mixin._FeedParserMixin  # noqa: SLF001 - where its own namespaces are mixed in
    for name in ("transcript", "chapters"):
        setattr(kind, f"_start_podcast_{name}", start(name))
        setattr(kind, f"_end_podcast_{name}", lambda _self: None)
    for address in (
        "https://podcastindex.org/namespace/1.0",
        "https://github.com/podcastindex-org/podcast-namespace/blob/main/docs/1.0.md",
    ):
        kind.namespaces[address] = "podcast"
    return feedparser


def _parsed(body: bytes, headers: Mapping[str, str]) -> Any:
    return _parser().parse(
        body, response_headers=headers, resolve_relative_uris=False, sanitize_html=False
    )


def _is_broken(feed: Any) -> bool:
    """Whether something may be missing: not for a wrong encoding or media type."""
    names = {"CharacterEncodingOverride", "NonXMLContentType"}
    error = feed.get("bozo_exception")
    return bool(feed.bozo) and error is not None and type(error).__name__ not in names


def _mended(body: bytes) -> bytes:
    """XML with what people forget put right: ampersands that stand alone, control characters.

    Left to itself feedparser reads `Q&A` as `Q&A;`.
    """
    if b"\0" in body:  # UTF-16, or no text at all
        return body
    parts = _CDATA.split(body)
    parts[::2] = [_LONE_AMPERSAND.sub(b"&amp;", part) for part in parts[::2]]
    return _CONTROL.sub(b" ", b"".join(parts))


def _is_whole(body: bytes, many: int) -> bool:
    """Whether a feed goes to its end, and so many items are all that it has."""
    text = body.replace(b"\0", b"")
    if not re.search(rb"</(?:\w+:)?(?:rss|feed|RDF)\s*>", text[-_END:]):
        return False
    text = re.sub(rb"<!--.*?-->", b"", _CDATA.sub(b"", text), flags=re.DOTALL)
    return len(re.findall(rb"<(?:\w+:)?(?:item|entry)[\s>]", text)) <= many


def _item(entry: Mapping[str, Any], url: str) -> _Item:
    """An item with its addresses."""
    told = [entry.get("link"), *(row.get("href") for row in entry.get("links") or ())]
    links = [joined(url, str(link)) for link in dict.fromkeys(told) if link]
    enclosure = _enclosure(entry, url)
    return _Item(
        entry,
        next((link for link in links if web.named_by(link)), None),
        enclosure if enclosure and is_web(enclosure) else None,
        next((link for link in links if is_web(link)), None),
    )


def _videos(items: Sequence[_Item], feed: Mapping[str, Any], url: str) -> Iterable[Found]:
    """The videos that items stand for; an error for one that leads nowhere.

    A page that several items with files of their own name is the show's, not theirs; a guid that
    several of them have tells nothing without the file.
    """
    pages = _shared(items, lambda item: item.named)
    guids = _shared(items, lambda item: item.guid)
    for item in items:
        is_own = item.named and not (item.enclosure and item.named in pages)
        enclosure = None if is_own else item.enclosure
        target = item.named if is_own else item.enclosure or item.page
        if not target:
            yield _nowhere(item, url)
            continue
        video = _video(item, target, feed)
        if enclosure and item.guid:
            file = _file_of(enclosure) if item.guid in guids else ""
            video = video.model_copy(update={"video_id": f"feed:{_mark(item.guid, url, file)}"})
        yield (
            video
            if not enclosure
            else video.model_copy(update={"beside": tuple(_beside(item.entry, url))})
        )


def _nowhere(item: _Item, url: str) -> ContentError:
    """What is said of an item that carries no file and links to no page."""
    title = plain(str(item.entry.get("title") or "")) or item.guid
    name = f"the item {title!r}" if title else "an item"
    error = ContentError(
        f"{redacted(url)}: {name} has neither a link nor a file",
        hint="tell the feed's owner; the other items are taken",
        reason="empty",
    )
    error.video_id = f"feed:{_mark(item.guid or title, url, '')}"
    return error


def _shared(items: Iterable[_Item], told: Callable[[_Item], str | None]) -> set[str]:
    """What items of more than one file say."""
    pairs = {
        (said, _file_of(item.enclosure))
        for item in items
        if item.enclosure and (said := told(item))
    }
    counted = Counter(said for said, _file in pairs)
    return {said for said, many in counted.items() if many > 1}


def _file_of(url: str) -> str:
    """A file's address without what may be a token."""
    parts = urlsplit(web.canonical(url))
    return f"{parts.netloc}{parts.path}"


def _video(item: _Item, target: str, feed: Mapping[str, Any]) -> Video:
    entry = item.entry
    return web.video_of(
        {
            "url": target,
            "title": plain(str(entry.get("title") or entry.get("itunes_title") or "")),
            "channel": plain(str(feed.get("title") or "")),
            "timestamp": _stamp(entry),
            "duration": seconds_of(str(entry.get("itunes_duration") or "")),
            "language": feed.get("language"),
        },
        fallback_url=target,
    )


def _mark(guid: str, url: str, file: str) -> str:
    """What tells an item apart from all others, whatever tokens are in the file's address."""
    is_unique = len(guid) >= _LONG_GUID
    told = [guid] if is_unique else [guid, web.canonical(url)]
    return of_value([*told, file] if file else told)[:16]


def _beside(entry: Mapping[str, Any], url: str) -> Iterable[Beside]:
    """The transcripts and chapters that an item names, in its order, each address once."""
    seen: set[str] = set()
    for kind in ("transcript", "chapters"):
        for row in entry.get(f"podcast_{kind}_all") or ():
            address = joined(url, str(row.get("url") or ""))
            if not is_web(address) or address in seen or len(seen) >= _MOST_BESIDE:
                continue
            seen.add(address)
            yield Beside(
                kind="transcript" if kind == "transcript" else "chapters",
                url=address,
                media_type=str(row.get("type") or "").partition(";")[0].strip().lower(),
                language=normalise(row.get("language")),
                is_captions=str(row.get("rel") or "").strip().lower() == "captions",
            )


def _enclosure(entry: Mapping[str, Any], url: str) -> str | None:
    """The address of the file that an item carries: a video before sound."""
    rows = [row for row in entry.get("links") or () if row.get("rel") == "enclosure"]
    files = [(row.get("href"), row.get("type")) for row in rows]
    files += [(row.get("url"), row.get("type")) for row in entry.get("media_content") or ()]
    best: dict[str, str] = {}
    for address_, media_type in files:
        kind = _kind(str(address_ or ""), str(media_type or ""))
        if address_ and kind:
            best.setdefault(kind, joined(url, str(address_)))
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
