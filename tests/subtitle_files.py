"""Subtitle files for tests."""

from __future__ import annotations

from pathlib import Path

from video_rag.model import Transcript
from video_rag.processors.subtitles.reading import read_subtitles

SRT = "1\n00:00:01,000 --> 00:00:02,500\nHello there.\n\n2\n00:00:03,000 --> 00:00:04,000\nBye.\n"


def read(folder: Path, text: str | bytes, name: str = "talk.srt") -> Transcript:
    """The transcript of a file with these contents."""
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_subtitles(path)


def said(track: Transcript) -> list[tuple[float, float, str]]:
    """Start, end and words of every segment."""
    return [(segment.start, segment.end, segment.text) for segment in track.segments]


def cues(*lines: str) -> str:
    """One cue per second."""
    return "\n".join(
        f"00:00:{n:02},000 --> 00:00:{n + 1:02},000\n{text}\n" for n, text in enumerate(lines)
    )
