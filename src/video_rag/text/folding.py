"""One form for what reads the same: width, case, accents, vowel marks, superscripts, Greek symbols,
traditional Chinese."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import cache, lru_cache

HAN = "\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
HAS_HAN = re.compile(f"[{HAN}]")

_SUPERSCRIPTS = {ord(c): f" {d} " for c, d in zip("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789", strict=True)}
_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200c\u200d\u2060\ufeff\ufe0e\ufe0f\u0640"))
"""Soft hyphen, joiners, byte order mark, variation selectors, the Arabic stretching line: they
change how a word looks and not which word it is."""
_LETTERS = {ord(one): other for one, other in zip("øØłŁđĐðıŧ", "oOlLdDdit", strict=True)} | {
    ord("æ"): "ae",
    ord("Æ"): "AE",
    ord("œ"): "oe",
    ord("Œ"): "OE",
    ord("þ"): "th",
    ord("Þ"): "Th",
}
"""Accented letters that Unicode does not take apart."""
_ACCENTED = re.compile("[\u00c0-\u024f\u1e00-\u1eff\u0370-\u03ff\u1f00-\u1fffЁё\u0621-\u06d3]")
_MARKS = re.compile(
    "[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a"
    "\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed]"
)
"""Accents that stand alone, Hebrew points, Arabic vowels: most people leave them out."""
_DIGIT = re.compile(r"(?![0-9])\d")
_GREEK = "\u0370-\u03ff\u1f00-\u1fff"
_SYMBOL = re.compile(f"(?<![{_GREEK}])[Α-Ωα-ω](?![{_GREEK}])")
_SIGNS = {
    "°C": " degrees Celsius ",
    "°F": " degrees Fahrenheit ",
    "°": " degrees ",
    "%": " percent ",
    "€": " euros ",
    "£": " pounds ",
    "$": " dollars ",
    "∞": " infinity ",
    "√": " sqrt ",
}
_SIGN = re.compile(r"(?<=\d)\s?%|°\s?[CF]\b|[°€£∞√]|\$(?=\d)")
"""Signs that are read as words."""
_UMLAUTS = {
    **{ord(one): f"{bare}e" for one, bare in zip("äöüÄÖÜ", "aouAOU", strict=True)},
    ord("å"): "aa",
    ord("Å"): "Aa",
}


def plain(text: str) -> str:
    """One form for what reads the same, but for case.

    >>> plain("Ｇödel: E = mc², 0…π, 導數")
    'Godel: E = mc 2 , 0... pi , 导数'
    """
    found = text
    if not text.isascii():
        found = _plain(unicodedata.normalize("NFKC", text.translate(_SUPERSCRIPTS)))
    return _SIGN.sub(lambda sign: _SIGNS["".join(sign.group().split())], found)


def _plain(text: str) -> str:
    found = text.translate(_INVISIBLE)
    found = _DIGIT.sub(lambda digit: str(unicodedata.digit(digit.group())), found)
    found = _ACCENTED.sub(_bare, found.translate(_LETTERS))
    found = _SYMBOL.sub(_named, _MARKS.sub("", found))
    return _converter()(found) if HAS_HAN.search(found) else found


def fold(text: str) -> str:
    """One form for what reads the same, case too.

    >>> fold("İstanbul ＮＡＩ\u0308ＶＥ")
    'istanbul naive'
    """
    return lower(plain(text))


def lower(text: str) -> str:
    """Case folded, also where that takes a letter apart: the dotted İ."""
    return text.casefold() if text.isascii() else _MARKS.sub("", text.casefold())


def spelled_out(text: str) -> str:
    """Umlauts as they are typed where the keyboard has none: `Schrödinger` → `Schroedinger`."""
    return unicodedata.normalize("NFC", text).translate(_UMLAUTS)


def _bare(match: re.Match[str]) -> str:
    return _without_marks(match.group())


@lru_cache(maxsize=4096)
def _without_marks(character: str) -> str:
    return unicodedata.normalize("NFD", character)[0]


def _named(match: re.Match[str]) -> str:
    """A single Greek letter is a symbol, and is read by its name."""
    name = unicodedata.name(match.group()).rpartition(" ")[2].lower()
    return f" {'lambda' if name == 'lamda' else name} "


@cache
def _converter() -> Callable[[str], str]:
    import opencc

    convert: Callable[[str], str] = opencc.OpenCC("t2s").convert
    return convert
