"""Which lines of the passages found answer a question, and whether any do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from video_rag.evidence.citing import cited
from video_rag.evidence.quoting import Quote, best_lines
from video_rag.evidence.relevance import CONVINCING, Passage
from video_rag.model import Citation
from video_rag.text import timecode
from video_rag.text.tokens import terms

FEW, MOST = 0.34, 0.75
"""Shares of a question's terms, all alike: with fewer than `FEW` one rare word is no answer, and
with `MOST` it is no matter that the rest is rare ("explain", "meaning")."""
PLACE = 0.5
"""What the place among the passages found adds to lines: all of it the first, half of it the
second, a third of it the third."""
NEAREST = 3
"""So many passages are shown where none answers."""
JUDGED = 5
"""The best passage is looked for among this many of the first."""


@dataclass(frozen=True)
class Measure:
    """When passages are good enough to answer from."""

    support: float = 0.51
    """Share of the question, rare terms counting more, of a passage that answers."""
    evidence: float = CONVINCING
    """Or so much evidence."""
    keep: float = 0.6
    """Share of the best passage's evidence with which another is worth reading."""

    def answers(self, passages: Sequence[Passage]) -> Passage | None:
        """The best passage, if it speaks about the question."""
        first = [passage for passage in passages[:JUDGED] if passage.is_about]
        best = max(first, key=lambda passage: passage.evidence, default=None)
        return best if best and self._is_enough(best) else None

    def choose(self, passages: Sequence[Passage], question: str, limit: int) -> list[Citation]:
        """The quotes worth reading, best lines first; none when nothing answers.

        Lines rank by the share of the question that they hold themselves, and by the place of
        their passage in the search: neighbours and the rest of the video speak for it, too.
        """
        best = self.answers(passages)
        if not best:
            return []
        good = [
            (place, passage)
            for place, passage in enumerate(passages, start=1)
            if passage.is_about and passage.evidence >= self.keep * best.evidence
        ]
        ranked = []
        for place, passage in good:
            found, share = best_lines(passage.wanted, passage.chunk, question)
            ranked.append((share + PLACE / place, passage, found))
        ranked.sort(key=lambda one: -one[0])
        return _numbered([(passage, found) for _, passage, found in ranked], limit)

    def _is_enough(self, passage: Passage) -> bool:
        if passage.portion >= MOST or passage.evidence >= self.evidence:
            return True
        return passage.portion >= FEW and passage.share >= self.support


def quotes_of(passages: Sequence[Passage], question: str) -> list[Citation]:
    """The best lines of each passage, in their order, moments that are alike once."""
    found = [(one, best_lines(one.wanted, one.chunk, question)[0]) for one in passages]
    return _numbered(found, len(found))


def nearest(passages: Sequence[Passage], question: str) -> list[Citation]:
    """The best lines of the few passages that hold most of a question, where none answers it."""
    held = [passage for passage in passages if any(wish.weight == 1 for wish in passage.held)]
    return quotes_of(sorted(held, key=lambda one: -one.evidence)[:NEAREST], question)


def block(citation: Citation) -> str:
    """The mark, when it was said, and the quoted words."""
    span = timecode.span(citation.start, citation.end)
    return f"[{citation.number}] {span} “{' '.join(citation.quote.split())}”"


def _numbered(found: Sequence[tuple[Passage, Quote]], limit: int) -> list[Citation]:
    citations: list[Citation] = []
    for passage, quote in found:
        citation = cited(len(citations) + 1, passage.chunk, quote)
        if len(citations) < limit and not any(_alike(citation, other) for other in citations):
            citations.append(citation)
    return citations


def _alike(one: Citation, other: Citation) -> bool:
    """The same moment, in one language or two, or the same words in another video."""
    if one.video_id == other.video_id:
        return timecode.overlap(one.start, one.end, other.start, other.end) > 0
    words, others = set(terms(one.quote)), set(terms(other.quote))
    return bool(words) and 5 * len(words & others) >= 4 * len(words | others)
