"""What yt-dlp's info dictionaries say, as our nouns; the links that open a site's player."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from video_rag.digest import of_value
from video_rag.media import AUDIO_SUFFIXES, SUBTITLE_SUFFIXES, VIDEO_SUFFIXES
from video_rag.model import Chapter, Origin, Video
from video_rag.net import guard
from video_rag.text.languages import normalise

Info = Mapping[str, Any]

_NAMELESS = frozenset({"", "generic", "html5mediaembed"})
"""Extractors whose ids are file names, so that two sites share them."""
_LISTS = re.compile(
    r"(?:tab|playlist|channel|collection|favorites|series|season|album|space\w*|user|watchlater)"
    r"(?:list)?$"
)
_OWNED = re.compile(r"(?:tab|channel|user|space\w*|(?:collection|series|album)(?:list)?)$")
_LIST_PAGE = re.compile(
    r"https?://(?:(?:www|m|music)\.youtube\.com/(?:playlist\?|channel/|c/|user/|@)"
    r"|space\.bilibili\.com/\d+)"
)
"""Addresses of lists, for entries of which nobody says what they are."""
_ITEM = re.compile(r"item=(\d+)")
_MAY_BE_NAMED = re.compile("youtu|bilibili", re.IGNORECASE)
_YOUTUBE_HOSTS = frozenset({"youtube.com", "music.youtube.com", "youtube-nocookie.com"})
_YOUTUBE_PATHS = frozenset({"shorts", "live", "embed", "v"})
_YOUTUBE_ID = re.compile(r"(?!videoseries$|live_stream$)[\w-]{11}", re.ASCII)
"""Eleven characters; two words of that length in `/embed/…` stand for lists."""
_BILIBILI_PATH = re.compile(r"/(?:s/)?video/([BbAa][Vv])(\w+)", re.ASCII)
_BILIBILI_PART = re.compile(r"_p([1-9]\d*)$", re.ASCII)
_BV_LETTERS = "FcwAPNKTMug3GV5Lj7EJnHpWsx4tb8haYeviqBz6rkCy12mUSDQX9RdoZf"
_BV_KEY, _BV_SPACE = 23442827791579, 1 << 51
"""How Bilibili writes its old numbers: `av170001` is `BV17x411w7KC`."""
_TRACKING = re.compile(r"utm_\w+|fbclid|gclid|spm_id_from|vd_source|si")
_LONGEST_TITLE = 500
_DECEPTIVE = dict.fromkeys(guard.DECEPTIVE)
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
    if info.get("_type") == "playlist":
        return True
    extractor = _extractor(info)
    if extractor:
        return bool(_LISTS.search(extractor))
    return bool(_LIST_PAGE.match(str(info.get("url") or "")))


def owns_its_videos(info: Info) -> bool:
    """Whether the owner of a list made its videos: of a channel, not of somebody's favourites."""
    if re.search(r"[?&]list=(?!UU)", str(info.get("webpage_url") or "")):
        return False
    return bool(_OWNED.search(_extractor(info)))


def video_of(info: Info, *, fallback_url: str, item: int | None = None) -> Video:
    """A video from a full or a flat info dictionary.

    `fallback_url` stands in where the dictionary has no address. `item` is the number of a video
    on a page that has several and no address for each.
    """
    url = plain(str(info.get("webpage_url") or info.get("url") or fallback_url))
    named = named_by(url)
    video_id = _video_id(info, f"{url}#item={item}" if item else url, named)
    url = named[1] if named else url
    if item is not None:
        url = f"{url}#item={item}"
    return Video(
        video_id=video_id,
        source="ytdlp",
        url=url,
        title=_title(info, item, video_id) or _name_in(url),
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
        title = line(row.get("title"))
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
    choose(_original(machine, spoken) + _heard(info, spoken), "platform-auto")
    return tuple(chosen.values())


def _original(machine: list[str], spoken: str | None) -> list[str]:
    """Of Bilibili's `ai-zh`, `ai-en` … the one that was heard; the others are translations of it.

    The site does not say what is spoken: where it has Chinese, that is taken for it.
    """
    return sorted(machine, key=lambda key: (language_of(key) != (spoken or "zh"), key))[:1]


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


def named_by(url: str) -> tuple[str, str] | None:
    """Id and page of a video of YouTube or Bilibili, as far as its address alone tells them.

    All spellings of an address give the same: short links, shorts, embedded players, the mobile
    site, `av` numbers; lists that it was opened from, times and tracking are dropped, `p=` stays.
    """
    if not _MAY_BE_NAMED.search(url):  # most are not, and taking an address apart takes longer
        return None
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").removeprefix("www.").removeprefix("m.")
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"}:
        return None
    query = parse_qs(parts.query)
    if host == "bilibili.com":
        return _bilibili(parts.path, query)
    first, _, rest = parts.path.strip("/").partition("/")
    native = ""
    if host == "youtu.be":
        native = first
    elif host in _YOUTUBE_HOSTS:
        native = rest if first in _YOUTUBE_PATHS else ""
        native = query.get("v", [""])[-1] if first == "watch" else native
    if not _YOUTUBE_ID.fullmatch(native := native.partition("/")[0]):
        return None
    return f"youtube:{native}", f"https://www.youtube.com/watch?v={native}"


def _bilibili(path: str, query: Mapping[str, list[str]]) -> tuple[str, str] | None:
    """Id and page of a video of Bilibili."""
    match = _BILIBILI_PATH.match(path)
    if match:
        native = f"BV{match[2]}" if match[1] in {"BV", "bv", "Bv", "bV"} else _bv_of(match[2])
    else:
        native = query.get("bvid", [""])[-1] if path.startswith("/festival/") else ""
    if not re.fullmatch(r"BV\w+", native, re.ASCII):
        return None
    page = f"https://www.bilibili.com/video/{native}"
    part = query.get("p", [""])[-1]
    if not re.fullmatch(r"0*[1-9]\d{0,5}", part, re.ASCII):
        return f"bilibili:{native}", page
    return f"bilibili:{native}_p{int(part)}", f"{page}?p={int(part)}"


def _bv_of(number: str) -> str:
    """The name of a video that is given by its old number; empty for one that cannot be."""
    if not number.isdecimal() or not 0 < int(number) < _BV_SPACE:
        return ""
    rest, letters = (int(number) | _BV_SPACE) ^ _BV_KEY, []
    while rest:
        rest, digit = divmod(rest, len(_BV_LETTERS))
        letters.append(_BV_LETTERS[digit])
    row = ["1", *reversed(letters)]
    row[1], row[7] = row[7], row[1]
    row[2], row[5] = row[5], row[2]
    return "BV" + "".join(row)


def series_of(video: Video) -> tuple[str, int | None] | None:
    """Name and part of a video of Bilibili, which may be a series of parts; None for all others."""
    match = re.fullmatch(r"bilibili:(BV\w+?)(?:_p(\d+))?", video.video_id, re.ASCII)
    if not match or "_" in match[1]:
        return None
    return match[1], int(match[2]) if match[2] else None


@lru_cache(maxsize=64)
def canonical(url: str) -> str:
    """One spelling of an address: lower-case host, no default port, no tracking, no fragment.

    A fragment that is a path (`#/talks/3`) names the page and stays.
    """
    page, item = split_item(url)
    if named := named_by(page):
        return f"{named[1]}#item={item}" if item else named[1]
    try:
        parts = urlsplit(page)
        host, number = (parts.hostname or "").lower(), parts.port
    except ValueError:  # no address at all: whoever opens it will say so
        return url
    host = f"[{host}]" if ":" in host else host
    default = {"http": 80, "https": 443}.get(parts.scheme)
    port = f":{number}" if number and number != default else ""
    rows = parse_qsl(parts.query, keep_blank_values=True)
    query = urlencode([(name, value) for name, value in rows if not _TRACKING.fullmatch(name)])
    route = parts.fragment if parts.fragment.startswith(("/", "!")) else ""
    clean = urlunsplit((parts.scheme, host + port, parts.path or "/", query, route))
    return f"{clean}#item={item}" if item else clean


def link_to(url: str, seconds: float) -> str:
    """A link that opens a site's player at a second; the page itself where that cannot be said."""
    address, _ = split_item(url)
    if named := named_by(address):
        address = named[1]
    parts = urlsplit(address)
    host = (parts.hostname or "").removeprefix("www.").removeprefix("m.")
    whole = int(max(seconds, 0.0))
    if host == "youtube.com":
        return _with_query(address, "t", f"{whole}s")
    if host == "bilibili.com":
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


def _video_id(info: Info, url: str, named: tuple[str, str] | None) -> str:
    """`youtube:dQw4…`, `bilibili:BV…_p2`; `web:` and a hash where the site gives no real id."""
    extractor, native = _extractor(info), str(info.get("id") or "")
    if extractor == "bilibili" and not native.startswith("BV"):
        native = ""  # a search gives the old number
    if extractor not in _NAMELESS and native:
        return f"{extractor}:{native}"
    return named[0] if named else f"web:{of_value(canonical(url))[:16]}"


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
    try:
        if re.fullmatch(r"\d{8}", date, re.ASCII):
            return dt.date(int(date[:4]), int(date[4:6]), int(date[6:])).isoformat()
        stamp = _seconds(info.get("timestamp"))
        return None if stamp is None else day_of(stamp)
    except (ValueError, OverflowError, OSError):  # no such day
        return None


def day_of(stamp: float) -> str:
    """The UTC day of seconds since the epoch, ISO 8601. Raises like `datetime.fromtimestamp`."""
    return dt.datetime.fromtimestamp(stamp, dt.UTC).date().isoformat()


def _seconds(value: Any) -> float | None:
    if isinstance(value, int | float) and math.isfinite(value) and value >= 0:
        return float(value)
    return None


def _title(info: Info, item: int | None, video_id: str) -> str:
    """The title, without what yt-dlp puts into it by itself.

    That is the number of the only video of a page, and `p02` before the title of a part.
    """
    title = line(info.get("title"))
    part = _BILIBILI_PART.search(video_id)
    if part and video_id.startswith("bilibili:"):
        series, mark, rest = title.partition(f" p{int(part[1]):02d}")
        return part_title(series, rest, int(part[1])) if mark else title
    alone = _extractor(info) == "html5mediaembed" and item is None
    return title.removesuffix(" (1)") if alone else title


def part_title(series: str, part: str, number: int) -> str:
    """`series - part`; with the number of a part that has no title of its own."""
    series, part = line(series), line(part)
    return f"{series} - {number if part in {'', series} else part}" if series else part


def _first(info: Info, *names: str) -> str | None:
    return next((line(info[name]) for name in names if info.get(name)), None)


def line(value: Any) -> str:
    """One line that shows as what it is."""
    return " ".join(" ".join(str(value or "").split()).translate(_DECEPTIVE).split())[
        :_LONGEST_TITLE
    ].rstrip()


def _name_in(url: str) -> str:
    """The last part of an address, for videos that nobody named."""
    try:
        parts = urlsplit(url)
        return line(PurePosixPath(unquote(parts.path)).stem) or parts.hostname or url
    except ValueError:
        return url
