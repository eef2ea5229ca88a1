"""What is shown, tidied: one slide per slide, without the lines that stand on every one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from video_rag.model import Line, Slide

_RECURS = 0.7
"""A line at the edge of this share of the slides is a logo, a running head or a page number."""
_FEW = 5
"""With fewer slides than this no line is taken for one."""
_EDGE = 0.15
"""Height of the strips at the top and bottom where such lines stand, as a share of the image."""
_TOP = 0.4
"""A title stands above this height."""
_SHORT = 4
_SURE = 0.9
"""Fewer letters than this are believed only when the reader is this sure of them."""
_NOT_WORDS = re.compile(r"[\W_]+")
_DIGITS = re.compile(r"\d+")


def tidy(slides: Sequence[Slide]) -> list[Slide]:
    """Slides in order of time: builds of one slide joined, noise and recurring lines gone."""
    legible = [_legible(slide) for slide in sorted(slides, key=lambda slide: slide.start)]
    return _without_recurring(_joined(legible))


def _legible(slide: Slide) -> Slide:
    """The slide without single letters that the reader was not sure of: it sees them in films."""
    sure = (line for line in slide.lines if _width(line) >= _SHORT or line.confidence >= _SURE)
    return slide.model_copy(update={"lines": tuple(sure)})


def _width(line: Line) -> int:
    """Letters and digits; a Chinese or Japanese character says as much as two."""
    return sum(1 + ("\u3040" <= character <= "\u9fff") for character in _words(line))


def title_of(slide: Slide) -> str:
    """The tallest line in the upper part of a slide, else the tallest of all."""
    lines = [line for line in slide.lines if _words(line)]
    upper = [line for line in lines if line.box[1] < _TOP]
    return max(upper or lines, key=_height).text.strip() if lines else ""


def _height(line: Line) -> float:
    """Rounded, so that of two lines in one type size the upper one counts."""
    return round(line.box[3] - line.box[1], 2)


def _words(line: Line) -> str:
    return _NOT_WORDS.sub("", line.text).casefold()


def _joined(slides: Sequence[Slide]) -> list[Slide]:
    """A slide whose lines all stand on the next one too is an early state of that one."""
    found: list[Slide] = []
    for slide in slides:
        before = found[-1] if found else None
        if before and (before.image == slide.image or _is_build(before, slide)):
            found[-1] = slide.model_copy(update={"start": before.start})
        else:
            found.append(slide)
    return found


def _is_build(before: Slide, slide: Slide) -> bool:
    earlier = {_words(line) for line in before.lines} - {""}
    return bool(earlier) and earlier <= {_words(line) for line in slide.lines}


def _without_recurring(slides: Sequence[Slide]) -> list[Slide]:
    """Slides without the lines that stand at the edges of nearly all; numbers count as equal."""
    if len(slides) < _FEW:
        return list(slides)
    counts = Counter(key for slide in slides for key in {_key(line) for line in slide.lines})
    junk = {key for key, n in counts.items() if key[0] and n >= _RECURS * len(slides)}
    return [
        slide.model_copy(
            update={"lines": tuple(line for line in slide.lines if _key(line) not in junk)}
        )
        for slide in slides
    ]


def _key(line: Line) -> tuple[bool, str]:
    """What may recur: the words, and whether they stand at the edge."""
    top, bottom = line.box[1], line.box[3]
    at_edge = bottom <= _EDGE or top >= 1 - _EDGE
    return at_edge, _DIGITS.sub("0", _words(line))
