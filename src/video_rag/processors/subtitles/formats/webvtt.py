"""What WebVTT has beyond cues: headers, comments, styles, and segments with clocks of their own."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence

from video_rag.processors.subtitles.cues import Parsed
from video_rag.processors.subtitles.times import time_of

_SIGNATURE = re.compile(r"\s*WEBVTT(?:\s|$)")
_GLUED = re.compile(r"(.*\S)WEBVTT\s*")
_COMMENT = re.compile(r"NOTE(?:\s|$)|STYLE\s*$|REGION\s*$|WEBVTT(?:\s|$)")
_METADATA = re.compile(r"[\w-]{1,40}\s?[:=]")
_MAP = "X-TIMESTAMP-MAP"
_MAP_LINE = re.compile(rf"\s*{_MAP}\s*=", re.IGNORECASE)
_TICKS = 90_000
"""Of a broadcast's clock in a second; it has 33 bits, which run over after 26 hours."""
_WRAP = 2**33


def is_map(line: str) -> bool:
    """Whether a line is a segment's clock, wherever it stands: nobody says it."""
    return _MAP_LINE.match(line) is not None


def words(lines: Sequence[str]) -> list[str]:
    """The lines of a cue without comments, styles and the headers of further segments."""
    kept: list[str] = []
    is_comment = False
    for index, line in enumerate(lines):
        glued = _GLUED.fullmatch(line)  # a file joined to one without a last line break
        # right below a time even the word WEBVTT is said
        is_joined = index > 0 and (not lines[index - 1].strip() or line.startswith("WEBVTT"))
        if is_joined or glued:
            is_comment = bool(_COMMENT.match(line)) or bool(glued)
        if glued:
            kept.append(glued[1])
        elif not is_comment and not is_map(line):
            kept.append(line)
    return kept


def read_header(lines: Sequence[str], parsed: Parsed) -> None:
    """The lines before the first time; words that are neither header nor comment are named."""
    is_header = True
    is_comment = False
    last = len(lines) - 1
    for index, line in enumerate(lines):
        clean = line.strip()
        if not clean:
            is_header = is_header and not any(map(str.strip, lines[:index]))
            is_comment = False
            continue
        if not is_header and (index == 0 or not lines[index - 1].strip()):
            is_comment = bool(_COMMENT.match(clean))
            if index == last:
                continue  # the name of the first cue
        if is_header and _SIGNATURE.match(line):
            continue
        if is_header and _METADATA.match(clean):
            name, _, value = clean.partition("=" if "=" in clean else ":")
            if name.strip().lower() == "language":
                parsed.language = value.strip()
        elif not is_comment:
            parsed.problem("lines left out: words before the first time", index + 1)


class Clock:
    """How much later the times of each segment are than they say.

    RFC 8216 §3.5: a segment of a stream says which of its own times is which of the broadcast's;
    the first one's times are taken as they stand.
    """

    def __init__(self, lines: Sequence[str], parsed: Parsed) -> None:
        self._begins: list[int] = []
        self._shifts: list[float] = []
        maps = list(_maps(lines))
        first = next((apart for _, apart in maps if apart is not None), None)
        for index, apart in maps:
            if first is None or apart is None or len(maps) == 1:
                # which moment of the broadcast the video begins with only the stream knows
                parsed.problem(f"lines not applied: {_MAP}", index + 1)
                continue
            ticks = (apart - first) % (_WRAP / _TICKS)
            self._begins.append(index)
            self._shifts.append(ticks if ticks < _WRAP / _TICKS / 2 else ticks - _WRAP / _TICKS)

    def shift(self, index: int) -> float:
        """Seconds to add to the times on a line."""
        place = bisect_right(self._begins, index) - 1
        return round(self._shifts[place], 6) if place >= 0 else 0.0


def _maps(lines: Sequence[str]) -> Iterator[tuple[int, float | None]]:
    """Line and difference in seconds between broadcast and local time of each map."""
    for index, line in enumerate(lines):
        if not is_map(line):
            continue
        ticks = re.search(r"MPEGTS:\s{0,9}([0-9]{1,12})", line)
        local = re.search(r"LOCAL:\s{0,9}([0-9:.,]{1,40})", line)
        at = time_of(local[1].rstrip(",")) if local else None
        yield index, None if ticks is None or at is None else int(ticks[1]) / _TICKS - at
