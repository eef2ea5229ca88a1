"""Passages cut down to the lines around those that fit a question best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle, islice

from video_rag.evidence.quoting import narrowed, quote, width
from video_rag.model import Chunk, Segment
from video_rag.text.asking import Wish


def excerpt(wanted: Mapping[Wish, float], chunk: Chunk, question: str, most: int) -> Chunk:
    """The passage with the best lines for what is wanted and their neighbours.

    `most`: about so many letters; a Chinese character is as long as three. What is shown on a slide
    is cut to the same length. A passage without lines stays as it is.
    """
    lines = [line for line in chunk.lines if line.text.strip()]
    chunk = chunk.model_copy(update={"slide_text": _beginning(chunk.slide_text, most)})
    if not lines or width(_texts(lines)) <= most:
        return chunk
    found = quote(wanted, chunk, question)
    inside = [n for n, line in enumerate(lines) if found.start <= line.start < found.end]
    first, last = _widened(lines, inside[0], inside[-1] + 1, most)
    return narrowed(chunk, lines[first:last])


def _widened(lines: Sequence[Segment], first: int, last: int, most: int) -> tuple[int, int]:
    """More lines as long as they fit, two after for one before: answers follow what they name."""
    steps = cycle([(0, 1), (0, 1), (-1, 0)])
    for before, after in islice(steps, 3 * len(lines)):
        begin, end = first + before, last + after
        if begin >= 0 and end <= len(lines) and width(_texts(lines[begin:end])) <= most:
            first, last = begin, end
    return first, last


def _texts(lines: Sequence[Segment]) -> list[str]:
    return [line.text for line in lines]


def _beginning(text: str, most: int) -> str:
    """The first lines of a text, as far as they fit."""
    kept: list[str] = []
    for line in text.splitlines():
        most -= width([line])
        if most < 0:
            break
        kept.append(line)
    return "\n".join(kept) if len(kept) < len(text.splitlines()) else text
