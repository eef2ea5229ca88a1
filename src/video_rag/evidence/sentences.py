"""A text cut into sentences, with the `[n]` marks that each carries."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

from video_rag.evidence.quoting import CJK
from video_rag.text.tokens import terms

LEAD_IN = 3
"""A lead-in has at most this many terms; with more it is a claim."""

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
class Sentence:
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


def sentences_of(text: str, limit: int) -> list[Sentence]:
    """Cut a text at full stops and line ends; marks after a full stop belong before it."""
    masked = _CODE.sub(lambda code: _MASK * len(code.group()), text)
    cuts = [0, *(stop.end() for stop in _END.finditer(masked)), len(text)]
    found: list[Sentence] = []
    for start, end in pairwise(cuts):
        raw, hidden = text[start:end], masked[start:end]
        sentence = Sentence(raw, hidden, limit)
        if found and not any(character.isalnum() for character in sentence.claim):
            last = found.pop()
            sentence = Sentence(last.raw + raw, last.masked + hidden, limit)
        found.append(sentence)
    return found
