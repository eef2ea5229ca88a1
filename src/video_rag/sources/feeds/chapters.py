"""Chapters of an episode, `{"chapters": [{"startTime": 0, "title": "Intro"}]}` in JSON.

As Podcasting 2.0 has them: github.com/Podcastindex-org/podcast-namespace, chapters, 1.2.
"""

from __future__ import annotations

import json
from typing import Any

from video_rag.errors import ContentError
from video_rag.model import Chapter
from video_rag.sources import web
from video_rag.sources.feeds.transcripts import seconds


def chapters(body: bytes, duration: float | None) -> tuple[Chapter, ...]:
    """The titled chapters, each until the next one. Raises `ContentError` when there are none.

    Those that shall not stand in a table of contents (`"toc": false`) only show a picture.
    """
    try:
        whole = json.loads(body.removeprefix(b"\xef\xbb\xbf"))
    except (ValueError, RecursionError) as error:
        raise ContentError("no JSON", hint="tell the podcast's owner") from error
    rows = whole.get("chapters") if isinstance(whole, dict) else whole
    marks = sorted(filter(None, map(_mark, rows if isinstance(rows, list) else ())))
    if duration:
        marks = [mark for mark in marks if mark[0] < duration]
    if not marks:
        raise ContentError("no chapters with a title and a time", hint="tell the podcast's owner")
    ends = [*(start for start, _, _ in marks[1:]), duration or 0.0]
    return tuple(
        # of an unknown length the last one has some second at least
        Chapter(start=start, end=max(end if end > start else after, start + 1), title=title)
        for (start, title, end), after in zip(marks, ends, strict=True)
    )


def _mark(row: Any) -> tuple[float, str, float] | None:
    """Start, title and end (0.0 for none) of a chapter."""
    if not isinstance(row, dict) or row.get("toc") is False:
        return None
    start, title = seconds(row.get("startTime")), web.line(row.get("title"))
    if start is None or not title:
        return None
    return start, title, seconds(row.get("endTime")) or 0.0
