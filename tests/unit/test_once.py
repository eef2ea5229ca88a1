"""Things that are made when they are first needed."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from video_rag.once import Once


def test_many_threads_get_the_one_thing_that_was_made() -> None:
    together = threading.Barrier(8)
    once = Once(object)

    def take() -> object:
        together.wait()
        return once()

    with ThreadPoolExecutor(8) as threads:
        taken = [task.result() for task in [threads.submit(take) for _ in range(8)]]

    assert len({id(one) for one in taken}) == 1


def test_none_is_a_thing_and_made_once() -> None:
    made: list[None] = []
    once = Once(lambda: made.append(None))

    assert (once(), once(), len(made)) == (None, None, 1)


def test_what_could_not_be_made_is_tried_again() -> None:
    tries = iter([OSError("busy")])

    def make() -> str:
        for error in tries:
            raise error
        return "made"

    once = Once(make)

    with pytest.raises(OSError, match="busy"):
        once()
    assert once() == "made"
