"""A question → what is looked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_rag.text.asking import WEAK, Wish, asked
from video_rag.text.reading import read
from video_rag.text.tokens import index_terms


def strong(text: str) -> list[str]:
    return [wish.wordings[0][0] for wish in asked(text) if wish.weight == 1]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What is Go used for?", ["goˆ"]),
        ("What did the WHO recommend?", ["whoˆ", "recommend"]),
        ("What does the IT department do?", ["itˆ", "depart"]),
        ("US economy growth", ["usˆ", "economi", "growth"]),
        ("Go compiler", ["goˆ", "compil"]),
        ("WHO", ["whoˆ"]),
        ("to be or not to be", ["to", "be", "or", "not"]),
        ('Who says "to be"?', ["to", "be"]),
        ("what is it", ["what", "is", "it"]),
        ("WHAT IS IT FOR", ["what", "is", "it", "for"]),
        ("What Is The Derivative Of It", ["deriv"]),
        ("Can it be? It can.", ["can", "it", "be"]),
        ("为什么是这样？", ["什么", "为什么", "是", "这样"]),
        ("导数是什么", ["导数"]),
    ],
)
def test_stop_words_count_where_capitals_or_nothing_else_speak(
    question: str, expected: list[str]
) -> None:
    assert strong(question) == expected


def test_other_stop_words_count_little() -> None:
    weights = {wish.wordings[0][0]: wish.weight for wish in asked("Why is the derivative so?")}
    assert weights == {"whi": WEAK, "is": WEAK, "the": WEAK, "deriv": 1.0, "so": WEAK}


def holds(question: str, text: str) -> bool:
    """Whether a text holds all that counts in a question."""
    there = dict.fromkeys(index_terms(text), 1.0)
    return all(wish.held(there) > 0.5 for wish in asked(question) if wish.weight == 1)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Wi-Fi", "wifi"),
        ("getUserName", "get_user_name"),
        ("getUserName", "get user name"),
        ("YouTube", "youtube"),
        ("HTTPServer", "http-server"),
        ("GPT4", "GPT-4"),
        ("Schrödinger", "Schroedinger"),
        ("Müller", "Muller"),
        ("IT", "the it department"),
        ("I/O", "IO"),
    ],
)
def test_both_ways_of_writing_find_each_other(one: str, other: str) -> None:
    assert holds(one, other)
    assert holds(other.removeprefix("the ").removesuffix(" department"), one)


def test_a_name_of_a_thing_finds_its_other_names() -> None:
    group = ("汉诺塔", "河内塔")
    first = asked("汉诺塔需要多少步？", [group])[0]
    assert first.held(dict.fromkeys(index_terms("河内塔的规则"), 1.0)) == 1
    assert first.held(dict.fromkeys(index_terms("东方明珠塔"), 1.0)) < 0.75


def test_of_another_wording_all_must_be_there() -> None:
    wish = Wish((("usa",), ("unit", "state")))
    assert wish.held({"state": 1.0}) == 0
    assert wish.held({"state": 1.0, "unit": 1.0}) == 1


@given(st.text())
def test_a_question_with_any_word_looks_for_something(text: str) -> None:
    wishes = asked(text)
    assert bool(wishes) == bool(read(text))
    assert not wishes or any(wish.weight == 1 for wish in wishes)
