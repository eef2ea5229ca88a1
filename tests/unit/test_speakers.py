"""Speakers in subtitle files: which `Name:` names somebody, and that no word is lost."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subtitle_files import cues, read
from video_rag.processors.subtitles.cues import Cue
from video_rag.processors.subtitles.speakers import with_speakers


def told(*lines: str) -> list[tuple[str | None, str]]:
    """Speaker and words of cues that follow each other every two seconds."""
    made = [Cue(n, 2.0 * n, 2.0 * n + 1.5, tuple(text.split("\n"))) for n, text in enumerate(lines)]
    return [(cue.speaker, " / ".join(cue.lines)) for cue in with_speakers(made)]


def names(*lines: str) -> list[str | None]:
    return [speaker for speaker, _ in told(*lines)]


def test_who_speaks_in_a_meeting_is_kept_with_the_words(tmp_path: Path) -> None:
    text = "WEBVTT\n\n" + cues(
        "Grace Lee: Let us begin with the budget.",
        "Omar Haddad: The travel costs went up.",
        "11:45 Lunch: this is no speaker.",
    ).replace(",000", ".000")
    assert [(line.speaker, line.text) for line in read(tmp_path, text, "a.vtt").segments] == [
        ("Grace Lee", "Let us begin with the budget."),
        ("Omar Haddad", "The travel costs went up."),
        (None, "11:45 Lunch: this is no speaker."),
    ]


FALSE = (
    "Note: this is on the exam.",
    "Step 1: open the file.",
    "Look at http: it is not safe.",
    "http://example.org is the address.",
    "Q: What is that?",
    "A: It is a tree.",
    "10:30 we meet again.",
    "Warning: it is hot.",
    "He said: come in.",
    "std::vector is a list.",
    "C:\\Users is a folder.",
    "Chapter 2: The sea.",
    "In Summary: it works.",
    "The rule is simple: never stop.",
    "注意：不要动。",
    "例如：这个函数。",
    "第一步：打开文件。",
    "问：这是什么？",
    "答：这是树。",
    "结论：它成立。",
    "各位老师：大家好。",
)


@pytest.mark.parametrize("line", FALSE)
def test_a_word_before_a_colon_is_no_speaker(line: str) -> None:
    assert told(line, line, line, "And so on.") == [
        *[(None, line)] * 3,
        (None, "And so on."),
    ]


@pytest.mark.parametrize("line", FALSE)
def test_nor_is_it_one_in_a_meeting_whose_speakers_are_named(line: str) -> None:
    meeting = ("Grace Lee: Good morning.", "Omar Haddad: Hello.", "Grace Lee: Shall we?")
    assert told(*meeting, line)[-1] == (None, line)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("JOHN", "MARY"),
        ("Anna", "Ben"),
        ("Speaker 1", "Speaker 2"),
        ("SPEAKER_00", "SPEAKER_01"),
        ("Dr. Smith", "Host"),
        ("Haddad, Omar (Guest)", "Lee, Grace"),
        ("Juan de la Cruz", "Zoë O'Neil-Çelik"),
        ("Мария", "Иван"),
        ("김민수", "이영희"),
        ("田中", "司会"),
        ("Grace Lee | Acme", "Will"),
    ],
)
def test_names_that_come_back_are_speakers(one: str, other: str) -> None:
    lines = (f"{one}: Good day.", f"{other}: Hello to you.", f"{one}: Thanks.", f"{other}: Well.")
    assert names(*lines) == [one, other, one, other]


@pytest.mark.parametrize(
    ("one", "other"),
    [("张老师", "李明"), ("主持人", "王小明"), ("发言人1", "发言人2"), ("欧阳教授", "马克·吐温")],
)
def test_chinese_names_and_titles_are_speakers(one: str, other: str) -> None:
    lines = (f"{one}：今天讲导数。", f"{other}:什么是导数？", f"{one}：很好。", "注意：听好。")
    assert told(*lines) == [
        (one, "今天讲导数。"),
        (other, "什么是导数？"),
        (one, "很好。"),
        (None, "注意：听好。"),
    ]


def test_shouted_names_of_a_film_are_speakers_however_few_they_are() -> None:
    lines = ["JAMES: Wait.", "It is dark.", "MARIA: Here."] + ["They walk on."] * 60
    lines += ["JAMES: Run.", "MARIA: Go."]
    assert names(*lines) == ["JAMES", None, "MARIA", *[None] * 60, "JAMES", "MARIA"]


def test_words_that_the_file_uses_as_words_are_no_names() -> None:
    lines = ("Python: It is slow.", "Java: It is old.", "Python: It has types.", "Java: So has it.")
    assert names(*lines, "i like python and java") == [None] * 5


def test_terms_that_are_explained_are_no_names() -> None:
    lines = ("Deep Sea: where the light ends.", "Coral Reef: a house of animals.")
    assert names(*lines) == [None, None]


def test_one_label_in_a_long_talk_is_left_as_it_is() -> None:
    lines = ["Albert Einstein: Imagination is more.", *["And the talk goes on."] * 30]
    assert told(*lines)[0] == (None, lines[0])


def test_two_speakers_of_one_cue_are_told_apart() -> None:
    lines = ("- Anna: Hi.\n- Ben: Hello.", "Anna: So it\nbegins.", "Ben: Yes.")
    assert told(*lines) == [
        ("Anna", "Hi."),
        ("Ben", "Hello."),
        ("Anna", "So it / begins."),
        ("Ben", "Yes."),
    ]


def test_the_rest_of_a_sentence_is_still_the_speakers() -> None:
    lines = ("JOHN: I came,", "saw and won.", "They cheer.", "MARY: Oh.", "JOHN: Yes.", "MARY: No.")
    assert names(*lines) == ["JOHN", "JOHN", None, "MARY", "JOHN", "MARY"]


def test_a_name_alone_on_its_line_names_who_says_the_next_one() -> None:
    assert told("JOHN:\nHello.", "MARY:\nHi.", "JOHN:\nSo?") == [
        ("JOHN", "Hello."),
        ("MARY", "Hi."),
        ("JOHN", "So?"),
    ]


def test_brackets_and_chevrons_belong_to_the_mark() -> None:
    assert told("[Grace Lee] Hello.", ">> Omar Haddad: Hi.", "[Grace Lee]: Again.") == [
        ("Grace Lee", "Hello."),
        ("Omar Haddad", "Hi."),
        ("Grace Lee", "Again."),
    ]


def test_the_actor_of_a_line_is_not_named_twice() -> None:
    cue = Cue(1, 0.0, 1.0, ("Anna: Welcome.",), "Anna")
    assert [(one.speaker, one.lines) for one in with_speakers([cue])] == [("Anna", ("Welcome.",))]


WORDS = re.split(
    ",", "Grace,Lee,JOHN,Note,Step,张老师,注意,Omar,a,Q,http,10,said,it,[,],-,>>,:,：,."
)
_WORDS = st.sampled_from(WORDS)


@given(st.lists(st.lists(_WORDS, min_size=1, max_size=8).map(" ".join), max_size=12))
def test_no_word_is_lost(lines: list[str]) -> None:
    made = [Cue(n, float(n), n + 1.0, (line,)) for n, line in enumerate(lines)]
    told = with_speakers(made)

    def letters(text: str) -> str:
        return "".join(character for character in text if character.isalnum())

    by_start = {
        cue.start: "".join(
            letters(line)
            for one in told
            if one.start == cue.start
            for line in (one.speaker or "", *one.lines)
        )
        for cue in made
    }
    for cue in made:
        # a name that was not said again but goes on is there beside the words
        assert by_start[cue.start].endswith(letters(cue.lines[0]))


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_text_is_read(one: str, other: str) -> None:
    made = [Cue(1, 0.0, 1.0, (one or "-",)), Cue(2, 1.0, 2.0, (other or "-", one or "-"))]
    assert with_speakers(made)


REMARKS = (
    "[off screen]",
    "[O.S.]",
    "[laughing, to Peter]",
    "(whispering)",
    "【画外音】",
    "（低声）",
)


@pytest.mark.parametrize("remark", REMARKS)
@pytest.mark.parametrize("gap", [" ", ""])
def test_a_remark_between_name_and_colon_hides_no_speaker(remark: str, gap: str) -> None:
    lines = told(
        "ANNA: Where is the map?",
        "PETER: In the drawer.",
        f"ANNA{gap}{remark}: The treasure is below the oak.",
        "PETER: Then let us dig.",
    )
    assert lines[2] == ("ANNA", f"{remark} The treasure is below the oak.")
    assert {speaker for speaker, _ in lines} == {"ANNA", "PETER"}


def test_a_remark_in_a_chinese_file_hides_no_speaker() -> None:
    lines = told(
        "王老师：请开门。", "李老师：好的。", "王老师【画外音】：钥匙在这里。", "李老师：谢谢。"
    )
    assert lines[2] == ("王老师", "【画外音】 钥匙在这里。")


def test_what_always_stands_behind_a_name_is_part_of_it() -> None:
    lines = ["Grace Lee (Acme): We begin.", "Omar Haddad (Zeta): We go on."] * 2
    assert set(names(*lines)) == {"Grace Lee (Acme)", "Omar Haddad (Zeta)"}


@pytest.mark.parametrize("line", ["Figure [3]: it falls.", "array [0]: it is one.", "See [1]: x."])
def test_brackets_before_a_colon_make_no_speaker_of_other_words(line: str) -> None:
    assert names("ANNA: We begin.", line, "ANNA: We go on.", "PETER: Yes.", "PETER: No.")[1] is None
