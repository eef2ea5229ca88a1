"""YouTube, Bilibili and every other site, through yt-dlp.

What is set: `_ytdlp_options` · opening yt-dlp: `_ytdlp_session` · lists: `_ytdlp_lists` ·
one video: `_ytdlp_fetch`. Only `_ytdlp_session` imports yt-dlp, and late: it takes half a second.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from video_rag.errors import ContentError, NeedsExtra, VideoRagError
from video_rag.model import MediaSet, Video
from video_rag.sites import site_of
from video_rag.sources import Lane, Places, _ytdlp_lists, web
from video_rag.sources._ytdlp_fetch import Fetch
from video_rag.sources._ytdlp_options import Options as YtDlpOptions
from video_rag.sources._ytdlp_session import Sessions
from video_rag.sources.downloads import ffmpeg
from video_rag.sources.weberrors import redacted


class YtDlp:
    """Any http or https URL that yt-dlp takes: a video, a playlist, a channel, a page, a feed."""

    version = Fetch.version
    Options = YtDlpOptions

    def __init__(self, options: YtDlpOptions, *, places: Places) -> None:
        self.options = options
        self.places = places
        self._sessions = Sessions(options, places)
        self._fetch = Fetch(options, places, self._sessions)

    def check(self) -> str:
        """Versions of what downloads need. Raises `NeedsExtra`."""
        try:
            from yt_dlp.version import __version__
        except ImportError as error:
            raise NeedsExtra("yt-dlp", "download") from error
        scripts = find_spec("deno") or shutil.which("deno") or shutil.which("node")
        youtube = "JavaScript for YouTube" if scripts else "no deno or node: YouTube gives little"
        return f"yt-dlp {__version__}, {youtube}, {'ffmpeg' if ffmpeg() else 'no ffmpeg'}"

    def claims(self, url: str) -> bool:
        """Whether this is an http or https URL."""
        return url.lower().startswith(("http://", "https://"))

    def discover(self, url: str) -> Iterator[Video | VideoRagError]:
        """The videos behind a URL; those of lists and channels without opening each.

        Raises `UnsupportedUrl`, `ContentError`, `Unavailable`, `Rejected`, `BadSettings`,
        `NeedsExtra`.
        """
        seen: set[str] = set()
        found = None
        with self._sessions.open(url, {"noplaylist": _is_watch_page(url)}) as session:
            for found in _ytdlp_lists.videos(
                session, session.extract(url), url, _ytdlp_lists.DEEPEST
            ):
                if isinstance(found, Video):
                    if found.video_id in seen:
                        continue
                    seen.add(found.video_id)
                yield found
        if found is None:
            raise ContentError(f"{redacted(url)}: the list is empty", hint="check the URL")

    def parts(self, video: Video) -> Iterator[Video | VideoRagError]:
        """The video itself."""
        yield video

    def fetch(self, video: Video, scratch: Path) -> MediaSet:
        """Download a video and its subtitles into the media folder; what is there stays.

        Raises `ContentError`, `Unavailable`, `Rejected`, `BadSettings`, `NeedsExtra`.
        """
        return self._fetch.fetch(video, scratch)

    def discard(self, video: Video) -> None:
        """Delete the folder of a video's downloads."""
        shutil.rmtree(self._fetch.folder(video), ignore_errors=True)

    def lane(self, video: Video) -> Lane:
        """The site of the video's page."""
        return Lane(site_of(video.url), self.options.concurrency)

    def link(self, video: Video, seconds: float) -> str:
        """The video's page, at that second where the site has a way to say so."""
        return web.link_to(video.url, seconds)


def _is_watch_page(url: str) -> bool:
    """A YouTube video that was opened from a list: the video is meant."""
    return re.match(r"https?://(?:(?:www\.|m\.)?youtube\.com/watch\?|youtu\.be/)", url) is not None
