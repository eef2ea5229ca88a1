"""Citations: which sentences of a text stand, and on which passages.

A mark `[n]` stands when `n` is a passage that was given and the sentence that carries the mark is
supported by that passage: see `quoting.support`. Small models forget marks: what counts is the
support, and a sentence gets the mark of the passage that has it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from video_rag.evidence.quoting import CJK, WORD_FOR_WORD, Quote, quote, support, supports
from video_rag.model import Chunk, Citation
from video_rag.text.tokens import terms

__all__ = ["Checked", "Quote", "check", "cited", "marks_alone", "quote", "supports"]

LEAD_IN = 3
"""A lead-in has at most this many terms; with more it is a claim."""
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


_DECLINES = re.compile(
    r"\b(?:no|any) (?:answers?|information|mention)\b|\bcannot\b.*\banswer"
    r"|(?:\bnot|n't) (?:\w+ )?(?:answer|mention|contain|provide|specify|say|state)"
    r"|(?:没有|没|未|无法|不能)(?:明确|直接|具体|能)*(?:找到|提到|提及|提供|说明|回答|包含|给出)"
    r"|无(?:答案|相关)|没有(?:相关|答案)",
    re.IGNORECASE,
)
"""Says that the passages do not answer."""
_NUMBERS = r"\s*\^?\d{1,4}(?:\s*[,，、;；–-]\s*\d{1,4})*\s*"
_MARK = re.compile(rf"[\[［【〔]({_NUMBERS})[\]］】〕](?!\()")
# Brackets in code and in links are not marks.
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]+`|!?\[[^\]\n]*\]\([^)\n]*\)", re.DOTALL)
_MASK = "\ue000"
_SHORTENED = "".join(
    rf"(?<!\b{word})" for word in ("Dr", "Mr", "Ms", "Mrs", "vs", r"e\.g", r"i\.e", "[A-Z]")
)
_END = re.compile(
    rf"""
    (?: [。！？…]+                                                # the end of a sentence
      | (?<!^\d)(?<!^\d\d){_SHORTENED}[.!?]+(?=["'”’)\]\s［【〔\[]|$) )
    ["'”’」』)）*]*                                                 # what closes with it
    (?:\s*{_MARK.pattern})*[.。]?\s*                              # marks set after it
    | \s*\n\s*                                                   # or the end of a line
    """,
    re.VERBOSE | re.MULTILINE,
)


@dataclass(frozen=True)
class _Sentence:
    """One sentence with the blank space after it."""

    raw: str
    masked: str
    """The same with code and links hidden."""
    limit: int
    """How many sources there are."""

    @property
    def body(self) -> str:
        """Without the blank space after it."""
        return self.raw.rstrip()

    @property
    def gap(self) -> str:
        """The blank space after it."""
        return self.raw[len(self.body) :]

    @property
    def claim(self) -> str:
        """The words without marks, code and links."""
        return _MARK.sub(" ", self.masked).replace(_MASK, " ").strip()

    @property
    def leads_in(self) -> bool:
        """Whether it only leads to the next one: "The steps are:"."""
        ends = self.claim.rstrip("*_ ").endswith((":", "："))
        return ends and len(terms(self.claim)) <= LEAD_IN

    @property
    def declines(self) -> bool:
        """Whether it says that there is no answer."""
        return bool(_DECLINES.search(self.claim))

    @property
    def is_claim(self) -> bool:
        """Whether it says anything that may be right or wrong."""
        says = any(character.isalnum() for character in self.claim)
        return says and not self.leads_in and not self.declines

    @property
    def numbers(self) -> list[int]:
        """The sources it names."""
        return [number for mark in _MARK.finditer(self.masked) for number in self._read(mark)]

    def _read(self, mark: re.Match[str]) -> list[int]:
        """The numbers of a mark; none for brackets that only look like one."""
        numbers: list[int] = []
        for part in re.split(r"[,，、;；]", mark.group(1).replace("^", "").replace("–", "-")):
            first, _, last = part.partition("-")
            numbers.extend(range(int(first), min(int(last or first), int(first) + 20) + 1))
        looks_alike = any(number == 0 or 100 <= number > self.limit for number in numbers)
        return [] if looks_alike else numbers

    def rewritten(self, numbers: Mapping[int, int]) -> str:
        """The sentence with its marks renumbered; those without a new number are gone."""
        words, gap, done = "", "", 0
        for mark in _MARK.finditer(self.masked):
            asked = self._read(mark)
            if not asked:
                continue
            before = self.raw[done : mark.start()]
            if before.strip():
                gap = ""
            words += before.rstrip()
            gap = before[len(before.rstrip()) :] or gap
            stood = dict.fromkeys(numbers[number] for number in asked if number in numbers)
            if stood:
                words += gap + "".join(f"[{number}]" for number in stood)
                gap = ""
            done = mark.end()
        return words + self.body[done:]

    def marked(self, numbers: Iterable[int]) -> str:
        """A sentence that had no mark, with marks before its full stop."""
        stop = re.search(r"[.!?。！？…]*[\"'”’」』)）*]*$", self.body)
        at = stop.start() if stop else len(self.body)
        gap = "" if CJK.match(self.body[at - 1 : at]) else " "
        marks = "".join(f"[{number}]" for number in dict.fromkeys(numbers))
        return f"{self.body[:at]}{gap}{marks}{self.body[at:]}"


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

    def find(self, sentence: _Sentence) -> int | None:
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
    sentences = _sentences_of(text, len(sources))
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
    citations: _Citations, sentences: Sequence[_Sentence], index: int
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


def _with_marks(sentence: _Sentence, stood: Mapping[int | None, int]) -> str:
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
    sentences = _sentences_of(text, limit)
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


def _neighbours(sentences: Sequence[_Sentence], index: int) -> list[int]:
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


def _sentences_of(text: str, limit: int) -> list[_Sentence]:
    """Cut a text at full stops and line ends; marks after a full stop belong before it."""
    masked = _CODE.sub(lambda code: _MASK * len(code.group()), text)
    cuts = [0, *(stop.end() for stop in _END.finditer(masked)), len(text)]
    found: list[_Sentence] = []
    for start, end in pairwise(cuts):
        raw, hidden = text[start:end], masked[start:end]
        sentence = _Sentence(raw, hidden, limit)
        if found and not any(character.isalnum() for character in sentence.claim):
            last = found.pop()
            sentence = _Sentence(last.raw + raw, last.masked + hidden, limit)
        found.append(sentence)
    return found
