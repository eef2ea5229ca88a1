"""What yt-dlp's info dictionaries say, as our nouns; the links that open a site's player."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit, urlunsplit

from video_rag.digest import of_value
from video_rag.languages import normalise
from video_rag.media import AUDIO_SUFFIXES, SUBTITLE_SUFFIXES, VIDEO_SUFFIXES
from video_rag.model import Chapter, Origin, Video

Info = Mapping[str, Any]

_NAMELESS = frozenset({"", "generic", "html5mediaembed"})
"""Extractors whose ids are file names, so that two sites share them."""
_LISTS = re.compile(
    r"(?:tab|playlist|channel|collection|favorites?list|series|season|album|space\w*|user)$"
)
_ITEM = re.compile(r"item=(\d+)")
_YOUTUBE = re.compile(
    r"https?://(?:(?:www\.|m\.)?youtube\.com/(?:watch\?(?:[^#]*&)?v=|shorts/|live/)|youtu\.be/)"
    r"([\w-]{11})"
)
_BILIBILI = re.compile(r"https?://(?:www\.|m\.)?bilibili\.com/video/(BV\w+)")
_TRACKING = re.compile(r"utm_\w+|fbclid|gclid|spm_id_from|vd_source|si")
_CHAT = frozenset({"danmaku", "live_chat", "rechat"})
"""What viewers wrote, which yt-dlp lists among the subtitles."""


@dataclass(frozen=True)
class Track:
    """Subtitles worth fetching: `key` is yt-dlp's name for them."""

    key: str
    language: str | None
    origin: Origin


def is_list(info: Info) -> bool:
    """Whether an entry of a list is a list itself, such as a channel's tab."""
    return info.get("_type") == "playlist" or bool(_LISTS.search(_extractor(info)))


def video_of(info: Info, *, fallback_url: str, item: int | None = None) -> Video:
    """A video from a full or a flat info dictionary.

    `fallback_url` stands in where the dictionary has no address. `item` is the number of a video
    on a page that has several and no address for each.
    """
    url = plain(str(info.get("webpage_url") or info.get("url") or fallback_url))
    if item is not None:
        url = f"{url}#item={item}"
    video_id = _video_id(info, url)
    return Video(
        video_id=video_id,
        source="ytdlp",
        url=url,
        title=_title(info, item) or _name_in(url),
        channel=_first(info, "channel", "uploader", "playlist_channel", "playlist_uploader"),
        published=_published(info),
        duration=_seconds(info.get("duration")),
        language=language_of(str(info.get("language") or "")),
        chapters=chapters_of(info),
    )


def chapters_of(info: Info) -> tuple[Chapter, ...]:
    """The author's chapters that have a length and a title."""
    chapters = []
    for row in info.get("chapters") or ():
        start, end = _seconds(row.get("start_time")) or 0.0, _seconds(row.get("end_time"))
        title = _line(row.get("title"))
        if end is not None and end > start and title:
            chapters.append(Chapter(start=start, end=end, title=title))
    return tuple(chapters)


def tracks_of(info: Info, wanted: tuple[str, ...]) -> tuple[Track, ...]:
    """The subtitles to fetch: one for each wanted language and the speaker's own.

    Those made by people come first; a machine's only in the language it heard, since the others
    are translations of it, and only where people made none. `wanted` may hold `all`.
    """
    spoken = language_of(str(info.get("language") or ""))
    keys = [
        key for key, formats in (info.get("subtitles") or {}).items() if _readable(key, formats)
    ]
    machine = [key for key in keys if key.startswith("ai-")]
    human = [key for key in keys if key not in machine]
    chosen: dict[str | None, Track] = {}

    def choose(keys: list[str], origin: Origin) -> None:
        for key in sorted(keys, key=_plainness):
            language = language_of(key)
            if "all" in wanted or language in {*wanted, spoken, None}:
                chosen.setdefault(language, Track(key, language, origin))

    choose(human, "platform")
    choose(machine + _heard(info, spoken), "platform-auto")
    return tuple(chosen.values())


def language_of(key: str) -> str | None:
    """The primary tag in a platform's name of a track: `ai-zh`, `en-orig`, `zh-Hans`."""
    return normalise(key)


def plain(url: str) -> str:
    """A URL without the extractor's private notes in its fragment."""
    return url.split("#__youtubedl_smuggle", 1)[0]


def split_item(url: str) -> tuple[str, int | None]:
    """`https://site/page#item=2` → the page and 2."""
    address, _, fragment = url.partition("#")
    match = _ITEM.fullmatch(fragment)
    return (address, int(match[1])) if match else (url, None)


def canonical(url: str) -> str:
    """One spelling of an address: lower-case host, no default port, no tracking, no fragment."""
    page, item = split_item(url)
    parts = urlsplit(page)
    host = (parts.hostname or "").lower()
    default = {"http": 80, "https": 443}.get(parts.scheme)
    port = f":{parts.port}" if parts.port and parts.port != default else ""
    rows = parse_qsl(parts.query, keep_blank_values=True)
    query = urlencode([(name, value) for name, value in rows if not _TRACKING.fullmatch(name)])
    clean = urlunsplit((parts.scheme, host + port, parts.path or "/", query, ""))
    return f"{clean}#item={item}" if item else clean


def link_to(url: str, seconds: float) -> str:
    """A link that opens a site's player at a second; the page itself where that cannot be said."""
    address, _ = split_item(url)
    parts = urlsplit(address)
    host = (parts.hostname or "").removeprefix("www.").removeprefix("m.")
    whole = int(max(seconds, 0.0))
    if host == "youtube.com":
        return _with_query(address, "t", f"{whole}s")
    if host in {"youtu.be", "bilibili.com"}:
        return _with_query(address, "t", str(whole))
    if host == "dailymotion.com":
        return _with_query(address, "start", str(whole))
    if host in {"vimeo.com", "player.vimeo.com"}:
        return urlunsplit(parts._replace(fragment=f"t={whole}s"))
    if PurePosixPath(parts.path).suffix.lower() in VIDEO_SUFFIXES | AUDIO_SUFFIXES:
        at = f"{max(seconds, 0.0):.3f}".rstrip("0").rstrip(".")
        return urlunsplit(parts._replace(fragment=f"t={at}"))
    return address


def _with_query(url: str, name: str, value: str) -> str:
    """A URL with one parameter set, the others and their order kept, no fragment."""
    parts = urlsplit(url)
    rows = [row for row in parse_qsl(parts.query, keep_blank_values=True) if row[0] != name]
    return urlunsplit(parts._replace(query=urlencode([*rows, (name, value)]), fragment=""))


def _extractor(info: Info) -> str:
    return str(info.get("extractor_key") or info.get("ie_key") or "").lower()


def _video_id(info: Info, url: str) -> str:
    """`youtube:dQw4…`, `bilibili:BV…_p2`; `web:` and a hash where the site gives no real id."""
    extractor, native = _extractor(info), str(info.get("id") or "")
    if extractor not in _NAMELESS and native:
        return f"{extractor}:{native}"
    if match := _YOUTUBE.match(url):
        return f"youtube:{match[1]}"
    if match := _BILIBILI.match(url):
        part = parse_qs(urlsplit(url).query).get("p")
        return f"bilibili:{match[1]}" + (f"_p{part[-1]}" if part else "")
    return f"web:{of_value(canonical(url))[:16]}"


def _heard(info: Info, spoken: str | None) -> list[str]:
    """The automatic captions in the language of the speaker, as far as that can be told."""
    captions = info.get("automatic_captions") or {}
    keys = [key for key, formats in captions.items() if _readable(key, formats)]
    original = [key for key in keys if key.endswith("-orig")]
    if original:
        return original
    if spoken is not None:
        return [key for key in keys if language_of(key) == spoken]
    return keys if len(keys) == 1 else []


def _readable(key: str, formats: Any) -> bool:
    """Whether a track is speech, in a format that we read."""
    return key not in _CHAT and any(
        f".{row.get('ext')}" in SUBTITLE_SUFFIXES for row in formats or ()
    )


def _plainness(key: str) -> tuple[bool, int, str]:
    """Sorts `en` before `en-GB`, and simplified before traditional Chinese."""
    return "hant" in key.lower() or key.lower() in {"zh-tw", "zh-hk"}, len(key), key


def _published(info: Info) -> str | None:
    """The day of publication, ISO 8601."""
    date = str(info.get("release_date") or info.get("upload_date") or "")
    if re.fullmatch(r"\d{8}", date):
        return f"{date[:4]}-{date[4:6]}-{date[6:]}"
    stamp = info.get("timestamp")
    if isinstance(stamp, int | float):
        return dt.datetime.fromtimestamp(stamp, dt.UTC).date().isoformat()
    return None


def _seconds(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and value >= 0 else None


def _title(info: Info, item: int | None) -> str:
    """The title, without the number that yt-dlp gives to the only video of a page."""
    title = _line(info.get("title"))
    alone = _extractor(info) == "html5mediaembed" and item is None
    return title.removesuffix(" (1)") if alone else title


def _first(info: Info, *names: str) -> str | None:
    return next((_line(info[name]) for name in names if info.get(name)), None)


def _line(value: Any) -> str:
    return " ".join(str(value or "").split())


def _name_in(url: str) -> str:
    """The last part of an address, for videos that nobody named."""
    parts = urlsplit(url)
    return PurePosixPath(parts.path).stem or parts.hostname or url
