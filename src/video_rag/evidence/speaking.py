"""What one person says: passages cut down to that person's words, and questions that name one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from video_rag.evidence.quoting import narrowed
from video_rag.evidence.relevance import weigh
from video_rag.model import Chunk, Hit
from video_rag.text.asking import plainly
from video_rag.text.names import is_meant, named
from video_rag.text.tokens import terms


def said_by(chunk: Chunk, speaker: str) -> Chunk | None:
    """The passage with what this person says in it alone; None when that is nothing.

    Slides are left out: what they show, nobody in particular says.
    """
    lines = [one for one in chunk.lines if one.speaker and is_meant(speaker, one.speaker)]
    return narrowed(chunk, lines).model_copy(update={"slide_text": ""}) if lines else None


def only_by(
    hits: Iterable[Hit], speaker: str, question: str, *, by_meaning: bool = False
) -> list[Hit]:
    """What this person says, best first: the words of others in a passage prove nothing about it.

    Passages in which the person says none of the question's words are left out, unless the search
    went by meaning.
    """
    own = [
        hit.model_copy(update={"chunk": chunk})
        for hit in hits
        if (chunk := said_by(hit.chunk, speaker))
    ]
    wanted = set(terms(question)) - _terms_of(name for hit in own for name in hit.chunk.speakers)
    if not wanted or not own:
        return own
    bare = [hit.chunk.model_copy(update={"title": "", "heading": ""}) for hit in own]
    evidence = [passage.evidence for passage in weigh([*plainly(wanted)], bare)]
    ranked = sorted(zip(evidence, own, strict=True), key=lambda pair: -pair[0])
    return [hit for held, hit in ranked if held or by_meaning]


def own_words(question: str, chunks: Sequence[Chunk]) -> list[Chunk]:
    """The passages to answer from when a question names somebody who speaks in them.

    What that person says about the rest of the question comes first, by itself; then passages of
    others about that rest. Where the question names nobody, the passages as they are.
    """
    people = named(question, [name for chunk in chunks for name in chunk.speakers])
    if not people:
        return list(chunks)
    rest = set(terms(question)) - _terms_of(people)
    own = [said for chunk in chunks for name in people if (said := said_by(chunk, name))]
    if not rest:
        return own
    return [chunk for chunk in (*own, *chunks) if _holds(chunk, rest)]


def _terms_of(names: Iterable[str]) -> set[str]:
    return {term for name in names for term in terms(name)}


def _holds(chunk: Chunk, wanted: set[str]) -> bool:
    return bool(weigh([*plainly(wanted)], [chunk])[0].held)
