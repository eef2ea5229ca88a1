"""The videos of a page, of a list and of the lists on it, from yt-dlp's facts.

Entries of a list are taken as the site's extractor gives them: yt-dlp's own way through a list
works on each entry for a third of a millisecond, and reads it to its end before it says anything.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain, islice
from typing import Any

from video_rag.errors import ContentError, Rejected, Unavailable, VideoRagError
from video_rag.model import Video
from video_rag.sources import web
from video_rag.sources.weberrors import redacted
from video_rag.sources.ytdlp.session import Session

DEEPEST = 3
"""Lists within lists: a channel, its tabs, their videos."""
DATES = {"extractor_args": {"youtubetab": {"approximate_date": [""]}}}
"""YouTube's lists say "3 weeks ago"; without this yt-dlp leaves the date out."""
LIVE_AGAIN = 3 * 3600.0
"""Seconds until a talk that is live is looked at again."""
UPCOMING_AGAIN = 86_400.0
"""Seconds until one is looked at again of which nobody says when it begins."""
_SOON = 3600.0
_MOST_REDIRECTS = 5
_WALLS = frozenset({"bot-check", "sign-in", "cookies-expired", "po-token"})
"""Refusals that hold for the rest of a list too."""

_TITLES = {
    "[private video]": "private",
    "[deleted video]": "deleted",
    "[unavailable video]": "deleted",
    "已失效视频": "deleted",
    "已失效": "deleted",
}
"""What the sites write in place of the title of a video that is gone."""
_BADGES = {"private": "private", "premium_only": "premium", "subscriber_only": "members-only"}
"""`availability` of yt-dlp as our reasons."""
_WORDS = {
    "private": ("is private", ""),
    "deleted": ("was deleted", ""),
    "premium": ("is for paying members of the site", ""),
    "members-only": ("is for members of its channel", ""),
    "upcoming": ("is not over yet: it has not begun", "it is looked at again when it has"),
    "live": ("is not over yet: it is live", "it is looked at again when it is over"),
}
_COOKIES = 'with cookies of a member it can be had: [sources.ytdlp] cookies = "cookies.txt"'


def check_over(info: dict[str, Any]) -> None:
    """Refuse what has no fixed content yet, or no longer any. Raises `ContentError`."""
    if error := absence(info, is_member=True):
        raise error


def absence(info: dict[str, Any], *, is_member: bool = False) -> ContentError | None:
    """Why an entry of a list, or a video, cannot be had; None for a good one.

    `is_member`: whether cookies are sent, so that what is marked as private or for members may be
    open to us. A recording is a video like others once it is ready.
    """
    title = str(info.get("title") or "").strip()
    state = info.get("live_status")
    reason, wait = _TITLES.get(title.lower(), ""), None
    if state == "is_upcoming":
        reason, wait = "upcoming", _until(info.get("release_timestamp"))
    elif info.get("is_live") or state in {"is_live", "post_live"}:
        reason, wait = "live", LIVE_AGAIN
    elif not reason and not is_member:
        reason = _BADGES.get(str(info.get("availability")), "")
    if not reason:
        return None
    words, hint = _WORDS[reason]
    if reason in {"premium", "members-only"}:
        hint = _COOKIES
    video = web.video_of(info, fallback_url="")
    name = video.title if title.lower() not in _TITLES and title else video.url
    error = ContentError(f"{redacted(name)} {words}", hint=hint, reason=reason, retry_after=wait)
    error.video_id = video.video_id
    return error


def _until(stamp: Any) -> float:
    """Seconds from now to a time; an hour at least, since talks begin late."""
    if isinstance(stamp, int | float) and not isinstance(stamp, bool):
        return max(float(stamp) - time.time(), _SOON)
    return UPCOMING_AGAIN


def resolved(session: Session, url: str) -> dict[str, Any]:
    """yt-dlp's facts about a URL; the entries of a list are not looked at yet.

    Raises what yt-dlp's errors mean.
    """
    address, key = url, None
    for _ in range(_MOST_REDIRECTS):
        with session.translated(redacted(url)):
            found = session.downloader.extract_info(
                address, download=False, process=False, ie_key=key
            )
            if found and found.get("_type", "video") not in {"url", "playlist"}:
                found = session.downloader.process_ie_result(dict(found), download=False)
        if not found:
            break
        if found.get("_type") != "url":
            return dict(found)
        address, key = str(found.get("url") or ""), found.get("ie_key")
    raise ContentError(f"{redacted(url)}: nothing was found", hint="check the URL", reason="empty")


def is_member(session: Session) -> bool:
    """Whether cookies are sent, so that we may see what others may not."""
    parameters = session.downloader.params
    return bool(parameters.get("cookiefile") or parameters.get("cookiesfrombrowser"))


def is_feed(info: dict[str, Any]) -> bool:
    """Whether yt-dlp read RSS, of which it keeps less than we do."""
    entries = info.get("entries")
    return (
        str(info.get("extractor_key")).lower() == "generic"
        and isinstance(entries, list)
        and bool(entries)
        and all(entry.get("_type") == "url_transparent" for entry in entries if entry)
    )


class Reader:
    """Reads a page with all the lists on it; `found` is what it found, each video once."""

    def __init__(self, session: Session, most: int) -> None:
        self.session = session
        self.most = most
        """Greatest number of entries, those of all lists together."""
        self.found: list[Video | VideoRagError] = []
        self._count = 0
        self._seen: set[str] = set()
        self._is_list: dict[str, bool] = {}
        self._is_member = is_member(session)

    def read(self, info: dict[str, Any], url: str, depth: int = DEEPEST) -> None:
        """Read a page or list. Raises `ContentError`, `Unavailable`, `Rejected`."""
        if info.get("_type") != "playlist":
            check_over(info)
            self._keep(web.video_of(info, fallback_url=url))
            return
        if (info.get("playlist_count") or 0) > self.most:
            raise self._too_large(url)
        entries = _entries(info)
        with _reading(self.session, url):
            first = list(islice(entries, 2))
            rows = enumerate((row for row in chain(first, entries) if row), start=1)
            for number, entry in rows:
                self._count += 1
                if self._count > self.most:
                    raise self._too_large(url)
                item = number if len(first) > 1 else None
                self._take(_told(entry, info, url, item), url, item, depth)

    def _take(self, entry: dict[str, Any], url: str, item: int | None, depth: int) -> None:
        """Keep one entry, or read the list that it is; one at fault is kept as the error."""
        try:
            if self._leads_to_list(entry):
                self._go_into(entry, url, depth)
                return
            if error := absence(entry, is_member=self._is_member):
                self._keep(error)
                return
            has_page = entry.get("_type") == "url" or entry.get("webpage_url") != url
            self._keep(web.video_of(entry, fallback_url=url, item=None if has_page else item))
        except VideoRagError as error:
            if isinstance(error, Unavailable) or error.reason in _WALLS | {"too-large"}:
                raise  # the rest would not be read either, and half a list is not the list
            self._keep(error)

    def _go_into(self, entry: dict[str, Any], url: str, depth: int) -> None:
        """Read a list within a list."""
        address = str(entry.get("url") or entry.get("webpage_url") or url)
        if depth <= 0:
            raise ContentError(
                f"{redacted(address)}: a list within {DEEPEST} lists is not read",
                hint="add its URL by itself",
            )
        if entry.get("_type") == "playlist":
            self.read(entry, address, depth - 1)
        else:
            inner = resolved(self.session, address)
            self.read(inner, web.plain(address), depth - 1)

    def _leads_to_list(self, entry: dict[str, Any]) -> bool:
        """Whether an entry is a list, by its kind, else by what its extractor says it gives."""
        if web.is_list(entry):
            return True
        key = str(entry.get("ie_key") or "")
        if not key or not str(entry.get("_type")).startswith("url"):
            return False
        if key not in self._is_list:
            extractor = self.session.downloader.get_info_extractor(key)
            says = extractor.is_single_video(str(entry.get("url") or ""))
            self._is_list[key] = says is False
        return self._is_list[key]

    def _keep(self, found: Video | VideoRagError) -> None:
        if found.video_id:
            if found.video_id in self._seen:
                return
            self._seen.add(found.video_id)
        self.found.append(found)

    def _too_large(self, url: str) -> ContentError:
        return ContentError(
            f"{redacted(url)}: the list has more than {self.most} videos",
            hint="raise max_entries in [sources.ytdlp], or add single videos",
            reason="too-large",
        )


def _entries(info: dict[str, Any]) -> Iterator[Any]:
    """The entries of a list, asked for as they are needed."""
    entries: Any = info.get("entries") or ()
    pages = getattr(entries, "_getslice", None)  # its public ways stop at a page that is short
    return iter(pages(0, None) if pages else entries)


@contextmanager
def _reading(session: Session, url: str) -> Iterator[None]:
    """Extractors read on while their entries are taken: what goes wrong there is theirs."""
    try:
        with session.translated(redacted(url)):
            yield
    except (AssertionError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise Rejected(
            f"{redacted(url)}: the list has another form than expected ({type(error).__name__})",
            hint="the site may have changed: update yt-dlp (video-rag update)",
            reason="changed",
        ) from error


def _told(
    entry: Iterable[tuple[str, Any]], owner: dict[str, Any], url: str, item: int | None
) -> dict[str, Any]:
    """An entry with what its list says of it."""
    row = dict(entry)
    if row.get("_type", "video") == "video":
        row = {
            "extractor_key": owner.get("extractor_key"),
            "extractor": owner.get("extractor"),
            "webpage_url": url,
        } | row
    if web.owns_its_videos(owner):
        row.setdefault("playlist_channel", owner.get("channel") or owner.get("uploader"))
    elif not row.get("playlist_channel"):
        row.pop("playlist_uploader", None)
    if not row.get("title") and owner.get("title") and item:
        named = web.named_by(web.plain(str(row.get("url") or "")))
        if named and "_p" in named[0]:  # the parts of a series on Bilibili come without titles
            number = int(named[0].rpartition("_p")[2])
            row["title"] = web.part_title(str(owner["title"]), "", number)
    return row
