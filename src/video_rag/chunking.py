"""Document → passages with stable ids, and the one-line address that a passage may carry."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from video_rag.digest import of_value
from video_rag.model import Chunk, Document, Section, Segment, Slide, join_spoken
from video_rag.text.addresses import public
from video_rag.text.timecode import overlap

_SENTENCE_END = re.compile(r"[.!?。！？…؟][\"'”’」』)）\]]*\s*$")
_ADDRESS = re.compile(r"⟦([^⟦⟧\n]+)@(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)⟧")
_LATE = 0.7
"""A passage may end early at the end of a sentence, but not before this share of its length."""
_LONG_PAUSE = 2.0
"""Seconds of silence that end a passage as well as two sentence ends would."""


class ChunkOptions(BaseModel):
    """How passages are cut."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_seconds: float = Field(90.0, gt=0, description="Greatest length of a passage, in seconds.")
    overlap: float = Field(
        0.5, ge=0, lt=1, description="Share of a passage that the next one repeats."
    )


class Address(NamedTuple):
    """Where a passage lies: its video and its times in seconds."""

    video_id: str
    start: float
    end: float


def address(chunk: Chunk) -> str:
    """The mark that tells where a passage lies: `⟦youtube:abc@754-812.5⟧`."""
    return f"⟦{chunk.video_id}@{_tenths(chunk.start)}-{_tenths(chunk.end)}⟧"


def parse_addresses(text: str) -> list[Address]:
    """Every address in a text, in order; marks that are none are left alone."""
    found = (Address(id_, float(start), float(end)) for id_, start, end in _ADDRESS.findall(text))
    return [place for place in found if place.start <= place.end]


def _tenths(seconds: float) -> str:
    return f"{max(seconds, 0.0):.1f}".removesuffix(".0")


def cut(document: Document, link: Callable[[float], str], options: ChunkOptions) -> list[Chunk]:
    """Passages of at most `max_seconds`, in order of time, the main language first.

    Each is made of whole lines of one section, ends at a sentence or a pause where there is one,
    and repeats some of the one before, so that no thought stands only half in each.
    """
    make = _Maker(document, link)
    chunks: dict[str, Chunk] = {}
    for section in (*document.sections, *document.translations):
        for chunk in make.passages(section, options):
            chunks.setdefault(chunk.chunk_id, chunk)
    return list(chunks.values())


class _Maker:
    """What all passages of a document share."""

    def __init__(self, document: Document, link: Callable[[float], str]) -> None:
        self.video = document.video
        self.slides = document.slides
        self.main = document.sections[0].language if document.sections else ""
        self.link = link

    def passages(self, section: Section, options: ChunkOptions) -> Iterator[Chunk]:
        if not section.segments:
            for slide in section.slides:
                yield from self._shown(section, slide, options.max_seconds)
            return
        lines = [piece for line in section.segments for piece in split(line, options.max_seconds)]
        for first, last in windows(lines, options.max_seconds, options.overlap):
            chosen = tuple(lines[first:last])
            slides = self._meanwhile(chosen) if section.language == self.main else []
            yield self._chunk(
                section,
                chosen,
                "\n".join(dict.fromkeys(line.text for s in slides for line in s.lines)),
                max(slides, key=lambda s: _shared(s, chosen)).image if slides else "",
            )

    def _shown(self, section: Section, slide: Slide, max_seconds: float) -> Iterator[Chunk]:
        """What a slide says to which nobody speaks."""
        if slide.text.strip():
            end = min(slide.end, slide.start + max_seconds)
            line = Segment(start=slide.start, end=end, text=slide.text)
            yield self._chunk(section, (line,), "", slide.image)

    def _meanwhile(self, lines: Sequence[Segment]) -> list[Slide]:
        return [slide for slide in self.slides if _shared(slide, lines) > 0]

    def _chunk(
        self, section: Section, lines: tuple[Segment, ...], slide_text: str, image: str
    ) -> Chunk:
        video, start = self.video, lines[0].start
        text = join_spoken(lines)
        return Chunk(
            chunk_id=of_value([video.video_id, section.language, start, text])[:32],
            video_id=video.video_id,
            title=video.title,
            heading=section.heading or section.chapter,
            start=start,
            end=max(line.end for line in lines),
            text=text,
            language=section.language,
            origin=section.origin,
            lines=lines,
            slide_text=slide_text,
            image=image,
            source=public(video.url),
            url=public(self.link(start)),
            collection=video.collection,
            also_in=video.also_in,
            published=video.published,
        )


def _shared(slide: Slide, lines: Sequence[Segment]) -> float:
    return overlap(slide.start, slide.end, lines[0].start, lines[-1].end)


def split(line: Segment, max_seconds: float) -> list[Segment]:
    """A line that is longer than a passage may be, cut into equal parts; else just itself.

    The parts' times follow from the share of the text that stands before them.
    """
    parts = math.ceil((line.end - line.start) / max_seconds)
    if parts <= 1:
        return [line]
    words = line.text.split(" ")
    units, glue = (words, " ") if len(words) >= parts else (list(line.text), "")
    edges = [len(units) * part // parts for part in range(parts + 1)]
    seconds = (line.end - line.start) / parts
    return [
        line.model_copy(
            update={
                "text": glue.join(units[first:last]),
                "start": line.start + number * seconds,
                "end": line.start + (number + 1) * seconds,
            }
        )
        for number, (first, last) in enumerate(pairwise(edges))
        if first < last
    ]


def windows(lines: Sequence[Segment], max_seconds: float, share: float) -> list[tuple[int, int]]:
    """Cut lines to overlapping windows: pairs of the first line and the one after the last."""
    found: list[tuple[int, int]] = []
    first = 0
    while True:
        last = _end(lines, first, max_seconds)
        found.append((first, last))
        if last == len(lines):
            return found
        first = _next_start(lines, first, last, max_seconds * share)


def _end(lines: Sequence[Segment], first: int, max_seconds: float) -> int:
    """The best place to stop: as late as it can be, or a little earlier at a sentence or pause."""
    latest = first + 1
    while latest < len(lines) and lines[latest].end - lines[first].start <= max_seconds:
        latest += 1
    if latest == len(lines):
        return latest
    soonest = lines[first].start + _LATE * max_seconds
    places = [at for at in range(latest, first, -1) if lines[at - 1].end >= soonest]
    return max(places, key=lambda at: _rest(lines, at), default=latest)


def _rest(lines: Sequence[Segment], at: int) -> float:
    """How well a passage can stop before line `at`."""
    silence = lines[at].start - lines[at - 1].end
    return min(max(silence, 0.0), _LONG_PAUSE) + _is_end(lines[at - 1])


def _next_start(lines: Sequence[Segment], first: int, last: int, repeated: float) -> int:
    """Where the next window starts: it repeats at most `repeated` seconds, from a sentence on."""
    earliest = last
    while earliest > first + 1 and lines[last - 1].end - lines[earliest - 1].start <= repeated:
        earliest -= 1
    starts = (at for at in range(earliest, last) if _is_end(lines[at - 1]))
    return next(starts, earliest)


def _is_end(line: Segment) -> bool:
    return bool(_SENTENCE_END.search(line.text))
