"""Words of a question that nobody says, and what was probably meant."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from difflib import SequenceMatcher

from video_rag.text.spelling import stem

LEAST = 6
"""Shorter words are too near to others."""
ALIKE = 0.88
"""Likeness of two words, by Ratcliff and Obershelp, of which one is the other mistyped: one letter
of seven."""
_WORD = re.compile(rf"[A-Za-z]{{{LEAST},}}")


def corrections(question: str, texts: Iterable[str]) -> dict[str, str]:
    """The English words of a question that stand in no text, with the nearest word that does.

    >>> corrections("what is a spaning tree", ["It is a spanning tree."])
    {'spaning': 'spanning'}
    """
    said = {word.casefold() for text in texts for word in _WORD.findall(text)}
    stems = {stem(word) for word in said}
    missing = [word for word in _WORD.findall(question) if stem(word.casefold()) not in stems]
    nearest = {word: _nearest(word.casefold(), said) for word in missing}
    return {word: found for word, found in nearest.items() if found}


def _nearest(word: str, said: Collection[str]) -> str:
    """The word most like this one, if it is nearly the same."""
    like = {
        other: SequenceMatcher(None, word, other).ratio()
        for other in said
        if other[0] == word[0] and abs(len(other) - len(word)) <= 2
    }
    best = max(sorted(like), key=lambda other: like[other], default="")
    return best if best and like[best] >= ALIKE else ""
