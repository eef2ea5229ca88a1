"""How much of a question passages hold: a measure that any search can be judged by.

The scores of a search compare passages of that one search. This measure compares questions, too:
it says whether a passage speaks about the question at all.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from video_rag.model import Chunk
from video_rag.text.asking import Wish
from video_rag.text.tokens import index_terms

CONVINCING = 4.0
"""Evidence that counts as half: what the extractive answerer answers from, too."""


@dataclass(frozen=True)
class Passage:
    """A passage and what it says about the question."""

    chunk: Chunk
    held: Mapping[Wish, float]
    """What it holds of the question, with what that counts."""
    portion: float
    """Share of what the question looks for."""
    share: float
    """The same, rare terms counting more."""

    @property
    def evidence(self) -> float:
        """How much it holds."""
        return sum(self.held.values())

    @property
    def relevance(self) -> float:
        """From 0 to 1: the share of the question, or as much evidence as long questions leave.

        From about 0.5 on, a passage answers: on 156 questions about 131 lectures 0.95 (English)
        and 0.88 (Chinese) of the right passages reach it, and the best passages for 35 of 40
        questions about something else do not.
        """
        return max(self.share, self.evidence / (self.evidence + CONVINCING))


def weigh(wanted: Sequence[Wish], chunks: Sequence[Chunk]) -> list[Passage]:
    """Judge passages by what they hold of a question.

    A wish counts by its rarity among the passages found, as in BM25: log(1 + (N + 1) / (n + 0.5)).
    The search brings passages with rare terms first, so what stands in none of them stands nowhere
    in the library or hardly anywhere.
    """
    held = [_held(wanted, chunk) for chunk in chunks]
    rarity = {
        wish: wish.weight * math.log(1 + (len(chunks) + 1) / (sum(one[wish] for one in held) + 0.5))
        for wish in wanted
    }
    whole = sum(rarity.values())
    several = sum(wish.weight for wish in wanted)
    passages = []
    for chunk, portions in zip(chunks, held, strict=True):
        counts = {wish: part * rarity[wish] for wish, part in portions.items() if part}
        portion = sum(part * wish.weight for wish, part in portions.items()) / several
        passages.append(Passage(chunk, counts, portion, sum(counts.values()) / whole))
    return passages


def _held(wanted: Sequence[Wish], chunk: Chunk) -> dict[Wish, float]:
    """How much of each wish a passage holds: 1.0, or a part of a longer Chinese word.

    Chinese words are cut differently from one sentence to the next, so one that is not found
    counts by the pairs of characters that are.
    """
    text = "\n".join([chunk.title, chunk.heading, chunk.text, chunk.slide_text])
    found = set(index_terms(text))
    portions = {term: _there(term, found, text) for wish in wanted for term in wish.terms}
    return {wish: wish.held(portions) for wish in wanted}


def _there(term: str, found: Collection[str], text: str) -> float:
    if term in found or len(term) < 3 or not re.match(r"[\u3400-\u9fff]", term):
        return float(term in found)
    pairs = [term[at : at + 2] for at in range(len(term) - 1)]
    return 0.8 * sum(pair in text for pair in pairs) / len(pairs)


def descending(values: Iterable[float]) -> list[float]:
    """The nearest values, by least squares, of which none is above the one before it.

    Isotonic regression by pooling adjacent violators (Barlow, Bartholomew, Bremner and Brunk,
    1972): where two stand in the wrong order, both get their mean.
    """
    pools: list[tuple[float, int]] = []
    for value in values:
        total, count = value, 1
        while pools and pools[-1][0] * count < total * pools[-1][1]:
            before, several = pools.pop()
            total, count = total + before, count + several
        pools.append((total, count))
    return [total / count for total, count in pools for _ in range(count)]
