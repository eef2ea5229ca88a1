"""yt-dlp with our options; its errors become ours. The only module that imports it, and late."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from video_rag import guard
from video_rag.errors import ContentError, NeedsExtra
from video_rag.sources import Places
from video_rag.sources._ytdlp_options import Options
from video_rag.sources.downloads import Log, cookies_in, ffmpeg, limit
from video_rag.sources.weberrors import redacted, translate

SUBTITLE_FORMATS = "vtt/srt/ass/ssa"


class Session:
    """An open yt-dlp."""

    def __init__(self, downloader: Any, sessions: Sessions) -> None:
        self.downloader = downloader
        self._sessions = sessions

    def extract(self, url: str) -> dict[str, Any]:
        """yt-dlp's facts about a URL."""
        self._sessions.check(url)
        with translated(redacted(url)):
            info = self.downloader.extract_info(url, download=False)
        if not info:
            raise ContentError(f"{redacted(url)}: nothing was found", hint="check the URL")
        return dict(info)


class Sessions:
    """Opens yt-dlp for one URL after another."""

    def __init__(self, options: Options, places: Places) -> None:
        self.options = options
        self.places = places

    def check(self, url: str) -> None:
        """Refuse a URL that must not be fetched: see `guard.check_url`."""
        guard.check_url(
            url, allow_private=self.places.allow_private, resolve=self.options.proxy is None
        )

    @contextmanager
    def open(
        self, url: str, more: dict[str, Any], scratch: Path | None = None
    ) -> Iterator[Session]:
        """yt-dlp with our options; its errors become ours, named after `url`."""
        self.check(url)
        try:
            import yt_dlp
        except ImportError as error:
            raise NeedsExtra("yt-dlp", "download") from error
        parameters = self._parameters(scratch) | more
        with translated(redacted(url)), yt_dlp.YoutubeDL(parameters) as downloader:
            yield Session(downloader, self)

    def _parameters(self, scratch: Path | None) -> dict[str, Any]:
        """yt-dlp's parameters; those not named keep its defaults."""
        options = self.options
        program = ffmpeg() if scratch else None
        chosen = "bv*+ba/b" if program else "b/bv*"
        parameters: dict[str, Any] = {
            "quiet": True,
            "noprogress": True,
            "color": "no_color",
            "logger": Log(),
            "cachedir": False,
            "extract_flat": "in_playlist",
            "js_runtimes": {"deno": {}, "node": {}},
            "remote_components": [],
            "socket_timeout": options.timeout,
            "retries": options.retries,
            "fragment_retries": options.retries,
            "extractor_retries": options.retries,
            "file_access_retries": 1,
            "sleep_interval_requests": options.sleep_requests,
            "sleep_interval_subtitles": options.sleep_subtitles,
            "format": options.format or chosen,
            "format_sort": [f"res:{options.max_height}", "vcodec:h264", "acodec:aac"],
            "subtitlesformat": SUBTITLE_FORMATS,
            "max_filesize": options.max_bytes,
            "progress_hooks": [limit(options.max_bytes)],
            "updatetime": False,
            "ffmpeg_location": program,
            "ratelimit": options.bytes_per_second,
            "proxy": options.proxy.get_secret_value() if options.proxy else None,
        }
        if options.cookies is not None:
            parameters["cookiefile"] = cookies_in(options.cookies)
        if scratch is not None:
            parameters["outtmpl"] = {
                "default": str(scratch / "media").replace("%", "%%") + ".%(ext)s"
            }
        return parameters


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Turn yt-dlp's errors into ours; `what` names the video in the message."""
    from yt_dlp.utils import DownloadCancelled, YoutubeDLError

    try:
        yield
    except DownloadCancelled as error:
        raise ContentError(f"{what}: {error}", hint="raise max_bytes in [sources.ytdlp]") from error
    except YoutubeDLError as error:
        raise translate(error, what) from error
