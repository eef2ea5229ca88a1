"""TTML (also .dfxp): paragraphs with times.

The tags are read one by one instead of as a tree. That needs no document type or entity, so none
can be a bomb; it reads a damaged file up to the damage and on behind it; and it is linear.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field

from video_rag.processors.subtitles.cues import Parsed
from video_rag.processors.subtitles.markup import visible
from video_rag.processors.subtitles.times import time_of

_TIMED = re.compile(r"<[^<>]{1,300}?\s(?:[\w-]{1,30}:)?begin\s?=")
_TAG = re.compile(r"<(/?)((?:[\w-]{1,30}:)?[\w-]{1,30})((?:[\s/][^<>]*)?)>")
_ATTRIBUTE = re.compile(
    r"(?:[\w-]{1,30}:)?([\w-]{1,30})\s{0,9}=\s{0,9}(?:\"([^\"<>]*)\"|'([^'<>]*)')"
)
_OFFSET = re.compile(r"\s*(-?[0-9]{1,12}(?:\.[0-9]{1,12})?)\s?(h|ms|m|s|f|t)\s*")
_FRAMES = re.compile(r"\s*([0-9]{1,4}:[0-9]{1,2}:[0-9]{1,2}):([0-9]{1,3})(?:\.[0-9]+)?\s*")
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_READINGS = frozenset({"text", "textContainer", "delimiter"})
"""Values of `tts:ruby` (TTML2 §10.2.37): what stands above a word, and brackets around that."""
_DEEPEST = 200
"""Tags inside one another that are remembered."""


def count(text: str) -> int:
    """How many tags have a time."""
    return len(_TIMED.findall(text)) if "begin" in text else 0


def parse(text: str) -> Parsed:
    """Every paragraph at its time; where only its spans have times, every span."""
    reader = _Reader(Parsed())
    text = _without(_unwrapped(text), "<!--", "-->")
    place, line = 0, 1
    for match in _TAG.finditer(text):
        attributes = match[3].strip(" /\n\t")
        if attributes and "=" not in attributes:
            continue  # `a <b and c> d`
        line += text.count("\n", place, match.start())
        reader.words(text[place : match.start()])
        name = match[2].rpartition(":")[2].lower()
        if match[1]:
            reader.close(name)
        else:
            reader.open(name, _attributes(attributes), line, is_empty=match[3].endswith("/"))
        line += text.count("\n", match.start(), match.end())
        place = match.end()
    reader.words(text[place:])
    reader.finish()
    return reader.parsed


def _attributes(text: str) -> dict[str, str]:
    return {
        m[1]: html.unescape(m[2] if m[2] is not None else m[3]) for m in _ATTRIBUTE.finditer(text)
    }


@dataclass
class _Open:
    """A tag that is not closed yet, with its span of time."""

    name: str
    begin: float | None
    """None as long as no tag around it has one."""
    end: float | None
    is_reading: bool = False
    """Whether it is what stands above the characters of a word."""


@dataclass
class _Paragraph:
    line: int
    begin: float | None
    end: float | None
    speaker: str
    pieces: list[tuple[float | None, float | None, str]] = field(default_factory=list)


@dataclass
class _Reader:
    """Goes from tag to tag."""

    parsed: Parsed
    stack: list[_Open] = field(default_factory=list)
    paragraph: _Paragraph | None = None
    agents: dict[str, str] = field(default_factory=dict)
    agent: str | None = None
    readings: set[str] = field(default_factory=set)
    """Styles of what stands above a word."""
    frame_rate: float = 30.0
    tick_rate: float = 0.0

    def words(self, text: str) -> None:
        """Text between two tags."""
        if any(one.is_reading for one in self.stack):
            return
        if self.paragraph is not None:
            inner = next((one for one in reversed(self.stack) if one.name == "span"), None)
            times = (inner.begin, inner.end) if inner else (None, None)
            self.paragraph.pieces.append((*times, " ".join(text.split("\n"))))
        elif self.agent is not None and text.strip():
            self.agents.setdefault(self.agent, html.unescape(" ".join(text.split())))

    def open(self, name: str, values: dict[str, str], line: int, *, is_empty: bool) -> None:
        """A tag begins."""
        if name == "tt":
            self._read_root(values)
        elif name == "agent":
            self.agent = values.get("id")
        elif name == "style" and values.get("ruby") in _READINGS:
            self.readings.add(values.get("id", ""))
        elif name == "br" and self.paragraph is not None:
            self.paragraph.pieces.append((None, None, "\n"))
        elif name == "p":
            self.finish()
            self._begin_paragraph(values, line)
        if name in {"body", "div", "span", "rt", "rp"} and not is_empty:
            self._open_around(name, values)

    def _open_around(self, name: str, values: dict[str, str]) -> None:
        if len(self.stack) >= _DEEPEST:
            return
        begin, end = self._span(values)
        around = self.stack[-1].begin if self.stack else None
        styles = values.get("style", "").split()
        is_reading = name in {"rt", "rp"} or values.get("ruby") in _READINGS
        is_reading = is_reading or not self.readings.isdisjoint(styles)
        self.stack.append(_Open(name, around if begin is None else begin, end, is_reading))

    def close(self, name: str) -> None:
        """A tag ends; one that was never opened is none."""
        if name == "p":
            self.finish()
        elif name == "agent":
            self.agent = None
        elif any(one.name == name for one in self.stack):
            while self.stack.pop().name != name:
                pass

    def finish(self) -> None:
        """The paragraph ends."""
        one, self.paragraph = self.paragraph, None
        self.stack = [other for other in self.stack if other.name in {"body", "div"}]
        if one is None:
            return
        text = visible(html.unescape("".join(piece for _, _, piece in one.pieces)))
        if one.begin is not None:
            self.parsed.add(one.line, one.begin, one.end, text, one.speaker)
            return
        timed = [piece for piece in one.pieces if piece[0] is not None]
        if not timed and text.strip():
            self.parsed.unreadable(one.line)
        for begin, end, piece in timed:
            if begin is not None and piece.strip():
                self.parsed.add(one.line, begin, end, visible(html.unescape(piece)), one.speaker)

    def _begin_paragraph(self, values: dict[str, str], line: int) -> None:
        begin, end = self._span(values)
        speaker = self.agents.get(values.get("agent", ""), "")
        self.paragraph = _Paragraph(line, begin, end, speaker)

    def _base(self) -> float:
        return (self.stack[-1].begin if self.stack else None) or 0.0

    def _span(self, values: dict[str, str]) -> tuple[float | None, float | None]:
        """Begin and end of a tag from the start of the file."""
        base = self._base()
        begin, end, lasts = (self._seconds(values.get(name)) for name in ("begin", "end", "dur"))
        begin = None if begin is None else round(base + begin, 6)
        if end is not None:
            return begin, round(base + end, 6)
        return begin, round(begin + lasts, 6) if begin is not None and lasts is not None else None

    def _seconds(self, text: str | None) -> float | None:
        """`00:00:01.5`, `00:00:01:12` (frames), `1.5s`, `36f` or `15000000t` in seconds."""
        if text is None:
            return None
        if match := _OFFSET.fullmatch(text):
            if match[2] == "f":
                return float(match[1]) / self.frame_rate
            if match[2] == "t":
                return float(match[1]) / (self.tick_rate or self.frame_rate)
            return float(match[1]) * _UNITS[match[2]]
        if match := _FRAMES.fullmatch(text):
            whole = time_of(match[1])
            return None if whole is None else whole + int(match[2]) / self.frame_rate
        return time_of(text)

    def _read_root(self, values: dict[str, str]) -> None:
        self.parsed.language = values.get("lang") or None
        rate = _positive(values.get("frameRate"))
        up, _, down = values.get("frameRateMultiplier", "1 1").partition(" ")
        multiplier = (_positive(up) or 1.0) / (_positive(down) or 1.0)
        self.frame_rate = (rate or 30.0) * multiplier
        self.tick_rate = _positive(values.get("tickRate")) or (self.frame_rate if rate else 1.0)


def _positive(text: str | None) -> float | None:
    match = re.fullmatch(r"\s*([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*", text or "")
    return float(match[1]) or None if match else None


def _without(text: str, begin: str, end: str) -> str:
    """The text without what stands between two marks."""
    kept, place = [], 0
    while (start := text.find(begin, place)) >= 0 and (stop := text.find(end, start)) >= 0:
        kept += [text[place:start], "\n" * text.count("\n", start, stop)]
        place = stop + len(end)
    kept.append(text[place:])
    return "".join(kept)


def _unwrapped(text: str) -> str:
    """Character data becomes text like any other."""
    begin, end = "<![CDATA[", "]]>"
    kept, place = [], 0
    while (start := text.find(begin, place)) >= 0 and (stop := text.find(end, start)) >= 0:
        kept += [text[place:start], html.escape(text[start + len(begin) : stop], quote=False)]
        place = stop + len(end)
    kept.append(text[place:])
    return "".join(kept)
