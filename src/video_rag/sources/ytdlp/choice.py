"""What is fetched of one video: picture and sound, the sound alone, or subtitles alone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal, get_args

from video_rag.errors import ContentError, UsageError
from video_rag.sources.downloads import too_large
from video_rag.sources.ytdlp.options import Options

Wish = Literal["video", "audio", "subtitles"]

NATIVE = frozenset({"http", "https", "m3u8", "m3u8_native", "http_dash_segments"})
"""Protocols that yt-dlp fetches itself and over http alone; ffmpeg or rtmpdump fetch the others,
where neither the checking proxy nor a limit reaches."""
_SMALL = 360
"""Height of the picture that comes along where a site has no separate sound."""
_HEIGHT = re.compile(r"([1-9]\d{2,3})p")
_LEFT_OVER = ("requested_formats", "requested_downloads", "requested_subtitles")


@dataclass(frozen=True)
class Choice:
    """What is wanted of a video."""

    wish: Wish
    height: int
    """Tallest picture in pixels, if offered."""
    format: str = ""
    """yt-dlp's format selector; empty chooses by height."""

    def parameters(self) -> dict[str, Any]:
        """yt-dlp's parameters for it; what is not named here stays as the session sets it."""
        height = min(self.height, _SMALL) if self.wish == "audio" else self.height
        chosen: dict[str, Any] = {
            "format_sort": [f"res:{height}", "vcodec:h264", "acodec:aac"],
            "hls_prefer_native": True,
            "skip_unavailable_fragments": False,  # a talk with a hole is no talk
            "fixup": "force",  # also of a download that was killed just before it
        }
        if self.wish == "audio":
            chosen["format"] = "ba/b"
        elif self.wish == "subtitles":
            chosen |= {"format": "b*", "ignore_no_formats_error": True}
        return chosen

    @property
    def mark(self) -> list[str | int]:
        """What decides the download, as JSON."""
        if self.wish == "video":
            return [self.height, self.format]
        return [self.wish]


def choice_of(options: Options, wanted: str) -> Choice:
    """The choice of the options, unless `Video.wanted` says otherwise. Raises `UsageError`."""
    if not wanted:
        return Choice(options.fetch, options.max_height, options.format)
    for wish in get_args(Wish):
        if wanted == wish:
            return Choice(wish, options.max_height, options.format)
    if match := _HEIGHT.fullmatch(wanted):
        return Choice("video", int(match[1]))
    raise UsageError(
        f"{wanted}: this cannot be fetched",
        hint="say video, audio, subtitles, or a greatest height such as 480p",
    )


def unchosen(info: dict[str, Any]) -> dict[str, Any]:
    """A video's facts without an earlier choice among its formats, and only with native ones.

    Raises `ContentError` when there are formats, but none that is fetched over http.
    """
    from yt_dlp.utils import determine_protocol

    clean = {key: value for key, value in info.items() if key not in _LEFT_OVER}
    formats = list(clean.get("formats") or ([clean] if clean.get("url") else ()))
    native = [row for row in formats if determine_protocol(row) in NATIVE]
    if formats and not native:
        protocols = ", ".join(sorted({str(determine_protocol(row)) for row in formats}))
        raise ContentError(
            f"{clean.get('title') or 'the video'}: it is sent by {protocols} only",
            hint="only http and https are fetched",
        )
    if clean.get("formats"):
        clean["formats"] = native
    return clean


def streams_of(chosen: dict[str, Any]) -> list[dict[str, Any]]:
    """The formats that are downloaded: picture and sound apart, or both in one."""
    return list(chosen.get("requested_formats") or [chosen])


def refuse_oversize(info: dict[str, Any], options: Options) -> None:
    """Raise `ContentError` for what is said beforehand to be longer or larger than allowed."""
    title = str(info.get("title") or "the video")
    refuse_overlong(info.get("duration"), options, title)
    size = sum(row.get("filesize") or 0 for row in streams_of(info))
    if size > options.max_bytes:
        raise too_large(title, options.max_bytes)


def refuse_overlong(seconds: object, options: Options, title: str) -> None:
    """Raise `ContentError` for a video of more than `max_seconds`."""
    if isinstance(seconds, int | float) and seconds > options.max_seconds:
        raise ContentError(
            f"{title}: longer than {options.max_seconds:.0f} seconds",
            hint="raise max_seconds in [sources.ytdlp]",
            reason="too-long",
        )
