"""Lengths of time as people write them: `90m`, `36h`, `30d`, `4w`."""

from __future__ import annotations

import re

_UNITS = {"m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 7 * 86_400.0}
_AGE = re.compile(r"(\d{1,6})([mhdw])")
HINT = "write a number and a unit: 90m, 36h, 30d or 4w"


def seconds(text: str) -> float:
    """The seconds of an age. Raises `ValueError`."""
    found = _AGE.fullmatch(text.strip().lower())
    if not found or not int(found[1]):
        raise ValueError(f"{text!r} is no length of time")
    return int(found[1]) * _UNITS[found[2]]
