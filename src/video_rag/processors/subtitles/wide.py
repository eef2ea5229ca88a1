"""UTF-16 in files that are damaged, or joined from files of several encodings.

A byte lost or added puts every later character out of step; that shows in the digits, marks and
line breaks that every kind of subtitle has between its words, and so does a part in one byte a
character. Both are looked for in windows, so that it stays linear however often it happens.
"""

from __future__ import annotations

import codecs
import re
from typing import NamedTuple

NARROW = ""
"""Stands for whatever encoding has ASCII in single bytes."""
_LITTLE, _BIG = "utf-16-le", "utf-16-be"
_MARKS = {_LITTLE: codecs.BOM_UTF16_LE, _BIG: codecs.BOM_UTF16_BE}
_PLAIN = rb"[\t\n\r -~]"
_BEGINS = re.compile(
    rb"(?:\xff\xfe(?=[^\0]\0)|(?P<big>\xfe\xff(?=\0[^\0]))"
    rb"|(?=(?:PLAIN\0){6})|(?=(?P<big_plain>(?:\0PLAIN){6})))".replace(b"PLAIN", _PLAIN)
)
"""Where UTF-16 begins, at the beginning of a line."""
_PLAIN_HEAD = re.compile(b"(?:\xef\xbb\xbf)?" + _PLAIN + b"{16}")
"""Eight characters of Chinese hardly look like this."""
_LATER = re.compile(rb"[\n\r]" + _BEGINS.pattern)
_ASCII = [9, 10, 13, *range(0x20, 0x7F)]
_SWAPPED = "".join(chr(code << 8) for code in _ASCII)
_TELLING = "".join(chr(code << 8) for code in (10, 13, *b"123456789:"))
# ASCII out of step, with a character that words in step hardly have (0 is the space of Chinese).
_OUT = f"(?=[{_SWAPPED}]{{0,60}}[{_TELLING}])[{_SWAPPED}]{{4}}"
_PAIRS = "".join(f"{chr((high << 8) | 0x20)}-{chr((high << 8) | 0x7E)}" for high in _ASCII)
_PAIRS += "".join(chr((high << 8) | low) for high in _ASCII for low in (9, 10, 13))
_DISTURBED = re.compile(f"(?P<out>{_OUT})|(?P<narrow>[{_PAIRS}]{{8,}})")
_DIGITS = re.compile(rb"[0-9]")
_EDGES = {
    _LITTLE: re.compile(rb"[^\0][\n\r <\"\]}]\0"),
    _BIG: re.compile(rb"\0[\n\r <\"\]}](?=[^\0])"),
}
_ZEROS = re.compile(rb"(?:\0\0){4,}")
"""What a crash leaves."""
_DAMAGE = 1
"""Such edges that damage alone may make."""
_WINDOW, _WIDEST = 512, 65_536
_OVERLAP = 64
_SAMPLE = 16_000


class Part(NamedTuple):
    """Bytes of one encoding."""

    encoding: str
    data: bytes
    is_out_of_step: bool = False
    """Whether bytes were lost or added before it."""


def parts(data: bytes, encoding: str = NARROW) -> list[Part]:
    """The file by encodings; a single narrow part when none of it is UTF-16.

    `encoding` is that of the beginning where it does not show there. Byte order marks between
    parts are left out.
    """
    mode, place = _beginning(data, encoding)
    found: list[Part] = []
    is_out = False
    while True:
        following = _next(data, place, mode)
        stop = following[2] if following else len(data)
        found.append(Part(mode, _whole(data[place:stop], mode), is_out))
        if following is None:
            return found
        is_out = mode == following[0]
        mode, place, _ = following


def _whole(data: bytes, mode: str) -> bytes:
    """Without the half of a character at its end."""
    return data[: len(data) // 2 * 2] if mode else data


def _beginning(data: bytes, encoding: str) -> tuple[str, int]:
    """The encoding at the beginning, and where the text begins."""
    if match := _BEGINS.match(data):
        mode, place = _named(match), match.end()
        # the other order would begin one byte later and leave half a character at the end
        return (mode, place) if (len(data) - place) % 2 == 0 else _begun(data, match)
    if encoding == NARROW or _PLAIN_HEAD.match(data):
        return NARROW, 0
    mode, _ = _likelier(data, (encoding, 0), (_other(encoding), 0))
    head = data[:_SAMPLE]
    high = int(mode == _LITTLE)  # where the zero bytes of ASCII stand when the first byte is whole
    return mode, int(head[high::2].count(0) < head[1 - high :: 2].count(0))


def _other(mode: str) -> str:
    return _BIG if mode == _LITTLE else _LITTLE


def _named(match: re.Match[bytes]) -> str:
    return _BIG if match["big"] is not None or match["big_plain"] is not None else _LITTLE


def _begun(data: bytes, match: re.Match[bytes]) -> tuple[str, int]:
    """The order and place of UTF-16 that begins; ASCII alone looks like both, one byte apart."""
    mode = _named(match)
    if data[match.end() - 2 : match.end()] == _MARKS[mode]:
        return mode, match.end()
    return _likelier(data, (mode, match.end()), (_other(mode), match.end() + 1))


def _likelier(data: bytes, one: tuple[str, int], other: tuple[str, int]) -> tuple[str, int]:
    """Which of two orders the ends of ASCII beside other characters show; the first in doubt.

    The zero byte of a mark stands before it or behind it, and among ASCII alone on both sides.
    """
    sample = _ZEROS.sub(b"\0\0", data[one[1] : one[1] + _SAMPLE])
    shown = {mode: len(edge.findall(sample)) for mode, edge in _EDGES.items()}
    return other if shown[other[0]] > shown[one[0]] + _DAMAGE else one


def _next(data: bytes, place: int, mode: str) -> tuple[str, int, int] | None:
    """The next encoding (or the same, out of step), where it begins, and where the former ends."""
    if mode == NARROW:
        later = _LATER.search(data, place)
        return (*_begun(data, later), later.start() + 1) if later else None
    begin, window = place, _WINDOW
    while place + 1 < len(data):
        stop = min(place + window, place + (len(data) - place) // 2 * 2)
        text = data[place:stop].decode(mode, errors="surrogatepass")
        if match := _disturbed(text):
            at = place + len(text[: match.start()].encode(mode, errors="surrogatepass"))
            found = _narrow(data, at, begin) if match["narrow"] else _step(data, at, mode)
            # one byte further at least, whatever a hostile file looks like
            return found if found[1] > begin else (mode, begin + 1, begin)
        place += max(2, stop - place - _OVERLAP)
        window = min(2 * window, _WIDEST)
    return None


def _disturbed(text: str) -> re.Match[str] | None:
    """Where text of UTF-16 is in step no longer, or where it ends.

    ASCII in pairs must hold digits and marks, which words of Chinese do not look like.
    """
    for match in _DISTURBED.finditer(text):
        if match["narrow"] is None:
            return match
        pair = match["narrow"].encode("utf-16-be", errors="surrogatepass")
        if min(pair[0::2]) < 0x40 and min(pair[1::2]) < 0x40 and len(_DIGITS.findall(pair)) > 1:
            return match
    return None


def _narrow(data: bytes, at: int, begin: int) -> tuple[str, int, int]:
    """From the first byte of a part with one byte a character."""
    while at > begin and 0x20 <= data[at - 1] < 0x7F:
        at -= 1
    mark = data[at - 3 : at] == codecs.BOM_UTF8
    return NARROW, at, at - 3 * mark


def _step(data: bytes, at: int, mode: str) -> tuple[str, int, int]:
    """UTF-16 in the other byte order, or in the same from one byte before or after."""
    other = _other(mode)
    if data[at - 2 : at] == _MARKS[other]:
        return other, at, at - 2
    is_before = data[at - 1] in _ASCII if mode == _LITTLE else data[at - 1] == 0
    same = at - 1 if is_before else at + 1
    found = _likelier(data, (mode, same), (other, at))
    if found == (other, at):
        return other, at, at
    return mode, same, same - 2 * (data[same - 2 : same] == _MARKS[mode])
