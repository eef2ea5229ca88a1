"""Compare the times of key frames with the times at which slides really came up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

EARLY, LATE = 0.5, 1.5
"""Seconds that a key frame may lie before and behind the start of its slide."""


@dataclass(frozen=True)
class Score:
    """How many slides were found, which were not, which key frames belong to none."""

    slides: int
    found: int
    missed: tuple[float, ...]
    """Starts of slides without a key frame."""
    false: tuple[float, ...]
    """Key frames without a slide, and second ones of a slide."""
    mean_error: float
    """Seconds between start and key frame, without sign; 0.0 when nothing was found."""


def score(
    starts: Sequence[float],
    picked: Sequence[float],
    *,
    early: float = EARLY,
    late: float = LATE,
) -> Score:
    """Pair each slide with the first free key frame from `early` before to `late` after it."""
    free = sorted(picked)
    missed, errors = [], []
    for start in sorted(starts):
        match = next((at for at in free if start - early <= at <= start + late), None)
        if match is None:
            missed.append(start)
        else:
            free.remove(match)
            errors.append(abs(match - start))
    return Score(
        slides=len(starts),
        found=len(errors),
        missed=tuple(missed),
        false=tuple(free),
        mean_error=sum(errors) / len(errors) if errors else 0.0,
    )
