"""Holding a claim while working: renewed by a thread, so that long work keeps it."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, suppress
from types import TracebackType

from video_rag.errors import VideoRagError
from video_rag.stores import Ledger
from video_rag.stores.owner import me


class Hold(AbstractContextManager[bool]):
    """A claim for the length of a block; gives False when somebody living has it.

    `seconds` after its holder died the claim is free for other hosts; on this host at once.
    `is_mine`: it was taken by this thread already.
    """

    def __init__(
        self, ledger: Ledger, video_id: str, stage: str, seconds: float, *, is_mine: bool = False
    ) -> None:
        self._ledger = ledger
        self._what = video_id, stage
        self._seconds = seconds
        self._is_mine = is_mine
        self._finished = threading.Event()
        self._keeper: threading.Thread | None = None
        self._who = me()

    def __enter__(self) -> bool:
        if not self._is_mine and not self._claim():
            return False
        self._is_mine = True
        self._keeper = threading.Thread(target=self._keep, daemon=True)
        self._keeper.start()
        return True

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.stop()
        if self._is_mine:
            self._ledger.release(*self._what, self._who)

    def stop(self) -> None:
        """Renew it no more: whoever commits gives it back with that."""
        self._finished.set()
        if self._keeper is not None:
            self._keeper.join()
            self._keeper = None

    def given_back(self) -> None:
        """It ended with a commit."""
        self._is_mine = False

    def _claim(self) -> bool:
        return self._ledger.claim(*self._what, self._who, self._seconds)

    def _keep(self) -> None:
        while not self._finished.wait(self._seconds / 4):
            with suppress(VideoRagError):  # a full disk; whoever works meets it, too
                self._claim()


def hold(ledger: Ledger, video_id: str, stage: str, seconds: float) -> AbstractContextManager[bool]:
    """Take a claim for the length of the block: see `Hold`."""
    return Hold(ledger, video_id, stage, seconds)
