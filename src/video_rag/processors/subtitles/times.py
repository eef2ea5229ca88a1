"""Times in subtitle files, as they are meant to be and as translators and typists damage them.

Input methods write full-width digits and marks, one dash or a long one, 一 for a dash; programs
leave out hours or milliseconds. Everything is first brought to ASCII, mark by mark, and then read.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_HEAD = 200
"""Characters of a line that are looked at: times stand at its beginning."""

_ALIKE = {
    ":": "：﹕∶ː꞉׃፡",
    ";": "；؛",
    ".": "．。﹒｡",
    ",": "，﹐、､٫٬،",
    "-": "－‐‑‒–—―−─━ーｰ一",
    ">": "＞〉》›»→⇒⟶➔➜⟩",
    "=": "＝",
    "~": "～〜∼",
    "[": "［【〔",
    "]": "］】〕",
    "(": "（",
    ")": "）",
    "'": "’′＇",
}
_TO_ASCII = str.maketrans({odd: plain for plain, row in _ALIKE.items() for odd in row})
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
)
_DIGIT = re.compile(r"\d")
_ODD_DIGIT = re.compile(r"[^\W0-9_a-zA-Z]")

# A time is [hours:]minutes:seconds[fraction]. Fractions of any length occur, and so do
# milliseconds with decimals of their own: `04,560.0000000000009` is 4 s and 560.00… ms.
_GAP = r"\s{0,3}"
_PLAIN = (
    rf"-?(?:[0-9]{{1,6}}{_GAP}:{_GAP})?-?[0-9]{{1,4}}{_GAP}:{_GAP}-?[0-9]{{1,4}}"
    rf"(?:{_GAP}[.,:;']{_GAP}-?[0-9]{{1,30}}(?:\.[0-9]{{1,30}})?)?"
)
# `00h01m13s000` and `1m13.5s`: letters for colons, as some editors write them.
_LETTERED = re.compile(
    r"(?<![0-9A-Za-z])((?:[0-9]{1,3}h)?[0-9]{1,3}m[0-9]{1,2}(?:[.,][0-9]{1,3})?s(?:[0-9]{1,3})?)"
    r"(?![0-9A-Za-z])"
)
# Four numbers are hours, minutes, seconds and a fraction whatever stands between them.
_FOUR = r"[0-9]{1,3}[:.;,-][0-9]{1,2}[:.;,-][0-9]{1,2}[:.;,'][0-9]{1,3}"
_SPACED = r"[0-9]{1,3}:[0-9]{1,2}:[0-9]{1,2}\s[0-9]{3}(?=\s*(?:[=>~-]|$))"
_BARE = rf"(?:{_SPACED}|{_PLAIN}|{_FOUR})"
_TIME = rf"{_BARE}(?![0-9]|[.,:;][0-9])"
_ARROW = r"(?:(?:-\s?){1,6}(?:>\s?){1,3}|={1,3}>{1,2}|~{1,3}>|>{1,3})"
_WEAK = r"(?:\s*(?:-{1,4}|~{1,3}|[,;|/至到]|to|bis|\s)\s*)"
_BEFORE = r"(?:[0-9]{1,6}[.)]?\s{1,4})?[\[(]?\s{0,3}"

_TIMED = re.compile(rf"{_BEFORE}({_TIME})\s*{_ARROW}\s*({_TIME})?[\])]?")
_WEAKLY = re.compile(rf"{_BEFORE}({_BARE}){_WEAK}({_TIME})[\])]?\s*")
_LONG_ARROW = re.compile(r"-(?:\s?-){1,5}\s?>")
_ANY_ARROW = re.compile(_ARROW)
_TIME_LIKE = re.compile(
    r"[\s0-9OolI:.,;?'-]*[0-9OolI]\s?:\s?[0-9OolI][\s0-9OolI:.,;?'-]*|[\s0-9:.,-]*:[\s0-9:.,-]*"
)
_MARKS = re.compile(r"[0-9:.,;'>=~?()\[\]-]")
_MOSTLY = 0.75
_FEW_DIGITS = 6
_EXACT = re.compile(r":.*:|[.,;']")
_END = re.compile(_TIME)
_NO_TIME = re.compile(r"\s*\S*[0-9:]\S*")
_SETTINGS = re.compile(
    r"(?:\s*(?:line|position|align|size|vertical|region|[XY][12])\s*:\s*\S+)*\s*", re.IGNORECASE
)
ESCAPED_ARROW = "--&gt;"
_TYPED = str.maketrans("OolI", "0011")


@dataclass(frozen=True)
class Times:
    """What a line with times says; `start` is None when it cannot be read."""

    start: float | None
    end: float | None
    rest: str = ""
    """Words on the same line, behind the times and the settings."""


def times(line: str) -> Times | None:
    """The times on a line, or None when it is words, even if they hold an arrow."""
    line = line.strip()
    head = line[:_HEAD]
    if not _DIGIT.search(head):
        return None
    plain = _LETTERED.sub(_with_colons, ascii_times(head))
    if match := _arrowed(plain) or _weakly(plain):
        return _read(line, plain, match)
    typed = plain.translate(_TYPED)  # a machine that read it from a picture, or a typist
    if typed != plain and (match := _TIMED.fullmatch(typed)):
        return _read(line, plain, match)
    return Times(None, None) if _means_times(plain) else None


def _with_colons(match: re.Match[str]) -> str:
    """A time with colons for its letters, of the same length."""
    text = re.sub("[hm]", ":", match[1])
    return text.replace("s", " " if text.endswith("s") else ".")


def _arrowed(plain: str) -> re.Match[str] | None:
    """Two times, or one, with an arrow; a short one, as in `3:2 > 1:2`, takes exact times."""
    match = _TIMED.match(plain)
    if match is None or _LONG_ARROW.search(match[0]):
        return match
    return match if all(_EXACT.search(time) for time in match.groups() if time) else None


def _weakly(plain: str) -> re.Match[str] | None:
    """Two whole times without an arrow between them, and nothing else on the line."""
    match = _WEAKLY.fullmatch(plain)
    exact = match and all(_EXACT.search(time) for time in match.groups())
    return match if exact else None


def _read(line: str, plain: str, match: re.Match[str]) -> Times:
    after = match.end()
    if match[2] is None and (unread := _NO_TIME.match(plain, after)):
        after = unread.end()
    if behind := _SETTINGS.match(plain, after):
        after = behind.end()
    rest = line[_place(line, after) :].strip()
    return Times(seconds(match[1]), seconds(match[2]) if match[2] else None, rest)


def _place(line: str, after: int) -> int:
    """Where in a line its plain form's character `after` stands."""
    seen = 0
    for place, character in enumerate(line[:_HEAD]):
        if seen == after:
            return place
        seen += not _UNSEEN.match(character)
    return min(len(line), _HEAD)


def _means_times(plain: str) -> bool:
    """Whether a line is one of times that nobody can read, rather than words."""
    if ESCAPED_ARROW in plain:  # a writer's care that words are no line of times
        return False
    if arrow := _LONG_ARROW.search(plain):
        if _TIME_LIKE.fullmatch(plain[: arrow.start()]):
            return True
        if _END.match(plain[arrow.end() :].lstrip()):
            return True
    marks = "".join(_MARKS.findall(plain))
    digits = sum(character.isdigit() for character in marks)
    is_mostly_marks = len(marks) >= _MOSTLY * len("".join(plain.split()))
    # without an arrow it takes the colons of two times: words may be one date and hour
    enough = plain.count(":") >= (2 if _ANY_ARROW.search(plain) else 3)
    return digits >= _FEW_DIGITS and enough and is_mostly_marks


def ascii_times(text: str) -> str:
    """A line's times in ASCII digits and marks, without characters that nobody sees."""
    plain = _UNSEEN.sub("", text)
    if plain.isascii():
        return plain
    plain = plain.translate(_TO_ASCII)
    return _ODD_DIGIT.sub(lambda match: str(unicodedata.decimal(match[0], match[0])), plain)


def time_of(text: str) -> float | None:
    """The seconds of a time by itself, None when it is none."""
    plain = ascii_times(text.strip()[:_HEAD])
    match = _END.match(plain)
    return seconds(match[0]) if match else None


def seconds(time: str) -> float:
    """The seconds of a time that matches `_TIME`; negative if any part of it is.

    A fourth number is a fraction whatever stands before it; one more are a fraction's decimals.
    """
    numbers = re.findall("[0-9]+", time)
    is_dashed = re.fullmatch(_FOUR, time) is not None
    sign = -1.0 if "-" in time and not is_dashed else 1.0
    clock = re.match(r"[^.,;']*", time)
    whole = 3 if is_dashed else len(re.findall("[0-9]+", clock[0] if clock else ""))
    whole = min(whole, 3)
    total = 0
    for number in numbers[:whole]:
        total = total * 60 + int(number)
    return round(sign * (total + _fraction(numbers[whole:])), 6)  # 4 + 0.56 is not 4.56 in binary


def _fraction(numbers: list[str]) -> float:
    """`5` → 0.5; `560`, `0009` → 0.5600009."""
    if not numbers:
        return 0.0
    if len(numbers) > 1:
        return float(f"{numbers[0]}.{numbers[1]}") / 1000
    return float(f"0.{numbers[0]}")
