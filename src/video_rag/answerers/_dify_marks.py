"""What in a Dify answer points at its sources: links, address marks, printed search results."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import unquote

from video_rag.chunking import Address, parse_addresses
from video_rag.dify import passages
from video_rag.dify.events import Resource
from video_rag.model import Chunk
from video_rag.text import timecode

RESULT = "- {"
"""Begins a line of printed search results."""
_LINK = re.compile(r"(?:— )?(?<!!)\[(?P<label>[^\]\n]*)\]\(\s*<?(?P<url>[^)\s>]+)>?\s*\)")
_ADDRESS = re.compile(r"⟦[^⟦⟧\n]*⟧")
_NUMBER = re.compile(r"[\[［【〔]\s*\d{1,2}\s*[\]］】〕]")
_CLOCK = re.compile(r"(?:\d+:)?\d{1,2}:\d{2}\s*$")
_SECONDS = re.compile(r"[?&#](?:t|start|time_continue)=(?P<at>\d+(?:\.\d+)?)")
_END = re.compile(r"[.!?。！？…]*[\"'”’」』)）*]*\s*$")
_OWN_LINE = re.compile(r"\S\s*\n[ \t]*$")
_BEFORE = re.compile(r"^[\s\"',\[\]{}]*(?:(?:output|content|text)[\"']\s*:\s*[\"'])?(?:- )?")
"""What stands before a passage in a list."""
_AFTER = re.compile(r"[\s\"',\[\]{}]*")
_LISTED = re.compile(
    r"^\d+\. (?P<link>\[)?(?P<title>[^\]\n]*) (?P<clock>(?:\d+:)?\d+:\d\d)"
    r"(?(link)\]\((?P<url>\S+) \"(?P<mark>[^\"\n]*)\"\))\n\n?(?P<words>(?: *>[^\n]*(?:\n|\Z))+)",
    re.MULTILINE,
)
_NEAR = 1.5
"""Seconds that a link may be off: addresses are cut to whole seconds."""


def sources_of(resources: Iterable[Resource]) -> list[Chunk]:
    """The passages that an answer was made from, each once, in the order of their numbers."""
    found: dict[tuple[str, str], Chunk] = {}
    for one in sorted(resources, key=lambda resource: resource.position):
        title = one.title or one.document_name
        chunk = passages.parse(one.content, one.metadata, title) or passages.guess(
            one.content, one.metadata, title
        )
        if chunk.text or chunk.slide_text:
            found.setdefault((chunk.video_id, one.content), chunk)
    return list(found.values())


def printed(text: str) -> list[Resource]:
    """The search results in an answer that is nothing but them: a Chatflow without a model.

    Dify writes each on a line, as a list item in Python's notation.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    rows = [_row(line) for line in lines if line.startswith(RESULT) and line.endswith("}")]
    if not rows or len(rows) != len(lines) or not all(rows):
        return []
    return [
        Resource.model_validate({**row["metadata"], "position": at, **_words(row)})
        for at, row in enumerate(rows, start=1)
    ]


def passages_in(text: str) -> list[Resource]:
    """The passages in an answer that is nothing but them: one of a Chatflow without a model."""
    return printed(text) or listed(text) or linked(text)


def listed(text: str) -> list[Resource]:
    """The passages in an answer that is nothing but them, each with its mark on a line of its own.

    So a Chatflow without a model that prints the texts of its passages: as lines, as a list of
    Markdown, or as a list in JSON's or Python's notation. No model writes its marks on own lines.
    """
    plain = text.replace("\\r", "").replace("\\n", "\n") if "\\n⟦" in text else text
    marks = list(_ADDRESS.finditer(plain))
    if not marks or not _AFTER.fullmatch(plain, marks[-1].end()):
        return []
    found, begin = [], 0
    for at, mark in enumerate(marks, start=1):
        words = _BEFORE.sub("", plain[begin : mark.start()], count=1)
        begin = mark.end()
        if not parse_addresses(mark.group()) or not _OWN_LINE.search(words):
            return []
        found.append(Resource(position=at, content=f"{words.strip()}\n{mark.group()}"))
    return found


def linked(text: str) -> list[Resource]:
    """The passages in an answer that is nothing but a list of our Chatflow without a model.

    Each is a link with title and time, or these alone, and its words as a quotation.
    """
    rows = list(_LISTED.finditer(text))
    if not rows or _LISTED.sub("", text).strip():
        return []
    found = []
    for at, row in enumerate(rows, start=1):
        words = re.sub(r"(?m)^ *> ?", "", row["words"]).strip()
        where: dict[str, Any] = {"title": row["title"], "start": timecode.parse(row["clock"])}
        if places := parse_addresses(f"⟦{row['mark'] or ''}⟧"):
            place = places[0]
            where |= {"video_id": place.video_id, "start": place.start, "end": place.end}
            where["url"] = row["url"] or ""
        found.append(
            Resource.model_validate({"position": at, "content": words, "doc_metadata": where})
        )
    return found


def without(text: str) -> str:
    """A text as it may be shown while it comes: without marks, up to one that has only begun."""
    return _ADDRESS.sub("", text).partition("⟦")[0]


def _row(line: str) -> dict[str, Any]:
    """A search result, or nothing when the line is none."""
    try:
        row = ast.literal_eval(line[RESULT.index("{") :])
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return {}
    is_result = isinstance(row, dict) and isinstance(row.get("metadata"), dict)
    return row if is_result and isinstance(row.get("content"), str) else {}


def _words(row: dict[str, Any]) -> dict[str, Any]:
    """Its words and title; external results have their fields beside Dify's own."""
    told = row["metadata"].get("doc_metadata")
    metadata = told if isinstance(told, dict) else row["metadata"]
    return {"content": row["content"], "title": row.get("title"), "doc_metadata": metadata}


def addresses(text: str) -> list[Address]:
    """The places that a text names by their marks."""
    return parse_addresses(text)


def has_links(text: str) -> bool:
    """Whether a text links to anything."""
    return bool(_LINK.search(text))


def numbered(text: str, sources: Sequence[Chunk]) -> str:
    """The text with `[n]` in place of links to and marks of `sources[n - 1]`.

    What points at a moment of something else is made up, and goes; other links stay. A text that
    names no source at all gets the marks of all at the end of each paragraph: which of its
    sentences they support is for the check to say.
    """
    text = _LINK.sub(lambda link: _instead(link, sources), text)
    text = _ADDRESS.sub(lambda mark: _mark_at(mark.group(), sources), text)
    if _NUMBER.search(text):
        return text
    every = f"[1-{len(sources)}]" if len(sources) > 1 else "[1]"
    paragraphs = re.split(r"(\n\s*\n)", text.rstrip())
    return "".join(
        _END.sub(f" {every}\\g<0>", part, 1) if part.strip() else part for part in paragraphs
    )


def _mark_at(mark: str, sources: Sequence[Chunk]) -> str:
    """The number of the source at this address."""
    for place in parse_addresses(mark):
        for number, chunk in enumerate(sources, start=1):
            shared = timecode.overlap(chunk.start, chunk.end, place.start, place.end)
            is_there = shared > 0 or abs(chunk.start - place.start) <= _NEAR
            if chunk.video_id == place.video_id and is_there:
                return f"[{number}]"
    return ""


def _instead(link: re.Match[str], sources: Sequence[Chunk]) -> str:
    """A number for a link to a source; nothing for an invented moment; else the link."""
    label, url = link["label"].strip(), unquote(link["url"])
    at = _seconds(label, url)
    fits = [
        (0.0 if url == unquote(chunk.url) else _distance(chunk, at), number)
        for number, chunk in enumerate(sources, start=1)
        if _is_of(chunk, label, url)
    ]
    if near := [pair for pair in fits if pair[0] <= _NEAR]:
        return f"[{min(near)[1]}]"
    if at is None and fits:
        return f"[{fits[0][1]}]"
    is_moment = at is not None and (bool(fits) or bool(_CLOCK.search(label)))
    return "" if is_moment else link.group()


def _is_of(chunk: Chunk, label: str, url: str) -> bool:
    """Whether a link leads to this video."""
    native = chunk.video_id.partition(":")[2] or chunk.video_id
    if url == unquote(chunk.url) or (native and re.search(rf"\b{re.escape(native)}\b", url)):
        return True
    return bool(chunk.title) and label == f"{chunk.title} {timecode.clock(chunk.start)}"


def _distance(chunk: Chunk, at: float | None) -> float:
    """Seconds from a moment to where a passage begins; 0 within it counts as near."""
    if at is None:
        return float("inf")
    inside = chunk.start <= at <= chunk.end
    return min(abs(at - chunk.start), 1.0) if inside else abs(at - chunk.start)


def _seconds(label: str, url: str) -> float | None:
    """The moment that a link opens: as its address says, else as its label does."""
    if found := _SECONDS.search(url):
        return float(found["at"])
    clock = _CLOCK.search(label)
    return timecode.parse(clock.group()) if clock else None
