"""Subtitle text without its markup: tags, entities, override codes, drawings."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

_VOICE = re.compile(r"<v(?:\.[^\s<>]*)?[ \t]+([^<>]+)>")
# Only tags as subtitles write them: `if a<b and c>d` has none, `<b class="x">` is one.
_TAG = re.compile(
    r"<(?P<closing>/?)(?P<name>b|i|u|s|c|v|lang|ruby|rt|rp|font|span|p|div|em|strong|small)"
    r"(?:(?:\.[^\s<>.]{1,60}){1,9}|(?<=lang)\s+[\w-]{1,20}|(?<=font)\s[^<>]*"
    r"|(?:\s+[\w:-]{1,30}\s?=\s?(?:\"[^\"<>]*\"|'[^'<>]*'|[^\s<>\"'=]+)){1,9})?\s*/?>"
    r"|<[0-9]+:[0-9:.]+>",
    re.IGNORECASE,
)
_READING = re.compile(
    r"<(?:rt|rp)(?:\.[^\s<>]*)?>[^<>\n]*(?:</(?:rt|rp)>|(?=<))", flags=re.IGNORECASE
)
"""What stands above the characters of a word, or in brackets behind them. It ends with a tag, if
not always its own: a stray `<rt>` takes no words away."""
_BREAK = re.compile(r"<br\s{0,9}/?>", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")
_OVERRIDE = re.compile(r"\{\\[^{}]*\}")
_INVISIBLE = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
"""Soft hyphens, zero-width spaces and direction marks: they would hide words from a search."""
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f]")
_DRAWING = re.compile(r"\\p([0-9]+)")


def voices(text: str) -> Iterator[tuple[str, str]]:
    """Speaker (or '') and words, one pair for each `<v Name>` of a cue."""
    speaker, begin, is_first = "", 0, True
    for match in _VOICE.finditer(text):
        if is_first and not _is_voice(text, match):
            continue
        if text[begin : match.start()].strip() or not is_first:
            yield speaker, text[begin : match.start()]
        speaker, begin, is_first = match[1], match.end(), False
    yield speaker, text[begin:]


def _is_voice(text: str, match: re.Match[str]) -> bool:
    """Whether it names a speaker: `a <v and c> d` compares three numbers."""
    before = text[max(0, match.start() - 40) : match.start()]
    line = before.rpartition("\n")[2].strip()
    at_start = not line or line[-1] in ">-–—"
    return at_start or not (match[1].lstrip()[:1].islower() or before[-1:].isalnum())


def plain_html(text: str) -> str:
    """WebVTT and SubRip text without tags, readings, entities and stray override codes."""
    if "<" in text:
        if "rt>" in text.lower():
            text = _READING.sub("", text)
        text = _without_tags(_BREAK.sub("\n", text))
    if "{\\" in text:
        text = _OVERRIDE.sub("", text)
    if "&" in text:
        text = _ENTITY.sub(lambda match: html.unescape(match[0]), text)
    return visible(text)


def _without_tags(text: str) -> str:
    """The text without tags; `vector<b>` and `List<u>` are words when nothing closes them."""
    closed = {match["name"].lower() for match in _TAG.finditer(text) if match["closing"]}

    def replaced(match: re.Match[str]) -> str:
        name = (match["name"] or "").lower()
        glued = match.start() > 0 and text[match.start() - 1].isalnum()
        return match[0] if glued and len(name) == 1 and name not in closed else ""

    return _TAG.sub(replaced, text)


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
    return visible(said)


def visible(text: str) -> str:
    """Drop characters that nobody sees, and control characters other than line breaks."""
    return _CONTROL.sub(" ", _INVISIBLE.sub("", text))
