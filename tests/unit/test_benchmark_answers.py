"""The judge of the answers benchmark, its questions, and runs that are killed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loading import loaded

ROOT = Path(__file__).resolve().parents[2] / "benchmarks" / "answers"


def load(name: str) -> ModuleType:
    """A script of the benchmark."""
    return loaded(ROOT / f"{name}.py", f"benchmark_answers_{name}")


judge, run = load("judge"), load("run")

LINES = [
    (0.0, 4.0, "Water boils at 100 degrees,"),
    (4.0, 8.0, "and ice melts at zero."),
    (60.0, 64.0, "Steel melts at 1500 degrees."),
]
CORPUS = judge.Corpus({("heat", "en"): LINES, ("heat", "zh"): [(0.0, 8.0, "水在一百度沸腾。")]})
PLACE = {"video": "heat", "start": 60.0, "end": 64.0}
ASKED = {"id": "1", "language": "en", "question": "?", "answerable": True, "places": [PLACE]}
NO_PLACE = ASKED | {"answerable": False, "places": []}


def cites(start: float, end: float, quote: str = "Steel melts at 1500 degrees.") -> dict[str, Any]:
    return {"video": "heat", "track": "en", "start": start, "end": end, "quote": quote}


def judged(
    *citations: dict[str, Any],
    asked: dict[str, Any] = ASKED,
    refused: bool = False,
    said: str = "",
    answer: str = "",
) -> Any:
    result = {"citations": citations, "refused": refused, "said": said, "answer": answer}
    return judge.verdict(asked, result | {"seconds": 1.0}, CORPUS)


def test_the_first_citation_is_right_where_it_shows_a_place() -> None:
    one = judged(cites(60, 64), cites(0, 4))
    assert (one.right_first, one.right_among, one.error) == (True, True, 0.0)


def test_a_right_place_further_down_is_not_first() -> None:
    one = judged(cites(0, 4), cites(60, 64))
    assert (one.right_first, one.right_among, one.error) == (False, True, 60.0)


@pytest.mark.parametrize(("start", "end", "right"), [(55, 57.9, False), (55, 58.1, True)])
def test_a_citation_may_miss_a_place_by_the_tolerance_alone(
    start: float, end: float, right: bool
) -> None:
    assert judged(cites(start, end)).right_first is right


def test_another_video_at_the_same_time_is_wrong_and_has_no_time_error() -> None:
    one = judged(cites(60, 64) | {"video": "cold"})
    assert (one.right_among, one.error) == (False, None)


def test_a_place_holds_in_both_tracks_unless_it_names_one() -> None:
    other = cites(60, 64) | {"track": "zh"}
    assert judged(other).right_first
    named = ASKED | {"places": [PLACE | {"track": "en"}]}
    assert not judged(other, asked=named).right_first


def test_a_refusal_is_a_miss_of_what_can_be_answered_and_right_elsewhere() -> None:
    missed = judged(cites(60, 64), refused=True)
    assert (missed.refused, missed.right_first, missed.right_among) == (True, False, False)
    assert judged(asked=NO_PLACE, refused=True).refused
    assert not judged(cites(0, 4), asked=NO_PLACE).refused


def test_an_answer_without_citations_counts_as_a_refusal() -> None:
    assert judged(answer="I do not know.").refused


@pytest.mark.parametrize(
    ("start", "end", "quote", "holds"),
    [
        (0, 8, "Water boils at 100 degrees, and ice melts at zero.", True),
        (0, 4, "water boils at “100” degrees", True),
        (4, 8, "Water boils at 100 degrees,", False),
        (0, 8, "Water boils at 90 degrees", False),
        (0, 8, "", False),
    ],
)
def test_a_citation_holds_when_its_words_stand_there(
    start: float, end: float, quote: str, holds: bool
) -> None:
    assert judged(cites(start, end, quote)).holding == holds


def test_a_sentence_taken_out_that_a_lecture_says_is_thrown_away() -> None:
    said = "Steel melts at 1500 degrees [3]. I made this up. 水在一百度沸腾。"
    one = judged(said=said, answer="Nothing in the library answers this.")
    assert one.thrown_away == ("Steel melts at 1500 degrees .", "水在一百度沸腾。")
    assert not judged(
        said=said, answer="Steel melts at 1500 degrees. 水在一百度沸腾 [1]。"
    ).thrown_away


def test_a_few_letters_are_found_by_chance_and_prove_nothing() -> None:
    assert not judged(said="Zero. 一百。", answer="no").thrown_away


def test_a_question_without_a_line_is_counted_and_missed() -> None:
    verdicts = [judge.verdict(ASKED, None, CORPUS), judged(cites(60, 64))]
    text = judge.table(verdicts)
    assert "| first citation answers (answerable ones; a refusal is a miss) | 1 of 2 (50%)" in text
    assert "| without an answer yet | 1 | 1 |" in text
    assert "| wrongly refused | 0 of 2 (0%)" in text


def test_times_with_parts_of_a_millisecond(tmp_path: Path) -> None:
    path = tmp_path / "one.srt"
    path.write_text("1\n00:01:04,560.0000000000009 --> 00:01:05,7.5\nSteel\nmelts\n\n2\n")
    ((start, end, text),) = judge.read(path)
    assert (start, end, text.split()) == (
        pytest.approx(64.56),
        pytest.approx(65.0075),
        ["Steel", "melts"],
    )


def questions() -> list[dict[str, Any]]:
    lines = (ROOT / "questions.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


def test_the_questions_are_what_their_readme_says() -> None:
    asked = questions()
    assert len({one["id"] for one in asked}) == len(asked) >= 66
    languages = [one["language"] for one in asked]
    assert languages.count("en") == languages.count("zh")
    unanswerable = [one for one in asked if not one["answerable"]]
    assert 0.3 < len(unanswerable) / len(asked) < 0.37
    assert all(bool(one["places"]) is one["answerable"] for one in asked)
    spans = [place["end"] - place["start"] for one in asked for place in one["places"]]
    assert all(0 < span < 40 for span in spans)


@pytest.mark.shared
def test_every_place_lies_in_a_lecture(shared: Path) -> None:
    for one in questions():
        for place in one["places"]:
            tracks = sorted((shared / "corpus").glob(f"*/{place['video']}.srt"))
            lines = [line for path in tracks for line in judge.read(path)]
            assert any(start < place["end"] and place["start"] < end for start, end, _ in lines)


ids = st.lists(st.text("abc-0", min_size=1), unique=True, max_size=5)


@given(ids, st.integers(0, 40))
def test_a_run_cut_anywhere_goes_on_with_what_is_not_answered(
    tmp_path_factory: pytest.TempPathFactory, names: Sequence[str], cut: int
) -> None:
    path = tmp_path_factory.mktemp("run") / "results.jsonl"
    for name in names:
        run.keep(path, {"id": name, "answer": "一"})
    whole = path.read_bytes() if names else b""
    path.write_bytes(whole[: len(whole) - min(cut, len(whole))])
    done = run.answered(path)
    assert done == set(names[: len(done)])
    for name in names:
        if name not in done:
            run.keep(path, {"id": name, "answer": "一"})
    assert path.read_bytes() == whole
