"""A document's passages as Dify gets them; `dify.passages` reads them back.

A segment is: the words spoken; what slides showed meanwhile; a line that says where it is from;
its one address mark. Dify strips and folds some characters (control characters, runs of spaces,
leading punctuation), so texts are compared by their letters and digits alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from video_rag.chunking import split
from video_rag.dify.datasets import MAX_NAME, MAX_SEGMENT
from video_rag.dify.datasets import Segment as RemoteSegment
from video_rag.dify.passages import FROM, footer, one_line
from video_rag.digest import of_value
from video_rag.model import Chunk, Segment, join_lines
from video_rag.net.pages import moment

SEPARATOR = "\n\n---\n\n"
"""Stands between segments, and never in one. ASCII: Dify reads it through `unicode_escape`."""
_PART = re.compile(r"(?P<stem>.+?)(?:\.part(?P<number>[0-9]+))?\.md", re.DOTALL)
_FOLDED = re.compile(r"[\W_ï¿¾]+")
"""¿, ¾ and ï are cut out by Dify 1.16.1, together with control characters."""
_FORBIDDEN = re.compile(r"[/\\\x00-\x1f\x7f]|(?<=\.)(?=part[0-9]+\Z)")
"""What Dify refuses, and an end that would be read as the number of a part."""
_LONGEST_LINK = 1000
"""Bytes; a longer link would leave no room for words."""


class Part(NamedTuple):
    """One document in Dify; a video whose text is long has several."""

    name: str
    segments: tuple[str, ...]

    @property
    def text(self) -> str:
        """What is sent."""
        return SEPARATOR.join(self.segments)


class Layout(NamedTuple):
    """What stands in the line before the mark."""

    with_title: bool
    """The title and a link; without, only the heading: in an economy dataset every word of it
    would take the place of one of the ten keywords that Dify keeps of a segment."""
    page_url: str = ""
    """Where `video-rag serve` shows videos that have no address of their own."""


def document_name(video_id: str, number: int = 1) -> str:
    """`<video id>.md`, `<video id>.part2.md`, …; always the same for the same video.

    An id that is too long, has characters that Dify refuses, or ends like a part's name, is
    shortened and hashed.
    """
    suffix = ".md" if number == 1 else f".part{number}.md"
    stem = _FORBIDDEN.sub("_", video_id)
    if stem != video_id or len(stem) > MAX_NAME - len(".part9999.md"):
        stem = f"{stem[:120]}-{of_value(video_id)[:16]}"
    return stem + suffix


def stem_of(name: str) -> str:
    """The name of a part without its number and suffix; empty for a name of another make."""
    found = _PART.fullmatch(name)
    return found["stem"] if found else ""


def in_words(name: str) -> str:
    """`it`, or `its part 2`: the video is named beside it."""
    found = _PART.fullmatch(name)
    return f"its part {found['number']}" if found and found["number"] else "it"


def parts(video_id: str, chunks: Sequence[Chunk], layout: Layout, part_bytes: int) -> list[Part]:
    """The documents that hold these passages, each at most `part_bytes` of UTF-8 long."""
    found: list[list[str]] = [[]]
    size = 0
    for chunk in chunks:
        for text in _segments(chunk, layout):
            length = len(text.encode()) + len(SEPARATOR)
            if found[-1] and size + length > part_bytes:
                found.append([])
                size = 0
            found[-1].append(text)
            size += length
    return [
        Part(document_name(video_id, number), tuple(segments))
        for number, segments in enumerate(found, start=1)
        if segments
    ]


def fold(text: str) -> str:
    """The letters and digits of a text: what Dify leaves as it is."""
    return _FOLDED.sub("", text)


def fingerprint(held: Sequence[RemoteSegment]) -> str:
    """Names the segments as Dify has them; the number after the dash is their characters, which
    a list of documents tells as `word_count`."""
    contents = [fold(segment.content) for segment in held]
    return f"{of_value(contents)[:16]}-{sum(segment.word_count for segment in held)}"


def _segments(chunk: Chunk, layout: Layout) -> Iterator[str]:
    """One segment; several for a passage that Dify would cut itself, and lose the mark."""
    body = one_line(chunk.text)
    url = _link(chunk, layout.page_url) if layout.with_title else ""
    source = footer(chunk, url, with_title=layout.with_title)
    room = MAX_SEGMENT - len(source.encode()) - 2  # a token or character is at least one byte
    if len(body.encode()) > room:
        for half in _halves(chunk):
            yield from _segments(half, layout)
        return
    slides = _slides(chunk.slide_text, room - len(body.encode()) - 2)
    yield "\n".join(part for part in (body, slides, source) if part)


def _link(chunk: Chunk, page_url: str) -> str:
    """What opens the passage in a browser elsewhere; empty where nothing short does."""
    url = chunk.url
    if not url.startswith(("http://", "https://")):
        url = moment(page_url, chunk.video_id, chunk.start) if page_url else ""
    return url if len(url.encode()) <= _LONGEST_LINK else ""


def _halves(chunk: Chunk) -> Iterator[Chunk]:
    """A passage cut in two, each half with its own times."""
    lines = chunk.lines
    if len(lines) < 2:
        whole = Segment(start=chunk.start, end=chunk.end, text=one_line(chunk.text))
        length = max(chunk.end - chunk.start, 0.002)
        lines = tuple(split(whole.model_copy(update={"end": chunk.start + length}), length / 2))
        if len(lines) < 2:  # one word that fills a segment
            middle = len(whole.text) // 2
            cut = (whole.text[:middle], whole.text[middle:])
            lines = tuple(whole.model_copy(update={"text": text}) for text in cut)
    middle = len(lines) // 2
    for half in (lines[:middle], lines[middle:]):
        yield chunk.model_copy(
            update={
                "lines": half,
                "text": join_lines(line.text for line in half),
                "start": half[0].start,
                "end": max(line.end for line in half),
            }
        )


def _slides(text: str, room: int) -> str:
    """As many lines of the slides as fit, without empty ones."""
    kept: list[str] = []
    for line in text.splitlines():
        tidy = one_line(line)
        room -= len(tidy.encode()) + 1
        if tidy and room < 0:
            break
        if tidy and tidy != "---" and not tidy.startswith(FROM):
            kept.append(tidy)
    return "\n".join(kept)
