"""Subtitles in JSON: Bilibili's, and YouTube's `json3`."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

from video_rag.processors.subtitles.cues import Parsed
from video_rag.processors.subtitles.markup import plain_html

_OPENING = ('{"', "{'", '[{"', "[[", "{}", "[]", '["')
_COST = 4
"""How often a damaged file is read through, at most, in search of what is whole in it."""


def looks_like(text: str) -> bool:
    """Whether a text is JSON, whole or damaged, rather than `[Script Info]` or `{1}{25}`."""
    return "".join(text[:200].split()).startswith(_OPENING)


_LEFT_BEHIND = 16_384
"""Characters that have been read, and are let go."""


def count(text: str) -> int:
    """How many cues it seems to have, whole or damaged."""
    return text.count('"content"') + text.count('"tStartMs"')


def parse(text: str) -> Parsed:
    """Every cue; none for other JSON."""
    parsed = Parsed(place="cue")
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        _read_damaged(text, parsed)
        return parsed
    rows = _rows(whole)
    if rows is None:
        parsed.other = "JSON without Bilibili's `body` or YouTube's `events`"
        return parsed
    if isinstance(whole, dict) and isinstance(whole.get("lang"), str):
        parsed.language = whole["lang"]
    for number, row in enumerate(rows, start=1):
        _read_row(number, row, parsed)
    return parsed


def _rows(whole: Any) -> list[Any] | None:
    """The list of cues in a file."""
    if isinstance(whole, dict):
        named = (whole[name] for name in ("body", "events") if name in whole)
        # the name itself may be damaged
        others = (
            rows for rows in whole.values() if isinstance(rows, list) and any(map(_is_cue, rows))
        )
        whole = next(named, None) or next(others, [] if {"body", "events"} & set(whole) else None)
    if not isinstance(whole, list):
        return None
    return whole if not whole or any(_is_cue(row) for row in whole) else None


def _is_cue(row: Any) -> bool:
    return isinstance(row, dict) and ("content" in row or "tStartMs" in row)


def _read_row(number: int, row: Any, parsed: Parsed) -> None:
    """A cue of either kind."""
    if not isinstance(row, dict):
        parsed.problem("cues dropped: damaged", number)
    elif "content" in row:
        start, end = _number(row.get("from")), _number(row.get("to"))
        if start is None:
            parsed.unreadable(number)
        else:
            parsed.add(number, start, end, plain_html(str(row["content"])))
    elif isinstance(row.get("segs"), list):  # others set up windows and pens
        _read_event(number, row, parsed)
    elif "tStartMs" not in row:
        parsed.problem("cues dropped: damaged", number)


def _read_event(number: int, row: dict[str, Any], parsed: Parsed) -> None:
    start, length = _number(row.get("tStartMs")), _number(row.get("dDurationMs"))
    said = [piece.get("utf8") for piece in row["segs"] if isinstance(piece, dict)]
    text = "".join(piece for piece in said if isinstance(piece, str))
    if not text.strip() and row.get("aAppend"):
        return  # the line feed of a caption that rolls up
    if start is None:
        parsed.unreadable(number)
        return
    end = None if length is None else round((start + length) / 1000, 6)
    parsed.add(number, round(start / 1000, 6), end, text.replace("\u200b", ""))


def _number(value: Any) -> float | None:
    """A number, also one in quotes."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _read_damaged(text: str, parsed: Parsed) -> None:
    """The cues that are whole in a file that is not."""
    for place, value in _whole_objects(text):
        for row in [value] if _is_cue(value) else _rows(value) or []:
            _read_row(place, row, parsed)
    missing = count(text) - sum(map(len, parsed.problems.values())) - len(parsed.cues)
    parsed.problem("files damaged: only whole cues were read", 1)
    for _ in range(max(missing, 0)):
        parsed.problem("cues dropped: damaged", 1)


def _whole_objects(text: str) -> Iterator[tuple[int, Any]]:
    """Number and value of each object that can be read, the inner ones of those that cannot."""
    decoder = json.JSONDecoder()
    place, number, left = text.find("{"), 0, _COST * len(text)
    while place >= 0 and left > 0:
        if place > _LEFT_BEHIND:  # an error counts the lines of all that lies before it
            text, place = text[place:], 0
        try:
            row, end = decoder.raw_decode(text, place)
        except json.JSONDecodeError as error:
            left -= error.pos - place
            end = place + 1
        except (ValueError, RecursionError):
            left -= len(text) // 50
            end = place + 1
        else:
            number += 1
            yield number, row
        place = text.find("{", end)
