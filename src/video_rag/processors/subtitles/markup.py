"""Subtitle text without its markup: tags, entities, override codes, drawings."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

_VOICE = re.compile(r"<v(?:\.[^\s<>]*)?[ \t]+([^<>]+)>")
# Only tags that subtitles use: "if a <b and c> d" keeps its words.
_TAG = re.compile(
    r"</?(?:b|i|u|s|c|v|lang|ruby|rt|font|span|p|div|em|strong|small)(?:[.\s][^<>]*)?/?>"
    r"|<[0-9]+:[0-9:.]+>",
    re.IGNORECASE,
)
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")
_OVERRIDE = re.compile(r"\{\\[^{}]*\}")
_INVISIBLE = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
"""Soft hyphens, zero-width spaces and direction marks: they would hide words from a search."""
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f]")
_DRAWING = re.compile(r"\\p([0-9]+)")


def voices(text: str) -> Iterator[tuple[str, str]]:
    """Speaker (or '') and words, one pair for each `<v Name>` of a cue."""
    before, *rest = _VOICE.split(text)
    if before.strip() or not rest:
        yield "", before
    yield from zip(rest[::2], rest[1::2], strict=True)


def plain_html(text: str) -> str:
    """WebVTT and SubRip text without tags, entities and stray override codes."""
    if "<" in text:
        text = _TAG.sub("", _BREAK.sub("\n", text))
    if "{\\" in text:
        text = _OVERRIDE.sub("", text)
    if "&" in text:
        text = _ENTITY.sub(lambda match: html.unescape(match[0]), text)
    return _visible(text)


def plain_ass(text: str) -> str:
    r"""SubStation Alpha text without override codes, comments in braces and `\p` drawings."""
    kept = []
    is_drawing = False
    for part in re.split(r"(\{[^{}]*\})", text):
        if part.startswith("{") and part.endswith("}"):
            for scale in _DRAWING.findall(part):
                is_drawing = int(scale[:4]) > 0
        elif not is_drawing:
            kept.append(part)
    said = "".join(kept).replace(r"\N", "\n").replace(r"\n", "\n").replace(r"\h", " ")
    return _visible(said)


def _visible(text: str) -> str:
    """Drop characters that nobody sees, and control characters other than line breaks."""
    return _CONTROL.sub(" ", _INVISIBLE.sub("", text))
