"""YouTube, Bilibili and every other site, through yt-dlp.

The only module that imports yt-dlp, and late: it takes half a second.
"""

from __future__ import annotations

import logging
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr

from video_rag import guard, media
from video_rag.digest import of_value
from video_rag.errors import (
    ContentError,
    NeedsExtra,
    Unavailable,
    VideoRagError,
)
from video_rag.model import Kind, Media, MediaSet, Noun, Video
from video_rag.plugins import Options as PluginOptions
from video_rag.plugins import inert
from video_rag.sources import Places, web
from video_rag.sources.downloads import Log, cookies_in, ffmpeg, limit, move, write
from video_rag.sources.weberrors import redacted, translate

log = logging.getLogger("video_rag")

_RECORD = "media.json"
_DEEPEST = 3
"""Lists within lists: a channel, its tabs, their videos."""
_SUBTITLE_FORMATS = "vtt/srt/ass/ssa"


class Record(Noun):
    """What lies beside a download, written last: without it the download is not complete."""

    wanted: str
    """Digest of what decides the picture and sound."""
    wanted_subtitles: str
    download: MediaSet
    """Picture and sound alone."""
    media: MediaSet


class YtDlp:
    """Any http or https URL that yt-dlp takes: a video, a playlist, a channel, a page, a feed."""

    version = 1

    class Options(PluginOptions):
        """What to download, and how politely."""

        max_height: int = Field(720, ge=144, description="Tallest picture in pixels, if offered.")
        format: str = Field("", description="yt-dlp's format selector; empty chooses by height.")
        subtitle_languages: tuple[str, ...] = Field(
            ("en", "zh"),
            description="Languages of subtitles beside the speaker's own; `all` takes every one.",
        )
        cookies: Path | None = inert(None, description="A cookies.txt of a signed-in browser.")
        proxy: SecretStr | None = inert(None, description="URL of a proxy for all requests.")
        max_bytes: int = inert(
            8_000_000_000, gt=0, description="Refuse a video that is larger than this."
        )
        bytes_per_second: int | None = inert(None, gt=0, description="Slow downloads down to this.")
        sleep_requests: float = inert(0.0, ge=0, description="Seconds between two requests.")
        sleep_subtitles: float = inert(
            1.0, ge=0, description="Seconds before each subtitle file; YouTube counts them."
        )
        timeout: float = inert(20.0, gt=0, description="Seconds to wait for a server.")
        retries: int = inert(3, ge=0, description="How often to repeat a request that failed.")

    def __init__(self, options: Options, *, places: Places) -> None:
        self.options = options
        self.places = places

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
        with self._session(url, {"noplaylist": _is_watch_page(url)}) as session:
            for found in self._videos(session, self._extract(session, url), url, _DEEPEST):
                if isinstance(found, Video):
                    if found.video_id in seen:
                        continue
                    seen.add(found.video_id)
                yield found
        if found is None:
            raise ContentError(f"{redacted(url)}: the list is empty", hint="check the URL")

    def fetch(self, video: Video, scratch: Path) -> MediaSet:
        """Download a video and its subtitles into the media folder; what is there stays.

        Raises `ContentError`, `Unavailable`, `Rejected`, `BadSettings`, `NeedsExtra`.
        """
        folder = self._folder(video)
        record = self._kept(folder)
        wanted, wanted_subtitles = self._wanted(video)
        if record and (record.wanted, record.wanted_subtitles) == (wanted, wanted_subtitles):
            return record.media
        kept = record.download if record and record.wanted == wanted else None
        url, item = web.split_item(video.url)
        with self._session(url, {"noplaylist": True}, scratch) as session:
            info, notes = _one(self._extract(session, url), item)
            download = kept or self._download(session, info, folder, video)
            subtitles, problems = self._subtitles(session, info, folder)
        result = download.model_copy(
            update={
                "files": download.files + subtitles,
                "notes": download.notes + notes + _part_note(info, video) + problems,
            }
        )
        if problems:
            wanted_subtitles = ""  # the next fetch asks again for what is missing
        made = Record(
            wanted=wanted, wanted_subtitles=wanted_subtitles, download=download, media=result
        )
        write(folder / _RECORD, made.model_dump_json())
        _tidy(folder, result)
        return result

    def link(self, video: Video, seconds: float) -> str:
        """The video's page, at that second where the site has a way to say so."""
        return web.link_to(video.url, seconds)

    def _videos(
        self, session: Any, info: dict[str, Any], url: str, depth: int
    ) -> Iterator[Video | VideoRagError]:
        """The videos of a page, and those of the lists on it."""
        if info.get("_type") != "playlist":
            _check_over(info)
            yield web.video_of(info, fallback_url=url)
            return
        entries = [dict(entry) for entry in info.get("entries") or () if entry]
        for number, entry in enumerate(entries, start=1):
            item = number if entry.get("formats") and len(entries) > 1 else None
            entry.setdefault("playlist_channel", info.get("channel") or info.get("uploader"))
            try:
                if web.is_list(entry) and depth > 0:
                    address = web.plain(str(entry.get("url") or url))
                    inner = entry if "entries" in entry else self._extract(session, address)
                    yield from self._videos(session, inner, address, depth - 1)
                else:
                    _check_over(entry)
                    yield web.video_of(entry, fallback_url=url, item=item)
            except VideoRagError as error:
                yield error

    def _extract(self, session: Any, url: str) -> dict[str, Any]:
        """yt-dlp's facts about a URL."""
        self._check(url)
        with _translated(redacted(url)):
            info = session.extract_info(url, download=False)
        if not info:
            raise ContentError(f"{redacted(url)}: nothing was found", hint="check the URL")
        return dict(info)

    def _download(self, session: Any, info: dict[str, Any], folder: Path, video: Video) -> MediaSet:
        """Picture and sound, put in place and looked into."""
        _check_over(info)
        done = session.process_ie_result(dict(info), download=True)
        files = [Path(row.get("filepath") or "") for row in done.get("requested_downloads") or ()]
        if not files or not files[0].is_file():
            raise ContentError(
                f"{video.title}: larger than {self.options.max_bytes} bytes, or empty",
                hint="raise max_bytes in [sources.ytdlp], or choose a smaller max_height",
            )
        probe = _probe(files[0], video)
        kind: Kind = "video" if probe.has_picture else "audio"
        path = move(files[0], folder / f"{kind}{files[0].suffix}")
        facts = web.video_of(info, fallback_url=video.url)
        named = probe.title if info.get("direct") and facts.title == video.title else None
        return MediaSet(
            files=(self._media(path, kind),),
            duration=probe.duration or facts.duration,
            title=named or (None if video.video_id.startswith("web:") else facts.title),
            chapters=facts.chapters or probe.chapters,
            has_speech_track=probe.has_audio,
            has_picture=probe.has_picture,
            notes=probe.notes,
        )

    def _subtitles(
        self, session: Any, info: dict[str, Any], folder: Path
    ) -> tuple[tuple[Media, ...], tuple[str, ...]]:
        """The platform's subtitles, and notes about those that could not be had."""
        files, problems = [], []
        for track in web.tracks_of(info, self.options.subtitle_languages):
            try:
                path = _subtitle(session, info, track.key)
            except VideoRagError as error:
                problems.append(f"subtitles {track.key} left out: {error}")
                continue
            name = guard.safe_name(f"subtitles.{track.key}")
            kept = move(path, folder / f"{name}{path.suffix}")
            file = self._media(kept, "subtitles")
            files.append(
                file.model_copy(update={"language": track.language, "origin": track.origin})
            )
        return tuple(files), tuple(problems)

    def _media(self, path: Path, kind: Kind) -> Media:
        """A file of the media folder, named relative to it."""
        name = path.relative_to(self.places.media).as_posix()
        digest = self.places.digest(path)
        return Media(kind=kind, path=name, digest=digest, size=path.stat().st_size)

    def _folder(self, video: Video) -> Path:
        """Where a video's files lie; the hash tells apart ids that differ in case only."""
        site, _, native = video.video_id.partition(":")
        name = f"{guard.safe_name(native)}-{of_value(video.video_id)[:8]}"
        return self.places.media / guard.safe_name(site) / name

    def _kept(self, folder: Path) -> Record | None:
        """An earlier download, if all of it is still there."""
        try:
            record = Record.model_validate_json((folder / _RECORD).read_bytes())
            for file in record.media.files:
                if (self.places.media / file.path).stat().st_size != file.size:
                    return None
        except (OSError, ValueError):
            return None
        return record

    def _wanted(self, video: Video) -> tuple[str, str]:
        """What decides the download of the video, and that of its subtitles."""
        options = self.options
        what = [self.version, video.url, options.max_height, options.format]
        return of_value(what), of_value([*what, sorted(options.subtitle_languages)])

    def _check(self, url: str) -> None:
        guard.check_url(
            url, allow_private=self.places.allow_private, resolve=self.options.proxy is None
        )

    @contextmanager
    def _session(
        self, url: str, more: dict[str, Any], scratch: Path | None = None
    ) -> Iterator[Any]:
        """yt-dlp with our options; its errors become ours, named after `url`."""
        self._check(url)
        try:
            import yt_dlp
        except ImportError as error:
            raise NeedsExtra("yt-dlp", "download") from error
        parameters = self._parameters(scratch) | more
        with _translated(redacted(url)), yt_dlp.YoutubeDL(parameters) as session:
            yield session

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
            "subtitlesformat": _SUBTITLE_FORMATS,
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
def _translated(what: str) -> Iterator[None]:
    """Turn yt-dlp's errors into ours; `what` names the video in the message."""
    from yt_dlp.utils import DownloadCancelled, YoutubeDLError

    try:
        yield
    except DownloadCancelled as error:
        raise ContentError(f"{what}: {error}", hint="raise max_bytes in [sources.ytdlp]") from error
    except YoutubeDLError as error:
        raise translate(error, what) from error


def _one(info: dict[str, Any], item: int | None) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The video that is meant on a page, and a note where others are left out."""
    if info.get("_type") != "playlist":
        return info, ()
    entries = [dict(entry) for entry in info.get("entries") or () if entry]
    number = item or 1
    if len(entries) < number or not entries[number - 1].get("formats"):
        raise ContentError(
            f"{info.get('title') or 'the page'} is a list of videos", hint="add its URL by itself"
        )
    note = f"the page has {len(entries)} videos; add its URL by itself to have them all"
    return entries[number - 1], () if item or len(entries) == 1 else (note,)


def _part_note(info: dict[str, Any], video: Video) -> tuple[str, ...]:
    """Bilibili gives the first part of a series when a list names the series as one video."""
    if web.video_of(info, fallback_url=video.url).video_id != f"{video.video_id}_p1":
        return ()
    return (f"only part 1 of a series; add {redacted(video.url)} by itself to have them all",)


def _tidy(folder: Path, media_set: MediaSet) -> None:
    """Remove what an earlier or a broken-off download left behind."""
    names = {_RECORD} | {Path(file.path).name for file in media_set.files}
    for path in folder.iterdir():
        if path.name not in names:
            path.unlink()


def _probe(path: Path, video: Video) -> media.Probe:
    """Look inside a download; what is wrong is said of its URL, not of a file soon gone."""
    try:
        return media.probe(path)
    except ContentError as error:
        message = str(error).replace(str(path), f"what {redacted(video.url)} sent")
        raise ContentError(message, hint="open it in a browser; try again later") from error


def _subtitle(session: Any, info: dict[str, Any], key: str) -> Path:
    """Download one track. Raises our error for yt-dlp's."""
    before = dict(session.params)
    session.params.update(
        skip_download=True,
        writesubtitles=True,
        writeautomaticsub=True,
        subtitleslangs=[re.escape(key)],
    )
    try:
        with _translated(key):
            done = session.process_ie_result(dict(info), download=True)
    finally:
        session.params.clear()
        session.params.update(before)
    path = Path(str((done.get("requested_subtitles") or {}).get(key, {}).get("filepath") or ""))
    if not path.is_file() or not path.stat().st_size:
        raise Unavailable(f"{key}: the site sent nothing")
    return path


def _check_over(info: dict[str, Any]) -> None:
    """Refuse what has no fixed content yet, or no longer any."""
    title = str(info.get("title") or "the video")
    if info.get("is_live") or info.get("live_status") in {"is_live", "is_upcoming"}:
        raise ContentError(f"{title} is not over yet", hint="add it again when it is")
    if title in {"[Private video]", "[Deleted video]"}:
        raise ContentError(f"{redacted(str(info.get('url')))}: {title[1:-1].lower()}")


def _is_watch_page(url: str) -> bool:
    """A YouTube video that was opened from a list: the video is meant."""
    return re.match(r"https?://(?:(?:www\.|m\.)?youtube\.com/watch\?|youtu\.be/)", url) is not None
