"""Dify's metadata conditions: which passages a filter lets through.

They mean what they mean for Dify's own documents: text is compared as it is written (`is not` and
`contains` see upper and lower case), a condition without a value is none, and a field that a video
does not have fits nothing but `empty`. So do fields that we do not know.

A field may have several texts, as the collections of a video: one of them must fit, and all of them
where a condition says what must not be.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from pydantic import BaseModel, Field

from video_rag.text.memberships import framed

Operator = Literal[
    "contains",
    "not contains",
    "start with",
    "end with",
    "is",
    "is not",
    "empty",
    "not empty",
    "in",
    "not in",
    "=",
    "≠",
    ">",
    "<",
    "≥",
    "≤",
    ">=",
    "<=",
    "before",
    "after",
]

Value = str | int | float | list[str | int | float | None] | None


class Condition(BaseModel):
    """One comparison. Lists may also be one text with commas, as Dify's form sends them."""

    name: str = Field(max_length=300)
    comparison_operator: Operator
    value: Value = None


class Conditions(BaseModel):
    """Comparisons of which all or one must hold; none at all holds always."""

    logical_operator: Literal["and", "or"] | None = "and"
    conditions: list[Condition] | None = Field(None, max_length=100)

    @property
    def stated(self) -> list[Condition]:
        """Those that say something."""
        return [
            one
            for one in self.conditions or []
            if one.value is not None or one.comparison_operator in {"empty", "not empty"}
        ]

    def allow(self, fields: Mapping[str, Fact], known: Callable[[str], bool] = bool) -> bool:
        """Whether these fields fit. Those that are not `known` yet might fit."""
        fits = [
            not known(one.name) or holds(one, fields.get(one.name, NOTHING)) for one in self.stated
        ]
        return not fits or (any(fits) if self.logical_operator == "or" else all(fits))


class Fact(NamedTuple):
    """One field of a video or passage, as text and, for sizes and dates, as a number."""

    text: str | None = None
    number: float | None = None
    more: tuple[str, ...] = ()
    """Further texts of the same field."""


NOTHING = Fact()


def quantity(value: float | None) -> Fact:
    """A number."""
    return NOTHING if value is None else Fact(f"{value:.12g}", value)


def day(iso: str | None) -> Fact:
    """A date: as ISO text, and in seconds since 1970 at its midnight in UTC, as Dify counts."""
    return NOTHING if not iso else Fact(iso, _seconds(iso))


def names(several: Sequence[str]) -> Fact:
    """Names that a video has side by side: each of them, and the one text that Dify has of all."""
    return Fact(framed(several), None, tuple(several) if len(several) > 1 else ())


def holds(condition: Condition, fact: Fact) -> bool:
    """Whether a field fits one condition."""
    if not fact.more:
        return _holds(condition, fact)
    every = all if condition.comparison_operator in _NEGATIVE else any
    return every(_holds(condition, Fact(text)) for text in (fact.text, *fact.more))


def _holds(condition: Condition, fact: Fact) -> bool:
    name, value = condition.comparison_operator, condition.value
    if name in {"in", "not in"} and not _listed(value):
        return name == "not in"
    if name in {"empty", "not empty"} or not fact.text:
        return (name == "not empty") if fact.text else (name == "empty")
    if name in _TEXT:
        return _TEXT[name](fact.text, str(value))
    if name in _NUMBER:
        number = _number(value)
        if number is None or fact.number is None:
            return False
        return _NUMBER[name](fact.number, number)
    found = any(_equals(fact, one) for one in (_listed(value) if "in" in name else [value]))
    return found == (name in {"is", "=", "in"})


_NEGATIVE = frozenset({"is not", "≠", "not contains", "not in", "empty"})
_TEXT: Mapping[str, Callable[[str, str], bool]] = {
    "contains": lambda text, part: part in text,
    "not contains": lambda text, part: part not in text,
    "start with": str.startswith,
    "end with": str.endswith,
}
_NUMBER: Mapping[str, Callable[[float, float], bool]] = {
    **dict.fromkeys((">", "after"), operator.gt),
    **dict.fromkeys(("<", "before"), operator.lt),
    **dict.fromkeys(("≥", ">="), operator.ge),
    **dict.fromkeys(("≤", "<="), operator.le),
}


def _equals(fact: Fact, value: Value) -> bool:
    """The same text, or the same number however it is written."""
    number = _number(value)
    return fact.text == value or (number is not None and fact.number == number)


def _listed(value: Value) -> Sequence[str | int | float]:
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    values = value if isinstance(value, list) else [value]
    return [one for one in values if one is not None]


def _number(value: Value) -> float | None:
    """A number, or a date in seconds since 1970."""
    if isinstance(value, list) or value is None:
        return None
    try:
        number = float(value)
    except ValueError:
        return _seconds(str(value))
    return number if math.isfinite(number) else None


def _seconds(text: str) -> float | None:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
