"""Words for an index that compares letter by letter."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_rag.dify.datasets import MAX_QUERY
from video_rag.knowledge.dify.words import ASKED, CALLS, joined, keywords, questions


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=600))
def test_any_question_is_asked_in_a_few_short_forms(text: str) -> None:
    asked = questions(text)
    assert len(asked) <= CALLS
    assert len(asked) == len(set(asked))
    assert all(0 < len(question) <= MAX_QUERY for question in asked)
    if text.strip():
        assert asked[0] == text[:MAX_QUERY].strip() or not text[:MAX_QUERY].strip()


@pytest.mark.parametrize(
    ("question", "form"),
    [
        ("what do Sharks eat", "shark"),
        ("what do sharks eat", "Sharks"),
        ("what does a shark eat", "sharks"),
        ("the DERIVATIVE of a sum", "derivative"),
        ("鯊魚的骨骼", "鲨鱼"),
        ("the GPT4 model", "GPT4"),
    ],
)
def test_a_word_is_also_asked_as_it_may_stand_elsewhere(question: str, form: str) -> None:
    assert form in " ".join(questions(question)[1:]).split()


def test_the_question_itself_comes_first_and_no_form_has_more_words_than_dify_looks_for() -> None:
    first, *forms = questions("Why does the moon cause tides on both sides of the rotating earth?")
    assert first == "Why does the moon cause tides on both sides of the rotating earth?"
    assert forms
    assert all(len(form.split()) <= ASKED for form in forms)


@pytest.mark.parametrize("text", ["", "   ", "\n"])
def test_nothing_is_asked_for_nothing(text: str) -> None:
    assert questions(text) == []


def test_a_question_of_stop_words_is_asked_as_it_is() -> None:
    assert questions("what is it about") == ["what is it about"]


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=200))
def test_keywords_are_single_words_each_once(text: str) -> None:
    found = keywords(text)
    assert len(found) == len(set(found))
    assert all(len(word) > 1 and not set(word) & set(" \n\t") for word in found)


def test_keywords_hold_the_forms_of_text_and_question() -> None:
    found = keywords("Sharks have a skeleton of cartilage. 鲨鱼的骨骼")
    assert {"Sharks", "sharks", "shark", "skeleton", "cartilage", "鲨鱼", "骨骼"} <= set(found)
    assert "a" not in found


@given(st.lists(st.text(min_size=1, max_size=20)), st.integers(1, 60))
def test_as_many_words_are_joined_as_fit(words: list[str], length: int) -> None:
    assert len(joined(words, length)) <= length


def test_the_first_words_win() -> None:
    assert joined(["one", "two", "three"], 8) == "one two"
