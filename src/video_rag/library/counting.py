"""Counts the stages that end here, for `status`."""

from __future__ import annotations

import threading
import time
from collections import Counter

from video_rag.errors import VideoRagError
from video_rag.observers import Event, StageDone
from video_rag.plugins import Options
from video_rag.stores import Ledger
from video_rag.stores.owner import worker

_PACE = 5.0
"""Seconds between two writings: counting must cost nothing beside the work."""


class Counting:
    """An observer that keeps how many stages ended; what a kill takes along is a few."""

    version = 1

    def __init__(self, ledger: Ledger) -> None:
        self.options = Options()
        self._ledger = ledger
        self._lock = threading.Lock()
        self._many: Counter[str] = Counter()
        self._written = 0.0

    def __call__(self, event: Event) -> None:
        """Count one stage."""
        if not isinstance(event, StageDone):
            return
        with self._lock:
            self._many[event.stage.partition("@")[0]] += 1
            if time.monotonic() - self._written >= _PACE:
                self._write()

    def close(self) -> None:
        """Keep what was counted since."""
        with self._lock:
            self._write()

    def _write(self) -> None:
        if not self._many:
            return
        try:
            self._ledger.activity.count(worker(), self._many)
        except VideoRagError:  # no count is worth the work that it is about
            return
        self._many = Counter()
        self._written = time.monotonic()
