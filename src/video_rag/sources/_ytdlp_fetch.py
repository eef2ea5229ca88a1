"""One video's files: downloaded, put in place, looked into."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from video_rag import guard, media
from video_rag.digest import of_value
from video_rag.errors import ContentError, Unavailable, VideoRagError
from video_rag.model import Kind, Media, MediaSet, Noun, Video
from video_rag.sources import Places, web
from video_rag.sources._ytdlp_lists import check_over
from video_rag.sources._ytdlp_options import Options
from video_rag.sources._ytdlp_session import Session, Sessions, translated
from video_rag.sources.downloads import move, write
from video_rag.sources.weberrors import redacted

_RECORD = "media.json"


class Record(Noun):
    """What lies beside a download, written last: without it the download is not complete."""

    wanted: str
    """Digest of what decides the picture and sound."""
    wanted_subtitles: str
    download: MediaSet
    """Picture and sound alone."""
    media: MediaSet


class Fetch:
    """Fetches videos into the media folder."""

    version = 1

    def __init__(self, options: Options, places: Places, sessions: Sessions) -> None:
        self.options = options
        self.places = places
        self.sessions = sessions

    def fetch(self, video: Video, scratch: Path) -> MediaSet:
        """Download a video and its subtitles into the media folder; what is there stays.

        Raises `ContentError`, `Unavailable`, `Rejected`, `BadSettings`, `NeedsExtra`.
        """
        folder = self.folder(video)
        record = self._kept(folder)
        wanted, wanted_subtitles = self._wanted(video)
        if record and (record.wanted, record.wanted_subtitles) == (wanted, wanted_subtitles):
            return record.media
        kept = record.download if record and record.wanted == wanted else None
        url, item = web.split_item(video.url)
        with self.sessions.open(url, {"noplaylist": True}, scratch) as session:
            info, notes = _one(session.extract(url), item)
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

    def _download(
        self, session: Session, info: dict[str, Any], folder: Path, video: Video
    ) -> MediaSet:
        """Picture and sound, put in place and looked into."""
        check_over(info)
        done = session.downloader.process_ie_result(dict(info), download=True)
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
        self, session: Session, info: dict[str, Any], folder: Path
    ) -> tuple[tuple[Media, ...], tuple[str, ...]]:
        """The platform's subtitles, and notes about those that could not be had."""
        files, problems = [], []
        for track in web.tracks_of(info, self.options.subtitle_languages):
            try:
                path = _subtitle(session.downloader, info, track.key)
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

    def folder(self, video: Video) -> Path:
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


def _subtitle(downloader: Any, info: dict[str, Any], key: str) -> Path:
    """Download one track. Raises our error for yt-dlp's."""
    before = dict(downloader.params)
    downloader.params.update(
        skip_download=True,
        writesubtitles=True,
        writeautomaticsub=True,
        subtitleslangs=[re.escape(key)],
    )
    try:
        with translated(key):
            done = downloader.process_ie_result(dict(info), download=True)
    finally:
        downloader.params.clear()
        downloader.params.update(before)
    path = Path(str((done.get("requested_subtitles") or {}).get(key, {}).get("filepath") or ""))
    if not path.is_file() or not path.stat().st_size:
        raise Unavailable(f"{key}: the site sent nothing")
    return path
