"""Cues out of subtitle text: WebVTT, SubRip and SubStation Alpha, as strict as they can be read.

The lines with times are what these files agree on, so they are looked for first; whatever stands
between two of them belongs to the former. That survives missing blank lines, missing numbers and
blank lines inside a cue, which a block-by-block reader does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from video_rag.processors.subtitles.markup import plain_ass, plain_html, voices


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

    def problem(self, reason: str, line: int) -> None:
        """Keep in mind that something at this line was left out."""
        self.problems.setdefault(reason, []).append(line)

    def add(self, line: int, start: float, end: float | None, text: str, speaker: str = "") -> None:
        """A cue, unless nothing is left of its text."""
        lines = tuple(clean for part in text.split("\n") if (clean := " ".join(part.split())))
        if lines:
            self.cues.append(Cue(line, start, end, lines, speaker.strip() or None))
        else:
            self.problem("cues dropped: no text", line)


def parse(text: str) -> Parsed:
    """Every cue of a WebVTT, SubRip or SubStation Alpha file, in the file's order."""
    lines = re.split(r"\r*\n|\r", text.replace("\0", "").removeprefix("\ufeff"))
    timed = _parse_timed(lines)
    return timed if timed.cues else _parse_ass(lines, timed)


# A time is [hours:]minutes:seconds[fraction]. Fractions of any length occur, and so do
# milliseconds with decimals of their own: `04,560.0000000000009` is 4 s and 560.00… ms.
_TIME = (
    r"[-−]?(?:(?:[0-9]{1,6})\s*:\s*)?[-−]?[0-9]{1,4}\s*:\s*[-−]?[0-9]{1,4}"
    r"(?:\s*[.,:;]\s*[-−]?[0-9]{1,30}(?:\.[0-9]{1,30})?)?"
)
_ARROW = re.compile(r"--+\s?>|[–—]>")
_START = re.compile(rf"\s*(?:[0-9]{{1,6}}\s+)?({_TIME})\s*")
_END = re.compile(rf"\s*({_TIME})(?![0-9])")
_SETTINGS = re.compile(
    r"\s*(?:(?:line|position|align|size|vertical|region|[XY][12])\s*:\s*\S+\s*)*", re.IGNORECASE
)


def seconds(time: str) -> float:
    """The seconds of a time that matches `_TIME`; negative if any part of it is."""
    sign = -1.0 if "-" in time or "−" in time else 1.0
    whole, fraction = _split_fraction(time.replace("-", "").replace("−", ""))
    total = 0
    for part in whole.split(":"):
        total = total * 60 + int(part)
    return round(sign * (total + fraction), 6)  # 4 + 0.56 is not 4.56 in binary


def _split_fraction(time: str) -> tuple[str, float]:
    """`00:01:02,5` → `00:01:02`, 0.5; a third colon is a decimal mark as well."""
    match = re.fullmatch(r"(.*?:.*?)\s*[.,;]\s*([0-9]+)(?:\.([0-9]+))?", time)
    if match is None and time.count(":") == 3:
        match = re.fullmatch(r"(.*:.*:.*):\s*([0-9]+)(?:\.([0-9]+))?", time)
    if match is None:
        return time, 0.0
    whole, digits, decimals = match.groups()
    if decimals is not None:
        return whole, float(f"{digits}.{decimals}") / 1000
    return whole, float(f"0.{digits}")


@dataclass(frozen=True)
class _Anchor:
    """A line with times; `start` is None when it cannot be read."""

    index: int
    start: float | None
    end: float | None
    rest: str
    """Words on the same line, behind the times and the settings."""


def _anchor(index: int, line: str) -> _Anchor | None:
    """The times on a line, or None when it is words that happen to hold an arrow."""
    arrow = _ARROW.search(line)
    if arrow is None:
        return None
    before, after = line[: arrow.start()], line[arrow.end() :]
    start, end = _START.fullmatch(before), _END.match(after)
    if start is None:
        looks_like_time = end is not None or re.fullmatch(r"[\s0-9:.,;-]*:[\s0-9:.,;-]*", before)
        return _Anchor(index, None, None, "") if looks_like_time else None
    rest = after[end.end() :] if end else re.sub(r"^\s*\S*[0-9:]\S*", "", after)
    rest = rest[match.end() :] if (match := _SETTINGS.match(rest)) else rest
    return _Anchor(index, seconds(start[1]), seconds(end[1]) if end else None, rest.strip())


def _parse_timed(lines: Sequence[str]) -> Parsed:
    """WebVTT and SubRip."""
    parsed = Parsed()
    found = (_anchor(i, line) for i, line in enumerate(lines) if ">" in line)
    anchors = [anchor for anchor in found if anchor]
    if not anchors:
        return parsed
    header = lines[: anchors[0].index]
    layout = _Layout(
        is_vtt=next((line for line in lines if line.strip()), "").lstrip().startswith("WEBVTT"),
        is_numbered=bool(header) and header[-1].strip().isdecimal(),
    )
    _read_header(header, layout, parsed)
    stops = [anchor.index for anchor in anchors[1:]]
    for anchor, stop in zip(anchors, [*stops, None], strict=True):
        body = lines[anchor.index + 1 : stop]
        words = layout.words(body if stop is None else layout.without_id(body))
        if anchor.rest:
            words = [anchor.rest, *words]
        _add_timed(anchor, "\n".join(words), parsed)
    return parsed


def _add_timed(anchor: _Anchor, text: str, parsed: Parsed) -> None:
    """One cue for each speaker of an anchor's text."""
    line = anchor.index + 1
    if anchor.start is None:
        parsed.problem("cues dropped: unreadable time", line)
        return
    for speaker, said in voices(text):
        parsed.add(line, anchor.start, anchor.end, plain_html(said), plain_html(speaker))


@dataclass(frozen=True)
class _Layout:
    """How a WebVTT or SubRip file separates its cues."""

    is_vtt: bool
    is_numbered: bool

    def without_id(self, body: Sequence[str]) -> Sequence[str]:
        """The lines of a cue without the last one, if that is the next cue's number or name."""
        if not body or not (last := body[-1].strip()):
            return body
        is_apart = len(body) > 1 and not body[-2].strip()
        if last.isdecimal():
            return body[:-1] if is_apart or self.is_numbered else body
        return body[:-1] if self.is_vtt and len(body) > 1 and body[-2] == "" else body

    def words(self, body: Sequence[str]) -> list[str]:
        """The lines of a cue without WebVTT's comments, styles and further headers."""
        if not self.is_vtt:
            return list(body)
        kept: list[str] = []
        is_comment = False
        for previous, line in zip(["-", *body], body, strict=False):
            if previous == "":
                is_comment = bool(_COMMENT.match(line))
            if not is_comment:
                kept.append(line)
        return kept


_COMMENT = re.compile(r"NOTE(?:\s|$)|STYLE\s*$|REGION\s*$|WEBVTT(?:\s|$)")


def _read_header(lines: Sequence[str], layout: _Layout, parsed: Parsed) -> None:
    """What stands before the first time: metadata in WebVTT, nothing but a number in SubRip."""
    for number, line in enumerate(layout.without_id(lines), start=1):
        name, mark, value = line.strip().partition("=" if "=" in line else ":")
        if not layout.is_vtt and line.strip():
            parsed.problem("lines left out: words before the first time", number)
        elif mark and name.lower() == "language":
            parsed.language = value.strip()
        elif mark and name == "X-TIMESTAMP-MAP":
            # It relates the times to a broadcast's clock, which only the stream itself knows.
            parsed.problem("lines not applied: X-TIMESTAMP-MAP", number)


_ASS_FIELDS = "layer,start,end,style,name,marginl,marginr,marginv,effect,text"
"""The order when the file does not say, as in version 4+ of the format."""


def _parse_ass(lines: Iterable[str], parsed: Parsed) -> Parsed:
    """SubStation Alpha, any version; adds to `parsed` and returns it."""
    fields = _ASS_FIELDS.split(",")
    for number, line in enumerate(lines, start=1):
        kind, _, rest = line.strip().partition(":")
        if kind == "Format":
            names = [name.strip().lower() for name in rest.split(",")]
            # The styles have a format line of their own.
            fields = names if {"start", "end", "text"} <= set(names) else fields
        elif kind == "Dialogue":
            values = rest.split(",", len(fields) - 1)
            _add_dialogue(number, dict(zip(fields, values, strict=False)), parsed)
    return parsed


def _add_dialogue(number: int, values: dict[str, str], parsed: Parsed) -> None:
    """One line of speech."""
    start, end = _END.match(values.get("start", "")), _END.match(values.get("end", ""))
    if start is None or "text" not in values:
        parsed.problem("cues dropped: unreadable time", number)
        return
    speaker = values.get("name", "") or values.get("actor", "")
    ends = seconds(end[1]) if end else None
    parsed.add(number, seconds(start[1]), ends, plain_ass(values["text"]), speaker)
