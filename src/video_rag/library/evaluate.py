"""How often search finds the place that answers: hit rates and mean reciprocal rank."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from video_rag.errors import UsageError
from video_rag.model import Hit, Query, Video
from video_rag.text.timecode import overlap

LIMIT = 10
"""Passages asked for; a place that is not among them has reciprocal rank 0."""

Score = dict[str, Any]
"""`{n, "hit@1", "hit@5", "hit@10", mrr, by_language: {language: the same five}}`"""


class _Asked(BaseModel):
    """One line of a questions file."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    question: str = Field(min_length=1)
    language: str
    video: str
    start: float = Field(ge=0, allow_inf_nan=False)
    end: float | None
    """None: the end of the video."""

    @model_validator(mode="after")
    def _is_a_span(self) -> _Asked:
        if self.end is not None and self.end <= self.start:
            raise ValueError("end must be after start")
        return self


def evaluate(
    questions: Path, search: Callable[[Query], list[Hit]], videos: Iterable[Video]
) -> Score:
    """Ask every question and look where the first right passage stands.

    Right is a passage of that video (id, title or file stem; any of them where several share it)
    that overlaps the span. Nothing tells the search in which language or video to look. Raises
    `UsageError` with the line's number for a line that cannot be read or names no known video.
    """
    known = _ids(videos)
    asked = list(_read(questions, known))
    ranks: dict[str, list[int]] = defaultdict(list)
    for entry in asked:
        hits = search(Query(text=entry.question, limit=LIMIT))
        ranks[entry.language].append(_rank(entry, known[entry.video], hits))
    everything = [rank for part in ranks.values() for rank in part]
    return _figures(everything) | {
        "by_language": {language: _figures(part) for language, part in sorted(ranks.items())}
    }


def _ids(videos: Iterable[Video]) -> dict[str, set[str]]:
    """Every name of a video → the ids that bear it. An id is nobody else's title or stem."""
    listed = list(videos)
    known: dict[str, set[str]] = defaultdict(set)
    for video in listed:
        for name in {video.title, video.stem} - {""}:
            known[name].add(video.video_id)
    return known | {video.video_id: {video.video_id} for video in listed}


def _read(path: Path, known: dict[str, set[str]]) -> Iterator[_Asked]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{path} cannot be read: {getattr(error, 'strerror', None) or error}",
            hint=f"give a JSON Lines file: {_HINT}",
        ) from error
    if not any(line.strip() for line in lines):
        raise UsageError(f"{path} has no questions", hint=_HINT)
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            entry = _Asked.model_validate_json(line)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "the line"
            raise UsageError(f"{path}:{number}: {where}: {first['msg']}", hint=_HINT) from error
        if entry.video not in known:
            raise UsageError(
                f"{path}:{number}: no video is called {entry.video!r}",
                hint="add it first; `video-rag list` shows the known ones",
            )
        yield entry


_HINT = 'every line is {"question", "language", "video", "start", "end"}, times in seconds'


def _rank(entry: _Asked, ids: set[str], hits: Sequence[Hit]) -> int:
    """Place of the first right passage, from 1; 0 when there is none."""
    end = math.inf if entry.end is None else entry.end
    for rank, hit in enumerate(hits[:LIMIT], start=1):
        chunk = hit.chunk
        if chunk.video_id in ids and overlap(chunk.start, chunk.end, entry.start, end) > 0:
            return rank
    return 0


def _figures(ranks: Sequence[int]) -> Score:
    found = [rank for rank in ranks if rank]
    shares: Score = {
        f"hit@{depth}": sum(rank <= depth for rank in found) / len(ranks) for depth in (1, 5, LIMIT)
    }
    return {"n": len(ranks)} | shares | {"mrr": sum(1 / rank for rank in found) / len(ranks)}
