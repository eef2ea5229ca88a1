"""Citations: which sentences of a text stand, and on which passages.

A mark `[n]` stands when `n` is a passage that was given and the sentence that carries the mark is
supported by that passage: see `quoting.support`. Small models forget marks: what counts is the
support, and a sentence gets the mark of the passage that has it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from video_rag.evidence.quoting import WORD_FOR_WORD, Quote, quote, support, supports
from video_rag.evidence.sentences import Sentence, sentences_of
from video_rag.model import Chunk, Citation

__all__ = ["Checked", "Quote", "check", "cited", "marks_alone", "quote", "supports"]

UNMARKED = 0.6
"""Share of a claim's terms that a passage must hold which the claim did not name: its author gives
no hint, so more is asked for."""


@dataclass(frozen=True)
class Checked:
    """A text whose marks all stand."""

    text: str
    citations: tuple[Citation, ...]
    dropped: int
    """Marks that did not stand: they were removed, or put right."""
    left_out: int = 0
    """Sentences that were removed, without those that only say that there is no answer."""
    used: tuple[int, ...] = ()
    """The source of each citation, counted from 1."""


class _Citations:
    """Gives numbers to quotes, from 1 on in the order in which the text rests on them."""

    def __init__(self, sources: Sequence[Chunk]) -> None:
        self.sources = sources
        self.given: list[Citation] = []
        self.owners: list[int] = []

    def cite(self, claim: str, source: int) -> int | None:
        """The number under which the source proves the claim; none when it does not."""
        if not 1 <= source <= len(self.sources):
            return None
        chunk = self.sources[source - 1]
        proof = supports(claim, chunk)
        if not proof:
            return None
        found = quote(proof, chunk, claim)
        for citation, owner in zip(self.given, self.owners, strict=True):
            is_same = citation.start <= found.start < citation.end or citation.start == found.start
            if owner == source and is_same:
                return citation.number
        self.owners.append(source)
        self.given.append(cited(len(self.given) + 1, chunk, found))
        return len(self.given)

    def find(self, sentence: Sentence) -> int | None:
        """The number under which the best source for a sentence proves it, if any does."""
        claim = sentence.claim
        shares = [support(claim, chunk).share for chunk in self.sources]
        best = max(shares, default=0.0)
        if best < (WORD_FOR_WORD if sentence.declines else UNMARKED):
            return None
        return self.cite(claim, shares.index(best) + 1)


def cited(number: int, chunk: Chunk, found: Quote) -> Citation:
    """The citation of these lines of a passage."""
    return Citation(
        number=number,
        video_id=chunk.video_id,
        title=chunk.title,
        start=found.start,
        end=found.end,
        quote=found.text,
        url=chunk.url,
        image=chunk.image,
    )


def check(text: str, sources: Sequence[Chunk]) -> Checked:
    """Keep of a text what its sources support; the mark `[n]` means `sources[n - 1]`.

    Marks that do not stand are counted. A sentence without a mark that stands takes those of the
    next marked sentence of its paragraph (else of the last one) if they support it, else that of
    the source that supports it best; what none supports goes. Short lead-ins stay with what they
    lead to. When no claim is left, the text is empty. Code, links and numbers in brackets that
    cannot be marks (`[1995]`, `[0, 1]`) are words like any others.

    Citations are numbered anew, from 1 on as they come in the text, since their times are those of
    the lines they quote: two claims may rest on different lines of one passage.
    """
    citations = _Citations(sources)
    sentences = sentences_of(text, len(sources))
    dropped = left_out = 0
    kept: list[_Kept] = []
    for index, sentence in enumerate(sentences):
        asked = sentence.numbers
        stood = _stood(citations, sentences, index)
        own = {n: number for n, number in stood.items() if n in asked}
        dropped += len(asked) - sum(n in own for n in asked)
        if stood:
            words = _with_marks(sentence, stood)
            kept.append(_Kept(words, sentence.gap, claims=True))
            continue
        left_out += sentence.is_claim
        if not asked and sentence.leads_in:
            kept.append(_Kept(sentence.body, sentence.gap, claims=False))
        elif kept and sentence.gap.count("\n") > kept[-1].gap.count("\n"):
            kept[-1] = kept[-1]._replace(gap=sentence.gap)
    return Checked(
        _joined(kept), tuple(citations.given), dropped, left_out, tuple(citations.owners)
    )


def _stood(
    citations: _Citations, sentences: Sequence[Sentence], index: int
) -> dict[int | None, int]:
    """The numbers of the citations that a sentence rests on, by the marks that it has or borrows.

    None stands for the source that was looked for, as no mark stood.
    """
    sentence = sentences[index]
    if not any(character.isalnum() for character in sentence.claim):
        return {}
    near = sentence.numbers
    if not near and not sentence.declines:
        near = _neighbours(sentences, index)
    stood: dict[int | None, int] = {
        n: number for n in near if (number := citations.cite(sentence.claim, n))
    }
    if not stood and not sentence.leads_in and (number := citations.find(sentence)):
        stood[None] = number
    return stood


def _with_marks(sentence: Sentence, stood: Mapping[int | None, int]) -> str:
    asked = sentence.numbers
    if not asked:
        return sentence.marked(stood.values())
    found = stood.get(None)
    return sentence.rewritten(
        dict.fromkeys(asked, found) if found else {n: stood[n] for n in asked if n in stood}
    )


def marks_alone(text: str, limit: int) -> list[int]:
    """The sources that a text of nothing but marks names, each once; `limit` is how many there are.

    >>> marks_alone("[4] [1,3].", 5)
    [4, 1, 3]
    >>> marks_alone("Yes [4].", 5)
    []
    """
    sentences = sentences_of(text, limit)
    if any(character.isalnum() for one in sentences for character in one.claim):
        return []
    return list(dict.fromkeys(n for one in sentences for n in one.numbers if n <= limit))


class _Kept(NamedTuple):
    words: str
    gap: str
    claims: bool


def _joined(kept: Sequence[_Kept]) -> str:
    """The text again; a lead-in that leads to nothing is left out."""
    text = ""
    for index, one in enumerate(kept):
        if one.claims or any(coming.claims for coming in kept[index + 1 : index + 2]):
            text += one.words + one.gap
    return text.strip()


def _neighbours(sentences: Sequence[Sentence], index: int) -> list[int]:
    """The marks of the next marked sentence of the paragraph, else those of the last one."""
    for step in (1, -1):
        at = index
        while 0 <= at + step < len(sentences):
            if "\n\n" in sentences[min(at, at + step)].gap:
                break
            at += step
            if sentences[at].numbers:
                return sentences[at].numbers
    return []
