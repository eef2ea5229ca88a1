from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from video_rag.api.ranges import asked_for

SIZE = 1000
NUMBERS = st.integers(min_value=0, max_value=2000)


@given(first=NUMBERS, last=NUMBERS)
def test_a_range_is_what_it_says_as_far_as_there_are_bytes(first: int, last: int) -> None:
    found = asked_for(f"bytes={first}-{last}", SIZE)
    if last < first:
        assert found is None
    else:
        assert list(found or ()) == [at for at in range(first, last + 1) if at < SIZE]


@given(first=NUMBERS)
def test_an_open_range_goes_to_the_end(first: int) -> None:
    assert list(asked_for(f"bytes={first}-", SIZE) or ()) == list(range(first, SIZE))


@given(many=NUMBERS)
def test_a_suffix_is_the_last_bytes(many: int) -> None:
    assert list(asked_for(f"bytes=-{many}", SIZE) or ()) == list(range(SIZE))[max(0, SIZE - many) :]


@given(text=st.text(max_size=30))
def test_any_header_is_a_range_inside_of_the_file_or_ignored(text: str) -> None:
    for header in (text, f"bytes={text}"):
        found = asked_for(header, SIZE)
        assert found is None or (found.start >= 0 and found.stop <= SIZE)
