"""Text → index terms."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_rag.text.tokens import (
    CHINESE_STOP_WORDS,
    ENGLISH_STOP_WORDS,
    VERSION,
    characters,
    fold,
    terms,
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("derivatives", "Derivative"),
        ("colours", "color"),
        ("generalising", "generalize"),
        ("analysed", "analyze"),
        ("modelling", "modeled"),
        ("centre", "center"),
        ("maths", "math"),
        ("Ｆｕｌｌ　ｗｉｄｔｈ", "full width"),
        ("識別神經網絡", "识别神经网络"),
        ("forty-four spirals", "44 spirals"),
        ("twenty seven", "27"),
        ("四十四", "44"),
        ("一百零三", "103"),
        ("二〇一九年", "2019年"),
        ("十二", "12"),
        ("Euler's", "eulers"),
        ("Euler’s formula", "2015__eulers-formula"[6:]),
        ("1,000.5", "1000.5"),
        ("x²", "x^2"),
        ("ｘ２", "x2"),
    ],
)
def test_what_means_the_same_gives_the_same_terms(one: str, other: str) -> None:
    assert terms(one) == terms(other) != []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("e^x", ["e", "x"]),
        ("3b1b", ["3b1b"]),
        ("C++ and C#", ["c++", "c#"]),
        ("It wasn't, can’t, won't, don't, ain't; we'll; AI isn't Euler's", ["ai", "euler"]),
        ("GPT-3", ["gpt", "3"]),
        ("2019年", ["2019", "年"]),
        ("3x", ["3x"]),
        ("2017__eulers-number", ["2017", "euler", "number"]),
        ("twenty one hundred", ["21", "hundr"]),
        ("twenty thirty", ["20", "30"]),
        ("seven eight", ["7", "8"]),
        ("twenty, then seven things", ["27"]),
        ("softmax 之前", ["softmax"]),
        ("カタカナ", ["カタ", "タカ", "カナ"]),
        ("한국어", ["한국", "국어"]),
        ("для всех", ["для", "всех"]),
        ("🎉 … —", []),
        ("", []),
    ],
)
def test_words_numbers_and_symbols(text: str, expected: list[str]) -> None:
    assert terms(text) == expected


def test_long_chinese_words_give_their_parts_too() -> None:
    assert {"图书", "图书馆"} <= set(terms("圖書館"))


@pytest.mark.parametrize(
    "text",
    ["What is it?", "How does this work for us", "为什么是这样？", "這是什麼呢", "怎么会这样"],
)
def test_questions_of_stop_words_alone_have_no_terms(text: str) -> None:
    assert set(terms(text)) <= {"work"}


def test_stop_words_are_written_as_texts_are_folded() -> None:
    assert all(fold(word) == word for word in ENGLISH_STOP_WORDS | CHINESE_STOP_WORDS)


def test_characters_are_chinese_alone() -> None:
    assert characters("GPT 的鍵，key 和 值 ①") == ["键", "值"]


def test_the_version_names_the_libraries() -> None:
    assert {part.rpartition("-")[0] for part in VERSION.split()} == {
        "terms",
        "rjieba",
        "snowballstemmer",
        "opencc",
    }


@given(st.text())
def test_any_text_gives_terms_that_an_index_can_hold(text: str) -> None:
    for term in [*terms(text), *characters(text)]:
        assert term
        assert not set(term) & set(' "\n\t\x00')


@given(st.text(alphabet=st.characters(codec="ascii")))
def test_case_does_not_matter(text: str) -> None:
    assert terms(text.upper()) == terms(text.lower())


@given(st.lists(st.sampled_from(["导数", "圆", "vector", "44", "量子", "spiral"])))
def test_order_is_kept(words: list[str]) -> None:
    separate = [term for word in words for term in terms(word)]
    assert terms(" ".join(words)) == separate
