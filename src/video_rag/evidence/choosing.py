"""Which lines of the passages found answer a question, and whether any do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from video_rag.evidence.citing import cited
from video_rag.evidence.quoting import quote
from video_rag.evidence.relevance import CONVINCING, Passage
from video_rag.model import Citation
from video_rag.text import timecode
from video_rag.text.tokens import terms

FEW, MOST = 0.34, 0.75
"""Shares of a question's terms, all alike: with fewer than `FEW` one rare word is no answer, and
with `MOST` it is no matter that the rest is rare ("explain", "meaning")."""
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
        best = max(passages[:JUDGED], key=lambda passage: passage.evidence, default=None)
        return best if best and self._is_enough(best) else None

    def choose(self, passages: Sequence[Passage], question: str, limit: int) -> list[Citation]:
        """The quotes worth reading, in the order of the search; none when nothing answers."""
        best = self.answers(passages)
        if not best:
            return []
        citations: list[Citation] = []
        for passage in passages:
            if len(citations) == limit:
                break
            if passage.evidence >= self.keep * best.evidence:
                _add(citations, passage, question)
        return citations

    def _is_enough(self, passage: Passage) -> bool:
        if passage.portion >= MOST or passage.evidence >= self.evidence:
            return True
        return passage.portion >= FEW and passage.share >= self.support


def quotes_of(passages: Sequence[Passage], question: str) -> list[Citation]:
    """The best lines of each passage, moments that are alike once."""
    citations: list[Citation] = []
    for passage in passages:
        _add(citations, passage, question)
    return citations


def block(citation: Citation) -> str:
    """The mark, when it was said, and the quoted words."""
    span = timecode.span(citation.start, citation.end)
    return f"[{citation.number}] {span} “{' '.join(citation.quote.split())}”"


def _add(citations: list[Citation], passage: Passage, question: str) -> None:
    found = quote(passage.held, passage.chunk, question)
    citation = cited(len(citations) + 1, passage.chunk, found)
    if not any(_alike(citation, other) for other in citations):
        citations.append(citation)


def _alike(one: Citation, other: Citation) -> bool:
    """The same moment, in one language or two, or the same words in another video."""
    if one.video_id == other.video_id:
        return timecode.overlap(one.start, one.end, other.start, other.end) > 0
    words, others = set(terms(one.quote)), set(terms(other.quote))
    return bool(words) and 5 * len(words & others) >= 4 * len(words | others)
