"""A part of the videos with their states, from what a query gives for that part.

What is judged of each video chooses and sorts; the states that are shown are found anew for the
videos of the part, so that they are right also where nothing can be written now.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace

from video_rag.choices import State
from video_rag.errors import VideoRagError
from video_rag.library.looking import Looking
from video_rag.library.shelf import Shelf
from video_rag.library.status import Status
from video_rag.stores import Shown


@dataclass(frozen=True)
class Part:
    """Some of the videos, and how many there are of their kind in all."""

    statuses: tuple[Status, ...]
    total: int


class Listing:
    """Lists videos; safe to use from several threads."""

    def __init__(self, shelf: Shelf, looking: Looking) -> None:
        self._ledger = shelf.ledger
        self._judge = shelf.engine.judge
        self._looking = looking
        self._is_first = True

    def part(self, wanted: Shown, state: State | None = None) -> Part:
        """See `Library.part`."""
        self.catch_up()
        claimed = {video_id for video_id, _stage in self._ledger.claimed()}
        if state == "working":
            wanted = replace(wanted, only=frozenset(self._working(claimed)))
        elif state:
            busy = self._working(claimed) if state in {"queued", "waiting"} else []
            wanted = replace(wanted, state=state, apart=frozenset(busy))
        listed = self._ledger.page(wanted)
        failures = self._ledger.failures_of(listed.results)
        told = (
            self._looking.told(results, failures.get(name, []), is_claimed=name in claimed)
            for name, results in listed.results.items()
            if "video" in results
        )
        return Part(tuple(told), listed.total)

    def unready(self) -> list[str]:
        """See `Library.unready`."""
        self.catch_up()
        return self._ledger.agenda.unready()

    def catch_up(self) -> None:
        """Have all videos judged, the first time also those that other settings judged."""
        with suppress(VideoRagError):  # a disk that cannot be written is told where it matters
            self._judge.catch_up(others=self._is_first)
            self._is_first = False

    def _working(self, claimed: set[str]) -> list[str]:
        """Which of the claimed videos are being worked on: `ready` ones may be held, too."""
        names = sorted(claimed)
        found, failures = self._ledger.results_of(names), self._ledger.failures_of(names)
        told = (
            self._looking.told(results, failures.get(name, []), is_claimed=True)
            for name, results in found.items()
            if "video" in results
        )
        return [status.video.video_id for status in told if status.state == "working"]
