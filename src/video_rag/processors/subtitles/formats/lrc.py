"""LRC: lyrics and lectures with `[mm:ss.xx]` before each line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from video_rag.processors.subtitles.cues import Parsed
from video_rag.processors.subtitles.markup import plain_html
from video_rag.processors.subtitles.times import ascii_times, time_of

_STAMP = re.compile(r"\s{0,9}\[\s?(-?[0-9]{1,5}\s?[:.]\s?[0-9]{1,2}(?:[.:,][0-9]{1,6}){0,2})\s?\]")
_WORD_STAMP = re.compile(r"[<\[][0-9]{1,5}:[0-9]{1,2}(?:[.:,][0-9]{1,6})?[>\]]")
_TAG = re.compile(r"\s*\[\s?([a-zA-Z#]{1,20})\s?:([^\[\]]*)\]\s*")
_LOOK = 64
"""Characters at the beginning of a line, in which a stamp is looked for."""


@dataclass(frozen=True)
class _Line:
    number: int
    start: float
    text: str


def count(lines: Sequence[str]) -> int:
    """How many lines begin with a time in brackets."""
    return sum(
        _STAMP.match(_plain(line)) is not None
        for line in lines
        if "[" in line[:_LOOK] or "［" in line[:_LOOK]
    )


def parse(lines: Sequence[str]) -> Parsed:
    """Every line at each of its times; it ends where the next one begins, even an empty one."""
    parsed = Parsed()
    later = 0.0
    found: list[_Line] = []
    for number, line in enumerate(lines, start=1):
        starts, text = _stamped(line)
        tag = _TAG.fullmatch(line)
        if starts:
            found += [_Line(number, start, text) for start in starts]
        elif tag and tag[1].lower() == "offset":
            later = _offset(tag[2])
        elif tag and tag[1].lower() in {"la", "language"}:
            parsed.language = tag[2].strip()
        elif line.strip() and not tag:
            _untimed(number, line, found, parsed)
    found.sort(key=lambda one: (one.start, one.number))
    stops = [one.start for one in found[1:]]
    for one, stop in zip(found, [*stops, None], strict=False):
        if one.text.strip():
            start = round(one.start - later, 6)
            end = None if stop is None or stop <= one.start else round(stop - later, 6)
            parsed.add(one.number, max(start, 0.0), end, plain_html(one.text))
    return parsed


def _untimed(number: int, line: str, found: list[_Line], parsed: Parsed) -> None:
    """A line without a time goes on from the one before."""
    if not found:
        parsed.problem("lines left out: words before the first time", number)
        return
    parsed.problem("lines without a time: added to the line before", number)
    last = found[-1]
    found[-1] = _Line(last.number, last.start, f"{last.text}\n{line}")


def _plain(line: str) -> str:
    return ascii_times(line[:_LOOK])


def _stamped(line: str) -> tuple[list[float], str]:
    """The times at the beginning of a line, and the words behind them."""
    starts: list[float] = []
    while match := _STAMP.match(_plain(line)):
        at = time_of(_colons(match[1]))
        if at is None:
            break
        starts.append(at)
        # a full-width bracket is one character as well, but what nobody sees is gone
        line = line[line.replace("］", "]").index("]") + 1 :]
    return starts, _WORD_STAMP.sub("", line)


def _colons(time: str) -> str:
    """`01.02.50` and `01:02:50` → `01:02.50`: a third number is a fraction."""
    numbers = re.findall(r"-?[0-9]+", time)
    fraction = numbers[2] if len(numbers) == 3 else ""
    if len(numbers) == 4:  # hours
        return f"{numbers[0]}:{numbers[1]}:{numbers[2]}.{numbers[3]}"
    return f"{numbers[0]}:{numbers[1]}.{fraction or 0}"


def _offset(text: str) -> float:
    """Seconds by which the words come sooner."""
    match = re.search(r"[+-]?[0-9]{1,9}", ascii_times(text))
    return int(match[0]) / 1000 if match else 0.0
