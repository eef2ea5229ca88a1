"""MicroDVD: `{25}{50}words|more words`, times counted in frames."""

from __future__ import annotations

import re
from collections.abc import Sequence

from video_rag.processors.subtitles.cues import Parsed
from video_rag.processors.subtitles.markup import plain_html
from video_rag.processors.subtitles.times import ascii_times

_FILM = 24000 / 1001
"""Frames per second, where neither the file nor its video says."""
_RATES = (1.0, 1000.0)
_LINE = re.compile(r"\s{0,9}[{\[]\s?([0-9]{1,9})\s?[}\]]\s?[{\[]\s?([0-9]{0,9})\s?[}\]]")
_RATE = re.compile(r"\s*([0-9]{1,3}(?:[.,][0-9]{1,6})?)\s*")
_CODE = re.compile(r"\{[a-zA-Z]{1,2}:[^{}]*\}")
_DEFAULTS = re.compile(r"\{DEFAULT\}", re.IGNORECASE)
_LOOK = 64
_UNREAD = re.compile(r"\s*\{[^{}]{0,20}\}\s?\{[^{}]{0,20}\}|\s*\{?[0-9]+\}?\s?\{[0-9]+\}")


def count(lines: Sequence[str]) -> int:
    """How many lines begin with two numbers in braces."""
    return sum(
        _LINE.match(ascii_times(line[:_LOOK])) is not None for line in lines if "{" in line[:_LOOK]
    )


def parse(lines: Sequence[str], *, frame_rate: float | None = None) -> Parsed:
    """Every line; `frame_rate` is the video's, for a file that does not say its own."""
    parsed = Parsed()
    rate, is_first = 0.0, True
    for number, line in enumerate(lines, start=1):
        match = _LINE.match(ascii_times(line[:_LOOK]))
        if match is None:
            _left_out(number, line, parsed)
            continue
        text = line[_behind(line) :]
        if is_first and match[1] in {"0", "1"} and (own := _RATE.fullmatch(text)):
            rate = float(own[1].replace(",", "."))
            is_first = False
            if _RATES[0] < rate < _RATES[1]:
                continue
            rate = 0.0
        is_first = False
        if not rate:
            rate = frame_rate or _FILM
            if not frame_rate:
                parsed.problem(f"files of frames: read with {_FILM:.3f} a second", number)
        end = int(match[2]) / rate if match[2] else None
        parsed.add(
            number,
            round(int(match[1]) / rate, 6),
            None if end is None else round(end, 6),
            _plain(text),
        )
    return parsed


def _left_out(number: int, line: str, parsed: Parsed) -> None:
    """Words without frames go nowhere, and that is said."""
    if not line.strip() or _DEFAULTS.match(line.strip()):
        return
    if _UNREAD.match(line):
        parsed.unreadable(number)
    else:
        parsed.problem("lines left out: no time", number)


def _behind(line: str) -> int:
    """Where the words begin: behind the second closing brace."""
    first = re.search(r"[}\]］】〕]", line)
    second = re.compile(r"[}\]］】〕]").search(line, first.end() if first else 0)
    return second.end() if second else len(line)


def _plain(text: str) -> str:
    lines = _CODE.sub("", text).split("|")
    return plain_html("\n".join(line.removeprefix("/") for line in lines))
