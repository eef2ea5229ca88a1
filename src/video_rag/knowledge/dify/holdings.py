"""What Dify holds of a video, in one row and in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Literal

from video_rag.dify.datasets import RemoteDocument, Segment
from video_rag.knowledge import INDEXED, Holding
from video_rag.knowledge.dify.publish import is_edited, is_untouched
from video_rag.knowledge.dify.text import document_name, stem_of


def holding(
    video_id: str,
    rows: Sequence[RemoteDocument],
    held: Sequence[Sequence[Segment]] | None = None,
    *,
    library_id: str = "",
) -> Holding:
    """One row for all documents of a video; `held` are their segments, where they were read.

    The worst decides the state: `duplicate`, `error`, `paused`, `archived`, `indexing`,
    `disabled`, `empty`, `unfinished`, `edited`, or `indexed`.
    """
    state, problem = _worst(video_id, rows, held)
    revisions = {str(row.metadata.get("revision") or "") for row in rows}
    return Holding(
        document_id=video_id,
        remote_ids=tuple(row.id for row in rows),
        state=state,
        segments=sum(map(len, held)) if held is not None else None,
        revision=revisions.pop() if len(revisions) == 1 else "",
        problem=problem,
        whose=_whose(rows, library_id),
    )


def video_of(row: RemoteDocument) -> str:
    """The video whose document this is, whatever people call it; empty for one of another make.

    A name of ours and its metadata say the same; under another name it must bear our proof.
    """
    told = str(row.metadata.get("video_id") or "")
    if not told or has_own_name(row, told):
        return told
    is_ours = any(row.metadata.get(name) for name in ("fingerprint", "library"))
    return told if is_ours else ""


def has_own_name(row: RemoteDocument, video_id: str) -> bool:
    """Whether a document still has the name under which it was published."""
    return bool(stem_of(row.name)) and stem_of(row.name) == stem_of(document_name(video_id))


def _whose(
    rows: Sequence[RemoteDocument], library_id: str
) -> Literal["ours", "another's", "unknown"]:
    told = {str(row.metadata.get("library") or "") for row in rows}
    if told <= {library_id} and library_id:
        return "ours"
    return "another's" if told - {"", library_id} else "unknown"


def _copies(video_id: str, rows: Sequence[RemoteDocument]) -> str:
    """In words, what is there more than once; a person may have renamed one of them."""
    name, times = Counter(row.name for row in rows).most_common(1)[0]
    if times > 1:
        return f"{name} is there {times} times: publish again leaves one"
    kept = [row for row in rows if has_own_name(row, video_id)]
    proofs = {(row.metadata.get("revision"), row.metadata.get("fingerprint")) for row in kept}
    revisions = {revision for revision, _ in proofs}
    for row in rows:
        proof = (row.metadata.get("revision"), row.metadata.get("fingerprint"))
        if kept and row not in kept and (proof in proofs or proof[0] not in revisions):
            return f"it is there a second time as {row.name}: publish again leaves one"
    return ""


def _worst(
    video_id: str, rows: Sequence[RemoteDocument], held: Sequence[Sequence[Segment]] | None
) -> tuple[str, str]:
    if copies := _copies(video_id, rows):
        return "duplicate", copies
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
