"""What is counted for metrics: calls, tokens, claims left out. Libraries write it to their ledger.

One for the process, as `logging` has one: who counts (a client of Dify, a model behind an
answerer) is made by name, far from any library. The ledger adds up what all processes and machines
counted; what a kill takes along is a few seconds of it.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from video_rag.errors import NotFound, Unavailable, VideoRagError

Series = tuple[str, tuple[tuple[str, str], ...]]
"""A name and its labels, sorted."""

_LONGEST = 80
"""Characters of a label's value."""
_lock = threading.Lock()
_amounts: defaultdict[Series, float] = defaultdict(float)


def add(name: str, amount: float = 1.0, /, **labels: str) -> None:
    """Count something; labels must have few values, and none that says who or what it was about."""
    clean = ((label, value[:_LONGEST]) for label, value in labels.items())
    with _lock:
        _amounts[name, tuple(sorted(clean))] += amount


def observe(name: str, seconds: float, bounds: tuple[float, ...], /, **labels: str) -> None:
    """Count how long something took, for a histogram with these upper bounds."""
    bound = next((f"{one:g}" for one in bounds if seconds <= one), "+Inf")
    add(f"{name}_bucket", le=bound, **labels)
    add(f"{name}_sum", seconds, **labels)


@contextmanager
def call(name: str, /, **labels: str) -> Iterator[None]:
    """Count a call of a server by what came of it: ok, unavailable, not found or rejected."""
    outcome = "ok"
    try:
        yield
    except VideoRagError as error:
        kinds = {Unavailable: "unavailable", NotFound: "not found"}
        fits = (word for kind, word in kinds.items() if isinstance(error, kind))
        outcome = next(fits, "rejected")
        raise
    finally:  # also when who reads a stream has enough of it
        add(name, **labels, outcome=outcome)


def take() -> dict[Series, float]:
    """All that was counted and not yet taken; it is the taker's now."""
    with _lock:
        taken = dict(_amounts)
        _amounts.clear()
    return taken


def give_back(taken: Mapping[Series, float]) -> None:
    """What could not be written down: somebody takes it next time."""
    with _lock:
        for series, amount in taken.items():
            _amounts[series] += amount
