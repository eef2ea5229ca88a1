"""A look inside video and sound files, without decoding them.

Everything that opens a container goes through `opened`, which knows the formats we take and
turns the library's errors into ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from video_rag.errors import ContentError, NotFound
from video_rag.model import Chapter
from video_rag.text import timecode

if TYPE_CHECKING:
    from av.container import InputContainer

_VIDEO = (
    ".mp4 .m4v .mov .qt .f4v .3gp .3g2 .mj2 .mkv .mk3d .webm .avi .divx .flv .wmv .asf "
    ".ts .mts .m2ts .m2t .trp .mpg .mpeg .mpe .m1v .m2v .mpv .vob .ogv .ogm .mxf .dv .rm .rmvb "
    ".wtv .nut"
)
_AUDIO = (
    ".mp3 .mp2 .mpga .m4a .m4b .m4r .mka .weba .wav .w64 .flac .ogg .oga .opus .spx .aac .wma "
    ".aif .aiff .aifc .caf .au .amr .awb .ac3 .eac3 .dts .ape .wv .tta .ra"
)
VIDEO_SUFFIXES = frozenset(_VIDEO.split())
AUDIO_SUFFIXES = frozenset(_AUDIO.split())
"""What people have and PyAV opens; whether a file really has a picture is seen inside it."""
SUBTITLE_SUFFIXES = frozenset({".srt", ".vtt", ".ass", ".ssa"})
MEDIA_SUFFIXES = VIDEO_SUFFIXES | AUDIO_SUFFIXES | SUBTITLE_SUFFIXES

_OPEN_OPTIONS = {
    # Playlists, picture sequences and text are no videos, whatever their suffix says; a playlist
    # named .mp4 could also name any other file of this machine.
    "format_whitelist": (
        "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,flv,kux,live_flv,mpegts,mpeg,mpegvideo,m4v,asf,"
        "mxf,dv,rm,wtv,nut,mp3,wav,w64,flac,ogg,aac,loas,aiff,caf,au,amr,amrnb,amrwb,ac3,eac3,dts,"
        "dtshd,ape,wv,tta"
    ),
    "protocol_whitelist": "file",
}
_LAST_SECONDS = 10.0
"""How far before the declared end we start to look for the last packets."""
_MISSING_SECONDS = 5.0
_MISSING_SHARE = 0.1
"""Both must be missing before we speak of it: declared durations are often estimates."""
_DATA_BOXES = frozenset({b"moov", b"moof", b"mdat"})
_AGAIN = "copy or download it again"


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


@contextmanager
def opened(path: Path) -> Iterator[InputContainer]:
    """A container open for reading. Raises `NotFound`, or `ContentError` for what is no video.

    An error of the media library inside the `with` block becomes a `ContentError` as well.
    """
    import av

    _check(path)
    try:
        # "file:" because a name like `a:b.mp4` would be read as another protocol.
        with av.open(
            f"file:{path.absolute()}", options=_OPEN_OPTIONS, metadata_errors="replace"
        ) as container:
            yield container
    except av.FFmpegError as error:
        raise _faulty(path) from error


def _check(path: Path) -> None:
    """Refuse what is no readable file with something in it, before a library sees it."""
    try:
        with path.open("rb") as file:
            if not file.read(1):
                raise ContentError(f"{path} is empty", hint=_AGAIN)
    except FileNotFoundError as error:
        raise NotFound(f"{path} does not exist", hint="check the path") from error
    except IsADirectoryError as error:
        raise ContentError(f"{path} is a folder", hint="give a video or sound file") from error
    except OSError as error:
        raise ContentError(
            f"{path} cannot be read: {error.strerror}", hint="check its permissions and its disk"
        ) from error


def probe(path: Path) -> Probe:
    """Look inside a file: streams, duration, title, chapters.

    Raises `NotFound` when there is no such file and `ContentError` when it is empty, cut off, or
    no video or sound file. What is only likely, as in formats that estimate their duration, is
    said in `notes`.
    """
    with opened(path) as container:
        streams = container.streams
        has_picture = any(not _is_cover(stream) for stream in streams.video)
        if not has_picture and not streams.audio:
            raise ContentError(f"{path} has neither picture nor sound")
        if _is_cut_off(path):
            raise ContentError(f"{path} is cut off{_how_much(container, path)}", hint=_AGAIN)
        duration, notes = _duration(container)
        return Probe(
            container=container.format.name,
            duration=duration,
            has_audio=bool(streams.audio),
            has_picture=has_picture,
            subtitle_streams=len(streams.subtitles),
            title=_title(container),
            chapters=_chapters(container),
            notes=notes,
        )


def _faulty(path: Path) -> ContentError:
    """Why a file that exists could not be opened."""
    if _is_cut_off(path):
        return ContentError(f"{path} is cut off before its index", hint=_AGAIN)
    return ContentError(
        f"{path} is not a video or sound file that can be read",
        hint=f"open it in a player, or {_AGAIN}",
    )


def _is_cover(stream: Any) -> bool:
    """Whether a video stream is a still picture: the cover of an album."""
    from av.stream import Disposition

    return bool(stream.disposition & Disposition.attached_pic)


def _is_cut_off(path: Path) -> bool:
    """Whether an MP4 or MOV file ends inside its data, or has data and no index.

    ISO/IEC 14496-12 §4.2: a file is a row of boxes, each of which begins with its size. Other
    formats are never said to be cut off here.
    """
    size = path.stat().st_size
    kinds = set()
    with path.open("rb") as file:
        for kind, end in _boxes(file, size):
            kinds.add(kind)
            if end > size and kind in _DATA_BOXES:
                return True
    return b"ftyp" in kinds and b"moov" not in kinds


def _boxes(file: BinaryIO, size: int) -> Iterator[tuple[bytes, int]]:
    """Kind and end of each top-level box, as long as they look like boxes."""
    start = 0
    while start + 8 <= size:
        file.seek(start)
        head = file.read(16)
        length, kind = int.from_bytes(head[:4], "big"), head[4:8]
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        elif length == 0:
            length = size - start
        if length < 8 or not kind.isalnum():
            return
        yield kind, start + length
        start += length


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
    """Seconds, corrected by the last packets where the header promises too much."""
    declared = container.duration / 1_000_000 if container.duration else None
    if declared is not None and declared <= _MISSING_SECONDS:
        return declared, ()
    last = _last_packet(container, declared)
    if declared is None or last is None:
        return last, ()
    missing = declared - last
    if missing <= max(_MISSING_SECONDS, declared * _MISSING_SHARE):
        return declared, ()
    there, whole = timecode.clock(last), timecode.clock(declared)
    return last, (f"only the first {there} of {whole} are there; the file may be cut off",)


def _last_packet(container: InputContainer, declared: float | None) -> float | None:
    """When the last packet ends, in seconds; None if no packet has a time."""
    begin = (container.start_time or 0) / 1_000_000
    if declared is not None and declared > _LAST_SECONDS:
        container.seek(int((begin + declared - _LAST_SECONDS) * 1_000_000))
    last = 0.0
    for packet in container.demux():
        if packet.pts is not None and packet.time_base is not None:
            last = max(last, float((packet.pts + (packet.duration or 0)) * packet.time_base))
    return last - begin if last > begin else None


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
