"""Citations: whether the `[n]` marks of a text stand.

A mark stands when `n` is a passage that was given and the sentence that carries the mark is
supported by that passage: see `quoting.supports`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from video_rag.evidence.quoting import CJK, Quote, quote, supports
from video_rag.model import Chunk, Citation
from video_rag.text.tokens import terms

__all__ = ["Checked", "Quote", "check", "cited", "quote", "supports"]

LEAD_IN = 3
"""A lead-in has at most this many terms; with more it is a claim."""


@dataclass(frozen=True)
class Checked:
    """A text whose marks all stand."""

    text: str
    citations: tuple[Citation, ...]
    dropped: int
    """Marks that were removed."""


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
    """Gives numbers to quotes: a source's first quote has the source's number."""

    def __init__(self, sources: Sequence[Chunk]) -> None:
        self.sources = sources
        self.given: dict[int, Citation] = {}
        self.owners: dict[int, int] = {}

    def cite(self, claim: str, source: int) -> int | None:
        """The number under which the source proves the claim; none when it does not."""
        if not 1 <= source <= len(self.sources):
            return None
        chunk = self.sources[source - 1]
        proof = supports(claim, chunk)
        if not proof:
            return None
        found = quote(proof, chunk)
        for number, citation in self.given.items():
            is_same = citation.start <= found.start < citation.end or citation.start == found.start
            if self.owners[number] == source and is_same:
                return number
        number = source if source not in self.given else max(len(self.sources), *self.given) + 1
        self.owners[number] = source
        self.given[number] = cited(number, chunk, found)
        return number


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

    Marks that do not stand are removed and counted, and a sentence goes with its last mark. One
    without a mark takes those of the next marked sentence of its paragraph (else of the last one)
    if they support it, and goes if they do not. Short lead-ins stay with what they lead to. When no
    claim is left, the text is empty. Code, links and numbers in brackets that cannot be marks
    (`[1995]`, `[0, 1]`) are words like any others.

    Where two claims rest on different lines of one passage, the second gets a number of its own,
    above those of the sources, since a citation's times are those of the lines it quotes.
    """
    citations = _Citations(sources)
    sentences = _sentences_of(text, len(sources))
    dropped = 0
    kept: list[_Kept] = []
    for index, sentence in enumerate(sentences):
        asked = sentence.numbers
        near = asked or _neighbours(sentences, index)
        stood = {n: number for n in near if (number := citations.cite(sentence.claim, n))}
        dropped += sum(n not in stood for n in asked)
        if stood:
            words = sentence.rewritten(stood) if asked else sentence.marked(stood.values())
            kept.append(_Kept(words, sentence.gap, claims=True))
        elif not asked and sentence.leads_in:
            kept.append(_Kept(sentence.body, sentence.gap, claims=False))
        elif kept and sentence.gap.count("\n") > kept[-1].gap.count("\n"):
            kept[-1] = kept[-1]._replace(gap=sentence.gap)
    given = tuple(citations.given[number] for number in sorted(citations.given))
    return Checked(_joined(kept), given, dropped)


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
