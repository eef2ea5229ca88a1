"""What a passage looks like in Dify, and passages read back from what Dify returns.

A segment of ours is: the words spoken; what slides showed meanwhile; a line that says where it is
from; its one address mark.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from video_rag.chunking import address, parse_addresses
from video_rag.model import BEST_ORIGIN, Chunk, Origin, Segment
from video_rag.text import timecode
from video_rag.text.memberships import unframed

FROM = "— "
"""Begins the line that says where a segment is from."""
_SPAN = re.compile(r"\s*(?P<start>\d+(?::\d\d){1,2})\s*[-–—]\s*(?P<end>\d+(?::\d\d){1,2})\b")
"""Transcripts that others publish often begin so."""
_HAN = re.compile(r"[\u3400-\u9fff]")
_HAN_LANGUAGES = frozenset({"zh", "yue", "ja"})


def footer(chunk: Chunk, url: str, *, with_title: bool = True) -> str:
    """The last lines of a segment: where it is from, with a link if there is one, and its mark."""
    said: list[str] = []
    if with_title:
        label = f"{one_line(chunk.title)[:120]} {timecode.clock(chunk.start)}".strip()
        label = label.replace("[", "(").replace("]", ")")
        target = url.replace("(", "%28").replace(")", "%29")
        said.append(f"[{label}]({target})" if url else label)
    if chunk.heading:
        said.append(one_line(chunk.heading)[:120])
    return "\n".join([*([FROM + " · ".join(said)] if said else []), address(chunk)])


def one_line(text: str) -> str:
    """On one line, and without marks of its own."""
    return " ".join(text.replace("⟦", "[").replace("⟧", "]").split())


def parse(content: str, metadata: Mapping[str, Any], title: str = "") -> Chunk | None:
    """The passage of a segment; None when it has no address that tells where it is from.

    `chunk_id` is empty: Dify keeps neither the times of lines nor the slides' pictures.
    """
    places = parse_addresses(content)
    if not places:
        return None
    video_id, start, end = places[-1]
    lines = [line.strip() for line in content.splitlines() if line.strip()]
    mark = next((at for at in range(len(lines) - 1, -1, -1) if "⟦" in lines[at]), len(lines))
    body, source = lines[:mark], ""
    if body and body[-1].startswith(FROM):
        source = body.pop().removeprefix(FROM)
    label, url, heading = _read_footer(source)
    text = body[0] if body else content.partition("⟦")[0].strip()
    said = metadata.get
    collection, *others = collections_of(metadata)
    return Chunk(
        chunk_id="",
        video_id=video_id,
        title=str(said("title") or label or title),
        heading=heading,
        start=start,
        end=end,
        text=text,
        language=_language(text, str(said("language") or "")),
        origin=_origin(said("origin")),
        lines=(Segment(start=start, end=end, text=text),),
        slide_text="\n".join(body[1:]),
        source=str(said("url") or ""),
        url=url or str(said("url") or ""),
        collection=collection,
        also_in=tuple(others),
        published=_date(said("published")),
    )


def guess(content: str, metadata: Mapping[str, Any], title: str = "") -> Chunk:
    """The passage of a segment that somebody else wrote, as far as its metadata and words tell."""
    said = metadata.get
    start, end = _number(said("start")), _number(said("end"))
    if not end and (span := _SPAN.match(content)):
        start, end = timecode.parse(span["start"]), timecode.parse(span["end"])
    name = str(said("title") or title)
    collection, *others = collections_of(metadata)
    return Chunk(
        chunk_id="",
        video_id=str(said("video_id") or name),
        title=name,
        heading="",
        start=start,
        end=max(start, end),
        text=content.strip(),
        language=_language(content, str(said("language") or "")),
        origin=_origin(said("origin")),
        lines=(Segment(start=start, end=max(start, end), text=content.strip()),),
        url=str(said("url") or ""),
        collection=collection,
        also_in=tuple(others),
        published=_date(said("published")),
    )


def collections_of(metadata: Mapping[str, Any]) -> tuple[str, ...]:
    """The collections that a document's metadata names; the default one where it names none."""
    return unframed(str(metadata.get("collection") or "")) or ("default",)


def _origin(value: Any) -> Origin:
    return next((origin for origin in BEST_ORIGIN if origin == value), "platform")


def _number(value: Any) -> float:
    try:
        return max(0.0, float(value))
    except (TypeError, ValueError):
        return 0.0


def _date(value: Any) -> str | None:
    """The ISO date of a `time` field: Unix seconds, which some versions give as text."""
    try:
        return datetime.fromtimestamp(float(value), UTC).date().isoformat()
    except (TypeError, ValueError, OverflowError, OSError):
        return None


def _language(text: str, main: str) -> str:
    """A document may hold translations; only the main language is told of it."""
    has_han = bool(_HAN.search(text))
    if has_han == (main in _HAN_LANGUAGES) or not main:
        return main
    return "zh" if has_han else "en"


_LINK = re.compile(r"\[(?P<label>[^\]]*) [0-9:]+\]\((?P<url>\S+)\)(?: · (?P<heading>.*))?")
_PLAIN = re.compile(r"(?P<label>.*?) (?P<clock>[0-9]+:[0-9:]+)(?: · (?P<heading>.*))?")


def _read_footer(source: str) -> tuple[str, str, str]:
    """Title, link and heading from the line before the mark."""
    if found := _LINK.fullmatch(source):
        return found["label"], found["url"], found["heading"] or ""
    if found := _PLAIN.fullmatch(source):
        return found["label"], "", found["heading"] or ""
    return "", "", source
