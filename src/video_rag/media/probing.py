"""A look inside video and sound files, without decoding them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from video_rag.errors import ContentError
from video_rag.media.opening import AGAIN, is_cut_off, opened, packets, unbroken
from video_rag.media.tracks import film
from video_rag.model import Chapter
from video_rag.text import timecode

if TYPE_CHECKING:
    from av.container import InputContainer

_LAST_SECONDS = 10.0
"""How far before the declared end we start to look for the last packets."""
_MISSING_SECONDS = 5.0
_MISSING_SHARE = 0.1
"""Both must be missing before we speak of it: declared durations are often estimates."""
_EXACT_SECONDS = 1.5
_EXACT_SHARE = 0.02
"""The same for Matroska and WebM, whose header tells the very end, written when all was there."""
_OFFSET = 0.5
"""Seconds from which a file's first time is more than the lead-in of an encoder."""
_LONGEST = 2.0**40
"""Seconds; what a damaged header promises beyond them cannot be asked for."""


@dataclass(frozen=True)
class Probe:
    """What a container says about itself."""

    container: str
    """The format's name in FFmpeg, such as `mov,mp4,m4a,3gp,3g2,mj2`."""
    duration: float | None
    """Seconds that are really there; None when neither header nor packets tell."""
    has_audio: bool
    has_picture: bool
    """A moving picture; cover art is none."""
    subtitle_streams: int
    title: str | None = None
    chapters: tuple[Chapter, ...] = ()
    notes: tuple[str, ...] = ()


def probe(path: Path) -> Probe:
    """Look inside a file: streams, duration, title, chapters.

    Raises `NotFound` when there is no such file and `ContentError` when it is empty, cut off, or
    no video or sound file. What is only likely, as in formats that estimate their duration, is
    said in `notes`.
    """
    with opened(path) as container:
        streams = container.streams
        has_picture = film(container, path) is not None
        if not has_picture and not streams.audio:
            raise ContentError(f"{path} has neither picture nor sound")
        if is_cut_off(path):
            raise ContentError(f"{path} is cut off{_how_much(container, path)}", hint=AGAIN)
        duration, notes = _duration(container)
        return Probe(
            container=container.format.name,
            duration=duration,
            has_audio=bool(streams.audio),
            has_picture=has_picture,
            subtitle_streams=len(streams.subtitles),
            title=_title(container),
            chapters=_chapters(container),
            notes=notes + _unknown(container),
        )


def _unknown(container: InputContainer) -> tuple[str, ...]:
    """A note for each kind of track that no decoder here knows."""
    kinds = {"picture": container.streams.video, "sound": container.streams.audio}
    return tuple(
        f"a {kind} track is in a codec that is not known here"
        for kind, streams in kinds.items()
        if any(one.codec_context is None for one in streams)
    )


def _how_much(container: InputContainer, path: Path) -> str:
    """`: only 0:12 of 1:00 are there`, from the index; empty where there is none."""
    size = path.stat().st_size
    there = None
    for stream in container.streams:
        time_base = stream.time_base
        for entry in stream.index_entries:
            if entry.pos + entry.size > size and time_base is not None:
                seconds = max(0.0, float(entry.timestamp * time_base))
                there = seconds if there is None else min(there, seconds)
                break
    if there is None or not container.duration:
        return ""
    whole = container.duration / 1_000_000
    return f": only {timecode.clock(there)} of {timecode.clock(whole)} are there"


def _duration(container: InputContainer) -> tuple[float | None, tuple[str, ...]]:
    """Seconds from the first time to the last, corrected where the header promises too much.

    Some files begin at a later time than 0 (cuts, recordings of broadcasts). Their header may tell
    the length or the last time: whichever agrees with the last packets.
    """
    begin = (container.start_time or 0) / 1_000_000
    length = container.duration or 0
    declared = length / 1_000_000 if length > 0 else None
    is_exact = "matroska" in container.format.name
    least, share = (
        (_EXACT_SECONDS, _EXACT_SHARE) if is_exact else (_MISSING_SECONDS, _MISSING_SHARE)
    )
    if declared is not None and declared <= least and begin < _OFFSET:
        return declared, ()
    last = _last_packet(container, declared, begin)
    if declared is None or last is None:
        return last, ()
    missing = declared - last
    allowed = max(least, declared * share)
    if begin >= _OFFSET and abs(missing - begin) < abs(missing):
        return (last, ()) if missing - begin <= allowed else (last, _cut(last, declared - begin))
    return (declared, ()) if missing <= allowed else (last, _cut(last, declared))


def _cut(last: float, whole: float) -> tuple[str, ...]:
    there, all_of_it = timecode.clock(last), timecode.clock(whole)
    return (f"only the first {there} of {all_of_it} are there; the file may be cut off",)


def _last_packet(container: InputContainer, declared: float | None, begin: float) -> float | None:
    """When the last packet ends, in seconds from the first time; None if no packet has a time."""
    places = [begin]
    if declared is not None and declared > _LAST_SECONDS:
        # the end as a length, then the end as a time, which is earlier
        places += [max(begin, end - _LAST_SECONDS) for end in (declared, begin + declared)]
    for place in reversed(places):
        if _sought(container, place):
            last = _end_of_packets(container)
            if last > begin:
                return last - begin
    return None


def _sought(container: InputContainer, seconds: float) -> bool:
    """Go to a time; false where the file cannot."""
    from av.error import FFmpegError

    try:
        container.seek(int(min(max(seconds, -_LONGEST), _LONGEST) * 1_000_000))
    except FFmpegError:
        return False
    return True


def _end_of_packets(container: InputContainer) -> float:
    """The end of the latest packet from here on; 0.0 where there is none with a time.

    Of a file that breaks off, of what comes before.
    """
    last = 0.0
    for packet in unbroken(packets(container, *container.streams)):
        if packet.pts is not None and packet.time_base is not None:
            last = max(last, float((packet.pts + (packet.duration or 0)) * packet.time_base))
    return last


def title_of(path: Path) -> str | None:
    """The title tag of a file. Raises `NotFound`, and `ContentError` when it cannot be opened."""
    with opened(path) as container:
        return _title(container)


def _title(container: InputContainer) -> str | None:
    """The title tag, unless it is empty or in an encoding nobody can tell."""
    title = " ".join(container.metadata.get("title", "").split())
    return title if title and "\ufffd" not in title else None


def _chapters(container: InputContainer) -> tuple[Chapter, ...]:
    """The author's chapters that have a length, in order of time."""
    chapters = []
    for number, chapter in enumerate(container.chapters(), start=1):
        time_base = chapter["time_base"]
        if time_base is None or chapter["end"] <= chapter["start"]:
            continue
        title = " ".join(chapter["metadata"].get("title", "").split()) or f"Chapter {number}"
        start, end = float(chapter["start"] * time_base), float(chapter["end"] * time_base)
        chapters.append(Chapter(start=max(0.0, start), end=end, title=title))
    return tuple(sorted(chapters, key=lambda chapter: chapter.start))
