"""What is indexed of a passage, and how well it answers."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from video_rag.knowledge.ranking import (
    Entry,
    Field,
    Wanted,
    Weights,
    distinct,
    document_terms,
    entries,
    fused,
    score,
)
from video_rag.model import Chunk
from video_rag.testing.knowledge_contract import lecture, passages
from video_rag.text.asking import plainly

LINES = tuple(f"Talk{letter}x." for letter in "abcdefghijkl")
"""One line every ten seconds: the context of a passage is four lines on each side."""


def wanted(words: Mapping[str, int], characters: Mapping[str, int] | None = None) -> Wanted:
    """A question whose terms stand in so many of a hundred passages."""
    column = Field(100, 10.0, words)
    return Wanted(
        plainly(words), list(characters or {}), column, Field(100, 10.0, characters or {})
    )


def entry(words: str = "", near: str = "", characters: str = "") -> Entry:
    return Entry(words.split(), near.split(), list(characters))


def points(one: Entry, question: Wanted) -> float:
    return score(one, question, Weights())


def test_context_reaches_as_far_as_it_says_and_leaves_out_the_passage_itself() -> None:
    made = entries(passages(lecture(LINES, title="Sharks")))
    assert made[5].words == ["talkfx"]
    assert made[5].near == ["shark", *(f"talk{letter}x" for letter in "bcdeghij")]


def test_context_is_that_of_the_same_language() -> None:
    english = lecture(LINES[:2])
    both = english.model_copy(
        update={"translations": lecture(("鲨鱼", "火山"), language="zh").sections}
    )
    made = entries(passages(both))
    assert made[0].near == ["a", "talk", "talkbx"]
    assert made[2].near == ["a", "talk", "火山"]
    assert made[2].characters == ["鲨", "鱼"]


def test_heading_and_slides_count_as_words() -> None:
    chunk = passages(lecture(LINES[:1]))[0]
    chunk = chunk.model_copy(update={"heading": "Volcano", "slide_text": "岩浆"})
    (made,) = entries([chunk])
    assert made.words == ["volcano", "talkax", "岩浆"]
    assert made.characters == ["岩", "浆"]


def test_a_line_that_passages_share_counts_once_for_the_document() -> None:
    first, second = passages(lecture(LINES[:2]))
    shared = second.model_copy(update={"lines": (*first.lines, *second.lines)})
    assert document_terms([first, shared]) == ["talkax", "talkbx"]


def test_rare_words_count_more_than_frequent_ones() -> None:
    question = wanted({"rare": 1, "common": 60})
    assert points(entry("rare"), question) > points(entry("common"), question) > 0


def test_more_of_a_word_counts_more_but_ever_less() -> None:
    question = wanted({"a": 5})
    one, two, three = (points(entry("a " * n + "x " * (9 - n)), question) for n in (1, 2, 3))
    assert one < two < three
    assert three - two < two - one


def test_two_words_once_beat_one_word_twice() -> None:
    question = wanted({"a": 5, "b": 5})
    assert points(entry("a b x"), question) > points(entry("a a x"), question)


def test_context_helps_but_less_than_the_passage() -> None:
    question = wanted({"a": 5, "b": 5})
    alone, near, inside = entry("a x"), entry("a x", near="b"), entry("a b")
    assert points(alone, question) < points(near, question) < points(inside, question)


def test_a_term_nobody_says_lowers_all_alike_and_breaks_nothing() -> None:
    assert (
        0 < points(entry("a"), wanted({"a": 5, "none": 0})) < points(entry("a"), wanted({"a": 5}))
    )
    assert points(entry("x"), wanted({"none": 0})) == 0


def test_characters_find_what_no_word_does() -> None:
    question = wanted({"鲨鱼骨骼": 0}, {"鲨": 2, "鱼": 3})
    assert points(entry("大鲨", characters="大鲨"), question) > 0
    assert points(entry("x", characters="鲨"), wanted({}, {"鲨": 2})) > 0


@given(st.lists(st.sampled_from("abcdx"), max_size=30), st.lists(st.sampled_from("abcd")))
def test_scores_are_never_below_zero(words: list[str], near: list[str]) -> None:
    question = wanted({"a": 0, "b": 50, "c": 100}, {"鲨": 100})
    assert points(Entry(words, near, ["鲨"] * len(near)), question) >= 0


def test_different_places_are_kept_and_like_ones_are_not() -> None:
    def place(start: float, end: float, video_id: str = "a") -> Chunk:
        chunk = passages(lecture(LINES[:1]))[0]
        return chunk.model_copy(update={"start": start, "end": end, "video_id": video_id})

    ranked = [place(0, 90), place(45, 135), place(80, 170), place(0, 90, "b"), place(5, 5)]
    assert [row for row, _ in distinct(enumerate(ranked), 10)] == [0, 2, 3, 4]
    assert [row for row, _ in distinct(enumerate(ranked), 2)] == [0, 2]
    assert distinct(enumerate(ranked), 0) == []


def test_what_both_lists_have_comes_first() -> None:
    scores = fused([[1, 2, 3], [4, 2]])
    assert max(scores, key=lambda row: scores[row]) == 2
    assert scores[1] == 1 / 61
