"""WebVTT, SubRip, SubViewer and YouTube's .sbv: words below a line with their times.

The lines with times are what these files agree on, so they are looked for first; whatever stands
between two of them belongs to the former. That survives missing blank lines, missing numbers and
blank lines inside a cue, which a block-by-block reader does not.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from video_rag.processors.subtitles.cues import Parsed
from video_rag.processors.subtitles.formats import webvtt
from video_rag.processors.subtitles.markup import plain_html, voices
from video_rag.processors.subtitles.times import ESCAPED_ARROW, Times, times

_SUBVIEWER_BREAK = re.compile(r"\[br\]", re.IGNORECASE)
_GLUED = re.compile(r"(.*\D)1")
_SUBVIEWER_HEAD = re.compile(r"\[[A-Z ]+\]|\*+ (?:START|END)|\[[A-Z]+\]\d", re.IGNORECASE)


@dataclass(frozen=True)
class _Anchor:
    """A line with times."""

    index: int
    times: Times


def count(lines: Sequence[str]) -> int:
    """How many lines look like times."""
    return sum(times(line) is not None for line in _unescaped(lines))


def _unescaped(lines: Sequence[str]) -> Sequence[str]:
    """The lines; where every arrow is escaped, as after a web form, with arrows."""
    if any("-->" in line for line in lines):
        return lines
    return [line.replace(ESCAPED_ARROW, "-->") for line in lines]


def parse(lines: Sequence[str]) -> Parsed:
    """Every cue, and what else the file says."""
    parsed = Parsed()
    lines = _unescaped(lines)
    found = ((i, times(line)) for i, line in enumerate(lines))
    anchors = [_Anchor(i, read) for i, read in found if read]
    if not anchors:
        return parsed
    header = lines[: anchors[0].index]
    layout = _Layout(
        is_vtt=next((line for line in lines if line.strip()), "").lstrip().startswith("WEBVTT"),
        is_numbered=bool(header) and header[-1].strip().isdecimal(),
        is_named=_is_named(lines, anchors),
    )
    _read_header(header, layout, parsed)
    clock = webvtt.Clock(lines, parsed) if layout.is_vtt else None
    stops = [anchor.index for anchor in anchors[1:]]
    for anchor, stop in zip(anchors, [*stops, None], strict=True):
        body = lines[anchor.index + 1 : stop]
        said = body if stop is None else layout.without_id(body, anchor.index + 1, parsed)
        words = webvtt.words(said) if layout.is_vtt else _without_maps(said, anchor, parsed)
        if anchor.times.rest:
            words = [anchor.times.rest, *words]
        shift = clock.shift(anchor.index) if clock else 0.0
        _add(anchor, shift, _SUBVIEWER_BREAK.sub("\n", "\n".join(words)), parsed)
    _tell_parts(lines, anchors, parsed)
    return parsed


def _without_maps(lines: Sequence[str], anchor: _Anchor, parsed: Parsed) -> list[str]:
    """The lines of a cue without what a converter left of WebVTT's clocks."""
    for number, line in enumerate(lines, start=anchor.index + 2):
        if webvtt.is_map(line):
            parsed.problem("lines left out: X-TIMESTAMP-MAP", number)
    return [line for line in lines if not webvtt.is_map(line)]


def _add(anchor: _Anchor, shift: float, text: str, parsed: Parsed) -> None:
    """One cue for each speaker of an anchor's text."""
    line, start, end = anchor.index + 1, anchor.times.start, anchor.times.end
    if start is None:
        parsed.unreadable(line)
        return
    start, end = round(start + shift, 6), None if end is None else round(end + shift, 6)
    for speaker, said in voices(text):
        parsed.add(line, start, end, plain_html(said), plain_html(speaker))


def _is_named(lines: Sequence[str], anchors: Sequence[_Anchor]) -> bool:
    """Whether cues have names or numbers, as a line of its own above the times."""
    named = sum(
        anchor.index > 0 and bool(lines[anchor.index - 1].strip())
        for anchor in anchors
        if anchor.index < 2 or not lines[anchor.index - 2].strip()
    )
    return 2 * named >= len(anchors)


def _tell_parts(lines: Sequence[str], anchors: Sequence[_Anchor], parsed: Parsed) -> None:
    """Say where one file was joined to another: where the numbers and times begin again."""
    last = 0.0
    for anchor in anchors:
        start = anchor.times.start
        if start is None:
            continue
        if (
            start < last
            and anchor.index
            and _GLUED.sub("1", lines[anchor.index - 1].strip()) == "1"
        ):
            parsed.problem("parts joined: their times begin again", anchor.index + 1)
        last = start


@dataclass(frozen=True)
class _Layout:
    """How a file separates its cues."""

    is_vtt: bool
    is_numbered: bool
    is_named: bool

    def without_id(self, body: Sequence[str], line: int, parsed: Parsed) -> Sequence[str]:
        """The lines of a cue without the last one, if that is the next cue's number or name."""
        if not body or not (last := body[-1].strip()):
            return body
        is_apart = len(body) > 1 and not body[-2].strip()
        if last.isdecimal():
            return body[:-1] if is_apart or self.is_numbered else body
        if not self.is_vtt or not is_apart:
            return body
        if not self.is_named:
            parsed.problem("lines left out: names of cues", line + len(body))
        return body[:-1]


def _read_header(lines: Sequence[str], layout: _Layout, parsed: Parsed) -> None:
    """What stands before the first time: metadata in WebVTT, nothing but a number in SubRip."""
    if layout.is_vtt:
        webvtt.read_header(lines, parsed)
        return
    last = len(lines) - 1
    for index, line in enumerate(lines):
        clean = line.strip()
        is_number = index == last and clean.isdecimal()
        if clean and not is_number and not _SUBVIEWER_HEAD.match(clean):
            parsed.problem("lines left out: words before the first time", index + 1)
