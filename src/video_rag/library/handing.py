"""Handing work over to those who share the queue: what is due, once, and again when it got lost."""

from __future__ import annotations

from collections.abc import Iterable

from video_rag.library.shelf import Shelf

_AT_ONCE = 5000
"""Jobs that one pass hands over; the next one goes on."""
_LOST_AFTER = 60.0
"""Seconds after which a job that was handed over, is in no hands and in no queue must be lost; or
as long as a claim, if that is shorter."""
_SURELY_LOST = 5
"""So many times that, it is handed over again though its route has messages: it may always have."""


def hand_over(shelf: Shelf, video_ids: Iterable[str]) -> None:
    """Hand over all that can be done now for videos that a person waits for.

    Raises `Unavailable` or `Rejected` when the queue takes nothing: the ledger has it all.
    """
    ids = list(video_ids)
    shelf.ledger.agenda.hurry(ids)
    for video_id in ids:
        shelf.engine.advance(video_id)


def hand_over_due(shelf: Shelf) -> list[str]:
    """Hand over what is due and was not yet, and what got lost; returns the videos.

    A message is lost when its worker met the claim of one that died later. Nothing is sent twice
    soon while its route still has messages: it may be one of them. All videos are judged by then.
    """
    agenda, now = shelf.ledger.agenda, shelf.ledger.now()
    new = agenda.to_send(_AT_ONCE, 0.0)
    known = {job for job, _route, _is_urgent in new}
    lost_after = min(_LOST_AFTER, shelf.settings.pipeline.claim_seconds)
    sure = {job for job, _, _ in agenda.to_send(_AT_ONCE, now - _SURELY_LOST * lost_after)}
    old = [one for one in agenda.to_send(_AT_ONCE, now - lost_after) if one[0] not in known]
    depth = shelf.queue.depth({route for _job, route, _is_urgent in old}) if old else {}
    lost = [
        one for one in old if one[0] in sure or not (depth[one[1]].waiting or depth[one[1]].urgent)
    ]
    for job, route, is_urgent in (*new, *lost):
        shelf.submit(job, route, is_urgent=is_urgent)
    return list(dict.fromkeys(job.video_id for job, _route, _is_urgent in (*new, *lost)))
