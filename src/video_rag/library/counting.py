"""Counts what ends here, and how long it took: for `status`, `report performance` and metrics."""

from __future__ import annotations

import threading
import time

from video_rag import tallies
from video_rag.errors import VideoRagError
from video_rag.observers import Asked, Event, StageDone, StageFailed
from video_rag.plugins import Options
from video_rag.stores import Ledger
from video_rag.stores.activity import Ended, Outcome, site_of
from video_rag.stores.owner import worker

PACE = 5.0
"""Seconds between two writings: counting must cost nothing beside the work."""
STAGE_SECONDS = (0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0)
"""Upper bounds of the histogram of stages."""


class Counting:
    """An observer that keeps how many stages ended; what a kill takes along is a few."""

    version = 1

    def __init__(self, ledger: Ledger) -> None:
        self.options = Options()
        self._ledger = ledger
        self._lock = threading.Lock()
        self._ended: list[Ended] = []
        self._written = 0.0

    def __call__(self, event: Event) -> None:
        """Count one stage; an answer is counted by who asked, and written here."""
        if not isinstance(event, StageDone | StageFailed | Asked):
            return
        with self._lock:
            if not isinstance(event, Asked):
                self._count(event)
            if time.monotonic() - self._written >= PACE:
                self._write()

    def close(self) -> None:
        """Keep what was counted since."""
        with self._lock:
            self._write()

    def _count(self, event: StageDone | StageFailed) -> None:
        outcome: Outcome = "done"
        if isinstance(event, StageFailed):
            outcome = "retried" if event.retried else "failed"
            tallies.add("failures", stage=event.stage, error=event.error)
        stage, plugin, seconds = event.stage, event.plugin, event.seconds or 0.0
        tallies.add("stages", stage=stage, plugin=plugin, outcome=outcome)
        tallies.observe("stage_seconds", seconds, STAGE_SECONDS, stage=stage, plugin=plugin)
        if stage == "fetch":
            tallies.add("downloads", site=site_of(event.video_id), outcome=outcome)
        self._ended.append(Ended(event.video_id, stage, plugin, outcome, seconds))

    def _write(self) -> None:
        amounts = tallies.take()
        if not self._ended and not amounts:
            return
        try:
            self._ledger.activity.keep(worker(), self._ended, amounts)
        except VideoRagError:  # no count is worth the work that it is about
            tallies.give_back(amounts)
            return
        self._ended = []
        self._written = time.monotonic()
