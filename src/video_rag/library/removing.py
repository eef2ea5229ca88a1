"""Removing a video: first it leaves, in the ledger; then what is known of it goes, step by step.

Killed at any step, the next command that opens the library takes the removal up again: each step
is harmless when it was done before, and the ledger forgets the video last.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress

from video_rag.errors import Lost, VideoRagError
from video_rag.library.shelf import Shelf
from video_rag.model import MediaSet, Page, Video
from video_rag.stores import Result

log = logging.getLogger("video_rag")


def remove(shelf: Shelf, video_id: str) -> None:
    """Withdraw a video from every knowledge base, delete what is ours of it, and forget it.

    Nothing happens when another process is at it.
    """
    with shelf.engine.claim(video_id, "remove") as held:
        if held:
            _remove(shelf, video_id)


def _remove(shelf: Shelf, video_id: str) -> None:
    ledger = shelf.ledger
    results = ledger.leave(video_id)
    take_back(shelf, video_id, results)
    with suppress(Lost):
        if video := shelf.maybe(results, "video", Video):
            shelf.sources[video.source].discard(video)
    with suppress(Lost):
        if media := shelf.maybe(results, "media", MediaSet):
            shelf.tools.discard(video_id, media.files)
    ledger.remove(video_id)
    shelf.blobs.sweep(set(ledger.digests()))


def take_back(shelf: Shelf, video_id: str, results: Mapping[str, Result]) -> None:
    """Withdraw a document from every knowledge base, and delete its readable file."""
    for receipt in shelf.ledger.receipts(video_id):
        shelf.parts.knowledge(receipt.knowledge).withdraw(video_id, receipt)
    with suppress(Lost):
        if page := shelf.maybe(results, "page", Page):
            shelf.tools.documents.discard({page.path, *page.files})


def finish(shelf: Shelf) -> None:
    """Take up removals that were cut off; one that cannot be finished now stays begun."""
    for video_id in shelf.ledger.leaving():
        try:
            remove(shelf, video_id)
        except VideoRagError as error:
            log.warning("%s is still being removed: %s", video_id, error)
