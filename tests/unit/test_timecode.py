from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_rag.text import timecode

SECONDS = st.floats(min_value=0, max_value=360_000, allow_nan=False)


@given(SECONDS)
def test_a_stamp_reads_back_to_the_millisecond(seconds: float) -> None:
    assert timecode.parse(timecode.stamp(seconds)) == pytest.approx(seconds, abs=0.0006)


@given(SECONDS)
def test_a_clock_reads_back_to_the_whole_second(seconds: float) -> None:
    assert timecode.parse(timecode.clock(seconds)) == int(seconds)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90.0),
        ("90.5", 90.5),
        ("1:30", 90.0),
        ("00:01:30.500", 90.5),
        ("00:01:30,5", 90.5),
        ("1m30s", 90.0),
        ("1h2m", 3720.0),
        ("2h", 7200.0),
        (" 12S ", 12.0),
    ],
)
def test_people_write_times_in_many_ways(text: str, seconds: float) -> None:
    assert timecode.parse(text) == seconds


@pytest.mark.parametrize("text", ["", "abc", "1:2:3:4", "-5", "1h x", "::"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a time"):
        timecode.parse(text)


@given(SECONDS, SECONDS, SECONDS, SECONDS)
def test_overlap_is_symmetric_and_never_negative(a: float, b: float, c: float, d: float) -> None:
    start, end, other, other_end = min(a, b), max(a, b), min(c, d), max(c, d)
    shared = timecode.overlap(start, end, other, other_end)
    assert shared == timecode.overlap(other, other_end, start, end)
    assert 0 <= shared <= min(end - start, other_end - other) + 1e-9


def test_people_see_hours_only_when_there_are_any() -> None:
    assert timecode.clock(750.9) == "12:30"
    assert timecode.clock(3661) == "1:01:01"
    assert timecode.span(4.3, 66) == "0:04–1:06"
    assert timecode.stamp(4.3) == "00:00:04.300"
