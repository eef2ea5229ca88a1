"""A question → what a passage should hold, and how much each of it counts."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from video_rag.text.folding import plain, spelled_out
from video_rag.text.reading import Token, name_of, read
from video_rag.text.tokens import terms, umlauts

WEAK = 0.1
"""What a stop-word counts beside words that say more."""
_NEARLY = 0.75
_UNSURE = 0.6
"""What a stop-word in small letters counts for one that is a name: who for WHO, go for Go."""
_KEYWORDS = 4
"""A question of so few words and no stop-word is a list of names."""
_SHORT = 4
_QUOTED = re.compile(r"[“「『\"]([^“”「」『』\"]{2,})[”」』\"]")

Group = tuple[str, ...]
"""Names of one thing."""


@dataclass(frozen=True)
class Wish:
    """One thing that a passage should hold, in any of its wordings."""

    wordings: tuple[tuple[str, ...], ...]
    """Each the terms that are looked for together; most have one of one term."""
    weight: float = 1.0
    worths: tuple[float, ...] = ()
    """What each wording counts, where that is less than 1."""

    @property
    def terms(self) -> tuple[str, ...]:
        """Every term of every wording."""
        return tuple(dict.fromkeys(term for wording in self.wordings for term in wording))

    def worth(self, index: int) -> float:
        """What a wording counts."""
        return self.worths[index] if self.worths else 1.0

    def held(self, portions: Mapping[str, float]) -> float:
        """How much of it is there, from 0 to 1, given how much of each term is.

        Of another wording nearly all must be there: `states` is no part of `US`.
        """
        best = 0.0
        for index, wording in enumerate(self.wordings):
            portion = sum(portions.get(term, 0.0) for term in wording) / len(wording)
            if not index or portion >= _NEARLY:
                best = max(best, self.worth(index) * portion)
        return best


def asked(text: str, synonyms: Sequence[Group] = ()) -> tuple[Wish, ...]:
    """What a question looks for; nothing only where it has no word at all.

    Stop-words count little, unless nothing else is left, they are quoted, or capitals say that they
    are names. `synonyms` are groups of names of one thing.

    >>> [wish.wordings for wish in asked("What is a Wi-Fi?") if wish.weight == 1]
    [(('wi', 'fi'), ('wifi',))]
    >>> [wish.wordings[0] for wish in asked("to be or not") if wish.weight == 1]
    [('to',), ('be',), ('or',), ('not',)]
    """
    rest, named = _taken_out(plain(text), synonyms)
    literal = {term for quoted in _QUOTED.findall(text) for term in _all(read(quoted))}
    other = {tuple(terms(word)): tuple(terms(spelled_out(word))) for word in umlauts(text)}
    wishes = [*named, *(_wish(token, literal, other) for token in _named(rest, read(rest)))]
    if all(wish.weight < 1 for wish in wishes):
        wishes = [replace(wish, weight=1.0) for wish in wishes]
    unique: dict[tuple[tuple[str, ...], ...], Wish] = {}
    for wish in sorted(wishes, key=lambda wish: -wish.weight):
        unique.setdefault(wish.wordings, wish)
    return tuple(dict.fromkeys(unique[wish.wordings] for wish in wishes))


def plainly(found: Collection[str]) -> tuple[Wish, ...]:
    """Wishes for these terms, just as they are."""
    return tuple(Wish(((term,),)) for term in dict.fromkeys(found))


def _wish(
    token: Token, literal: Collection[str], other: Mapping[tuple[str, ...], tuple[str, ...]]
) -> Wish:
    wordings = [token.parts]
    if token.whole:
        wordings.insert(0 if token.camel else 1, (token.whole,))
    if token.parts in other:
        wordings.append(other[token.parts])
    if token.name:
        return _name(token)
    is_weak = token.stop and token.parts[0] not in literal
    return Wish(tuple(wordings), WEAK if is_weak else 1.0)


def _name(token: Token) -> Wish:
    return Wish(((token.name,), token.parts), worths=(1.0, _UNSURE))


def _named(text: str, tokens: Sequence[Token]) -> list[Token]:
    """The tokens; in a list of keywords a stop-word with a capital letter is a name."""
    stops = [token for token in tokens if token.stop]
    is_list = len(tokens) <= _KEYWORDS and "?" not in text
    if is_list and len(stops) == 1 < len(tokens) and tokens[0] is stops[0] and text[:1].isupper():
        return [name_of(tokens[0]), *tokens[1:]]
    return list(tokens)


def _all(tokens: Sequence[Token]) -> Iterator[str]:
    return (part for token in tokens for part in token.parts)


def _taken_out(text: str, synonyms: Sequence[Group]) -> tuple[str, list[Wish]]:
    """The text without the names that have synonyms, and the wishes for those."""
    wishes = []
    for group in synonyms:
        for name in sorted(group, key=len, reverse=True):
            found = pattern(name).search(text)
            if found:
                text = f"{text[: found.start()]} {text[found.end() :]}"
                names = [name, *(other for other in group if other != name)]
                wishes += _alike(names)
                break
    return text, wishes


def _alike(names: Sequence[str]) -> list[Wish]:
    """The wish for a thing of several names."""
    worths: dict[tuple[str, ...], float] = {}
    for name in names:
        tokens = read(name)
        if len(tokens) == 1 and tokens[0].name:
            wish = _name(tokens[0])
            told = zip(wish.wordings, wish.worths, strict=True)
        else:
            told = zip([tuple(terms(name)) or tuple(_all(tokens))], [1.0], strict=True)
        for wording, worth in told:
            if wording:
                worths.setdefault(wording, worth)
    return [Wish(tuple(worths), worths=tuple(worths.values()))] if worths else []


def pattern(name: str) -> re.Pattern[str]:
    """Finds a name in a text that is made plain: whole words, in capitals or not."""
    clean = plain(name).strip()
    before, after = (rf"(?<![^\W_{_CJK}])", rf"(?![^\W_{_CJK}])")
    start = before if clean[:1].isascii() else ""
    end = after if clean[-1:].isascii() else ""
    case = 0 if len(clean) <= _SHORT and clean.isupper() else re.IGNORECASE  # US is not us
    return re.compile(start + r"\s+".join(map(re.escape, clean.split())) + end, case)


_CJK = "\u3040-\u30ff\u3400-\u9fff"
