"""What is indexed of a passage, and how well it answers. Pure functions over term counts."""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from video_rag.model import Chunk, Segment
from video_rag.text.asking import Wish
from video_rag.text.reading import read
from video_rag.text.timecode import overlap
from video_rag.text.tokens import VERSION, characters, fold, index_terms

NEAR_SECONDS = 45.0
"""What is said so long before and after a passage is its context."""
VERBATIM = 2.5
"""A passage that holds the question's very words counts so much more."""
SAME_PLACE = 0.3
"""Two passages of a video that share this much of the shorter one are one place."""

FORM = f"passages-2 {VERSION}"
"""Names all that decides what `entries` gives; an index of another form is made anew."""


@dataclass(frozen=True)
class Weights:
    """What counts how much. Round values from the middle of wide plateaus: see benchmarks."""

    k1: float = 1.2
    b: float = 0.75
    """The usual constants of BM25 (Robertson and Zaragoza, 2009)."""
    near: float = 0.2
    """A word in the context counts like this share of one in the passage."""
    characters: float = 2.0
    """Single Chinese characters against words."""
    coverage: float = 0.5
    """Exponent of the share of the question's words that passage and context hold."""
    document: float = 0.5
    """How well the whole video fits, against the passage."""


@dataclass(frozen=True)
class Entry:
    """The index terms of one passage."""

    words: list[str]
    """Its heading, lines and slides."""
    near: list[str]
    """The title, and what is said shortly before and after."""
    characters: list[str]


@dataclass(frozen=True)
class Field:
    """How often terms occur in one column of the index."""

    texts: int
    """Number of passages that have anything in this column."""
    mean_length: float
    frequencies: Mapping[str, int] = field(default_factory=dict)
    """In how many passages each of the question's terms stands."""

    def rarity(self, term: str) -> float:
        """Inverse document frequency; never below zero."""
        seen = self.frequencies.get(term, 0)
        return math.log(1 + (self.texts - seen + 0.5) / (seen + 0.5))


@dataclass(frozen=True)
class Wanted:
    """What a question looks for, and the two columns in which."""

    words: Sequence[Wish]
    characters: Sequence[str]
    word_field: Field
    character_field: Field
    _rarities: dict[Wish, float] = field(default_factory=dict, repr=False, compare=False)

    def rarity(self, wish: Wish) -> float:
        """How rare its most usual wording is; a wording that stands nowhere does not count."""
        if wish not in self._rarities:
            seen, rarity = self.word_field.frequencies, self.word_field.rarity
            found = [
                (any(not seen.get(word) for word in wording), sum(map(rarity, wording)))
                for wording in wish.wordings
            ]
            self._rarities[wish] = min(found)[1]
        return self._rarities[wish]


def entries(chunks: Sequence[Chunk]) -> list[Entry]:
    """The index entries of one document's passages, in the same order."""
    line_terms = _once(index_terms)
    line_characters = _once(characters)
    spoken = {
        language: _Spoken(_lines(c for c in chunks if c.language == language))
        for language in {chunk.language for chunk in chunks}
    }
    return [
        Entry(
            words=[
                *line_terms(chunk.heading),
                *(term for line in chunk.lines for term in line_terms(line.text)),
                *(term for name in chunk.speakers for term in line_terms(name)),
                *line_terms(chunk.slide_text),
            ],
            near=[
                *line_terms(chunk.title),
                *(
                    term
                    for line in spoken[chunk.language].around(chunk.start, chunk.end)
                    for term in line_terms(line.text)
                ),
            ],
            characters=[
                *(c for line in chunk.lines for c in line_characters(line.text)),
                *(c for name in chunk.speakers for c in line_characters(name)),
                *line_characters(chunk.slide_text),
            ],
        )
        for chunk in chunks
    ]


def document_terms(chunks: Sequence[Chunk]) -> list[str]:
    """The index terms of a whole document; lines that passages share count once."""
    shown = dict.fromkeys(chunk.slide_text for chunk in chunks)
    people = dict.fromkeys(name for chunk in chunks for name in chunk.speakers)
    texts = [*(line.text for line in _lines(chunks)), *people, *shown]
    return [term for text in texts for term in index_terms(text)]


def _lines(chunks: Iterable[Chunk]) -> list[Segment]:
    unique = dict.fromkeys(line for chunk in chunks for line in chunk.lines)
    return sorted(unique, key=lambda line: line.start)


def _once(call: Callable[[str], list[str]]) -> Callable[[str], list[str]]:
    """The same function, which looks at each text only once: passages share lines."""
    known: dict[str, list[str]] = {}

    def remembered(text: str) -> list[str]:
        if text not in known:
            known[text] = call(text)
        return known[text]

    return remembered


class _Spoken:
    """All lines of one language of a document."""

    def __init__(self, lines: Sequence[Segment]) -> None:
        self.lines = lines
        self.starts = [line.start for line in lines]

    def around(self, start: float, end: float) -> list[Segment]:
        """The lines in the context of a passage, without its own."""
        first = bisect_left(self.starts, start - NEAR_SECONDS)
        last = bisect_left(self.starts, end + NEAR_SECONDS)
        return [
            line
            for line in self.lines[first:last]
            if (line.end <= start or line.start >= end) and line.end <= end + NEAR_SECONDS
        ]


def score(entry: Entry, wanted: Wanted, weights: Weights) -> float:
    """How well a passage fits: BM25 over words and characters, times the words it covers."""
    words, near = Counter(entry.words), Counter(entry.near)
    length = len(entry.words)
    total = held = rare = strong = 0.0
    for wish in wanted.words:
        rarity = wish.weight * wanted.rarity(wish)
        rare += rarity
        strong += wish.weight
        seen = {word: words[word] + weights.near * near[word] for word in wish.terms}
        if any(seen.values()):
            gain, share = _best_wording(wish, seen, length, wanted.word_field, weights)
            held += rarity * share
            total += wish.weight * gain
    if wanted.characters:
        counts, length = Counter(entry.characters), len(entry.characters)
        for character in wanted.characters:
            if counts[character]:
                often = _saturated(counts[character], length, wanted.character_field, weights)
                total += weights.characters * wanted.character_field.rarity(character) * often
    if not rare:
        return total
    floor = 1 / (2 * strong)  # a passage without any of the words still has characters
    return float(total * max(held / rare, floor) ** weights.coverage)


def _best_wording(
    wish: Wish, seen: Mapping[str, float], length: int, column: Field, weights: Weights
) -> tuple[float, float]:
    """What the best wording adds to BM25, and the share of it that is there."""
    found = []
    for index, wording in enumerate(wish.wordings):
        worth = wish.worth(index)
        rarity = {word: column.rarity(word) for word in wording}
        there = [word for word in wording if seen[word]]
        if index and len(there) < len(wording):
            continue
        gain = sum(rarity[word] * _saturated(seen[word], length, column, weights) for word in there)
        share = sum(rarity[word] for word in there) / sum(rarity[word] for word in wording)
        found.append((worth * gain, worth * share))
    return max(found)


def _saturated(seen: float, length: int, column: Field, weights: Weights) -> float:
    """BM25's term frequency: more is better, ever more slowly; long texts need more."""
    relative = length / column.mean_length if column.mean_length else 1.0
    norm = weights.k1 * (1 - weights.b + weights.b * relative)
    return seen * (weights.k1 + 1) / (seen + norm)


def is_verbatim(question: str, chunk: Chunk) -> bool:
    """Whether a question of several words or numbers stands in a passage as it is written.

    What is the same term may still be written in two ways: 第3章 and 第三章.
    """
    wanted = fold(question).strip(" \t\n.,;:!?。，；：！？\"'“”")
    if len(read(question)) < 2 or not wanted:
        return False
    start = r"(?<!\w)" if wanted[0].isascii() else ""
    end = r"(?!\w)" if wanted[-1].isascii() and not wanted[-1].isdigit() else ""
    spaced = r"\s+".join(map(re.escape, wanted.split()))
    return bool(re.search(start + spaced + end, fold(f"{chunk.text}\n{chunk.slide_text}")))


def distinct(ranked: Iterable[tuple[int, Chunk]], limit: int) -> list[tuple[int, Chunk]]:
    """The first passages that are different places; of two alike the better one stays."""
    kept: list[tuple[int, Chunk]] = []
    for row, chunk in ranked:
        if len(kept) >= limit:
            break
        if not any(_same_place(chunk, other) for _, other in kept):
            kept.append((row, chunk))
    return kept


def _same_place(one: Chunk, other: Chunk) -> bool:
    """Overlapping windows, or the translation of the same moment."""
    shared = overlap(one.start, one.end, other.start, other.end)
    shorter = min(one.end - one.start, other.end - other.start)
    return one.video_id == other.video_id and shared > SAME_PLACE * shorter


def fused(lists: Iterable[Sequence[int]], k: int = 60) -> dict[int, float]:
    """Reciprocal rank fusion (Cormack, Clarke and Büttcher, 2009): row → score."""
    scores: dict[int, float] = {}
    for ranked in lists:
        for rank, row in enumerate(ranked, start=1):
            scores[row] = scores.get(row, 0.0) + 1 / (k + rank)
    return scores
