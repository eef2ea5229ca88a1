"""What happens to subtitle files on their way: one function for each kind of damage.

A file is a list of pieces of bytes that know their cue. Damage says which cues it touched; what
it did not touch must be in the transcript afterwards, or be counted.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

_MARKS = "<>&{}[]():,.-0x|\\/\"'=\x01\x0b\x0c\x1c\x85\u2028\u200f\ufeff：，。－—＞字"
_MARKUP = (
    *("<b>", "</i>", "<font color=red>", "<font", "<v Ann Lee>", "<v ", "<c.x>", "<ruby>", "<rt>"),
    *(
        "<br>",
        "<br/>",
        "<00:00:01.000>",
        "<!--",
        "-->",
        "<![CDATA[",
        "]]>",
        "<p>",
        "</p>",
        "<span>",
    ),
    *(r"{\an8}", r"{\p1}", "{", "}", "{y:i}", "|", "&amp;", "&lt;", "&#x41;", "&", "[br]", r"\N"),
    *("NOTE", "STYLE", "Comment: ", "; ", "//", "WEBVTT", "[Events]", "X-TIMESTAMP-MAP="),
    *("Ann Lee: ", "- ", ">> ", "♪", '"', "'", "\\", '{"', '"}', "[[", "]]", "],", "}}"),
)
_JUNK = (
    *("www.example.org", "1", "42", "NOTE made by hand", "<b>", "[Events]", "{", "}", "--", "-->"),
    *("00:00", "Translated by Ann", "字幕", "{}", "[]", "WEBVTT", "\x00", "\x1a", "…", "0:0:0 -->"),
)
_TIMES = (
    *(
        "：",
        "；",
        "->",
        "-- >",
        "－－＞",
        "-->",
        "to",
        " ",
        "",
        ".",
        ",",
        "：：",
        "O",
        "l",
        "-",
        "—",
    ),
    *("→", "0", "00", "99", "\t", "\x01", "\u200f", "h", "'", "\x00", "١", "１"),
)
_ENDS = ("\n", "\r\n", "\r", "\r\r\n", "\n\n", "\r\n\r\n", "\n\r", "\n")


@dataclass
class Piece:
    """A line with its end, encoded."""

    cue: int | None
    data: bytes
    """With its end."""
    encoding: str

    @property
    def text(self) -> str:
        return self.data.decode(self.encoding, errors="replace")


@dataclass
class File:
    """What is damaged."""

    pieces: list[Piece]
    prefix: bytes = b""
    """A byte order mark."""
    touched: set[int] = field(default_factory=set)

    def data(self) -> bytes:
        return self.prefix + b"".join(piece.data for piece in self.pieces)

    def touch(self, place: int) -> Piece:
        """A piece that is about to be damaged."""
        piece = self.pieces[place]
        if piece.cue is not None:
            self.touched.add(piece.cue)
        return piece


Damage = Callable[[File, random.Random], None]


def _any(file: File, dice: random.Random) -> Piece:
    return file.touch(dice.randrange(len(file.pieces)))


def _rewritten(piece: Piece, text: str) -> None:
    piece.data = text.encode(piece.encoding, errors="replace")


def characters(file: File, dice: random.Random) -> None:
    """A few characters of a line deleted, inserted or replaced."""
    piece = _any(file, dice)
    letters = list(piece.text)
    for _ in range(dice.randint(1, 4)):
        at = dice.randint(0, max(len(letters) - 1, 0))
        what = dice.choice(("delete", "insert", "replace"))
        if what == "insert" or not letters:
            letters.insert(at, dice.choice(_MARKS))
        elif what == "delete":
            del letters[at]
        else:
            letters[at] = dice.choice(_MARKS)
    _rewritten(piece, "".join(letters))


def flipped(file: File, dice: random.Random) -> None:
    """Some bytes of a line are others."""
    piece = _any(file, dice)
    data = bytearray(piece.data)
    for _ in range(min(dice.choice((1, 1, 2, 5, 20)), len(data))):
        data[dice.randrange(len(data))] = dice.randrange(256)
    piece.data = bytes(data)


def shifted(file: File, dice: random.Random) -> None:
    """Bytes lost or added in a line, which shifts what has two bytes a character."""
    piece = _any(file, dice)
    at = dice.randint(0, len(piece.data))
    more = bytes(dice.choice((0, 0x0A, 0x0D, 0x41, 0xE4, 0xFF)) for _ in range(dice.randint(1, 3)))
    lost = dice.randint(0, 3)
    piece.data = piece.data[:at] + (more if dice.random() < 0.5 else b"") + piece.data[at + lost :]


def dropped(file: File, dice: random.Random) -> None:
    """Lines that are missing."""
    for _ in range(dice.randint(1, 3)):
        if len(file.pieces) > 1:
            place = dice.randrange(len(file.pieces))
            file.touch(place)
            del file.pieces[place]


def doubled(file: File, dice: random.Random) -> None:
    """A line, or a few, that come twice."""
    place = dice.randrange(len(file.pieces))
    stop = min(place + dice.randint(1, 8), len(file.pieces))
    for number in range(place, stop):
        file.touch(number)
    file.pieces[stop:stop] = file.pieces[place:stop]


def swapped(file: File, dice: random.Random) -> None:
    """Two lines in each other's place."""
    one = dice.randrange(len(file.pieces))
    near = min(one + dice.randint(1, 5), len(file.pieces) - 1)
    other = dice.choice((near, dice.randrange(len(file.pieces))))
    file.touch(one)
    file.touch(other)
    file.pieces[one], file.pieces[other] = file.pieces[other], file.pieces[one]


def times(file: File, dice: random.Random) -> None:
    """The times of some cues as typists and translators damage them."""
    timed = [n for n, piece in enumerate(file.pieces) if sum(c.isdigit() for c in piece.text) > 5]
    for _ in range(dice.choice((1, 1, 2, 6))):
        piece = file.touch(dice.choice(timed or [0]))
        text = piece.text
        marks = [n for n, c in enumerate(text[:60]) if c in ':,.->[]{} "0123456789'] or [0]
        at = dice.choice(marks)
        _rewritten(piece, text[:at] + dice.choice(_TIMES) + text[at + dice.randint(0, 3) :])


def markup(file: File, dice: random.Random) -> None:
    """Tags, codes and entities, whole and halved, in a line."""
    for _ in range(dice.randint(1, 2)):
        piece = _any(file, dice)
        text = piece.text
        at = dice.choice((0, dice.randint(0, len(text))))
        _rewritten(piece, text[:at] + dice.choice(_MARKUP) + text[at:])


def junk(file: File, dice: random.Random) -> None:
    """A line that is no part of any cue."""
    place = dice.randint(0, len(file.pieces))
    near = file.pieces[min(place, len(file.pieces) - 1)]
    said = dice.choice(_JUNK) + dice.choice(_ENDS)
    for beside in (place - 1, place):
        if 0 <= beside < len(file.pieces):
            file.touch(beside)
    file.pieces.insert(place, Piece(None, said.encode(near.encoding, "replace"), near.encoding))


def cut(file: File, dice: random.Random) -> None:
    """A download that broke off, or that began late."""
    whole = sum(len(piece.data) for piece in file.pieces)
    at = dice.randrange(whole + 1)
    is_head = dice.random() < 0.25
    place, kept = 0, []
    for number, piece in enumerate(file.pieces):
        begin, place = place, place + len(piece.data)
        if begin < at < place or (begin >= at) != is_head:
            file.touch(number)
        data = piece.data[max(at - begin, 0) :] if is_head else piece.data[: max(at - begin, 0)]
        if data:
            kept.append(Piece(piece.cue, data, piece.encoding))
    file.pieces = kept or file.pieces[:1]
    if is_head:
        file.prefix = b""


def nuls(file: File, dice: random.Random) -> None:
    """Zero bytes, as a crash of the machine leaves them."""
    piece = _any(file, dice)
    at = dice.randint(0, len(piece.data))
    zeros = bytes(dice.choice((1, 2, 7, 512, 4096)))
    piece.data = piece.data[:at] + zeros + piece.data[at + dice.choice((0, len(zeros))) :]


def ends(file: File, dice: random.Random) -> None:
    """Every line ends in another way. That touches no cue."""
    every = dice.random() < 0.5
    usual = dice.choice(_ENDS)
    for piece in file.pieces:
        text = piece.text
        if text.endswith("\n") and "\ufffd" not in text:
            _rewritten(piece, text[:-1] + (usual if every else dice.choice(_ENDS)))


def long_line(file: File, dice: random.Random) -> None:
    """A line of many thousand characters."""
    piece = _any(file, dice)
    unit = dice.choice(("word ", "0", "<", "{", "[", ":", "字", "-->", "00:", "&", "\r", " ", "x"))
    text = piece.text
    at = dice.randint(0, len(text))
    _rewritten(piece, text[:at] + unit * (dice.choice((3_000, 30_000)) // len(unit)) + text[at:])


KINDS: tuple[Damage, ...] = (
    *(characters, characters, characters, flipped, shifted, dropped, doubled, swapped, times),
    *(times, markup, markup, junk, cut, nuls, ends, long_line),
)
