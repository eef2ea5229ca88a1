"""What of a recogniser's output is believed, and which language is written where."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_rag.model import MediaSet, Segment, Video
from video_rag.processors.whisper.spoken import _main, _own, _runs, _Stretch, hints
from video_rag.processors.whisper.trust import unlooped, without_loops


def lines(*texts: str) -> list[Segment]:
    return [Segment(start=n, end=n + 1, text=text) for n, text in enumerate(texts)]


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("and the software, " * 5, "and the software,"),
        ("We begin. " + "so we go on and " * 4 + "stop", "We begin. so we go on and stop"),
        ("no " * 9, "no"),
        ("谢谢观看" * 6, "谢谢观看"),
        ("la la la la, we sing", "la la la la, we sing"),
        ("again and again and again we try", "again and again and again we try"),
        ("", ""),
    ],
    ids=["phrase", "inside", "one word", "Chinese", "song", "emphasis", "empty"],
)
def test_a_model_that_repeats_itself_is_caught(said: str, kept: str) -> None:
    assert without_loops(said) == kept


@given(st.lists(st.sampled_from(["a", "bb", "ccc", "d,", "e.", "好", "的"]), max_size=30))
def test_nothing_but_repetition_is_left_out(words: list[str]) -> None:
    kept = without_loops(" ".join(words))
    assert set(kept.split()) <= set(words)
    assert {w.strip(".,") for w in kept.split()} == {w.strip(".,") for w in words}


def test_the_same_line_over_and_over_is_kept_once_and_said() -> None:
    said = lines("One.", "Thanks for watching the video!", *["thanks for watching the video"] * 4)
    kept, notes = unlooped([*said, *lines("Two.")])
    assert [one.text for one in kept] == ["One.", "Thanks for watching the video!", "Two."]
    assert notes == ("the recogniser repeated itself at 0:01: kept once",)


def test_short_answers_may_come_again() -> None:
    said = lines("Yes.", "Yes.", "Yes.", "No.")
    assert unlooped(said) == (tuple(said), ())


# --- languages --------------------------------------------------------------------------------

DOUBT = _Stretch(0.0, 6.0, {"it": 0.32, "en": 0.25, "pt": 0.12, "zh": 0.001})


def test_what_is_heard_surely_needs_no_other_reason() -> None:
    sure = _Stretch(0.0, 6.0, {"de": 0.9, "en": 0.05})
    assert _main([sure], [("en", "its title")]) == ("de", ())


def test_in_doubt_the_first_reason_for_a_language_that_may_be_heard_decides() -> None:
    language, notes = _main([DOUBT], [("zh", "its channel"), ("en", "its title")])
    assert language == "en"
    assert notes == ("spoken language in doubt (it 32%, en 25%): en, by its title",)


def test_in_doubt_without_any_reason_the_doubt_is_said() -> None:
    language, notes = _main([DOUBT], [])
    assert (language, notes) == ("it", ("spoken language in doubt (it 32%, en 25%): taken for it",))


def test_a_piece_is_in_another_language_only_when_that_is_sure() -> None:
    assert _own(DOUBT, "en") == "en"
    assert _own(_Stretch(0.0, 9.0, {"de": 0.98}), "en") == "de"
    assert _own(_Stretch(0.0, 1.0, {"de": 0.98}), "en") == "en"
    assert _own(_Stretch(0.0, 9.0, {"la": 0.98}), "en") == "en"


def test_runs_of_one_language_cover_the_whole_sound() -> None:
    stretches = [_Stretch(float(n * 10), n * 10.0 + 8, {}) for n in range(4)]
    runs = _runs(stretches, ["en", "en", "de", "en"], 40.0)
    assert [(one.start, one.end, one.language) for one in runs] == [
        (0.0, 19.0, "en"),
        (19.0, 29.0, "de"),
        (29.0, 40.0, "en"),
    ]


def test_title_channel_neighbours_and_library_speak_for_a_language(tmp_path) -> None:
    for name in ("这是第一讲", "这是第二讲"):
        (tmp_path / f"{name}.mp4").write_bytes(b"x")
    video = Video(
        video_id="file:1",
        source="folder",
        url="/x",
        title="The history of the sea and what it is",
        channel="Все о науке и мы",
    )
    found = list(hints(video, MediaSet(files=(), languages=("en",)), tmp_path / "x.mp4"))
    assert [language for language, _ in found] == ["en", "ru", "zh", "en"]
    assert np.unique([reason for _, reason in found]).size == 4
