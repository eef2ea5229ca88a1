"""The scorer of the slide benchmark, and the plan of its video."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loading import loaded

ROOT = Path(__file__).resolve().parents[2] / "benchmarks" / "slides"


def load(name: str) -> ModuleType:
    """A script of the benchmark."""
    return loaded(ROOT / f"{name}.py", f"benchmark_slides_{name}")


score = load("score").score
starts = st.lists(st.integers(0, 100), unique=True, max_size=20).map(
    lambda numbers: [number * 10.0 for number in sorted(numbers)]
)


def test_all_found_is_all_found() -> None:
    result = score([0.0, 10.0, 20.0], [0.0, 10.4, 21.5])
    assert (result.slides, result.found, result.missed, result.false) == (3, 3, (), ())
    assert result.mean_error == pytest.approx((0 + 0.4 + 1.5) / 3)


def test_what_has_no_key_frame_is_missed() -> None:
    assert score([0.0, 10.0], [0.2]).missed == (10.0,)


@pytest.mark.parametrize("at", [5.0, 9.4, 11.6])
def test_a_key_frame_too_early_or_too_late_is_false(at: float) -> None:
    result = score([10.0], [at])
    assert result.missed == (10.0,)
    assert result.false == (at,)


def test_a_second_key_frame_of_a_slide_is_false() -> None:
    result = score([10.0], [10.0, 11.0])
    assert result.found == 1
    assert result.false == (11.0,)


def test_nothing_of_nothing_is_no_error() -> None:
    assert score([], []).mean_error == 0.0


@given(starts)
def test_the_truth_scores_full_marks(truth: list[float]) -> None:
    result = score(truth, truth)
    assert result.found == len(truth)
    assert not result.missed
    assert not result.false


@given(starts, st.lists(st.floats(0, 1000), max_size=30))
def test_every_slide_and_every_key_frame_is_counted_once(
    truth: list[float], picked: list[float]
) -> None:
    result = score(truth, picked)
    assert result.found + len(result.missed) == result.slides == len(truth)
    assert result.found + len(result.false) == len(picked)


def test_the_video_has_forty_slides_of_every_kind() -> None:
    make = load("make")
    steps = make.plan()
    slides = [step for step in steps if step.first]
    assert len(slides) == 40
    assert {step.kind for step in slides} == {"plain", "bullet", "return", "fade", "build"}
    begins = [step.start for step in steps]
    assert begins == sorted(begins)
    assert begins[0] == make.LEAD_IN
    assert begins[-1] < make.SECONDS - 5


def test_neighbouring_slides_of_the_video_differ() -> None:
    steps = load("make").plan()
    assert all(one.text != other.text for one, other in pairwise(steps))
