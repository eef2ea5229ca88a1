"""Words are read in many threads at once: each gets its own word's stem, and no error."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from string import ascii_lowercase
from threading import Barrier

import pytest

from video_rag.text.spelling import stem

STARTS = ("gener", "univers", "relat", "convol", "hop", "shear", "orient", "deriv", "probab")
ENDS = ("s", "ies", "ational", "fulness", "ingly", "edly", "ization", "iveness", "icate", "ied")
WORDS = [f"{x}{a}{b}" for x, a, b in product(ascii_lowercase, STARTS, ENDS)]
THREADS = 8


@pytest.fixture
def switching() -> Iterator[None]:
    """Threads that take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("switching")
def test_words_that_are_read_at_once_get_the_stems_that_they_get_alone() -> None:
    stem.cache_clear()
    parts = [WORDS[number::THREADS] for number in range(THREADS)]
    start = Barrier(THREADS)

    def read(words: list[str]) -> list[str]:
        start.wait()
        return [stem(word) for word in words]

    with ThreadPoolExecutor(THREADS) as pool:
        at_once = list(pool.map(read, parts))
    stem.cache_clear()
    assert at_once == [[stem(word) for word in words] for words in parts]
