"""The encodings before Unicode: which are met, for which languages, and which some lines are in."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

SAMPLE = 49_152
"""Bytes of lines beyond ASCII by which an encoding is told."""
_RIVAL = 0.6
"""A second encoding that fits as well as this makes doubt."""
_POSSIBLE = 0.3
"""How well, beside the best, an encoding must fit that the files beside it decide for."""
_HINT = 4.0
"""How much more likely an encoding is that is used for the language we know of."""

_ENCODINGS = (
    *("cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258"),
    *("iso8859-2", "iso8859-5", "iso8859-7", "iso8859-15", "iso8859-16", "koi8-r", "koi8-u"),
    *("cp866", "cp855", "cp852", "cp850", "mac-cyrillic", "mac-roman", "gb18030", "big5hkscs"),
    *("cp932", "euc_jis_2004", "cp949", "cp874", "iso2022_jp_2", "iso2022_kr", "johab"),
)
_USED = {
    "cp1250": "pl cs sk hu sl hr bs ro sq",
    "iso8859-2": "pl cs sk hu sl hr ro",
    "cp1251": "ru uk bg be sr mk kk",
    "koi8-r": "ru",
    "koi8-u": "uk",
    "cp866": "ru be uk",
    "cp1252": "en fr de es it pt nl sv da no nb nn fi is ca id",
    "iso8859-15": "fr de es it pt nl sv da no fi",
    "cp1253": "el",
    "iso8859-7": "el",
    "cp1254": "tr az",
    "cp1255": "he yi",
    "cp1256": "ar fa ur",
    "cp1257": "lt lv et",
    "cp1258": "vi",
    "cp874": "th",
    "gb18030": "zh",
    "big5hkscs": "zh",
    "cp932": "ja",
    "euc_jis_2004": "ja",
    "cp949": "ko",
}
_USED_FOR = {name: frozenset(languages.split()) for name, languages in _USED.items()}


@dataclass(frozen=True)
class Told:
    """An encoding, and what speaks against it."""

    encoding: str
    rival: str
    """Another encoding that fits nearly as well and gives other words, or ''."""
    possible: frozenset[str]
    """Encodings that fit so well that the files beside may decide for them."""


def likeliest(sample: bytes, language: str | None) -> Told | None:
    """The likeliest encoding of some lines, None when none is known in which they make sense."""
    import chardet

    sample = sample.replace(b"\0", b"")  # what a crash left behind looks like no text at all
    rows = chardet.detect_all(
        sample[:SAMPLE], ignore_threshold=True, include_encodings=_ENCODINGS, max_bytes=SAMPLE
    )
    scored: list[tuple[float, str]] = []
    for row in rows:
        name = _python_name(str(row["encoding"] or ""))
        if not name:
            continue
        fits = language is not None and language in _USED_FOR.get(name, ())
        scored.append((float(row["confidence"]) * (_HINT if fits else 1.0), name))
    scored.sort(key=lambda pair: -pair[0])
    if not scored:
        return None
    best, encoding = scored[0]
    words = sample.decode(encoding, errors="replace")
    rivals = (
        name
        for score, name in scored[1:]
        if score >= _RIVAL * best and sample.decode(name, errors="replace") != words
    )
    possible = frozenset(name for score, name in scored if score >= _POSSIBLE * best)
    return Told(encoding, next(rivals, ""), possible)


_SUPERSETS = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "big5": "big5hkscs",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "iso8859-1": "cp1252",
    "iso8859-8": "cp1255",
    "iso8859-9": "cp1254",
    "tis-620": "cp874",
    "euc_jp": "euc_jis_2004",
}


def _python_name(name: str) -> str:
    try:
        known = codecs.lookup(name).name
    except LookupError:
        return ""
    return _SUPERSETS.get(known, known)
