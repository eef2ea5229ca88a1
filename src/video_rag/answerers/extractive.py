"""Answers without a language model: the best passages, quoted, numbered, with their times."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from pydantic import Field

from video_rag import plugins
from video_rag.answerers import Delta, Done, Search
from video_rag.answerers.phrases import phrase
from video_rag.evidence import citing
from video_rag.evidence.relevance import Passage, weigh
from video_rag.evidence.speaking import own_words
from video_rag.model import Answer, Citation, Query, Question
from video_rag.text import timecode
from video_rag.text.asking import asked
from video_rag.text.tokens import terms

POINTING = re.compile(
    r"\b(?:it|its|this|that|these|those|they|them|their|he|him|his|she|her)\b"
    r"|[它他她]|这[个些里样种]?|那[个些里样种]?|上述|前面|刚才",
    re.IGNORECASE,
)
"""Words that point at what was said before."""

FEW, MOST = 0.34, 0.75
"""Shares of a question's terms, all alike: with fewer than `FEW` one rare word is no answer, and
with `MOST` it is no matter that the rest is rare ("explain", "meaning")."""
JUDGED = 5
"""The best passage is looked for among this many of the first."""


class Extractive:
    """Quotes the lines that answer; refuses when no passage speaks about the question."""

    version = 1

    class Options(plugins.Options):
        """When a passage is good enough."""

        support: float = Field(
            0.51,
            ge=0,
            le=1,
            description="Answer when a passage holds this share of the question's terms, rare ones "
            "counting more (logarithm of their rarity).",
        )
        evidence: float = Field(
            4.0,
            ge=0,
            description="Answer also when the terms that it holds are together this rare: long "
            "questions have many words that the speaker did not use. Sum of the same logarithms.",
        )
        keep: float = Field(
            0.6,
            ge=0,
            le=1,
            description="Leave out passages that hold less than this share of what the best holds.",
        )
        candidates: int = Field(
            30, ge=1, description="Passages to look at; they also tell which terms are rare."
        )

    def __init__(self, options: Options) -> None:
        self.options = options

    def ask(self, question: Question, search: Search) -> Iterator[Delta | Done]:
        """One block per passage. Needs no server, so it raises only what `search` raises."""
        text = _in_context(question)
        wanted = asked(text, question.synonyms)
        if not wanted:
            yield from _refuse(phrase("empty", question.text))
            return
        query = Query(
            text=text,
            limit=max(self.options.candidates, question.limit),
            collection=question.collection,
            language=question.language,
            speaker=question.speaker,
        )
        passages = weigh(wanted, own_words(text, [hit.chunk for hit in search(query)]))
        chosen = self._choose(passages, text, question.limit)
        if not chosen:
            yield from _refuse(phrase("refusal", question.text))
            return
        blocks = [_block(citation) for citation in chosen]
        for index, block in enumerate(blocks):
            yield Delta(f"\n\n{block}" if index else block)
        yield Done(Answer(answer="\n\n".join(blocks), citations=tuple(chosen)))

    def _choose(self, passages: Sequence[Passage], question: str, limit: int) -> list[Citation]:
        """The quotes worth reading, in the order of the search; none when nothing answers."""
        best = max(passages[:JUDGED], key=lambda passage: passage.evidence, default=None)
        if best is None or not self._answers(best):
            return []
        citations: list[Citation] = []
        for passage in passages:
            if len(citations) == limit:
                break
            if passage.evidence < self.options.keep * best.evidence:
                continue
            found = citing.quote(passage.held, passage.chunk, question)
            citation = citing.cited(len(citations) + 1, passage.chunk, found)
            if not any(_alike(citation, other) for other in citations):
                citations.append(citation)
        return citations

    def _answers(self, passage: Passage) -> bool:
        if passage.portion >= MOST or passage.evidence >= self.options.evidence:
            return True
        return passage.portion >= FEW and passage.share >= self.options.support


def _in_context(question: Question) -> str:
    """The question, with the one before it when it points there or says little itself."""
    earlier = [turn.text for turn in question.conversation if turn.role == "user"]
    own = len(set(terms(question.text)))
    if earlier and (own < 2 or (own < 4 and POINTING.search(question.text))):
        return f"{earlier[-1]} {question.text}"
    return question.text


def _alike(one: Citation, other: Citation) -> bool:
    """The same moment, in one language or two, or the same words in another video."""
    if one.video_id == other.video_id:
        return timecode.overlap(one.start, one.end, other.start, other.end) > 0
    words, others = set(terms(one.quote)), set(terms(other.quote))
    return bool(words) and 5 * len(words & others) >= 4 * len(words | others)


def _block(citation: Citation) -> str:
    """The mark, when it was said, and the quoted words."""
    span = timecode.span(citation.start, citation.end)
    return f"[{citation.number}] {span} “{' '.join(citation.quote.split())}”"


def _refuse(sentence: str) -> Iterator[Delta | Done]:
    yield Delta(sentence)
    yield Done(Answer(answer=sentence, refused=True))
