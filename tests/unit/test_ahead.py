from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_rag.processors._ahead import ahead


@given(st.lists(st.integers() | st.none()), st.integers(1, 4))
def test_the_same_items_come_in_the_same_order(items: list[int | None], held: int) -> None:
    assert list(ahead(iter(items), held)) == items


def test_an_error_of_the_source_reaches_the_reader_after_what_came_before() -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise OSError("the file broke off")

    reader = ahead(broken())
    assert next(reader) == 1
    with pytest.raises(OSError, match="broke off"):
        next(reader)


def test_it_runs_ahead_but_no_further_than_told() -> None:
    made: list[int] = []
    enough = threading.Event()

    def counted() -> Iterator[int]:
        for number in range(100):
            made.append(number)
            if number == 3:
                enough.set()
            yield number

    with closing(ahead(counted(), held=2)) as reader:
        assert next(reader) == 0
        assert enough.wait(10)
    assert len(made) == 4  # one read, two waiting, one in hand


def test_a_reader_that_leaves_ends_the_thread() -> None:
    def endless() -> Iterator[int]:
        while True:
            yield 1

    with closing(ahead(endless())) as reader:
        next(reader)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ahead")]
