"""The answer where nothing answers: what was looked for, and what comes nearest."""

from __future__ import annotations

from collections.abc import Sequence

from video_rag.answerers.phrases import phrase
from video_rag.evidence.choosing import block, nearest
from video_rag.evidence.relevance import Passage
from video_rag.model import Answer
from video_rag.text.tokens import words


def refusal(
    question: str,
    passages: Sequence[Passage] = (),
    *,
    notes: Sequence[str] = (),
    model: str | None = None,
) -> Answer:
    """A refusal in words; its citations are the nearest passages, named as no answer."""
    parts = [phrase("refusal", question), *notes]
    looked_for = list(dict.fromkeys(words(question)))
    if looked_for:
        comma = phrase("comma", question)
        parts.append(phrase("looked_for", question).format(words=comma.join(looked_for)))
    quotes = nearest(passages, question)
    if quotes:
        parts += [phrase("nearest", question), *map(block, quotes)]
    return Answer(answer="\n\n".join(parts), citations=tuple(quotes), refused=True, model=model)
