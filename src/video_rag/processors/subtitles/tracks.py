"""The subtitle tracks inside a video file, read packet by packet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from video_rag.media import opened, packets
from video_rag.processors.subtitles.cues import Parsed
from video_rag.processors.subtitles.markup import plain_ass, plain_html, voices
from video_rag.text import labels

if TYPE_CHECKING:
    from av import Packet
    from av.container import InputContainer
    from av.subtitles.stream import SubtitleStream

TEXT_CODECS = frozenset({"mov_text", "text", "subrip", "webvtt", "ass", "ssa"})
"""FFmpeg's names of the codecs whose packets are read; most others hold pictures."""
_ASS_FIELDS = 9
"""Read order, layer, style, name, three margins, effect, text: a dialogue without its times."""


@dataclass(frozen=True)
class Track:
    """One subtitle track of a video file."""

    number: int
    """Among the subtitle tracks, from 1."""
    codec: str
    language: str | None
    """As the file says it."""
    parsed: Parsed
    """A cue's `line` is its number in the track. Empty when the codec is not one of text."""
    roles: tuple[str, ...] = ()
    """What it is for, by its flags and its title: see `labels`."""
    title: str = ""

    @property
    def name(self) -> str:
        """`track 2`, or `track 2 "English [SDH]"`."""
        return f"track {self.number}" + (f' "{self.title}"' if self.title else "")


def read_tracks(path: Path) -> list[Track]:
    """Every subtitle track, times counted from the start of the video.

    Raises `ContentError` when the file is no video. The whole file is read through, as subtitles
    lie between pictures, but nothing else is kept or decoded.
    """
    from av.stream import Discard

    with opened(path) as container:
        tracks = [
            Track(
                number,
                _codec(stream),
                _language(stream),
                Parsed(place="cue"),
                _roles(stream),
                " ".join(stream.metadata.get("title", "").split()),
            )
            for number, stream in enumerate(container.streams.subtitles, start=1)
        ]
        by_stream = {
            stream.index: track
            for stream, track in zip(container.streams.subtitles, tracks, strict=True)
            if track.codec in TEXT_CODECS
        }
        if not by_stream:
            return tracks
        for stream in container.streams:
            if stream.index not in by_stream:
                stream.discard = Discard.all
        begin = _begin(container)
        for packet in packets(container, *container.streams):
            if packet.stream_index in by_stream:
                _add(packet, by_stream[packet.stream_index], begin)
    return tracks


def _title(stream: SubtitleStream) -> labels.Label:
    """What the title says; MP4 writes it where Matroska has the name of the program."""
    said = stream.metadata.get("title") or stream.metadata.get("handler_name") or ""
    return labels.read(labels.words(said))


def _language(stream: SubtitleStream) -> str | None:
    said = stream.metadata.get("language")
    return _title(stream).language if said in {None, "und"} else said


def _roles(stream: SubtitleStream) -> tuple[str, ...]:
    """The flags of Matroska and MP4 (FFmpeg's dispositions), and what the title says."""
    from av.stream import Disposition

    flags = {
        Disposition.default: labels.DEFAULT,
        Disposition.forced: labels.FORCED,
        Disposition.hearing_impaired: labels.HEARING_IMPAIRED,
        Disposition.captions: labels.HEARING_IMPAIRED,
        Disposition.comment: labels.COMMENTARY,
    }
    told = {role for flag, role in flags.items() if stream.disposition & flag}
    return tuple(sorted({*told, *_title(stream).roles}))


def _codec(stream: SubtitleStream) -> str:
    """FFmpeg's name of the format, not of the decoder, which may differ."""
    context = stream.codec_context
    return str(context.codec.canonical_name) if context else "unknown"


def _begin(container: InputContainer) -> float:
    """Seconds on the file's clock when the video starts; broadcasts do not start at zero."""
    return max(0, container.start_time or 0) / 1_000_000


def _add(packet: Packet[Any], track: Track, begin: float) -> None:
    """The cues of one packet, numbered as they come."""
    time_base = packet.time_base
    if packet.pts is None or time_base is None:
        return
    start = float(packet.pts * time_base) - begin
    end = start + float(packet.duration * time_base) if packet.duration else None
    for speaker, text in texts(track.codec, bytes(packet)):
        if text.strip():  # MP4 fills the time between two cues with empty ones
            track.parsed.add(len(track.parsed.cues) + 1, start, end, text, speaker)


def texts(codec: str, payload: bytes) -> Iterator[tuple[str, str]]:
    """Speaker (or '') and plain text of one packet of a codec in `TEXT_CODECS`."""
    if codec == "mov_text":  # a length in two bytes, the text, then boxes of styling
        payload = payload[2 : 2 + int.from_bytes(payload[:2], "big")]
        # 3GPP TS 26.245 §5.17 allows UTF-16, which must begin with its mark.
        is_wide = payload[:2] in {b"\xfe\xff", b"\xff\xfe"}
        yield "", payload.decode("utf-16" if is_wide else "utf-8", errors="replace")
        return
    text = payload.decode("utf-8", errors="replace").rstrip("\0")
    if codec not in {"ass", "ssa"}:
        for speaker, said in voices(text):
            yield plain_html(speaker), plain_html(said)
    elif len(fields := text.split(",", _ASS_FIELDS - 1)) == _ASS_FIELDS:
        yield fields[3], plain_ass(fields[-1])
