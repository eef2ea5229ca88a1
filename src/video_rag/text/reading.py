"""A text → its words, numbers and symbols: where it is cut, and what belongs together."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from video_rag.text import numbers
from video_rag.text.folding import HAN, lower, plain
from video_rag.text.spelling import stem
from video_rag.text.stopwords import CHINESE_STOP_WORDS, ENGLISH_STOP_WORDS, STOP_WORDS

_PAIRED = "\u3040-\u30ff\u31f0-\u31ff\uac00-\ud7af"
_UNSPACED = "\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ece\u1000-\u103f\u1050-\u109f\u1780-\u17d3"
"""Thai, Lao, Burmese, Khmer: letters and the marks over and under them."""
_INDIC = "\u0900-\u0963\u0971-\u0df3"
"""Letters and vowel signs of India; Python does not count the signs among letters."""
_LETTER = f"(?:[^\\W_{HAN}{_PAIRED}{_UNSPACED}]|[{_INDIC}])"
_NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)*(?!\d)|\d+(?:\.\d+)*"
_ATOM = f"(?:{_NUMBER}|{_LETTER})+"
_PIECE = re.compile(
    f"(?P<counted>(?<=\\d)[{numbers.COUNTED}])"
    f"|(?P<han>[{HAN}]+)"
    f"|(?P<paired>[{_PAIRED}]+)"
    f"|(?P<unspaced>[{_UNSPACED}]+)"
    r"|(?P<dotted>(?<![\w.])(?:[A-Za-z]\.){2,}(?!\w)|(?<![\w.])(?:[A-Za-z]\.)+[A-Za-z](?![\w.]))"
    r"|(?P<slashed>(?<![\w/])[A-Za-z]{1,2}(?:[/&][A-Za-z])+(?![\w/]))"
    r"|(?P<signed>(?<!\w)[A-Za-z](?:\+\+|#|[*+](?![A-Za-z\d_+*=])))"
    f"|(?P<word>{_ATOM}(?:[-\u2010_]+{_ATOM})*)"
    "|(?P<symbol>[\U0001f300-\U0001faff\u2600-\u27bf])"
)
_RUN = re.compile(rf"{_NUMBER}|[^\d]+")
_HYPHEN = re.compile("[-\u2010_]+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z]{2})")
_ORDINALS = frozenset({"st", "nd", "rd", "th"})
_WHOLE = 4
"""A word of more parts than that is no name written in two ways."""
_APOSTROPHE = re.compile(
    r"(?<=can)['’]t\b|(?<=ain)['’]t\b|(?<=\w)(?<!\bca)(?<!\bai)n['’]t\b"
    r"|(?<=[^\W\d])['’](?:s|re|ll|ve|d|m)\b",
    re.IGNORECASE,
)
"""The ends of `wasn't`, `it's` and `we'll`; what is left of them are stop-words."""
_STARTS = re.compile(r"(?:^|[.!?:;…。！？：\n\"“”(\[>-]['’]?)\s*$")
_NAMED = "\u02c6"
"""Stands after a stop-word that capitals show to be a name: `Go`, `WHO`."""

WRITTEN = re.compile(f"[{HAN}]+|[{_PAIRED}]+|[{_UNSPACED}]+|{_ATOM}(?:\\+\\+|#)?")
"""A word just as it stands."""


@dataclass(frozen=True)
class Token:
    """A word, a number or a symbol of a text, as terms."""

    parts: tuple[str, ...]
    """Usually one; more of a word with a hyphen or with capitals within."""
    whole: str = ""
    """The parts in one; empty where there is but one."""
    more: tuple[str, ...] = ()
    """Other terms that find it."""
    stop: bool = False
    name: str = ""
    """The term of a stop-word as a name, where capitals say so."""
    capitals: bool = False
    """Whether all of it is written in capitals."""
    camel: bool = False
    """Whether it is written as one word."""


def is_name(wording: Sequence[str]) -> bool:
    """Whether these terms are a stop-word that is a name."""
    return len(wording) == 1 and wording[0].endswith(_NAMED)


def read(text: str) -> list[Token]:
    """The words, numbers and symbols of a text in order."""
    clean = _APOSTROPHE.sub("", plain(text))
    tokens: list[Token | str] = []
    for match in _PIECE.finditer(clean):
        found = _PIECES[match.lastgroup or ""](match.group())
        first = found[0]
        if (
            isinstance(first, Token)
            and first.stop
            and len(found) == 1
            and clean[match.start()].isupper()
        ):
            found = (_perhaps_name(first, match, clean),)
        tokens += found
    return [*_counted(tokens)]


def _han(run: str) -> tuple[Token, ...]:
    """Words and numbers of a run of Chinese characters; long words also give their parts."""
    import rjieba

    found: list[Token] = []
    at = 0
    for number in [*numbers.CHINESE_NUMBER.finditer(run), None]:
        for word in rjieba.cut_for_search(run[at : number.start() if number else len(run)]):
            stops = word in CHINESE_STOP_WORDS
            term = word if stops else numbers.CHINESE_WORDS.get(word, word)
            found.append(Token((term,), stop=stops))
        if number:
            found.append(Token((numbers.chinese_number(number.group()),)))
            at = number.end()
            if run[at : at + 1] in numbers.COUNTED:
                found += _counter(run[at : at + 1])
                at = min(at + 1, len(run))
    return tuple(found)


def _counter(character: str) -> tuple[Token, ...]:
    """What is counted stands apart from what follows: 第2讲|讲什么."""
    return (Token((character,), stop=character in STOP_WORDS),) if character else ()


def _paired(run: str) -> tuple[Token, ...]:
    """Kana and hangul have no word list here: overlapping pairs find any word."""
    return _pairs(run)


def _unspaced(run: str) -> tuple[Token, ...]:
    """The same for letters with marks, which stay together."""
    return _pairs(re.findall(r"^\W*\w?\W*|\w\W*", run))


def _pairs(units: Sequence[str]) -> tuple[Token, ...]:
    units = [unit for unit in units if unit]
    pairs = ["".join(units[at : at + 2]) for at in range(len(units) - 1)]
    return tuple(Token((pair,)) for pair in pairs or units)


def _dotted(piece: str) -> _Found:
    """`U.S.` is `US`, and `e.g.` a stop-word."""
    return _one_word(piece.replace(".", ""))


def _slashed(piece: str) -> tuple[Token, ...]:
    """`I/O` is `IO`, and `R&D` is `RD`."""
    parts = tuple(lower(part) for part in re.split("[/&]", piece))
    return (Token(parts, "".join(parts)),)


def _signed(piece: str) -> tuple[Token, ...]:
    """`C++`, `C#`, `A*`, `B+`. The index knows no asterisk but one that is an operator."""
    return (Token((lower(piece).replace("*", "\u2217"),)),)


def _symbol(piece: str) -> tuple[Token, ...]:
    return (Token((piece,)),)


_Found = tuple["Token | str", ...]
"""Tokens, and English number words, whose sense their neighbours decide."""


@lru_cache(maxsize=65536)
def _word(piece: str) -> _Found:
    """What stands between two spaces: hyphens, capitals within, numbers with units."""
    found: list[Token | str] = []
    run: list[str] = []  # letters that hyphens or capitals join
    is_camel = False
    for atom in [part for part in _HYPHEN.split(piece) if part]:
        runs = _RUN.findall(atom)
        if len(runs) > 2 and not runs[-1][-1].isdigit():  # k8s, H2O, 3b1b
            runs = [atom]
        for index, one in enumerate(runs):
            if one[0].isdigit() and one[-1].isdigit():
                found += _joined(run, is_camel)
                run, is_camel = [], False
                found.append(Token((numbers.written(one),)))
            elif not (index and one.lower() in _ORDINALS):
                parts = _CAMEL.split(one)
                is_camel = is_camel or (len(parts) > 1 and not run)
                run += parts
    return (*found, *_joined(run, is_camel))


def _joined(run: list[str], is_camel: bool) -> _Found:
    """One token of the parts of a word, or one for each where they are words of a phrase."""
    is_number = any(part.lower() in numbers.NUMBERS for part in run)
    if len(run) < 2 or len(run) > _WHOLE or is_number:
        return tuple(token for part in run for token in _one_word(part))
    parts = tuple(stem(lower(part)) for part in run)
    return (Token(parts, stem(lower("".join(run))), camel=is_camel),)


def _one_word(word: str) -> _Found:
    folded = lower(word)
    if folded in numbers.NUMBERS or folded in numbers.SCALES:
        return (folded,)
    capitals = len(word) > 1 and word.isupper()
    stops = folded in ENGLISH_STOP_WORDS
    return (Token((stem(folded),), stop=stops, capitals=capitals),)


def _perhaps_name(token: Token, match: re.Match[str], text: str) -> Token:
    """The stop-word, known as a name when it has capitals that its place does not explain."""
    if match.end() - match.start() < 2:
        return token
    others = re.findall(r"[^\W\d_]{2,}", text)
    if token.capitals:
        is_name = sum(word.isupper() for word in others) * 2 <= len(others) or len(others) < 3
    else:
        capital = sum(word[0].isupper() for word in others)
        is_title = len(others) > 2 and capital * 3 > len(others) * 2
        is_name = not is_title and not _STARTS.search(text, 0, match.start())
    return name_of(token) if is_name else token


def name_of(token: Token) -> Token:
    """The stop-word, known as a name."""
    return replace(token, name=token.parts[0] + _NAMED)


def _counted(found: Sequence[Token | str]) -> Iterator[Token]:
    """The tokens, with number words as digits: `two hundred and five`, `3.5 million`."""
    done: list[Token] = []
    at = 0
    while at < len(found):
        one = found[at]
        if isinstance(one, Token):
            done.append(one)
            at += 1
            continue
        spelled, at = _number_words(found, at)
        if spelled[0] in numbers.SCALES and done and done[-1].parts[0][:1].isdigit():
            number = done.pop()
            value = numbers.times(number.parts[0], numbers.SCALES[spelled.pop(0)])
            done.append(replace(number, parts=(value,), more=number.parts))
        done += (Token((value,)) for value in numbers.spelled(spelled))
    return iter(done)


def _number_words(found: Sequence[Token | str], start: int) -> tuple[list[str], int]:
    """The number words from here on, and where they end; an `and` after a hundred is none."""
    spelled: list[str] = []
    at = start
    while at < len(found):
        one, following = found[at], found[at + 1 : at + 2]
        if isinstance(one, str):
            spelled.append(one)
        elif not (
            one.parts == ("and",)
            and spelled[-1] in numbers.SCALES
            and isinstance(following[0] if following else None, str)
        ):
            break
        at += 1
    return spelled, at


_PIECES: dict[str, Callable[[str], _Found]] = {
    "counted": _counter,
    "han": _han,
    "paired": _paired,
    "unspaced": _unspaced,
    "dotted": _dotted,
    "slashed": _slashed,
    "signed": _signed,
    "word": _word,
    "symbol": _symbol,
}
