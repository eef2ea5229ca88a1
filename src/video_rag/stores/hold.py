"""Holding a claim while working: renewed by a thread, so that long work keeps it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from video_rag.errors import VideoRagError
from video_rag.stores import Ledger
from video_rag.stores.owner import me


@contextmanager
def hold(ledger: Ledger, video_id: str, stage: str, seconds: float) -> Iterator[bool]:
    """Take a claim for the length of the block; gives False when somebody living has it.

    `seconds` after its holder died the claim is free for other hosts; on this host at once.
    """
    who = me()
    if not ledger.claim(video_id, stage, who, seconds):
        yield False
        return
    finished = threading.Event()

    def renew() -> None:
        while not finished.wait(seconds / 4):
            with suppress(VideoRagError):  # a full disk; whoever works meets it, too
                ledger.claim(video_id, stage, who, seconds)

    keeper = threading.Thread(target=renew, daemon=True)
    keeper.start()
    try:
        yield True
    finally:
        finished.set()
        keeper.join()
        ledger.release(video_id, stage, who)
