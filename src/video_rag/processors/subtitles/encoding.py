"""From a subtitle file's bytes to text, whatever the encoding.

UTF-8, UTF-16 and UTF-32 are recognised for certain. Older encodings are told by chardet, which was
right in 37 of 38 texts of one or two lines in 20 encodings where charset-normalizer was in 28
(2026-11-27); the language in the file's name and the files beside it decide where it is unsure.
"""

from __future__ import annotations

import codecs
import re
from collections import Counter
from collections.abc import Callable, Iterator

from video_rag.processors.subtitles import wide
from video_rag.processors.subtitles.older import SAMPLE, likeliest
from video_rag.text.languages import normalise

_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
)
_WIDE_BOMS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_MOST_PARTS = 16
"""Parts with one byte a character in a file that also has UTF-16; with more it is no text."""
_BLOCK = 65_536
"""Bytes that are looked at together."""
_UTF8_SHARE = 0.3
"""Share of the lines beyond ASCII that are sound UTF-8 in a file that is meant to be."""
_SURE_CHARACTERS = 6
"""So many characters of UTF-8 on one line are no coincidence in another encoding."""
_THIN = 12
"""Characters beyond ASCII that tell little."""
_FEW = 0.25
"""Share of broken characters on a line that is damaged UTF-8 rather than another encoding."""

_HEAD = 4096
_TIMED = re.compile(rb"-->|\[[0-9]+:[0-9]")
_NAMED = re.compile(
    rb"^\s{0,9}Language\s{0,9}[:=]\s{0,9}([a-z]{2,20})|xml:lang\s{0,9}=\s{0,9}[\"']([a-z]{2,20})"
    rb"|^\[la:\s{0,9}([a-z]{2,20})",
    re.IGNORECASE | re.MULTILINE,
)
"""WebVTT's header and those of its kind, TTML, and LRC."""

Neighbours = Callable[[], bytes]
"""Lines beyond ASCII of the files beside this one, asked for when it alone tells too little."""


def decode(
    data: bytes, language: str | None = None, neighbours: Neighbours = bytes
) -> tuple[str, str]:
    """The text, and a note when the encoding was guessed or bytes were broken, else ''.

    `language` is a primary tag that is likely, as from the file's name. Linear in time and memory.
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return _forgiving(data[len(mark) :], encoding)
    if b"\0" not in data:
        return _narrow(data, language, neighbours)
    encoding = _wide(data)
    if encoding.startswith("utf-32"):
        return _forgiving(data, encoding)
    if data.count(b"\n") == data.count(b"\r\n") > 1:
        data = data.replace(b"\r\n", b"\n")  # UTF-16 that a program copied as if it were ASCII
    found = wide.parts(data, encoding)
    if sum(not part.encoding for part in found) > _MOST_PARTS:
        return _forgiving(data, encoding or "utf-8")
    return _joined(found, language, neighbours)


def _joined(
    found: list[wide.Part], language: str | None, neighbours: Neighbours
) -> tuple[str, str]:
    """The text of all parts, and what was found out about each encoding."""
    texts: list[str] = []
    notes: dict[str, None] = {}
    if len({part.encoding for part in found}) > 1:
        notes["parts are in different encodings"] = None
    if lost := sum(part.is_out_of_step for part in found):
        notes[f"bytes lost or added at {lost} place{'s' * (lost > 1)}, read on behind"] = None
    broken: Counter[str] = Counter()
    for part in found:
        if part.encoding:
            texts.append(part.data.decode(part.encoding, errors="replace"))
            broken[part.encoding] += texts[-1].count("\ufffd")
        else:
            text, note = _narrow(part.data, language, neighbours)
            texts.append(text)
            notes |= {note: None} if note else {}
    notes |= {_broken_note(count, name): None for name, count in broken.items() if count}
    return "".join(texts), "; ".join(notes)


def _narrow(data: bytes, language: str | None, neighbours: Neighbours) -> tuple[str, str]:
    """The text where ASCII has one byte a character."""
    try:
        if b"\x1b$" not in data:
            return data.decode("utf-8"), ""
    except UnicodeDecodeError:
        pass
    lines = _Lines(data)
    if lines.is_utf8():
        return _mostly_utf8(data, lines, language)
    return _legacy(data, lines, language, neighbours)


def named_language(data: bytes) -> str | None:
    """The primary tag of the language that a file's head names; None where none is."""
    head = data.replace(b"\0", b"")[:_HEAD]
    if not head.lstrip().startswith(b"<"):
        head = _TIMED.split(head, maxsplit=1)[0]
    found = _NAMED.search(head)
    return normalise((found[1] or found[2] or found[3]).decode("ascii")) if found else None


def beyond_ascii(data: bytes) -> bytes:
    """The lines of a file that tell its older encoding, none if it is Unicode."""
    marks = (codecs.BOM_UTF8, *_WIDE_BOMS, *(mark for mark, _ in _BOMS))
    if data.startswith(marks) or _wide(data):
        return b""
    lines = _Lines(data)
    return b"" if lines.is_utf8() else bytes(lines.sample)


def _wide(data: bytes) -> str:
    """UTF-16 or UTF-32 without a mark, told by where the zero bytes of its ASCII stand."""
    if b"\0" not in data or len(data) < 8:
        return ""
    quarter = len(data) // 4
    zeros = [data[place::4].count(0) / quarter for place in range(4)]
    if min(zeros[2], zeros[3]) > 0.9 > zeros[0]:
        return "utf-32-le"
    if min(zeros[0], zeros[1]) > 0.9 > zeros[3]:
        return "utf-32-be"
    even, odd = (zeros[0] + zeros[2]) / 2, (zeros[1] + zeros[3]) / 2
    if odd > 0.1 and odd > 3 * even:
        return "utf-16-le"
    return "utf-16-be" if even > 0.1 and even > 3 * odd else ""


def _forgiving(data: bytes, encoding: str) -> tuple[str, str]:
    """Decode; what cannot be becomes U+FFFD and is counted in the note."""
    text = data.decode(encoding, errors="replace")
    broken = text.count("\ufffd")
    return text, _broken_note(broken, encoding) if broken else ""


def _broken_note(broken: int, encoding: str) -> str:
    what = "1 character is" if broken == 1 else f"{broken} characters are"
    return f"{what} not {encoding} and replaced by \ufffd"


def _blocks(data: bytes) -> Iterator[bytes]:
    """The data in blocks that end with a line."""
    place = 0
    while place < len(data):
        stop = data.find(b"\n", place + _BLOCK)
        stop = len(data) if stop < 0 else stop + 1
        yield data[place:stop]
        place = stop


class _Lines:
    """What the lines beyond ASCII are: sound UTF-8, UTF-8 with a broken byte, or neither."""

    def __init__(self, data: bytes) -> None:
        self.sound = 0
        self.damaged = 0
        self.others = 0
        self.sample = bytearray()
        for block in _blocks(data):
            if not block.isascii() or b"\x1b$" in block:
                for line in block.splitlines(keepends=True):
                    self._count(line)

    def _count(self, line: bytes) -> None:
        if line.isascii() and b"\x1b$" not in line:
            return
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError:
            if is_damaged(line):
                self.damaged += 1
            else:
                self.others += 1
        else:
            if b"\x1b$" not in line and _many(text):
                self.sound += 1
                return
            self.sound += b"\x1b$" not in line
        if len(self.sample) < SAMPLE:
            self.sample += line[:SAMPLE]

    def is_utf8(self) -> bool:
        """Whether the file is meant to be UTF-8."""
        every = self.sound + self.damaged + self.others
        return self.sound + self.damaged >= max(_UTF8_SHARE * every, 1)


def _many(text: str) -> bool:
    return _beyond(text) >= _SURE_CHARACTERS


def _beyond(text: str) -> int:
    """How many characters are not ASCII."""
    return len(text) - len(text.encode("ascii", "ignore"))


_DAMAGED_LEAST = 5
"""Bytes of two characters beyond ASCII and a broken one."""


def is_damaged(line: bytes) -> bool:
    """Whether a line is UTF-8 but for a few bytes, as one that was cut off is."""
    return len(line) >= _DAMAGED_LEAST and _is_little(*_sound_and_broken(line))


def _is_little(sound: int, broken: int) -> bool:
    return sound >= 2 and broken <= max(1, _FEW * sound)


def _sound_and_broken(line: bytes) -> tuple[int, int]:
    """How many characters beyond ASCII of a line are UTF-8, and how many pieces are not."""
    text = line.decode("utf-8", errors="replace")
    broken = text.count("\ufffd")
    return _beyond(text) - broken, broken


def _mostly_utf8(data: bytes, lines: _Lines, language: str | None) -> tuple[str, str]:
    """UTF-8, with lines of another encoding or broken ones among them."""
    strange = _odd_lines(data) if lines.others else b""
    found = likeliest(strange, language) if strange else None
    other = found.encoding if found else "utf-8"
    text, odd, broken = _line_by_line(data, other)
    notes = [_broken_note(broken, "utf-8")] if broken else []
    if odd:
        what = "1 line was" if odd == 1 else f"{odd} lines were"
        notes.insert(0, f"{what} not utf-8 and read as {other}")
    return text, "; ".join(notes)


def _stays_utf8(line: bytes) -> bool:
    """Whether a line of a file in UTF-8 is so, too: also one of which much is broken, but less than
    is sound. Lines in older encodings have next to no character that is sound by chance."""
    sound, broken = _sound_and_broken(line)
    return _is_little(sound, broken) or sound > max(broken, _SURE_CHARACTERS)


def _odd_lines(data: bytes) -> bytes:
    """The lines that are neither UTF-8 nor damaged UTF-8."""
    sample = bytearray()
    for block in _blocks(data):
        if block.isascii():
            continue
        for line in block.splitlines(keepends=True):
            if not line.isascii() and not _decodes(line, "utf-8") and not _stays_utf8(line):
                sample += line[:SAMPLE]
        if len(sample) > SAMPLE:
            break
    return bytes(sample)


def _line_by_line(data: bytes, other: str) -> tuple[str, int, int]:
    """The text, how many lines were in the other encoding, and how many characters broken."""
    pieces: list[str] = []
    odd = broken = 0
    for block in _blocks(data):
        if _decodes(block, "utf-8"):
            pieces.append(block.decode("utf-8"))
            continue
        for line in block.splitlines(keepends=True):
            text = line.decode("utf-8", errors="replace")
            if "\ufffd" in text and other != "utf-8" and not _stays_utf8(line):
                text = line.decode(other, errors="replace")
                odd += 1
            broken += text.count("\ufffd")
            pieces.append(text)
    return "".join(pieces), odd, broken


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _legacy(
    data: bytes, lines: _Lines, language: str | None, neighbours: Neighbours
) -> tuple[str, str]:
    """The older encoding in which the text looks most like a language."""
    sample = bytes(lines.sample)
    found = likeliest(sample, language)
    told = "the file does not say its encoding"
    letters = _beyond(sample.decode("latin-1"))
    if found is None or found.rival or letters < _THIN:
        more = neighbours()
        beside = likeliest(more, language) if more else None
        if beside and found and beside.encoding in found.possible:
            return _text_in(data, beside.encoding, f"{told}; the files beside it are in it")
        if found and found.rival:
            told += f", and it may be {found.rival}"
        elif letters < _THIN:
            told += ", and few of its letters tell"
    return _text_in(data, found.encoding if found else "cp1252", told)


def _text_in(data: bytes, encoding: str, told: str) -> tuple[str, str]:
    """The text in an older encoding, and a note about it."""
    text = data.decode(encoding, errors="replace")
    note = f"read as {encoding}: {told}"
    broken = text.count("\ufffd")
    return text, f"{note}; {_broken_note(broken, encoding)}" if broken else note
