"""What Dify's metadata operators mean: as in Dify's own filter, whatever type a value has."""

from __future__ import annotations

import math
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from video_rag.operations.conditions import (
    NOTHING,
    Condition,
    Conditions,
    Fact,
    Operator,
    day,
    names,
    quantity,
)

TITLE = Fact("Light in glass")
LONG = quantity(360.0)
DAY = day("2026-11-23")
MIDNIGHT = 1795392000
BOTH = names(["sea", "zoo"])

TEXTS = st.text(max_size=30).filter(bool)
NUMBERS = st.floats(-1e12, 1e12) | st.integers(-(10**9), 10**9)
VALUES = st.none() | TEXTS | NUMBERS | st.lists(TEXTS | NUMBERS | st.none(), max_size=4)
OPERATORS = st.sampled_from(get_args(Operator))


def holds(fact: Fact, operator: str, value: Any = None) -> bool:
    condition = Condition(name="x", comparison_operator=operator, value=value)  # type: ignore[arg-type]
    return Conditions(conditions=[condition]).allow({"x": fact})


@pytest.mark.parametrize(
    ("fact", "operator", "value", "expected"),
    [
        (TITLE, "contains", "in gl", True),
        (TITLE, "contains", "GLASS", False),
        (TITLE, "not contains", "wool", True),
        (TITLE, "not contains", "glass", False),
        (TITLE, "start with", "Light", True),
        (TITLE, "start with", "glass", False),
        (TITLE, "end with", "glass", True),
        (TITLE, "end with", "Light", False),
        (TITLE, "is", "Light in glass", True),
        (TITLE, "is", "light in glass", False),
        (TITLE, "is not", "wool", True),
        (TITLE, "is not", "Light in glass", False),
        (TITLE, "in", ["wool", "Light in glass"], True),
        (TITLE, "in", "wool, Light in glass", True),
        (TITLE, "in", ["wool", None], False),
        (TITLE, "in", [], False),
        (TITLE, "not in", ["wool"], True),
        (TITLE, "not in", "Light in glass", False),
        (TITLE, "not in", "", True),
        (TITLE, "empty", None, False),
        (TITLE, "not empty", None, True),
        (TITLE, ">", 5, False),
        (Fact("7"), "is", 7, False),  # a text, whatever it looks like
        (LONG, "=", 360, True),
        (LONG, "=", "360.0", True),
        (LONG, "is", "360", True),
        (LONG, "≠", 361, True),
        (LONG, "≠", 360, False),
        (LONG, ">", 359.5, True),
        (LONG, ">", "400", False),
        (LONG, "<", 360, False),
        (LONG, "≤", 360, True),
        (LONG, "≥", 360, True),
        (LONG, "<=", 359, False),
        (LONG, ">=", 361, False),
        (LONG, "in", [360, 90], True),
        (LONG, ">", "long", False),
        (LONG, ">", ["300"], False),
        (DAY, "after", MIDNIGHT - 1, True),
        (DAY, "after", MIDNIGHT, False),
        (DAY, "before", MIDNIGHT + 1, True),
        (DAY, "before", "2026-11-24", True),
        (DAY, "after", "2026-11-22T23:59:59Z", True),
        (DAY, "is", "2026-11-23", True),
        (DAY, "=", MIDNIGHT, True),
        (DAY, "start with", "2026-", True),
        (day("some day"), "before", MIDNIGHT, False),
        (BOTH, "is", "zoo", True),
        (BOTH, "is", "se", False),
        (BOTH, "is", "|sea|zoo|", True),
        (BOTH, "is not", "zoo", False),
        (BOTH, "is not", "farm", True),
        (BOTH, "in", "farm, sea", True),
        (BOTH, "not in", ["farm", "sea"], False),
        (BOTH, "not in", ["farm"], True),
        (BOTH, "contains", "zo", True),
        (BOTH, "contains", "|zoo|", True),
        (BOTH, "not contains", "zo", False),
        (BOTH, "start with", "zo", True),
        (BOTH, "≠", "sea", False),
        (BOTH, "empty", None, False),
        (BOTH, "not empty", None, True),
        (names(["sea"]), "is", "sea", True),
        (names(["sea"]), "contains", "|sea|", False),
    ],
)
def test_an_operator_means_what_it_says(
    fact: Fact, operator: str, value: Any, expected: bool
) -> None:
    assert holds(fact, operator, value) is expected


@given(st.lists(TEXTS, min_size=2, max_size=4), OPERATORS, VALUES)
def test_of_several_texts_each_opposite_is_one(
    several: list[str], operator: str, value: Any
) -> None:
    """`is not` holds just where `is` does not, and so on; a condition without a value is none."""
    opposite = {"is": "is not", "contains": "not contains", "in": "not in", "empty": "not empty"}
    other = opposite.get(operator)
    if other and (value is not None or operator == "empty"):
        assert holds(names(several), operator, value) != holds(names(several), other, value)


@given(OPERATORS, VALUES, st.none() | st.just(""))
def test_what_a_video_does_not_have_fits_only_empty(
    operator: str, value: Any, nothing: str | None
) -> None:
    says_nothing = value is None and operator not in {"empty", "not empty"}
    is_in_nothing = operator == "not in" and not str(value).replace(",", "").strip(" [None]")
    if not is_in_nothing:
        assert holds(Fact(nothing), operator, value) == (operator == "empty" or says_nothing)


@given(TEXTS, TEXTS)
def test_each_text_operator_has_its_opposite(text: str, value: str) -> None:
    for one, other in (("is", "is not"), ("contains", "not contains"), ("=", "≠")):
        assert holds(Fact(text), one, value) != holds(Fact(text), other, value)
    assert holds(Fact(text), "contains", value) or not holds(Fact(text), "start with", value)
    assert holds(Fact(text), "is", value) == holds(Fact(text), "in", [value])


@given(NUMBERS, NUMBERS)
def test_numbers_are_compared_as_numbers_however_they_are_written(one: float, other: float) -> None:
    fact = quantity(one)
    for written in (other, repr(float(other))):
        order = [holds(fact, operator, written) for operator in ("<", "=", ">")]
        assert order == [one < other, one == other, one > other]
        assert holds(fact, "≤", written) == (one <= other)
        assert holds(fact, "≥", written) == (one >= other)
        assert holds(fact, "≠", written) == (one != other)
        assert holds(fact, "before", written) == (one < other)


@given(st.dates(), st.dates())
def test_days_are_in_order(one: Any, other: Any) -> None:
    assert holds(day(one.isoformat()), "before", other.isoformat()) == (one < other)
    assert holds(day(one.isoformat()), "after", other.isoformat()) == (one > other)


@given(st.text(max_size=20), OPERATORS, VALUES)
def test_no_condition_breaks_anything(text: str, operator: str, value: Any) -> None:
    for fact in (Fact(text), day(text), quantity(3.5), NOTHING):
        assert holds(fact, operator, value) in {True, False}


@given(st.lists(st.booleans(), max_size=5))
def test_conditions_are_joined_by_and_or_or(truths: list[bool]) -> None:
    rows = [
        {"name": "x", "comparison_operator": "is" if truth else "is not", "value": "y"}
        for truth in truths
    ]
    for logic in ("and", None):
        both = Conditions.model_validate({"logical_operator": logic, "conditions": rows})
        assert both.allow({"x": Fact("y")}) == all(truths)
    either = Conditions.model_validate({"logical_operator": "or", "conditions": rows})
    assert either.allow({"x": Fact("y")}) == (any(truths) or not truths)


def test_a_field_not_known_yet_might_fit() -> None:
    rows = [
        {"name": "language", "comparison_operator": "is", "value": "zh"},
        {"name": "site", "comparison_operator": "is", "value": "youtube"},
    ]
    conditions = Conditions.model_validate({"conditions": rows})
    assert conditions.allow({"site": Fact("youtube")}, lambda name: name != "language")
    assert not conditions.allow({"site": Fact("file")}, lambda name: name != "language")


def test_an_operator_that_we_do_not_know_is_refused() -> None:
    with pytest.raises(ValidationError):
        Condition.model_validate({"name": "x", "comparison_operator": "like", "value": "y"})


def test_infinity_is_no_number() -> None:
    assert not holds(LONG, "<", math.inf)
    assert not holds(LONG, "<", "nan")
