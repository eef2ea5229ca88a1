"""YouTube, Bilibili and every other site, through yt-dlp.

What is set: `options` · opening yt-dlp: `session` · what is behind a URL:
`discovery`, `lists`, `series`, `feeds` ·
one video: `fetch`. yt-dlp is imported late, since that takes half a second, and opened in
`session` alone. What works is imported by the methods, since every command asks for the options.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from video_rag.errors import NeedsExtra, VideoRagError
from video_rag.model import MediaSet, Video
from video_rag.net.sites import site_of
from video_rag.sources import Lane, Places
from video_rag.sources.ytdlp.options import VERSION
from video_rag.sources.ytdlp.options import Options as YtDlpOptions

if TYPE_CHECKING:
    from video_rag.sources.cookies import Row
    from video_rag.sources.ytdlp.door import Door


class YtDlp:
    """Any http or https URL that yt-dlp takes: a video, a playlist, a channel, a page, a feed."""

    version = VERSION
    Options = YtDlpOptions

    def __init__(self, options: YtDlpOptions, *, places: Places, door: Door | None = None) -> None:
        from video_rag.sources.ytdlp.discovery import Discovery
        from video_rag.sources.ytdlp.fetch import Fetch
        from video_rag.sources.ytdlp.session import Sessions

        self.options = options
        self.places = places
        self._sessions = Sessions(options, places, door=door)
        self._fetch = Fetch(options, places, self._sessions)
        self._discovery = Discovery(options, self._sessions, self._fetch.remember)

    def check(self) -> str:
        """Which yt-dlp is in use. Raises `NeedsExtra`."""
        from video_rag.sources import versions

        found = versions.shown(self.places.home)
        if not found.version:
            raise NeedsExtra("yt-dlp", "download")
        return f"yt-dlp {found.version}"

    def findings(self) -> list[Row]:
        """What it needs beside, its cookies, and how it stands with each site; no network."""
        from video_rag.sources.ytdlp import health

        return health.findings(self.options, self.places)

    def ages(self) -> list[tuple[str, str, float]]:
        """How old its cookies and yt-dlp are, in seconds: what, of which site, age."""
        from video_rag.sources.ytdlp import health

        return list(health.ages(self.options, self.places))

    def claims(self, url: str) -> bool:
        """Whether this is an http or https URL, or one marked as a feed: `feed:https://…`."""
        from video_rag.sources.feeds.addresses import address

        return address(url)[0].lower().startswith(("http://", "https://"))

    def discover(self, url: str) -> Iterator[Video | VideoRagError]:
        """The videos behind a URL; those of lists, channels and feeds without opening each.

        Raises `UnsupportedUrl`, `ContentError`, `Unavailable`, `Rejected`, `BadSettings`,
        `NeedsExtra`.
        """
        yield from self._discovery.discover(url)

    def parts(self, video: Video) -> Iterator[Video | VideoRagError]:
        """The video itself, or the parts of one of Bilibili that a list named without them.

        Raises like `discover`.
        """
        yield from self._discovery.parts(video)

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
        site = site_of(video.url)
        return Lane(site, self.options.of_site(site).concurrency or 1)

    def link(self, video: Video, seconds: float) -> str:
        """The video's page, at that second where the site has a way to say so."""
        from video_rag.sources import web

        return web.link_to(video.url, seconds)
