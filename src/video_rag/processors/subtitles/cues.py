"""What every subtitle format comes down to: cues, and what could not be used."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

_LATEST = 1e7
"""Seconds, some hundred days; what is later is no time."""


@dataclass(frozen=True)
class Cue:
    """Lines shown from `start` to `end`, in seconds as the file says them, right or wrong."""

    line: int
    """Where in the file, from 1."""
    start: float
    end: float | None
    """None when the file does not say, or not legibly."""
    lines: tuple[str, ...]
    """Without markup; never empty."""
    speaker: str | None = None


@dataclass
class Parsed:
    """What a file held, and the lines of what could not be used, by reason."""

    cues: list[Cue] = field(default_factory=list)
    language: str | None = None
    """What the file itself says."""
    problems: dict[str, list[int]] = field(default_factory=dict)
    place: str = "line"
    """What the numbers of cues and problems count."""
    other: str = ""
    """What the file is instead, where that is known."""

    def problem(self, reason: str, line: int) -> None:
        """Keep in mind that something at this line was left out."""
        self.problems.setdefault(reason, []).append(line)

    def unreadable(self, line: int) -> None:
        """Words whose time nobody can read."""
        self.problem("cues dropped: unreadable time", line)

    def add(self, line: int, start: float, end: float | None, text: str, speaker: str = "") -> None:
        """A cue, unless nothing is left of its text or its time is none."""
        lines = tuple(clean for part in text.split("\n") if (clean := " ".join(part.split())))
        if not lines:
            self.problem("cues dropped: no text", line)
        elif not math.isfinite(start) or abs(start) > _LATEST:
            self.unreadable(line)
        else:
            legible = end is not None and math.isfinite(end) and abs(end) <= _LATEST
            name = " ".join(speaker.split()) or None
            self.cues.append(Cue(line, start, end if legible else None, lines, name))
