"""The videos of a page, of a list and of the lists on it, from yt-dlp's facts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from video_rag.errors import ContentError, VideoRagError
from video_rag.model import Video
from video_rag.sources import web
from video_rag.sources._ytdlp_session import Session
from video_rag.sources.weberrors import redacted

DEEPEST = 3
"""Lists within lists: a channel, its tabs, their videos."""


def videos(
    session: Session, info: dict[str, Any], url: str, depth: int
) -> Iterator[Video | VideoRagError]:
    """The videos of a page, and those of the lists on it."""
    if info.get("_type") != "playlist":
        check_over(info)
        yield web.video_of(info, fallback_url=url)
        return
    entries = [dict(entry) for entry in info.get("entries") or () if entry]
    for number, entry in enumerate(entries, start=1):
        item = number if entry.get("formats") and len(entries) > 1 else None
        entry.setdefault("playlist_channel", info.get("channel") or info.get("uploader"))
        try:
            if web.is_list(entry) and depth > 0:
                address = web.plain(str(entry.get("url") or url))
                inner = entry if "entries" in entry else session.extract(address)
                yield from videos(session, inner, address, depth - 1)
            else:
                check_over(entry)
                yield web.video_of(entry, fallback_url=url, item=item)
        except VideoRagError as error:
            yield error


def check_over(info: dict[str, Any]) -> None:
    """Refuse what has no fixed content yet, or no longer any."""
    title = str(info.get("title") or "the video")
    if info.get("is_live") or info.get("live_status") in {"is_live", "is_upcoming"}:
        raise ContentError(f"{title} is not over yet", hint="add it again when it is")
    if title in {"[Private video]", "[Deleted video]"}:
        raise ContentError(f"{redacted(str(info.get('url')))}: {title[1:-1].lower()}")
