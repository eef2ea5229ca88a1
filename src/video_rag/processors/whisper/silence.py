"""The model hears speech without the silence between: where a segment's times lose their place.

A segment that begins with a stretch of speech is given to the last moments of the stretch before
it, be that ten seconds earlier; one that ends with a stretch runs into the next.
"""

from __future__ import annotations

from collections.abc import Sequence

Span = tuple[float, float]
"""Start and end in seconds."""

_MOMENT = 0.5
_APART = 1.0
"""Seconds: so little of a stretch is no part of a segment, if so much silence is between."""


def where_spoken(start: float, end: float, speech: Sequence[Span]) -> Span:
    """A segment's times without moments of stretches that others belong to.

    >>> where_spoken(6.5, 26.2, [(0.8, 6.6), (18.2, 29.2)])
    (18.2, 26.2)
    >>> where_spoken(0.0, 23.2, [(0.0, 11.1), (22.8, 34.0)])
    (0.0, 11.1)
    """
    parts = [(max(start, a), min(end, b)) for a, b in speech if max(start, a) < min(end, b)]
    while len(parts) > 1 and _is_moment(parts[0]) and parts[1][0] - parts[0][1] > _APART:
        start = parts[1][0]
        del parts[0]
    while len(parts) > 1 and _is_moment(parts[-1]) and parts[-1][0] - parts[-2][1] > _APART:
        end = parts[-2][1]
        del parts[-1]
    return start, end


def _is_moment(span: Span) -> bool:
    return span[1] - span[0] < _MOMENT
