"""Answers without a language model: the best passages, quoted, numbered, with their times."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pydantic import Field

from video_rag import plugins
from video_rag.answerers import Delta, Done, Search
from video_rag.answerers.phrases import phrase
from video_rag.answerers.refusing import refusal
from video_rag.evidence.choosing import Measure, block
from video_rag.evidence.quoting import all_text
from video_rag.evidence.relevance import Passage, weigh
from video_rag.evidence.speaking import own_words
from video_rag.model import Answer, Query, Question
from video_rag.text.asking import asked
from video_rag.text.tokens import terms
from video_rag.text.typos import corrections

POINTING = re.compile(
    r"\b(?:it|its|this|that|these|those|they|them|their|he|him|his|she|her)\b"
    r"|[它他她]|这[个些里样种]?|那[个些里样种]?|上述|前面|刚才",
    re.IGNORECASE,
)
"""Words that point at what was said before."""


class Extractive:
    """Quotes the lines that answer; refuses when no passage speaks about the question."""

    version = 2

    class Options(plugins.Options):
        """When a passage is good enough."""

        support: float = Field(
            Measure.support,
            ge=0,
            le=1,
            description="Answer when a passage holds this share of the question's terms, rare ones "
            "counting more (logarithm of their rarity).",
        )
        evidence: float = Field(
            Measure.evidence,
            ge=0,
            description="Answer also when the terms that it holds are together this rare: long "
            "questions have many words that the speaker did not use. Sum of the same logarithms.",
        )
        keep: float = Field(
            Measure.keep,
            ge=0,
            le=1,
            description="Leave out passages that hold less than this share of what the best holds.",
        )
        candidates: int = Field(
            30, ge=1, description="Passages to look at; they also tell which terms are rare."
        )

    def __init__(self, options: Options) -> None:
        self.options = options
        self._measure = Measure(
            support=options.support, evidence=options.evidence, keep=options.keep
        )

    def ask(self, question: Question, search: Search) -> Iterator[Delta | Done]:
        """One block per quote. Needs no server, so it raises only what `search` raises."""
        text = _in_context(question)
        if not asked(text, question.synonyms):
            yield from _say(Answer(answer=phrase("empty", question.text), refused=True))
            return
        passages = self._found(text, question, search)
        mistyped = corrections(text, (all_text(passage.chunk) for passage in passages))
        notes = []
        for word, meant in mistyped.items():
            text = re.sub(rf"\b{word}\b", meant, text)
            notes.append(phrase("corrected", question.text).format(word=word, meant=meant))
        if mistyped:
            passages = self._found(text, question, search)
        chosen = self._measure.choose(passages, text, question.limit)
        if not chosen:
            yield from _say(refusal(text, passages, notes=notes))
            return
        blocks = [*notes, *map(block, chosen)]
        for index, words in enumerate(blocks):
            yield Delta(f"\n\n{words}" if index else words)
        yield Done(Answer(answer="\n\n".join(blocks), citations=tuple(chosen)))

    def _found(self, text: str, question: Question, search: Search) -> list[Passage]:
        """The passages found, with what they hold of the question."""
        query = Query(
            text=text,
            limit=max(self.options.candidates, question.limit),
            collection=question.collection,
            language=question.language,
            speaker=question.speaker,
        )
        chunks = own_words(text, [hit.chunk for hit in search(query)])
        return weigh(asked(text, question.synonyms), chunks, text)


def _in_context(question: Question) -> str:
    """The question, with the one before it when it points there or says little itself."""
    earlier = [turn.text for turn in question.conversation if turn.role == "user"]
    own = len(set(terms(question.text)))
    if earlier and (own < 2 or (own < 4 and POINTING.search(question.text))):
        return f"{earlier[-1]} {question.text}"
    return question.text


def _say(answer: Answer) -> Iterator[Delta | Done]:
    yield Delta(answer.answer)
    yield Done(answer)
