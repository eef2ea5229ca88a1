"""yt-dlp with our options; its errors become ours. Whoever opens one, opens it here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from video_rag.errors import ContentError, NeedsExtra, VideoRagError
from video_rag.net.sites import site_of
from video_rag.settings.redaction import visit
from video_rag.sources import Places, cookies, versions, walls
from video_rag.sources.downloads import Log, ffmpeg
from video_rag.sources.manners import Manners, Visit
from video_rag.sources.walls import Wall
from video_rag.sources.weberrors import made, redacted, translate, words_of
from video_rag.sources.ytdlp.door import Door
from video_rag.sources.ytdlp.options import Options, SiteOptions

SUBTITLE_FORMATS = "vtt/srt/ass/ssa/ttml/json3/sbv/lrc/json"


class Heard(Log):
    """The log of one session, which remembers the walls that yt-dlp only warns of."""

    def __init__(self) -> None:
        self.walls: dict[str, Wall] = {}
        """By reason, also those that yt-dlp keeps to itself."""
        self.notes: dict[str, str] = {}
        """By reason, what to tell of a video that came in spite of them."""

    def warning(self, message: str) -> None:
        """Keep the wall that a warning speaks of, and log it."""
        self.debug(message)
        wall = walls.of_words(*words_of(message))
        if wall is not None:
            self.walls.setdefault(wall.reason, wall)
            if told := walls.note(wall):
                self.notes.setdefault(wall.reason, told)

    def whisper(self, message: str, only_once: bool = False) -> None:  # noqa: ARG002
        """Take yt-dlp's `write_debug`: a missing PO token is said nowhere else.

        It is no warning, since another of YouTube's clients may do without.
        """
        if "PO Token which was not provided" in message:
            self.debug(message)
            wall = walls.of_words("PO Token")
            if wall is not None:
                self.walls.setdefault(wall.reason, wall)


class Session:
    """An open yt-dlp, visiting a site."""

    def __init__(self, downloader: Any, sessions: Sessions, visit: Visit, heard: Heard) -> None:
        self.downloader = downloader
        self._sessions = sessions
        self._visit = visit
        self._heard = heard

    @property
    def warnings(self) -> tuple[str, ...]:
        """Notes about walls that yt-dlp warned of and that let something through."""
        return tuple(self._heard.notes.values())

    @property
    def walls(self) -> dict[str, Wall]:
        """By reason, every wall that yt-dlp spoke of: why something may be missing."""
        return dict(self._heard.walls)

    def hit(self, error: VideoRagError) -> None:
        """Say of an error that is not raised any further: if it is a wall, the site cools down."""
        self._visit.hit(error)

    @contextmanager
    def translated(self, what: str) -> Iterator[None]:
        """Turn yt-dlp's errors into ours; `what` names what was asked for."""
        with translated(what, self._heard.walls.values(), self._visit.site):
            yield

    def check(self, url: str) -> None:
        """Refuse a URL that must not be fetched: see `guard.check_url`."""
        self._sessions.check(url)

    def extract(self, url: str) -> dict[str, Any]:
        """yt-dlp's facts about a URL."""
        self.check(url)
        with self.translated(redacted(url)):
            info = self.downloader.extract_info(url, download=False)
        if not info:
            raise ContentError(f"{redacted(url)}: nothing was found", hint="check the URL")
        return dict(info)


class Sessions:
    """Opens yt-dlp for one URL after another."""

    def __init__(
        self,
        options: Options,
        places: Places,
        manners: Manners | None = None,
        door: Door | None = None,
    ) -> None:
        self.options = options
        self.places = places
        self.manners = manners or Manners(options, places)
        self.door = door or Door(allow_private=places.allow_private)

    def settings_for(self, url: str) -> SiteOptions:
        """How the site of a URL is treated, with every field filled in."""
        return self.options.of_site(site_of(url))

    def proxy_url(self, url: str) -> str | None:
        """The proxy that is set for a URL's site; it may hold a login."""
        proxy = self.settings_for(url).proxy
        return proxy.get_secret_value() or None if proxy else None

    def check(self, url: str) -> None:
        """Refuse a URL that must not be fetched: see `guard.check_url`."""
        visit(url)
        self.door.check(url, self.proxy_url(url))

    @contextmanager
    def open(
        self, url: str, more: dict[str, Any], scratch: Path | None = None
    ) -> Iterator[Session]:
        """yt-dlp with our options, once it is our turn; its errors become ours, named after `url`.

        With `scratch` a video is fetched, which counts for the site's budget. Raises what
        `Manners.visit` does, too.
        """
        self.check(url)
        versions.use(self.places.home)
        try:
            import yt_dlp  # noqa: F401
        except ImportError as error:
            raise NeedsExtra("yt-dlp", "download") from error
        site, heard = site_of(url), Heard()
        given = cookies.chosen(self.options, site)
        cookies.warn(given, site)
        parameters = self._parameters(url, scratch) | {"logger": heard} | more
        with (
            _explained(given, site, heard),
            self.manners.visit(url, counts=scratch is not None) as visit,
            translated(redacted(url), heard.walls.values(), site),
            self.door.open(redacted(url), parameters) as downloader,
        ):
            downloader.write_debug = heard.whisper
            yield Session(downloader, self, visit, heard)
            if self.options.write_back_cookies:
                cookies.keep(parameters, downloader.cookiejar)

    def _parameters(self, url: str, scratch: Path | None) -> dict[str, Any]:
        """yt-dlp's parameters; those not named keep its defaults."""
        options, own = self.options, self.settings_for(url)
        program = ffmpeg() if scratch else None
        chosen = "bv*+ba/b" if program else "b/bv*"
        parameters: dict[str, Any] = {
            "quiet": True,
            "noprogress": True,
            "color": "no_color",
            "cachedir": False,
            "extract_flat": "in_playlist",
            "js_runtimes": {"deno": {}, "node": {}},
            "remote_components": [],
            "socket_timeout": options.timeout,
            "retries": options.retries,
            "fragment_retries": options.retries,
            "extractor_retries": options.retries,
            "file_access_retries": 1,
            "sleep_interval_requests": own.sleep_requests,
            "sleep_interval_subtitles": own.sleep_subtitles,
            "format": options.format or chosen,
            "format_sort": [f"res:{options.max_height}", "vcodec:h264", "acodec:aac"],
            "subtitlesformat": SUBTITLE_FORMATS,
            "updatetime": False,
            "ffmpeg_location": program,
            "ratelimit": options.bytes_per_second,
            "proxy": self.proxy_url(url),
        }
        parameters |= cookies.parameters(cookies.chosen(options, site_of(url)))
        if scratch is not None:
            parameters["outtmpl"] = {
                "default": str(scratch / "media").replace("%", "%%") + ".%(ext)s"
            }
        return parameters


@contextmanager
def translated(what: str, warned: Iterable[Wall] = (), site: str = "") -> Iterator[None]:
    """Turn yt-dlp's errors into ours; `what` names the video in the message.

    `warned` are walls that yt-dlp warned of, `site` the one that is asked where `what` is no URL.
    """
    from yt_dlp.utils import YoutubeDLError

    try:
        yield
    except YoutubeDLError as error:
        raise translate(error, what, warned, site) from error


@contextmanager
def _explained(given: cookies.Chosen, site: str, heard: Heard) -> Iterator[None]:
    """Say of a wall that old cookies are its reason, by their date or by what the site said."""
    try:
        yield
    except VideoRagError as error:
        told = cookies.explain(error, given, site)
        expired = heard.walls.get("cookies-expired")
        if told is error and expired and error.reason in cookies.WALLS:
            told = made(expired, f"{error} (the site no longer takes the cookies)")
        if told is error:
            raise
        raise told from error
