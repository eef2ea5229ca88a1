"""What Dify holds of a video, in one row and in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from video_rag.dify.datasets import RemoteDocument, Segment
from video_rag.knowledge import INDEXED, Holding
from video_rag.knowledge.dify.publish import is_edited, is_untouched


def holding(
    video_id: str,
    rows: Sequence[RemoteDocument],
    held: Sequence[Sequence[Segment]] | None = None,
) -> Holding:
    """One row for all documents of a video; `held` are their segments, where they were read.

    The worst decides the state: `duplicate`, `error`, `paused`, `archived`, `indexing`,
    `disabled`, `empty`, `unfinished`, `edited`, or `indexed`.
    """
    state, problem = _worst(rows, held)
    revisions = {str(row.metadata.get("revision") or "") for row in rows}
    return Holding(
        document_id=video_id,
        remote_ids=tuple(row.id for row in rows),
        state=state,
        segments=sum(map(len, held)) if held is not None else None,
        revision=revisions.pop() if len(revisions) == 1 else "",
        problem=problem,
    )


def _worst(
    rows: Sequence[RemoteDocument], held: Sequence[Sequence[Segment]] | None
) -> tuple[str, str]:
    name, times = Counter(row.name for row in rows).most_common(1)[0]
    if times > 1:
        return "duplicate", f"{name} is there {times} times: publish again leaves one"
    for number, row in enumerate(rows):
        faults = _faults(row, held[number] if held is not None else None)
        found = next((fault for fault in faults if fault[0]), None)
        if found:
            return found[1], found[2]
    return INDEXED, ""


def _faults(row: RemoteDocument, held: Sequence[Segment] | None) -> Iterator[tuple[bool, str, str]]:
    """Whether it is so, the state, the words; the first that is so counts."""
    status = row.indexing_status
    why = f"Dify could not index it: {row.error or 'no reason given'}; publish again"
    yield status == "error", "error", why
    yield status == "paused", "paused", "indexing was paused in Dify: resume it there"
    yield row.archived, "archived", "it was put into Dify's archive, where nothing finds it"
    why = "Dify has not finished it; if it stays so, is Dify's worker running?"
    yield status != "completed", "indexing", why
    yield not row.enabled, "disabled", "it was switched off in Dify; publishing switches it on"
    is_empty = row.word_count == 0 or (held is not None and not held)
    yield is_empty, "empty", "Dify says completed, but it has no segments: publish again"
    is_off = held is not None and not all(segment.enabled for segment in held)
    yield is_off, "disabled", "some of its segments are switched off in Dify"
    is_open = not row.metadata.get("revision")
    yield is_open, "unfinished", "publishing was interrupted: publish again"
    was_changed = is_edited(row, held) if held is not None else not is_untouched(row)
    why = "its text was changed by hand in Dify; publish --force overwrites it"
    yield was_changed, "edited", why
