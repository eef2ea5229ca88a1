"""What a feed names beside an episode, fetched: transcripts and chapters.

None of them is worth more than a note: whatever is wrong with one costs nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from video_rag.errors import ContentError, Unavailable, VideoRagError
from video_rag.model import Beside, Chapter, Video
from video_rag.sources.feeds.chapters import chapters
from video_rag.sources.feeds.transcripts import Timed, timed
from video_rag.sources.weberrors import redacted
from video_rag.sources.ytdlp.server import Server
from video_rag.sources.ytdlp.session import Session, translated

_LARGEST = 16 * 2**20
"""Bytes, unpacked; a day of speech with the times of its every word has as many."""
_PIECE = 1 << 16
_BEST = ("text/vtt", "srt", "subrip", "json", "html")
"""Types that hold times, those first that hold lines as they are said."""


@dataclass(frozen=True)
class Fetched:
    """What could be had of an episode's other files."""

    transcripts: tuple[tuple[Beside, Timed], ...] = ()
    chapters: tuple[Chapter, ...] = ()
    notes: tuple[str, ...] = ()
    """Why others could not be had."""
    is_whole: bool = True
    """Whether nothing is worth another try."""


def wanted(video: Video, languages: tuple[str, ...]) -> list[list[Beside]]:
    """The transcripts of an episode that are worth fetching: those of one language in a list.

    A better one comes first; one that says no language is in the speaker's. `languages` may hold
    `all`.
    """

    def language(file: Beside) -> str:
        return file.language or video.language or ""

    def rank(file: Beside) -> tuple[str, bool, int]:
        kinds = [place for place, name in enumerate(_BEST) if name in file.media_type]
        return language(file), not file.is_captions, kinds[0] if kinds else len(_BEST)

    taken = [
        file
        for file in video.beside
        if file.kind == "transcript"
        and ("all" in languages or language(file) in {*languages, video.language, ""})
    ]
    return [list(same) for _, same in groupby(sorted(taken, key=rank), key=language)]


def fetched(
    session: Session, video: Video, languages: tuple[str, ...], duration: float | None
) -> Fetched:
    """The best transcript of every wanted language, and the chapters; never raises for one."""
    server = Server(session.downloader)
    found: list[tuple[Beside, Timed]] = []
    problems: list[tuple[Beside, VideoRagError]] = []
    for same in wanted(video, languages):
        for file in same:
            try:
                found.append((file, timed(_body(session, server, file.url))))
                break
            except VideoRagError as error:
                problems.append((file, error))
    marks: tuple[Chapter, ...] = ()
    for file in (one for one in video.beside if one.kind == "chapters"):
        try:
            marks = chapters(_body(session, server, file.url), duration)
            break
        except VideoRagError as error:
            problems.append((file, error))
    return Fetched(
        tuple(found),
        marks,
        tuple(_notes(found, problems)),
        not any(isinstance(error, Unavailable) for _, error in problems),
    )


def _notes(
    found: Iterable[tuple[Beside, Timed]], problems: Iterable[tuple[Beside, VideoRagError]]
) -> Iterator[str]:
    for file, transcript in found:
        yield from (f"{redacted(file.url)}: {note}" for note in transcript.notes)
    for file, error in problems:
        where = redacted(file.url)
        why = str(error).removeprefix(f"{where}: ")
        yield f"{file.kind} left out: {where}: {why}"


def _body(session: Session, server: Server, url: str) -> bytes:
    """A file, whole. Raises `ContentError` for one too large, and what its server's refusal means.

    It may lie on another server than the episode: its refusals are no wall of the episode's site.
    """
    from yt_dlp.networking import Request

    session.check(url)
    body = bytearray()
    with translated(redacted(url)), server.open(Request(url)) as response:
        while piece := _read(response):
            body += piece
            if len(body) > _LARGEST:
                raise ContentError(
                    f"{redacted(url)}: larger than {_LARGEST} bytes",
                    hint="no transcript is so large",
                    reason="too-large",
                )
    if not body.strip():
        raise ContentError(f"{redacted(url)}: it is empty", hint="tell the podcast's owner")
    return bytes(body)


def _read(response: Any) -> bytes:
    piece: bytes = response.read(_PIECE)
    return piece
