"""One video's files: downloaded, put in place, looked into.

What is chosen: `choice` · its media: `download`, which goes on with a half download
(`resume`) · its subtitles: `subtitles` · what its feed names beside it: `beside`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from video_rag import media
from video_rag.digest import of_value
from video_rag.errors import ContentError, Rejected, VideoRagError
from video_rag.model import Kind, Media, MediaSet, Noun, Video
from video_rag.net import guard
from video_rag.sources import Places, web
from video_rag.sources.downloads import clear, move, write
from video_rag.sources.walls import COOLING
from video_rag.sources.weberrors import redacted
from video_rag.sources.ytdlp import beside
from video_rag.sources.ytdlp.choice import Choice, choice_of, refuse_overlong
from video_rag.sources.ytdlp.download import Download
from video_rag.sources.ytdlp.lists import check_over
from video_rag.sources.ytdlp.options import VERSION, Options
from video_rag.sources.ytdlp.recent import Facts, Recent
from video_rag.sources.ytdlp.resume import Partial
from video_rag.sources.ytdlp.series import part_note
from video_rag.sources.ytdlp.server import Server
from video_rag.sources.ytdlp.session import Session, Sessions
from video_rag.sources.ytdlp.subtitles import none_found, subtitles

_RECORD = "media.json"
_HALF = "partial"
_LOOK_AGAIN = 0.5


class Record(Noun):
    """What lies beside a download, written before it is put in place."""

    wanted: str
    """Digest of what decides the picture and sound."""
    wanted_subtitles: str
    """Of what decides the subtitles and words; empty until they are here."""
    download: MediaSet
    """Picture and sound alone, and what their file says of itself."""
    media: MediaSet


class Fetch:
    """Fetches videos into the media folder."""

    version = VERSION

    def __init__(self, options: Options, places: Places, sessions: Sessions) -> None:
        self.options = options
        self.places = places
        self.sessions = sessions
        self._recent = Recent()

    def fetch(self, video: Video, scratch: Path) -> MediaSet:
        """Download a video and its subtitles into the media folder; what is there stays.

        Raises `ContentError`, `Unavailable`, `Rejected`, `UsageError`, `NeedsExtra`.
        """
        choice = choice_of(self.options, video.wanted)
        with self._alone(video):
            return self._fetch(video, choice, scratch)

    def _fetch(self, video: Video, choice: Choice, scratch: Path) -> MediaSet:
        """What is here, or the answer of the site; its addresses may have run out meanwhile."""
        wanted, wanted_subtitles = self._wanted(video, choice)
        record = self._kept(self.folder(video), wanted)
        if record and record.wanted_subtitles == wanted_subtitles and self._has(record.media):
            return record.media
        known = self._recent.take(video.url)
        if known is None:
            return self._visit(video, choice, scratch, None)
        try:
            return self._visit(video, choice, scratch, known)
        except (ContentError, Rejected) as error:
            is_other = isinstance(error, ContentError) and error.reason != "deleted"
            if is_other or error.reason in COOLING:
                raise
            return self._visit(video, choice, scratch, None)

    @contextmanager
    def _alone(self, video: Video) -> Iterator[None]:
        """Wait until nobody else works on the video's folder: two stages may miss one file."""
        while True:
            with self.places.hold(f"media:{video.video_id}", "download") as is_ours:
                if is_ours:
                    yield
                    return
            time.sleep(_LOOK_AGAIN)

    def remember(self, video: Video, facts: Facts) -> None:
        """Keep what a video's own page told for a while: fetching it need not ask again."""
        if facts.info.get("_type") != "playlist":
            self._recent.keep(video.url, facts)

    def _visit(self, video: Video, choice: Choice, scratch: Path, known: Facts | None) -> MediaSet:
        """Ask the site for what is not here."""
        folder = self.folder(video)
        wanted, wanted_subtitles = self._wanted(video, choice)
        record = self._kept(folder, wanted)
        url, item = web.split_item(video.url)
        more = {"noplaylist": True, **choice.parameters()}
        with self.sessions.open(url, more, scratch) as session:
            facts = known or Facts(session.extract(url), ())
            info, notes = _one(facts.info, item)
            notes += part_note(info, video)
            check_over(info)
            refuse_overlong(info.get("duration"), self.options, video.title)
            if record:
                download = record.download
            elif choice.wish == "subtitles":
                download = MediaSet(files=())
            else:
                download = self._download(session, info, video, wanted)
            files, problems = self._subtitles(session, info, folder)
            length = download.duration or info.get("duration") or video.duration
            more_files, others = self._beside(session, video, folder, length)
            files += more_files
        heard = tuple(dict.fromkeys([*facts.notes, *session.warnings]))
        if choice.wish == "subtitles" and not files:
            raise next(iter(problems.values()), none_found(video.title, heard))
        left_out = tuple(f"subtitles {key} left out: {why}" for key, why in problems.items())
        result = _described(download, info, video, choice)
        result = result.model_copy(
            update={
                "files": download.files + files,
                "chapters": result.chapters or others.chapters,
                "notes": (*download.notes, *notes, *left_out, *others.notes, *heard),
            }
        )
        if problems or not others.is_whole:
            wanted_subtitles = ""  # the next fetch asks again for what is missing
        self._keep(
            folder,
            Record(
                wanted=wanted, wanted_subtitles=wanted_subtitles, download=download, media=result
            ),
        )
        _tidy(folder, result)
        return result

    def _download(
        self, session: Session, info: dict[str, Any], video: Video, wanted: str
    ) -> MediaSet:
        """Picture and sound, looked into and put in place."""
        folder = self.folder(video)
        partial = Partial(folder / _HALF)
        download = Download(
            self.options, self.places, partial, session.downloader, Server(session.downloader)
        )
        try:
            path, probe = _sound(download, info, wanted, video)
            refuse_overlong(probe.duration, self.options, video.title)
        except ContentError:
            clear(partial.folder)
            raise
        kind: Kind = "video" if probe.has_picture else "audio"
        target = folder / f"{kind}{path.suffix}"
        found = MediaSet(
            files=(self._media(path, kind, target),),
            duration=probe.duration,
            title=probe.title,
            chapters=probe.chapters,
            has_speech_track=probe.has_audio,
            has_picture=probe.has_picture,
            notes=probe.notes,
        )
        # The record first: a kill before the file is in its place is made good by `_kept`.
        self._keep(folder, Record(wanted=wanted, wanted_subtitles="", download=found, media=found))
        move(path, target)
        return found

    def _subtitles(
        self, session: Session, info: dict[str, Any], folder: Path
    ) -> tuple[tuple[Media, ...], dict[str, VideoRagError]]:
        """The platform's subtitles, and why others could not be had."""
        files: list[Media] = []
        problems: dict[str, VideoRagError] = {}
        Server(session.downloader)  # closes what the site refuses
        for track, path in subtitles(session, info, self.options.subtitle_languages):
            if isinstance(path, VideoRagError):
                problems[track.key] = path
                continue
            name = guard.safe_name(f"subtitles.{track.key}")
            kept = move(path, folder / f"{name}{path.suffix}")
            more = {"language": track.language, "origin": track.origin}
            files.append(self._media(kept, "subtitles", kept).model_copy(update=more))
        return tuple(files), problems

    def _beside(
        self, session: Session, video: Video, folder: Path, duration: float | None
    ) -> tuple[tuple[Media, ...], beside.Fetched]:
        """An episode's transcripts, put in place, and what else its feed names."""
        found = beside.fetched(session, video, self.options.subtitle_languages, duration)
        files: list[Media] = []
        for file, transcript in found.transcripts:
            name = guard.safe_name(f"transcript.{file.language or 'und'}")
            path = folder / f"{name}{transcript.suffix}"
            write(path, transcript.data)
            more = {"language": file.language, "origin": "platform"}
            files.append(self._media(path, "subtitles", path).model_copy(update=more))
        return tuple(files), found

    def _media(self, path: Path, kind: Kind, target: Path) -> Media:
        """A file that is, or is to be, in the media folder, named relative to it."""
        name = target.relative_to(self.places.media).as_posix()
        return Media(
            kind=kind, path=name, digest=self.places.digest(path), size=path.stat().st_size
        )

    def folder(self, video: Video) -> Path:
        """Where a video's files lie; the hash tells apart ids that differ in case only."""
        site, _, native = video.video_id.partition(":")
        name = f"{guard.safe_name(native)}-{of_value(video.video_id)[:8]}"
        return self.places.media / guard.safe_name(site) / name

    def _keep(self, folder: Path, record: Record) -> None:
        write(folder / _RECORD, record.model_dump_json())

    def _kept(self, folder: Path, wanted: str) -> Record | None:
        """An earlier download of the same choice, if its picture and sound are still there."""
        try:
            record = Record.model_validate_json((folder / _RECORD).read_bytes())
        except (OSError, ValueError):
            return None
        if record.wanted != wanted:
            return None
        for path in Partial(folder / _HALF).whole(wanted):
            for file in record.download.files:
                if path.stat().st_size == file.size and path.suffix == Path(file.path).suffix:
                    move(path, self.places.media / file.path)
        return record if self._has(record.download) else None

    def _has(self, found: MediaSet) -> bool:
        """Whether all files are here, as large as they were."""
        with suppress(OSError):
            return all(
                (self.places.media / file.path).stat().st_size == file.size for file in found.files
            )
        return False

    def _wanted(self, video: Video, choice: Choice) -> tuple[str, str]:
        """What decides the download of the video, and that of its words."""
        revision, _, words = video.fingerprint.partition("|")
        what = [self.version, video.url, *choice.mark, *filter(None, [revision])]
        languages, named = sorted(self.options.subtitle_languages), filter(None, [video.besides])
        return of_value(what), of_value([*what, languages, words, *named])


def _sound(
    download: Download, info: dict[str, Any], wanted: str, video: Video
) -> tuple[Path, media.Probe]:
    """A download that opens; one that does not is brought again from its beginning, once."""
    path = download.run(info, wanted)
    try:
        return path, _probe(path, video)
    except ContentError:
        download.partial.wipe()
    path = download.run(info, wanted)
    return path, _probe(path, video)


def _described(download: MediaSet, info: dict[str, Any], video: Video, choice: Choice) -> MediaSet:
    """What the site says of a video today, over what its file says."""
    facts = web.video_of(info, fallback_url=video.url)
    named = download.title if info.get("direct") and facts.title == video.title else None
    duration = facts.duration if choice.wish == "subtitles" else download.duration
    return download.model_copy(
        update={
            "duration": duration or facts.duration,
            "title": named
            or (None if video.video_id.startswith(("web:", "feed:")) else facts.title),
            "published": facts.published,
            "channel": facts.channel,
            "chapters": facts.chapters or download.chapters,
        }
    )


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


def _tidy(folder: Path, media_set: MediaSet) -> None:
    """Remove what an earlier or a broken-off download left behind."""
    Partial(folder / _HALF).wipe()
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
