"""Sung lines that were cut into a cue per syllable, joined again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

_BREATH = 0.3
"""Seconds between two syllables of one line at most."""
_LONG = 24
"""Characters; what is longer is no syllable."""
_LONGEST = 200
"""Characters of a sung line."""


@dataclass(frozen=True)
class Syllable:
    """What an effect shows at once."""

    line: int
    start: float
    end: float
    text: str
    style: str
    speaker: str


@dataclass
class Sung:
    """A line of a song."""

    lines: list[int]
    """Where its syllables stand in the file."""
    start: float
    end: float
    style: str
    speaker: str
    seen: set[tuple[float, str]] = field(default_factory=set)
    text: str = ""
    is_whole: bool = False

    def has(self, syllable: Syllable) -> bool:
        """Whether another layer of the effect has shown it already."""
        return (round(syllable.start, 2), syllable.text) in self.seen

    def takes(self, syllable: Syllable) -> bool:
        """Whether a syllable belongs to this line."""
        if self.has(syllable):
            return True
        is_near = syllable.start <= self.end + _BREATH and len(self.text) < _LONGEST
        return is_near and not self.is_whole

    def add(self, syllable: Syllable) -> None:
        """One more; layers of the same effect show the same syllable at the same time."""
        self.lines.append(syllable.line)
        self.end = max(self.end, syllable.end)
        if not self.has(syllable):
            self.seen.add((round(syllable.start, 2), syllable.text))
            self.text += syllable.text


def lines_of_song(syllables: Iterable[Syllable], songs: Sequence[str]) -> list[Sung]:
    """Syllables of one style that follow each other without a breath are one line.

    `songs` are lines as they were written; they tell where words end.
    """
    written = {_letters(song): song for song in songs}
    lines: list[Sung] = []
    sung: dict[tuple[str, str], Sung] = {}
    for one in sorted(syllables, key=lambda syllable: (syllable.start, syllable.line)):
        key = (one.style, one.speaker)
        is_short = len(one.text.strip()) <= _LONG
        line = sung.get(key)
        if line is None or not is_short or not line.takes(one):
            line = Sung([], one.start, one.end, one.style, one.speaker)
            lines.append(line)
            if is_short:
                sung[key] = line
        line.add(one)
        line.is_whole = _letters(line.text) in written
    for line in lines:
        line.text = written.get(_letters(line.text), line.text)
    return lines


def _letters(text: str) -> str:
    return "".join(text.split())
