"""Names of people: whether a text means somebody who speaks."""

from __future__ import annotations

import re
from collections.abc import Iterable

from video_rag.text.tokens import fold

_WORD = re.compile(r"[^\W_]+")
_CASELESS = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"
)
"""Scripts without spaces or with endings on the name: a name is looked for within the text."""
_ADDED = re.compile(r"\s*(?:[(（][^()（）]*[)）]|[|/@].*|\s[-–]\s.*)$")
"""What meetings add to a name: `(Guest)`, `| Acme`."""
_BEFORE = frozenset({"dr", "mr", "mrs", "ms", "miss", "prof", "professor", "sir"})
_SPEAKING = re.compile(
    r"\b(?:sa(?:y|ys|id|ying)|tells?|told|thinks?|thought|mention\w*|argue\w*|expla\w+|ask\w*|answer\w*"
    r"|talk\w*|speak\w*|spoke|opinion|according|announce\w*|suggest\w*|propose\w*|claim\w*|mean\w*"
    r"|report\w*|recommend\w*|want\w*|believ\w+)\b",
    re.IGNORECASE,
)
_SHORTEST = 3
"""Letters of a first or last name that names somebody alone."""


def is_meant(asked: str, name: str) -> bool:
    """Whether a person's name, or a part of it, is the one asked for.

    >>> is_meant("omar haddad", "Haddad, Omar (Guest)"), is_meant("Lee", "Leeds")
    (True, False)
    """
    wanted, given = fold(asked).strip(), fold(name).strip()
    if not wanted or wanted == given:
        return bool(wanted)
    if _CASELESS.search(wanted):
        return re.search(rf"{re.escape(wanted)}(?![0-9])", given) is not None
    words = _WORD.findall(wanted)
    return bool(words) and set(words) <= set(_WORD.findall(given))


def nearest(asked: str, names: Iterable[str], many: int) -> list[str]:
    """The names most like one that is none of them, whole or in one of its words, best first."""
    from difflib import SequenceMatcher  # only a mistake needs it

    wanted = fold(asked)

    def unlike(name: str) -> float:
        given = fold(name)
        parts = (given, *_WORD.findall(given))
        return -max(SequenceMatcher(None, wanted, part).ratio() for part in parts)

    return sorted(dict.fromkeys(names), key=lambda name: (unlike(name), name))[:many]


def named(text: str, names: Iterable[str]) -> tuple[str, ...]:
    """Those of the names that a text names, those named in full before those named in part.

    A part is enough (`What did Grace say?`) where the text asks what somebody says, or has the
    capital of a name.
    """
    folded = fold(text)
    words = set(_WORD.findall(folded))
    capitals = {fold(word) for word in _WORD.findall(text)[1:] if word[0].isupper()}
    parts = words if _SPEAKING.search(text) else capitals
    full: list[str] = []
    partly: list[str] = []
    for name in dict.fromkeys(names):
        own = fold(_ADDED.sub("", name)).strip()
        if _CASELESS.search(own):
            if re.search(rf"{re.escape(own)}(?![0-9])", folded):
                full.append(name)
            continue
        telling = [word for word in _WORD.findall(own) if word not in _BEFORE]
        if telling and words.issuperset(telling):
            full.append(name)
        elif any(len(word) >= _SHORTEST and word in parts for word in telling):
            partly.append(name)
    return (*full, *([] if full else partly))
