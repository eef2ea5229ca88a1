"""What in a passage proves something: the lines to quote, and whether it supports a claim."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from video_rag.model import Chunk, Segment, join_spoken
from video_rag.text.asking import Wish, plainly
from video_rag.text.tokens import index_terms, terms

MAX_LINES = 4
"""A quote has at most this many lines, unless they are very short."""
MAX_WIDTH = 320
"""Several lines together are at most this long; a Chinese character is as long as three letters."""
SHORT_WIDTH = 160
"""Up to this length there may be more lines, such as those of one word each."""
LINE_COST = 0.03
"""What one more sentence must add to the share of the question it answers."""
SUPPORT = 0.34
"""Share of a claim's terms that its passage must hold."""
SAID = 6
"""A claim that counts as said word for word has this many letters, a Chinese one being three."""
WORDING = 0.2
"""What wording like the question's adds at most to the share of it that a line answers."""
PAUSE = 1.5
"""Seconds of silence that end a sentence whatever the punctuation."""


_PART = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W\u3040-\u30ff\u3400-\u9fff]+")


class Quote(NamedTuple):
    """The lines of a passage that prove something; times in seconds."""

    start: float
    end: float
    text: str


def quote(
    wanted: Mapping[Wish, float] | Iterable[str],
    chunk: Chunk,
    question: str = "",
) -> Quote:
    """The lines of a passage that hold most of what is wanted: see `best_lines`."""
    value = wanted if isinstance(wanted, Mapping) else dict.fromkeys(plainly(set(wanted)), 1.0)
    return best_lines(value, chunk, question)[0]


def best_lines(value: Mapping[Wish, float], chunk: Chunk, question: str) -> tuple[Quote, float]:
    """The one to four consecutive lines that hold most of what is wanted, and what share they hold.

    `value` says what each wish counts. Lines that are parts of one sentence stay together; who
    speaks is named. Of lines with the same terms, those win that are worded like `question`: the
    words between its terms are too common to search for, but not to choose by. With no term in any
    line the quote is the passage's first sentence; a passage without lines (slides alone) is
    quoted whole. The share is of all that is wanted, with a little more for the wording and less
    for length, so that lines of different passages compare.
    """
    lines = [_stripped(line) for line in chunk.lines if line.text.strip()]
    if not lines:
        return Quote(chunk.start, chunk.end, chunk.text.strip() or chunk.slide_text.strip()), 0.0
    looked_for = {term for wish in value for term in wish.terms}
    found = [looked_for & set(index_terms(f"{line.speaker or ''} {line.text}")) for line in lines]
    whole = sum(value.values()) or 1.0
    asked = _pairs(question)
    worded = [_pairs(line.text) & asked for line in lines]

    def gain(first: int, last: int, parts: int) -> float:
        there = dict.fromkeys((term for line in found[first:last] for term in line), 1.0)
        alike = set[str]().union(*worded[first:last])
        likeness = WORDING * len(alike) / max(len(asked), 1)
        held = sum(counts * wish.held(there) for wish, counts in value.items())
        return held / whole + likeness - LINE_COST * (parts - 1)

    best = max(_windows(lines), key=lambda window: (gain(*window), -window[2]))
    chosen = lines[best[0] : best[1]]
    return Quote(chosen[0].start, chosen[-1].end, join_spoken(chosen)), gain(*best)


def _stripped(line: Segment) -> Segment:
    text = line.text.strip()
    return line if text == line.text else line.model_copy(update={"text": text})


def _pairs(text: str) -> set[str]:
    """Pairs of neighbouring words, or of neighbouring characters in Chinese and Japanese."""
    parts = _PART.findall(text.casefold())
    return {f"{one} {other}" for one, other in pairwise(parts)}


def _windows(lines: Sequence[Segment]) -> Iterator[tuple[int, int, int]]:
    """Runs of lines that may be quoted: (first, one past the last, how many sentences)."""
    spans = list(_sentences(lines))
    for index, (first, last) in enumerate(spans):
        if not _fits(lines[first:last]):
            yield from _parts(lines, first, last)
            continue
        for parts, (_, end) in enumerate(spans[index:], start=1):
            if not _fits(lines[first:end]):
                break
            yield first, end, parts


def _parts(lines: Sequence[Segment], first: int, last: int) -> Iterator[tuple[int, int, int]]:
    """The pieces of a sentence too long to be quoted whole."""
    for start in range(first, last):
        for end in range(start + 1, last + 1):
            if end > start + 1 and not _fits(lines[start:end]):
                break
            yield start, end, end - start


def _fits(lines: Sequence[Segment]) -> bool:
    most = MAX_WIDTH if len(lines) <= MAX_LINES else SHORT_WIDTH
    return len(lines) == 1 or width(line.text for line in lines) <= most


def narrowed(chunk: Chunk, lines: Sequence[Segment]) -> Chunk:
    """The passage with some of its lines alone, at least one."""
    update = {
        "lines": tuple(lines),
        "text": join_spoken(lines),
        "start": lines[0].start,
        "end": max(line.end for line in lines),
    }
    return chunk.model_copy(update=update)


def width(texts: Iterable[str]) -> int:
    """How long lines are together, in letters; a Chinese character is as long as three."""
    return sum(len(text) + 2 * len(CJK.findall(text)) for text in texts)


_SENTENCE_END = re.compile(r"[.!?。！？…][\"'”’」』)）\]]*$")


def _sentences(lines: Sequence[Segment]) -> Iterator[tuple[int, int]]:
    """Runs of lines that make one sentence, as (first, one past the last)."""
    punctuated = sum(bool(_SENTENCE_END.search(line.text.strip())) for line in lines)
    fragments = 5 * punctuated >= len(lines)  # else nobody wrote full stops, and none is missed
    first = 0
    for index in range(1, len(lines)):
        if not (fragments and _goes_on(lines[index - 1], lines[index])):
            yield first, index
            first = index
    yield first, len(lines)


def _goes_on(line: Segment, coming: Segment) -> bool:
    """Whether a sentence runs over from one line to the next."""
    text, rest = line.text.strip(), coming.text.strip()
    is_apart = coming.start - line.end > PAUSE or coming.speaker != line.speaker
    if _SENTENCE_END.search(text) or is_apart:
        return False
    # Captions often leave a full stop out; then the capital letter tells.
    return not rest[0].isupper() or text.endswith((",", "，", "、", ";", "；", ":", "："))


_QUOTED = re.compile(r"[“「『\"]([^“”「」『』\"]{4,})[”」』\"]")
_ANCHOR = re.compile(r"[0-9]+(?:[.,][0-9]+)*|[A-Za-z][A-Za-z'-]*[A-Za-z]")
CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")


class Support(NamedTuple):
    """How a passage supports a claim."""

    terms: frozenset[str]
    """By which it does; empty when it does not."""
    share: float
    """Of the claim's terms that it holds; `WORD_FOR_WORD` when it says the claim itself."""


UNSUPPORTED = Support(frozenset(), 0.0)
WORD_FOR_WORD = 2.0


def support(claim: str, chunk: Chunk) -> Support:
    """Whether a passage supports a claim, and how well.

    - A claim that the passage makes word for word stands.
    - Words of the passage quoted verbatim in the claim prove it in any language.
    - In one language, the passage must hold a third of the claim's terms, at least two if there
      are two, and its long numbers (a passage that writes no digits is not asked for them).
    - Across languages, half of the claim's names and numbers must stand in the passage.
    """
    everything = all_text(chunk)
    plain, spoken = _letters(everything), _letters("".join(line.text for line in chunk.lines))
    if _is_said(claim, plain) or _is_said(claim, spoken):
        return Support(frozenset(terms(claim)) or frozenset(index_terms(claim)), WORD_FOR_WORD)
    for words in _QUOTED.findall(claim):
        if len(_letters(words)) >= 4 and _letters(words) in plain:
            return Support(frozenset(terms(words)) or frozenset({words}), 1.0)
    if is_cjk(claim) != is_cjk(chunk.text or chunk.slide_text):
        return _anchored(claim, everything)
    wanted = set(terms(claim))
    found = frozenset(wanted & set(index_terms(everything)))
    enough = len(found) >= max(SUPPORT * len(wanted), min(2, len(wanted)), 1)
    if not enough or not _numbers_stand(claim, everything):
        return UNSUPPORTED
    return Support(found, len(found) / len(wanted))


def supports(claim: str, chunk: Chunk) -> frozenset[str]:
    """The terms by which a passage supports a claim; empty when it does not. See `support`."""
    return support(claim, chunk).terms


_LIST_ITEM = re.compile(r"^\s*(?:\d{1,2}[.)、]|[-*•])\s*(?=\D)")


def _is_said(claim: str, plain: str) -> bool:
    """Whether a claim of several words stands in a text, which has letters and digits alone."""
    claim = _LIST_ITEM.sub("", claim)
    bare = _letters(claim)
    several = len(_PART.findall(claim)) > 1
    return several and len(bare) + 2 * len(CJK.findall(bare)) >= SAID and bare in plain


def _anchored(claim: str, everything: str) -> Support:
    given = {anchor.casefold() for anchor in _ANCHOR.findall(everything)}
    words = [anchor for anchor in _ANCHOR.findall(claim) if is_cjk(claim) or not anchor.islower()]
    # The first word of an English sentence has a capital letter, whatever it is.
    anchors = {word.casefold() for word in words if not claim.startswith(word)}
    found = given & {anchor.casefold() for anchor in _ANCHOR.findall(claim)}
    telling = any(len(anchor) > 1 for anchor in found) or len(found) > 1
    if not telling or 2 * len(found) < len(anchors):
        return UNSUPPORTED
    proof = frozenset(term for anchor in found for term in terms(anchor)) or frozenset(found)
    return Support(proof, min(1.0, len(found) / max(len(anchors), 1)))


def _numbers_stand(claim: str, everything: str) -> bool:
    """Whether the numbers of three digits and more, such as years, are the passage's own."""
    given = set(re.findall(r"\d+", everything.replace(",", "")))
    asked = {number for number in re.findall(r"\d+", claim.replace(",", "")) if len(number) > 2}
    return not given or asked <= given


def all_text(chunk: Chunk) -> str:
    """Everything that a passage says and shows, a line for each: title, heading, words, slide."""
    return "\n".join([chunk.title, chunk.heading, chunk.text, chunk.slide_text])


def _letters(text: str) -> str:
    """Letters and digits alone, for comparing quotes."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(character for character in folded if character.isalnum())


def is_cjk(text: str) -> bool:
    """Whether a text is written in Chinese or Japanese, formulas and names aside."""
    latin = len(re.findall(r"[A-Za-z]+", text))
    return len(CJK.findall(text)) > latin
