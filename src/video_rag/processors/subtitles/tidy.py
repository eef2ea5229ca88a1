"""Cues put right: times that can be, in order, every word once."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

from video_rag.processors.subtitles.cues import Cue, Parsed

_SHOWN_LINES = 10
"""How many line numbers a note names."""
_LETTERS_PER_SECOND = 15.0
"""Reading speed for a cue without an end; guides for subtitlers allow 17 to 20 at most."""
_SHORTEST = 1.0
"""Seconds that a cue without an end is shown at least."""
_TOUCHING = 0.1
"""Captions that follow each other within this many seconds may roll."""
_FLASH = 0.2
"""Nobody says anything in so few seconds: such a cue only holds or moves what is shown."""
_MOST_LINES = 16
"""Lines of a cue that are compared with those shown before."""
_ROLLING_PAIRS = 3
_ROLLING_SHARE = 0.3
"""So many neighbours that repeat one another make a file of rolling captions."""


def notes_of(problems: dict[str, list[int]], place: str = "line") -> tuple[str, ...]:
    """`3 cues dropped: no text (lines 12, 40, 77)`, one note per reason."""
    notes = []
    for reason, lines in problems.items():
        shown = ", ".join(str(line) for line in sorted(lines)[:_SHOWN_LINES])
        more = ", …" if len(lines) > _SHOWN_LINES else ""
        what = reason if len(lines) > 1 else _singular(reason)
        notes.append(f"{len(lines)} {what} ({place}{'s' * (len(lines) > 1)} {shown}{more})")
    return tuple(notes)


def _singular(reason: str) -> str:
    first, space, rest = reason.partition(" ")
    return first.removesuffix("s") + space + rest


def tidy(parsed: Parsed) -> list[Cue]:
    """The cues by start, each with an end that is no earlier; what was changed is in the problems.

    Rolling captions, which show each line again above the next one, are cut down to what is new.
    """
    cues = _in_order(_with_ends(_not_negative(parsed.cues, parsed), parsed), parsed)
    return _without_repeats(_once(cues, parsed), parsed)


def _not_negative(cues: Iterable[Cue], parsed: Parsed) -> list[Cue]:
    """Times before the start of the video become its start."""
    kept = []
    for cue in cues:
        if cue.start < 0 or (cue.end is not None and cue.end < 0):
            parsed.problem("cues moved to 0:00: negative time", cue.line)
            end = None if cue.end is None else max(cue.end, 0.0)
            cue = replace(cue, start=max(cue.start, 0.0), end=end)  # noqa: PLW2901 (the same cue, mended)
        kept.append(cue)
    return kept


def _with_ends(cues: Sequence[Cue], parsed: Parsed) -> list[Cue]:
    """Every cue with an end after its start."""
    before = [0.0, *(_earliest(cue) for cue in cues)]
    after = [*(_earliest(cue) for cue in cues[1:]), math.inf]
    return [
        cue
        if cue.end is not None and cue.end > cue.start
        else _with_end(cue, previous, following, parsed)
        for cue, previous, following in zip(cues, before, after, strict=False)
    ]


def _earliest(cue: Cue) -> float:
    return cue.start if cue.end is None else min(cue.start, cue.end)


def _with_end(cue: Cue, previous: float, following: float, parsed: Parsed) -> Cue:
    """Swap start and end where the neighbours agree with that, else estimate the end."""
    if cue.end is not None and previous <= cue.end < cue.start <= following:
        parsed.problem("cues with end before start: swapped", cue.line)
        return replace(cue, start=cue.end, end=cue.start)
    reason = "no end" if cue.end is None else "end before start"
    if cue.end == cue.start:
        reason = "no length"
    parsed.problem(f"cues with {reason}: end estimated", cue.line)
    end = cue.start + reading_time(" ".join(cue.lines))
    return replace(cue, end=min(end, following) if following > cue.start else end)


def reading_time(text: str) -> float:
    """Seconds to read a text; a wide character, as in Chinese, counts as three letters."""
    letters = sum(3 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
    return max(_SHORTEST, letters / _LETTERS_PER_SECOND)


def _in_order(cues: list[Cue], parsed: Parsed) -> list[Cue]:
    """By start; cues that start together keep the order of the file."""
    for previous, cue in pairwise(cues):
        if cue.start < previous.start:
            parsed.problem("cues out of order: sorted by time", cue.line)
    return sorted(cues, key=lambda cue: cue.start)


def _once(cues: Iterable[Cue], parsed: Parsed) -> list[Cue]:
    """Without cues that say the same at the same time, as layered subtitles do."""
    seen = set()
    kept = []
    for cue in cues:
        key = (round(cue.start, 3), round(_end(cue), 3), cue.lines)
        if key in seen:
            parsed.problem("cues merged: the same at the same time", cue.line)
        else:
            seen.add(key)
            kept.append(cue)
    return kept


def _end(cue: Cue) -> float:
    return cue.start if cue.end is None else cue.end


def _without_repeats(cues: Sequence[Cue], parsed: Parsed) -> list[Cue]:
    """Each line once, with the time of the first cue that shows it."""
    rolls = _rolls(cues)
    kept: list[Cue] = []
    shown: Cue | None = None
    for cue in cues:
        repeated = _repeated(shown, cue) if shown else 0
        grows = rolls and shown is not None and not repeated and _grows(shown, cue)
        if shown is None or not (repeated or grows):
            kept.append(cue)
        elif grows:
            parsed.problem("cues merged: the line grew word by word", cue.line)
            kept[-1:] = _grown(kept[-1], cue)
        elif repeated < len(cue.lines):
            parsed.problem("cues cut: they began with lines shown before", cue.line)
            kept.append(replace(cue, lines=cue.lines[repeated:]))
        elif rolls or _is_same_breath(shown, cue):
            parsed.problem("cues merged: they only showed earlier lines again", cue.line)
            kept[-1] = replace(kept[-1], end=max(_end(kept[-1]), _end(cue)))
        else:  # said twice
            kept.append(cue)
        shown = cue
    return kept


def _rolls(cues: Sequence[Cue]) -> bool:
    """Whether this is a file of rolling or growing captions."""
    pairs = sum(bool(_repeated(one, two)) or _grows(one, two) for one, two in pairwise(cues))
    return pairs >= max(_ROLLING_PAIRS, _ROLLING_SHARE * (len(cues) - 1))


def _touch(shown: Cue, cue: Cue) -> bool:
    return cue.start <= _end(shown) + _TOUCHING


def _repeated(shown: Cue, cue: Cue) -> int:
    """How many of the cue's first lines are the last ones that were shown just before."""
    if shown.lines[-1] not in cue.lines or not _touch(shown, cue):
        return 0
    most = min(len(shown.lines), len(cue.lines), _MOST_LINES)
    return next((n for n in range(most, 0, -1) if shown.lines[-n:] == cue.lines[:n]), 0)


def _grows(shown: Cue, cue: Cue) -> bool:
    """Whether the cue shows the last line again with more words."""
    line = shown.lines[-1]
    first = next((i for i, other in enumerate(cue.lines) if other.startswith(line)), None)
    if first is None or not _touch(shown, cue) or cue.lines[first] == line:
        return False
    return first == 0 or shown.lines[-first - 1 : -1] == cue.lines[:first]


def _grown(kept: Cue, cue: Cue) -> list[Cue]:
    """The line as far as it has grown, from its first word's start.

    Captions that grow for ever become cues of some lines each: one of all lines would cost ever
    more to copy, and is no passage.
    """
    place = next(i for i, line in enumerate(cue.lines) if line.startswith(kept.lines[-1]))
    if len(kept.lines) > _MOST_LINES:
        return [replace(kept, lines=kept.lines[:-1]), replace(cue, lines=cue.lines[place:])]
    lines = (*kept.lines[:-1], *cue.lines[place:])
    return [replace(kept, end=max(_end(kept), _end(cue)), lines=lines)]


def _is_same_breath(shown: Cue, cue: Cue) -> bool:
    """Whether two cues with the same words overlap, or one is too short to be said."""
    shortest = min(_end(shown) - shown.start, _end(cue) - cue.start)
    return cue.start < _end(shown) - 0.001 or shortest < _FLASH
