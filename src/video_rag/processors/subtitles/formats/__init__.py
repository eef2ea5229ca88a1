"""One format a file; what a text is shows in its lines, not in its name."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial

from video_rag.processors.subtitles.cues import Parsed
from video_rag.processors.subtitles.formats import (
    json_tracks,
    lrc,
    microdvd,
    substation,
    timed,
    ttml,
)

Count = Callable[[Sequence[str]], int]
Read = Callable[[Sequence[str]], Parsed]

_CARRIAGE = re.compile(r"\r+\n?")


def parse(text: str, frame_rate: float | None = None) -> Parsed:
    """Every cue of a subtitle file, in the file's order.

    `frame_rate` is that of the video, for files that count frames.
    """
    text = text.replace("\0", "").replace("\ufeff", "")
    lines = _lines(text)
    readers: tuple[tuple[Count, Read], ...] = (  # the first one in doubt
        (timed.count, timed.parse),
        (substation.count, substation.parse),
        (lrc.count, lrc.parse),
        (microdvd.count, partial(microdvd.parse, frame_rate=frame_rate)),
        (lambda _: json_tracks.count(text), lambda _: json_tracks.parse(text)),
        (lambda _: ttml.count(text), lambda _: ttml.parse(text)),
    )
    counts = [count(lines) for count, _ in readers]
    if not any(counts) and json_tracks.looks_like(text):
        return json_tracks.parse(text)  # which tells what it is instead
    return readers[counts.index(max(counts))][1](lines)


def _lines(text: str) -> list[str]:
    """The lines of a text, whatever ends them; linear for any row of carriage returns."""
    if "\r" in text:
        text = _CARRIAGE.sub(lambda m: "\n" if m[0][-1] == "\n" else "\n" * len(m[0]), text)
    return text.split("\n")
