"""Times of what is heard, where silence was left out between."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_rag.processors.whisper.silence import where_spoken

STRETCHES = [(0.8, 6.6), (18.2, 29.2)]


@pytest.mark.parametrize(
    ("heard", "where"),
    [
        ((6.5, 26.2), (18.2, 26.2)),
        ((1.0, 18.5), (1.0, 6.6)),
        ((4.0, 26.2), (4.0, 26.2)),
        ((8.0, 12.0), (8.0, 12.0)),
    ],
    ids=["begins late", "ends early", "in both", "in neither"],
)
def test_a_segment_stands_where_it_was_said(
    heard: tuple[float, float], where: tuple[float, float]
) -> None:
    assert where_spoken(*heard, STRETCHES) == where


def test_without_knowing_where_speech_is_times_stay() -> None:
    assert where_spoken(1.0, 30.0, []) == (1.0, 30.0)


@given(st.lists(st.integers(0, 600), min_size=4, max_size=12, unique=True), st.data())
def test_no_speech_but_moments_is_lost_from_a_segment(
    places: list[int], data: st.DataObject
) -> None:
    edges = [place / 10 for place in sorted(places)]
    speech = list(zip(edges[::2], edges[1::2], strict=False))
    apart = st.tuples(st.floats(0, 60), st.floats(0, 60)).filter(lambda span: span[0] != span[1])
    start, end = sorted(data.draw(apart))
    begins, ends = where_spoken(start, end, speech)
    assert start <= begins < ends <= end
    for first, last in speech:
        begun, done = max(first, start), min(last, end)
        if done - begun >= 0.5:
            assert begins <= begun
            assert done <= ends
