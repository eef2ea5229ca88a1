"""How much of a question passages hold: a measure that any search can be judged by.

The scores of a search compare passages of that one search. This measure compares questions, too:
it says whether a passage speaks about the question at all.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from video_rag.evidence.quoting import all_text
from video_rag.model import Chunk
from video_rag.text.asking import Wish
from video_rag.text.reading import is_name
from video_rag.text.spelling import stem
from video_rag.text.tokens import index_terms

RELATED = 0.5
"""What a word counts that shares its stem with the question's, but is another word."""
SMALL_LETTERS = 0.3
"""What go counts for Go where other passages write the name as one."""
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
    wanted: Mapping[Wish, float] = field(default_factory=dict)
    """What each thing counts that the question looks for, the square root of its rarity: lines that
    hold several of them answer sooner than those that hold the rarest alone."""
    is_about: bool = True
    """Whether it holds any word of the question itself and not only words of the same stem."""

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


def weigh(wanted: Sequence[Wish], chunks: Sequence[Chunk], question: str = "") -> list[Passage]:
    """Judge passages by what they hold of a question.

    With the `question` itself, a word that shares but its stem with one of the question
    ("convoluted" for "convolutional") counts `RELATED`, and is no support by itself.

    A wish counts by its rarity among the passages found, as in BM25: log(1 + (N + 1) / (n + 0.5)).
    The search brings passages with rare terms first, so what stands in none of them stands nowhere
    in the library or hardly anywhere.
    """
    wanted = [_as_written(wish, chunks) for wish in wanted]
    said = _by_stem(question)
    judged = [_held(wanted, chunk, said) for chunk in chunks]
    held = [portions for portions, _ in judged]
    rarity = {
        wish: wish.weight * math.log(1 + (len(chunks) + 1) / (sum(one[wish] for one in held) + 0.5))
        for wish in wanted
    }
    whole = sum(rarity.values())
    several = sum(wish.weight for wish in wanted)
    counted = {wish: wish.weight * math.sqrt(rare / wish.weight) for wish, rare in rarity.items()}
    passages = []
    for chunk, (portions, is_about) in zip(chunks, judged, strict=True):
        counts = {wish: part * rarity[wish] for wish, part in portions.items() if part}
        portion = sum(part * wish.weight for wish, part in portions.items()) / several
        share = sum(counts.values()) / whole
        passages.append(Passage(chunk, counts, portion, share, counted, is_about))
    return passages


def _held(
    wanted: Sequence[Wish], chunk: Chunk, said: Mapping[str, set[str]]
) -> tuple[dict[Wish, float], bool]:
    """How much of each wish a passage holds, and whether any of it is more than a stem.

    That is 1.0, or a part of a longer Chinese word: those are cut differently from one sentence to
    the next, so one that is not found counts by the pairs of characters that are.
    """
    text = all_text(chunk)
    found = set(index_terms(text))
    portions = {term: _there(term, found, text) for wish in wanted for term in wish.terms}
    theirs = _by_stem(text) if said else {}
    related = {
        term
        for term in said.keys() & theirs.keys() & portions.keys()
        if not said[term] & theirs[term]
    }
    for term in related:
        portions[term] *= RELATED
    held = {wish: wish.held(portions) for wish in wanted}
    is_about = any(
        portion and not related.issuperset(wish.terms)
        for wish, portion in held.items()
        if wish.weight == 1
    )
    return held, is_about or not related


def _as_written(wish: Wish, chunks: Sequence[Chunk]) -> Wish:
    """A name that is a stop-word, such as Go: where a passage writes it as one, go is hardly it."""
    if len(wish.wordings) < 2 or not is_name(wish.wordings[0]):
        return wish
    if not any(wish.wordings[0][0] in index_terms(all_text(chunk)) for chunk in chunks):
        return wish
    return replace(wish, worths=(1.0, *[SMALL_LETTERS] * (len(wish.wordings) - 1)))


def _by_stem(text: str) -> dict[str, set[str]]:
    """The English words of a text by their stems, but for the ends that only bend a word."""
    words: dict[str, set[str]] = {}
    for word in _LATIN.findall(text):
        words.setdefault(stem(word.casefold()), set()).add(_unbent(word.casefold()))
    return words


_LATIN = re.compile(r"[A-Za-z]{4,}")
_BENT = re.compile(r"(?:ing|ed|ly|es|s|e)$")


def _unbent(word: str) -> str:
    """A word without the ends of plural, past and adverb; what is left need be no word.

    >>> _unbent("bends") == _unbent("bending"), _unbent("convoluted") == _unbent("convolutional")
    (True, False)
    """
    bare = _BENT.sub("", word) if len(word) > 4 else word
    bare = re.sub(r"([b-df-hj-np-tv-z])\1$", r"\1", bare)
    return re.sub("i$", "y", bare)


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
