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
    index_terms,
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
        ("100km", "100 km"),
        ("50Hz", "50 Hz"),
        ("the 1990s", "the 1990’s"),
        ("20th", "20"),
        ("GPT4", "GPT-4"),
        ("POL358", "pol 358"),
        ("v2.10.3", "V 2.10.3"),
        ("E=mc2", "E = mc²"),
        ("CO₂", "CO2"),
        ("0 to pi", "0…π"),
        ("2λ", "2 lambda"),
        ("Bézier", "Bezier"),
        ("Gödel", "Godel"),
        ("naïve café", "naive cafe"),
        ("Łódź, Ørsted", "lodz orsted"),
        ("İstanbul", "istanbul"),
        ("ISTANBUL", "istanbul"),
        ("第3章", "第三章"),
        ("第２讲讲什么", "第二讲"),
        ("第十二课", "第12课"),
        ("百年", "100年"),
        ("三千五百万", "35000000"),
        ("百分之三十五", "35"),
        ("four hundred", "四百"),
        ("two hundred and fifty", "250"),
        ("3.5 million", "3500000"),
        ("1,250", "1250"),
        ("2026-06-15", "2026 6 15"),
        ("٣ و ۴", "3 و 4"),
        ("مُحَمَّد", "محمد"),
        ("soft\u00adware", "software"),
        ("100°C", "100 degrees Celsius"),
        ("U.S.A.", "USA"),
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
        ("3x", ["3", "x"]),
        ("2017__eulers-number", ["2017", "euler", "number"]),
        ("twenty one hundred", ["2100"]),
        ("twenty thirty", ["20", "30"]),
        ("seven eight", ["7", "8"]),
        ("twenty, then seven things", ["20", "7"]),
        ("softmax 之前", ["softmax"]),
        ("カタカナ", ["カタ", "タカ", "カナ"]),
        ("한국어", ["한국", "국어"]),
        ("для всех", ["для", "всех"]),
        ("🎉 … —", ["🎉"]),
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


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("100km long", "100"),
        ("in the 1990s", "1990"),
        ("1080p", "1080"),
        ("16GB", "16"),
        ("3.5 million", "3.5"),
        ("Wi-Fi", "wifi"),
        ("Wi\u2011Fi", "wifi"),
        ("get_user_name", "getusernam"),
        ("getUserName", "name"),
        ("I/O", "io"),
        ("Schrödinger", "schroeding"),
        ("A* search", "a\u2217"),
        ("B+树", "b+"),
        ("to be", "be"),
    ],
)
def test_a_text_is_found_by_each_way_of_writing_it(text: str, term: str) -> None:
    assert term in index_terms(text)


def test_vowel_signs_do_not_cut_words() -> None:
    assert terms("पानी के बारे") == ["पानी", "के", "बारे"]
    assert set(index_terms("น้ำ")) <= set(index_terms("วันนี้เราพูดถึงน้ำและอากาศ"))


@given(st.integers(0, 10**6), st.sampled_from(["km", "GB", "Hz", "p", "fps", "mg", "kWh"]))
def test_a_number_and_its_unit_are_the_same_joined_and_apart(number: int, unit: str) -> None:
    assert terms(f"{number}{unit}") == terms(f"{number} {unit}")
    assert set(terms(str(number))) <= set(terms(f"{number}{unit}"))


@given(st.text())
def test_what_a_text_is_about_finds_it(text: str) -> None:
    assert set(terms(text)) <= set(index_terms(text))


@given(st.text())
def test_any_text_gives_terms_that_an_index_can_hold(text: str) -> None:
    for term in [*index_terms(text), *characters(text)]:
        assert term
        assert not set(term) & set(' "\n\t\x00')


@given(st.text(alphabet=st.characters(codec="ascii")))
def test_case_does_not_matter(text: str) -> None:
    assert terms(text.upper()) == terms(text.lower())


@given(st.lists(st.sampled_from(["导数", "圆", "vector", "44", "量子", "spiral"])))
def test_order_is_kept(words: list[str]) -> None:
    separate = [term for word in words for term in terms(word)]
    assert terms(" ".join(words)) == separate
