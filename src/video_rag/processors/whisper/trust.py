"""What of a recogniser's output is believed: no words out of silence, nothing said in a loop."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from video_rag.model import Segment
from video_rag.text import timecode

if TYPE_CHECKING:
    from faster_whisper.transcribe import Segment as Heard

_OFTEN = 4
"""How often in a row a model must say the same words before it is a loop and no emphasis."""
_LONGEST_LOOP = 30
"""Words, or characters of Chinese, of the longest phrase that is looked for."""
_SAME_LINES = 3
"""Segments in a row that say the same, from which it is a loop."""
_SHORT = 4
"""Words up to which a line that comes again, such as "yes", may really have been said."""
_PLACES = 10
_UNIT = re.compile("[\u3040-\u30ff\u3400-\u9fff]|[^\\s\u3040-\u30ff\u3400-\u9fff]+")
_BARE = re.compile(r"\W+")


def trusted(
    heard: Iterable[Heard], begin: float, duration: float, no_speech: float
) -> tuple[tuple[Segment, ...], tuple[str, ...]]:
    """Segments in seconds of the video, and a note on those that are probably no speech.

    Whisper invents words where there are none, and its times can run past the end of the sound.
    """
    kept: list[Segment] = []
    dropped: list[str] = []
    for segment in heard:
        # The library's times may be NumPy numbers, which JSON does not take.
        start = min(max(0.0, float(segment.start)), duration)
        end = min(max(start, float(segment.end)), duration)
        text = " ".join(segment.text.split())
        if segment.no_speech_prob >= no_speech or segment.start >= duration:
            dropped.append(timecode.clock(begin + start))
        elif text:
            confidence = round(min(1.0, math.exp(float(segment.avg_logprob))), 3)
            kept.append(
                Segment(start=begin + start, end=begin + end, text=text, confidence=confidence)
            )
    if not dropped:
        return tuple(kept), ()
    places = ", ".join(dropped[:10]) + ", …" * (len(dropped) > 10)
    what = "1 segment" if len(dropped) == 1 else f"{len(dropped)} segments"
    note = f"{what} dropped: probably no speech (at {places})"
    return tuple(kept), (note,)


def unlooped(segments: Sequence[Segment]) -> tuple[tuple[Segment, ...], tuple[str, ...]]:
    """The same without what a model said over and over, and a note on where it did.

    A phrase that comes four times in a row, or a longer line three times, is kept once.
    """
    kept: list[Segment] = []
    looped: list[str] = []
    run: list[Segment] = []
    for whole in segments:
        segment = whole.model_copy(update={"text": without_loops(whole.text)})
        if segment != whole:
            looped.append(timecode.clock(segment.start))
        if run and _same(run[-1].text, segment.text):
            run.append(segment)
            continue
        kept += _once(run, looped)
        run = [segment]
    kept += _once(run, looped)
    if not looped:
        return tuple(kept), ()
    at = ", ".join(looped[:_PLACES]) + ", …" * (len(looped) > _PLACES)
    return tuple(kept), (f"the recogniser repeated itself at {at}: kept once",)


def _once(run: list[Segment], looped: list[str]) -> list[Segment]:
    """A row of equal lines, or the first of it."""
    enough = _OFTEN * 2 if run and len(_UNIT.findall(run[0].text)) <= _SHORT else _SAME_LINES
    if len(run) < enough:
        return run
    looped.append(timecode.clock(run[0].start))
    return run[:1]


def _same(one: str, other: str) -> bool:
    return _bare(one) == _bare(other) != ""


def _bare(text: str) -> str:
    return _BARE.sub("", text).casefold()


def without_loops(text: str) -> str:
    """A text in which each phrase that follows itself four times or more stands once.

    >>> without_loops("We go on. of the software of the software of the software of the software")
    'We go on. of the software'
    """
    units = list(_UNIT.finditer(text))
    words = [_bare(unit.group()) for unit in units]
    out: list[tuple[int, int]] = []
    at = copied = 0
    while at < len(words):
        end, length = _loop(words, at)
        if end:
            out.append((copied, units[at + length - 1].end()))
            copied = units[end - 1].end()
            at = end
        else:
            at += 1
    return "".join(text[start:end] for start, end in [*out, (copied, len(text))]).strip()


def _loop(words: Sequence[str], at: int) -> tuple[int, int]:
    """Where a loop that begins here ends, and how long its phrase is; zeros if there is none.

    One word alone must come twice as often: people count, stutter and cheer.
    """
    for length in range(1, min(_LONGEST_LOOP, (len(words) - at) // _OFTEN) + 1):
        phrase = words[at : at + length]
        if not any(phrase) or words[at + length : at + 2 * length] != phrase:
            continue
        end = at + length
        while words[end : end + length] == phrase:
            end += length
        if (end - at) // length >= (_OFTEN * 2 if length == 1 else _OFTEN):
            return end, length
    return 0, 0
