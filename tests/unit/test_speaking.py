"""What one person says: names meant, passages cut down, quotes that name who speaks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_rag.answerers import Done
from video_rag.answerers.extractive import Extractive
from video_rag.evidence.quoting import quote
from video_rag.evidence.speaking import only_by, own_words, said_by
from video_rag.knowledge.ranking import entries
from video_rag.model import Answer, Chunk, Hit, Query, Question, Segment, join_lines, join_spoken
from video_rag.text.names import is_meant, named


def talk(*said: tuple[str | None, str], video: str = "v:1", slide_text: str = "") -> Chunk:
    """A passage whose lines last three seconds each."""
    lines = tuple(
        Segment(start=3.0 * n, end=3.0 * n + 3, text=text, speaker=speaker)
        for n, (speaker, text) in enumerate(said)
    )
    return Chunk(
        chunk_id=video,
        video_id=video,
        title="Meeting",
        heading="",
        start=0,
        end=lines[-1].end,
        text=join_spoken(lines),
        language="en",
        origin="sidecar",
        lines=lines,
        slide_text=slide_text,
    )


MEETING = talk(
    ("Grace Lee", "The release was moved to March."),
    ("Grace Lee", "It needs tests."),
    ("Haddad, Omar (Guest)", "The release has a budget of nine."),
    (None, "Somebody coughs."),
)


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("Grace Lee", "Grace Lee"),
        ("grace", "Grace Lee"),
        ("Omar Haddad", "Haddad, Omar (Guest)"),
        ("ｇｒａｃｅ", "GRACE LEE"),
        ("张老师", "張老師"),
        ("张", "张老师"),
        ("Speaker 1", "speaker 1"),
        ("Dr. Smith", "Dr Smith"),
    ],
)
def test_a_name_means_somebody_however_it_is_written(asked: str, name: str) -> None:
    assert is_meant(asked, name)


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("Lee", "Leeds"),
        ("Grace Kim", "Grace Lee"),
        ("发言人1", "发言人10"),
        ("", "Lee"),
        ("!", "Lee"),
    ],
)
def test_a_name_means_nobody_else(asked: str, name: str) -> None:
    assert not is_meant(asked, name)


@pytest.mark.parametrize(
    ("question", "people"),
    [
        ("What did Grace Lee say about the release?", ["Grace Lee"]),
        ("what did grace say about the release?", ["Grace Lee"]),
        ("Omar Haddad on the budget", ["Haddad, Omar (Guest)"]),
        ("the opinion of Omar", ["Haddad, Omar (Guest)"]),
        ("张老师说了什么？", ["张老师"]),
        ("When is the release?", []),
        ("Why does grace matter?", []),
        ("Will it be moved?", []),
    ],
)
def test_a_question_names_who_is_meant(question: str, people: list[str]) -> None:
    everybody = ["Grace Lee", "Haddad, Omar (Guest)", "张老师", "Will Smith"]
    assert list(named(question, everybody)) == people


def test_a_passage_says_who_speaks_where_somebody_else_begins() -> None:
    assert MEETING.text == (
        "Grace Lee: The release was moved to March. It needs tests. "
        "Haddad, Omar (Guest): The release has a budget of nine. – Somebody coughs."
    )
    assert talk(("张老师", "今天讲导数。")).text == "张老师：今天讲导数。"


@given(st.lists(st.text(max_size=20), max_size=5))
def test_words_of_nobody_known_stay_as_they_are(texts: list[str]) -> None:
    lines = [Segment(start=0, end=1, text=text) for text in texts]
    assert join_spoken(lines) == join_lines(texts)


def test_who_speaks_stands_in_the_quote() -> None:
    assert quote(["march"], MEETING).text == "Grace Lee: The release was moved to March."
    assert quote(["budget"], MEETING).text.startswith("Haddad, Omar (Guest): The release")


def test_a_quote_does_not_take_two_speakers_for_one_sentence() -> None:
    chunk = talk(("Anna", "and so the river"), ("Ben", "runs to the sea."), ("Anna", "Yes."))
    assert quote(["river"], chunk).text == "Anna: and so the river"


def test_a_passage_is_found_by_who_speaks() -> None:
    assert {"grace", "lee"} <= set(entries([MEETING])[0].words)


def test_what_one_person_says_is_cut_out() -> None:
    said = said_by(MEETING, "omar")
    assert said is not None
    assert said.text == "Haddad, Omar (Guest): The release has a budget of nine."
    assert (said.start, said.end) == (6, 9)
    assert said_by(MEETING, "Anna") is None
    assert said_by(talk(("Anna", "Hi."), slide_text="Anna's slide"), "Ben") is None


def test_words_of_others_are_no_hit_for_one_person() -> None:
    hits = [Hit(chunk=MEETING, score=1)]
    assert [hit.chunk.text for hit in only_by(hits, "Omar", "budget")] == [
        "Haddad, Omar (Guest): The release has a budget of nine."
    ]
    assert only_by(hits, "Grace Lee", "budget") == []
    assert only_by(hits, "Grace Lee", "what did Grace Lee say") != []


def test_the_passages_stay_where_the_question_names_nobody() -> None:
    assert own_words("When is the release?", [MEETING]) == [MEETING]


def asked(question: str, *passages: Chunk) -> Answer:
    def search(_query: Query) -> list[Hit]:
        return [Hit(chunk=chunk, score=1.0) for chunk in passages]

    *_, last = Extractive(Extractive.Options()).ask(Question(text=question), search)
    assert isinstance(last, Done)
    return last.answer


def test_a_question_that_names_a_speaker_finds_what_that_speaker_said() -> None:
    others = talk(("Omar", "Grace Lee says the release of Grace Lee is the release."), video="v:2")
    answer = asked("What did Grace Lee say about the release?", others, MEETING)
    assert answer.citations[0].quote == "Grace Lee: The release was moved to March."


def test_what_a_named_speaker_never_spoke_of_is_not_answered_from_the_name() -> None:
    answer = asked("What did Grace Lee say about volcanoes?", MEETING)
    assert answer.refused


def test_a_name_alone_asks_for_all_that_the_speaker_said() -> None:
    answer = asked("What did Omar say?", MEETING)
    assert answer.citations[0].quote.startswith("Haddad, Omar (Guest): ")
