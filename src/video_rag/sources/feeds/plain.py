"""Titles as plain text: feeds write markup and entities into them, escaped once, twice or never.

What looks like a tag and is none stays: `a < b`, `vector<int>`, `How the <b> tag works`.
"""

from __future__ import annotations

import html
import re

_ROUNDS = 3
"""How often a title may have been escaped."""
_LONGEST = 5000
"""Characters that are looked at; of a title 500 are kept."""
_TAGS = (
    "a|abbr|acronym|address|article|b|big|blockquote|center|cite|code|dd|del|dfn|div|dl|dt|em|"
    "figure|font|h[1-6]|header|i|ins|kbd|label|li|main|mark|nobr|ol|p|pre|q|rp|rt|ruby|s|samp|"
    "section|small|span|strike|strong|sub|sup|table|tbody|td|th|time|title|tr|tt|u|ul|var"
)
_GIVEN = r"""(?:\s+[\w:@.-]+\s*=\s*(?:"[^"<>]*"|'[^'<>]*'|[^\s"'<>=]+)){0,20}"""
"""Attributes, each with its value: `<b and c>` has none."""
_HIDDEN = re.compile(r"<!--.*?-->|<(script|style)\b[^<>]*>.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
_CDATA = re.compile(r"<!\[CDATA\[(.*?)\]\]>", re.DOTALL)
_ALONE = re.compile(rf"<(?:br|hr|img|wbr|p|li){_GIVEN}\s*/?>", re.IGNORECASE)
_TAG = re.compile(rf"<(?:({_TAGS}){_GIVEN}|/({_TAGS}))\s*>", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")
_BLOCKS = re.compile(r"br|hr|p|li|div|h[1-6]|td|th|tr|dd|dt|blockquote|address", re.IGNORECASE)


def plain(text: str) -> str:
    """The text of a title without markup and entities; white space as it comes."""
    text = text[:_LONGEST]
    for _ in range(_ROUNDS):
        before, text = text, _ENTITY.sub(_decoded, _untagged(text))
        if text == before:
            break
    return text


def _decoded(match: re.Match[str]) -> str:
    """The character of an entity; one that nobody knows stays."""
    return html.unescape(match[0]).replace("\xa0", " ")


def _untagged(text: str) -> str:
    """Without tags that have a partner, and those that need none."""
    if "<" not in text:
        return text
    text = _CDATA.sub(r"\1", text)
    text = _HIDDEN.sub(" ", text)
    text = _ALONE.sub(" ", text)
    opened: list[tuple[str, re.Match[str]]] = []
    gone: list[re.Match[str]] = []
    for match in _TAG.finditer(text):
        if match[1]:
            opened.append((match[1].lower(), match))
            continue
        name = match[2].lower()
        at = next((n for n in range(len(opened) - 1, -1, -1) if opened[n][0] == name), None)
        if at is not None:
            gone += [opened[at][1], match]
            del opened[at:]
        elif name in {"p", "li"}:  # its beginning went with those that need no end
            gone.append(match)
    for match in sorted(gone, key=re.Match.start, reverse=True):
        space = " " if _BLOCKS.fullmatch(match[1] or match[2]) else ""
        text = text[: match.start()] + space + text[match.end() :]
    return text
