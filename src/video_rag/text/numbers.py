"""Numbers in words → digits, English and Chinese."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

_SMALL = """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
    sixteen seventeen eighteen nineteen
"""
_TENS = " twenty thirty forty fifty sixty seventy eighty ninety"
NUMBERS = {word: number for number, word in enumerate(_SMALL.split())} | {
    word: 10 * number for number, word in enumerate(_TENS.split(), start=2)
}
SCALES = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9}

_DIGITS = {digit: value for value, digit in enumerate("零一二三四五六七八九")} | {"两": 2, "〇": 0}
_UNITS = {"十": 10, "百": 100, "千": 1000}
_MYRIADS = {"万": 10**4, "亿": 10**8}
CHINESE_WORDS = {word: str(value) for word, value in (_DIGITS | _UNITS).items()}
"""What a numeral that stands alone means."""
_ALL = "〇零一二两三四五六七八九十百千万亿"
COUNTED = "年月日号天岁倍元块米克斤吨层页章节讲课集回步周届卷"
"""What is counted with a numeral before it: 三年 is 3年."""
CHINESE_NUMBER = re.compile(
    "(?:百分之(?=[〇零一二两三四五六七八九十百千]))?(?!万一|亿万|十分|百分)(?:"
    "[〇零一二两三四五六七八九]{3,}"
    f"|(?=..)[〇零一二两三四五六七八九十百千]*[十百千][{_ALL}]*"
    f"|[〇零一二两三四五六七八九][万亿][{_ALL}]*"
    f"|(?<=第)[{_ALL}]+"
    f"|[二两三四五六七八九十百千](?=[{COUNTED}]))"
)
"""Years and codes digit by digit, numbers with units, ordinals, and numerals before what is
counted; any other lone numeral is left to the words."""


def chinese_number(word: str) -> str:
    """`四十四` → `44`, `二〇一九` → `2019`, `三千五百万` → `35000000`."""
    word = word.removeprefix("百分之")
    if not any(character in _UNITS or character in _MYRIADS for character in word):
        return str(int("".join(str(_DIGITS[character]) for character in word)))
    total, section, digit = 0, 0, 0
    for character in word:
        if character in _MYRIADS:
            total = (total + section + digit or 1) * _MYRIADS[character]
            section = digit = 0
        elif character in _UNITS:
            section += (digit or 1) * _UNITS[character]
            digit = 0
        else:
            digit = _DIGITS[character]
    return str(total + section + digit)


def written(digits: str) -> str:
    """One way of writing digits: `1,250` → `1250`, `06` → `6`."""
    found = digits.replace(",", "")
    if found.count(".") > 1 or (found.startswith("0") and "." not in found and len(found) > 2):
        return found  # versions, addresses, codes
    whole, point, rest = found.partition(".")
    return (whole.lstrip("0") or "0") + point + rest


def times(number: str, scale: int) -> str:
    """`3.5`, a million → `3500000`; numbers with two points stay as they are."""
    if number.count(".") > 1:
        return number
    return format((Decimal(number) * scale).normalize(), "f")


def spelled(words: Sequence[str]) -> list[str]:
    """English number words in a row → the numbers they make.

    >>> spelled("two hundred five".split()), spelled("seven eight".split())
    (['205'], ['7', '8'])
    """
    found: list[int] = []
    total, current = 0, -1
    for word in words:
        if word in SCALES:
            scale, several = SCALES[word], max(current, 0) or 1
            if scale == 100:
                current = several * scale
            else:
                total, current = total + several * scale, -1
            continue
        number = NUMBERS[word]
        if current < 0:
            current = number
        elif _adds(current, number):
            current += number
        else:
            found.append(total + current)
            total, current = 0, number
    if words:
        found.append(total + max(current, 0))
    return [str(number) for number in found]


def _adds(current: int, number: int) -> bool:
    """Whether a number word goes on with the one before it."""
    after_tens = current % 10 == 0 and current % 100 >= 20 and 0 < number < 10
    return after_tens or (current >= 100 and current % 100 == 0 and number < 100)
