"""The parts of a video on Bilibili, which the site numbers with `?p=`.

yt-dlp names the parts by their addresses alone, and opens a video that has none wholly. One call
of the site's own interface, which its pages use too, tells titles, lengths and day of all parts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from video_rag.errors import ContentError, Unavailable, VideoRagError
from video_rag.model import Video
from video_rag.sources import web
from video_rag.sources.weberrors import redacted
from video_rag.sources.ytdlp.session import Session

_VIEW = "https://api.bilibili.com/x/web-interface/view?bvid="
_REFERER = "https://www.bilibili.com/"
_CODES = {
    -404: ("deleted", "is not there"),
    62002: ("deleted", "was taken down"),
    62004: ("upcoming", "is being looked over by the site"),
    62012: ("private", "is only for its author"),
}
"""What the site answers in place of a video; other codes are left to yt-dlp."""
_RISK = frozenset({-352, -401, -412, -799})
"""Codes for: you ask too much."""
_DAY = 86_400.0


def videos(
    session: Session, name: str, part: int | None, *, is_member: bool
) -> list[Video | VideoRagError] | None:
    """The parts of a video, each a video; one alone where it has one, or where `part` names it.

    None where the answer is of another kind (an episode of a series that is sold, a video with
    choices, an unknown form), so that yt-dlp must look itself. Raises `ContentError`,
    `Unavailable`.
    """
    answer = _ask(session, name)
    if answer is None:
        return None
    data = answer.get("data")
    if _check(answer.get("code"), name) and isinstance(data, dict) and not _is_other(data):
        if data.get("is_upower_exclusive") and not is_member:
            raise _absent(name, "members-only", "is for members of its channel")
        return videos_of(data, name, part)
    return None


def videos_of(
    data: Mapping[str, Any], name: str, part: int | None
) -> list[Video | VideoRagError] | None:
    """The videos of the site's answer: see `videos`."""
    pages = [row for row in data.get("pages") or () if isinstance(row, dict) and row.get("page")]
    if not pages:
        return None
    if len(pages) == 1 and part in {None, 1}:
        return [_video(data, pages[0], name, alone=True)]
    chosen = [row for row in pages if part in {None, row["page"]}]
    if not chosen:
        raise _absent(name, "deleted", f"has {len(pages)} parts and no part {part}")
    return [_video(data, row, name, alone=False) for row in chosen]


def _video(data: Mapping[str, Any], row: Mapping[str, Any], name: str, *, alone: bool) -> Video:
    """One part, told as yt-dlp tells it when it is fetched."""
    page, series = f"https://www.bilibili.com/video/{name}", str(data.get("title") or "")
    number = int(row["page"])
    owner = data.get("owner")
    return web.video_of(
        {
            "extractor_key": "BiliBili",
            "id": name if alone else f"{name}_p{number}",
            "webpage_url": page if alone else f"{page}?p={number}",
            "title": series if alone else web.part_title(series, str(row.get("part")), number),
            "uploader": owner.get("name") if isinstance(owner, dict) else None,
            "timestamp": data.get("pubdate"),
            "duration": row.get("duration"),
        },
        fallback_url=page,
    )


def _ask(session: Session, name: str) -> dict[str, Any] | None:
    """The site's answer; None where it is none, unless it is busy or wants to be left alone."""
    from yt_dlp.networking import Request

    try:
        with session.translated(f"bilibili {name}"):
            request = Request(_VIEW + quote(name), headers={"Referer": _REFERER})
            with session.downloader.urlopen(request) as response:
                answer = json.loads(response.read(1_000_000))
    except Unavailable:
        raise
    except (VideoRagError, ValueError):
        return None
    return answer if isinstance(answer, dict) else None


def _check(code: Any, name: str) -> bool:
    """Whether the site gave the video; raises where it says why not."""
    if code in _RISK:
        raise Unavailable(
            f"bilibili {name}: the site wants to be left alone ({code})",
            hint="try again later, with cookies of a signed-in browser",
            reason="risk-control",
        )
    if code in _CODES:
        raise _absent(name, *_CODES[code])
    return bool(code == 0)


def _is_other(data: Mapping[str, Any]) -> bool:
    """Whether it is shown on another kind of page, or has choices in place of parts."""
    rights = data.get("rights")
    return bool(
        data.get("redirect_url") or (isinstance(rights, dict) and rights.get("is_stein_gate"))
    )


def _absent(name: str, reason: str, words: str) -> ContentError:
    error = ContentError(
        f"bilibili {name} {words}",
        hint="open it in a browser to see whether it is there",
        reason=reason,
        retry_after=_DAY if reason == "upcoming" else None,
    )
    error.video_id = f"bilibili:{name}"
    return error


def part_note(info: dict[str, Any], video: Video) -> tuple[str, ...]:
    """A note where only part 1 came: Bilibili's answer when a list names a series as one video."""
    if web.video_of(info, fallback_url=video.url).video_id != f"{video.video_id}_p1":
        return ()
    return (f"only part 1 of a series; add {redacted(video.url)} by itself to have them all",)
