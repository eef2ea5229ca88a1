"""A part of the videos with their states, from what a query gives for that part.

A state is not stored, since settings and plug-ins decide it. `failed`, `waiting` and `working`
videos are few, and the ledger knows who may be one. Who is `ready` is remembered for as long as
its results stay the same.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from video_rag.choices import State
from video_rag.library.looking import Looking
from video_rag.library.shelf import Shelf
from video_rag.library.status import Status
from video_rag.stores import Failure, Result, Shown


@dataclass(frozen=True)
class Part:
    """Some of the videos, and how many there are of their kind in all."""

    statuses: tuple[Status, ...]
    total: int


class Listing:
    """Lists videos; safe to use from several threads."""

    def __init__(self, shelf: Shelf, looking: Looking) -> None:
        self._ledger = shelf.ledger
        self._plan = shelf.engine.plan
        self._looking = looking
        self._ready: dict[str, tuple[int, bool]] = {}
        self._lock = threading.Lock()

    def part(self, wanted: Shown, state: State | None = None) -> Part:
        """See `Library.part`."""
        if state:
            wanted = replace(wanted, only=frozenset(self._in_state(state)))
        listed = self._ledger.page(wanted)
        told = self._told(listed.results, self._ledger.all_failures(), self._claimed())
        return Part(tuple(told), listed.total)

    def _in_state(self, state: State) -> Iterable[str]:
        """The videos in this state; some more may be among them that were just removed."""
        failures, claimed = self._ledger.all_failures(), self._claimed()
        if state in {"ready", "queued"}:
            is_ready = self._who_is_ready()
            if state == "ready":
                return [name for name, ready in is_ready.items() if ready]
            busy = failures.keys() | claimed
            quiet = [name for name, ready in is_ready.items() if not ready and name not in busy]
            return [*quiet, *self._among(busy, state, failures, claimed)]
        return self._among(failures.keys() | claimed, state, failures, claimed)

    def _among(
        self,
        names: Iterable[str],
        state: State,
        failures: Mapping[str, list[Failure]],
        claimed: set[str],
    ) -> list[str]:
        found = self._ledger.results_of(list(names))
        return [
            status.video.video_id
            for status in self._told(found, failures, claimed)
            if status.state == state
        ]

    def _who_is_ready(self) -> dict[str, bool]:
        """Whether each video is, looking anew only at those whose results are others."""
        found: dict[str, bool] = {}
        with self._lock:
            known, self._ready = self._ready, {}
            for name, results in self._ledger.all_results().items():
                if "video" not in results:
                    continue
                mark = _mark(results)
                before = known.get(name)
                is_ready = (
                    before[1] if before and before[0] == mark else not self._plan.stale(results)
                )
                self._ready[name] = (mark, is_ready)
                found[name] = is_ready
        return found

    def _told(
        self,
        found: Mapping[str, Mapping[str, Result]],
        failures: Mapping[str, list[Failure]],
        claimed: set[str],
    ) -> Iterator[Status]:
        for name, results in found.items():
            if "video" in results:
                yield self._looking.told(
                    results, failures.get(name, []), is_claimed=name in claimed
                )

    def _claimed(self) -> set[str]:
        return {video_id for video_id, _stage in self._ledger.claimed()}


def _mark(results: Mapping[str, Result]) -> int:
    return hash(frozenset((name, one.digest, one.key) for name, one in results.items()))
