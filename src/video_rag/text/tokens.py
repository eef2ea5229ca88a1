"""Text → index terms, the same for passages and for questions.

What reads the same is folded (`folding`), Chinese is cut into words (rjieba, search mode), English
is stemmed (Snowball), numbers become digits whether they were written or spelled. A word that is
written as one, with a hyphen, or in capitals within (`Wi-Fi`, `getUserName`) is indexed in its
parts and as a whole; numbers are parted from their units. Every word is indexed; `terms` leaves out
those that stand in every text.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from importlib.metadata import version

from video_rag.text.folding import HAS_HAN, fold, spelled_out
from video_rag.text.reading import WRITTEN, read
from video_rag.text.spelling import stem
from video_rag.text.stopwords import CHINESE_STOP_WORDS, ENGLISH_STOP_WORDS, STOP_WORDS

__all__ = [
    "CHINESE_STOP_WORDS",
    "ENGLISH_STOP_WORDS",
    "VERSION",
    "characters",
    "fold",
    "index_terms",
    "terms",
    "words",
]

VERSION = " ".join(
    ["terms-2", *(f"{name}-{version(name)}" for name in ("rjieba", "snowballstemmer", "opencc"))]
)
"""Names the rules of `text` and the libraries behind them: an index of another version is
rebuilt."""


@cache
def _stops() -> frozenset[str]:
    """Stop-words as they are indexed; made when first needed, since the stemmer takes long."""
    return frozenset(stem(word) for word in ENGLISH_STOP_WORDS)


def terms(text: str) -> list[str]:
    """The terms of a text in order, stop-words left out: what it is about.

    >>> terms("Why is the derivative of e^x itself?")
    ['deriv', 'e', 'x']
    >>> terms("為什麼導數等於自身？")
    ['导数', '等于', '自身']
    """
    found: list[str] = []
    for token in read(text):
        if token.camel:
            found.append(token.whole)
        elif not token.stop:
            telling = [part for part in token.parts if part not in _stops()]
            found += telling or token.parts
    return found


def index_terms(text: str) -> list[str]:
    """Every term by which a text is found.

    >>> index_terms("The WHO uses Wi-Fi")
    ['the', 'who', 'whoˆ', 'use', 'wi', 'fi', 'wifi']
    """
    return list(_indexed(text))


@lru_cache(maxsize=8192)
def _indexed(text: str) -> tuple[str, ...]:
    found: list[str] = []
    for token in read(text):
        found += token.parts
        found += (term for term in (token.whole, *token.more, token.name) if term)
    for word in umlauts(text):
        found += terms(spelled_out(word))
    return tuple(found)


def umlauts(text: str) -> list[str]:
    """The words that are typed in another way where the keyboard has no umlauts."""
    if text.isascii():
        return []
    found = _LETTERS.findall(unicodedata.normalize("NFC", text))
    return [word for word in found if not _UMLAUTS.isdisjoint(word)]


_LETTERS = re.compile(r"[^\W\d_]+")
_UMLAUTS = frozenset("äöüåÄÖÜÅ")


def words(text: str) -> list[str]:
    """The words of a text in order, letter by letter as they stand there; stop-words left out.

    For bases that compare words as they are written.

    >>> words("Why is the Derivative 导数等于自身")
    ['Derivative', '导数', '等于', '自身']
    """
    import rjieba

    found: list[str] = []
    for match in WRITTEN.finditer(text):
        run = match.group()
        found += rjieba.cut(run) if HAS_HAN.match(run) else [run]
    return [word for word in found if word.casefold() not in STOP_WORDS]


def characters(text: str) -> list[str]:
    """The single Chinese characters of a text, but for those that are stop-words.

    They find what a word list cannot: the same thing said with a longer, shorter or rarer word.
    """
    return [c for c in fold(text) if HAS_HAN.match(c) and c not in CHINESE_STOP_WORDS]
