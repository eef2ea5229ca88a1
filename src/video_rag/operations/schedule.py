"""The built-in clock: calls `tick` and `run` at their times, once however many clocks there are.

The ledger remembers when each was last begun. A clock that finds one due takes its claim, looks
again, writes down that it begins, works, and writes down that it is done. So what was missed while
no clock ran is made up once, and what died in the middle is begun again by whichever clock is left.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from typing import Protocol

from video_rag.errors import BackendError, VideoRagError
from video_rag.library import Library
from video_rag.operations.desk import Desk
from video_rag.operations.tick import Ticked, run, tick
from video_rag.settings.redaction import redact
from video_rag.settings.schema import ScheduleSettings
from video_rag.stores.owner import now as clock_of_this_machine
from video_rag.stores.slots import Slot
from video_rag.text import cron

log = logging.getLogger("video_rag")

MOST_ATTEMPTS = 3
"""What ended so many clocks waits for its next time."""
WRONG_SECONDS = 300.0
"""A slot that lies further in the future is of a clock that was wrong."""
GRACE_SECONDS = 10.0
"""So long a clock that is told to end waits for its work to come to the next video."""
BEAT_SECONDS = 60.0
"""Cron knows nothing shorter."""


class Act(Protocol):
    """What is done at a time of the schedule; ends early when `is_over` says so."""

    def __call__(
        self, library: Library, *, is_over: Callable[[], bool], desk: Desk | None
    ) -> Ticked:
        """Do it once."""


ACTS: Mapping[str, Act] = {"run": run, "tick": tick}
"""In the order in which they are done when both are due: `run` does all that `tick` does."""


class Clock:
    """Does what the schedule names; any number of them may run on one library."""

    def __init__(
        self,
        opened: Callable[[], Library],
        schedule: ScheduleSettings,
        told: Callable[[str, Ticked], None] = lambda _name, _ticked: None,
        acts: Mapping[str, Act] = ACTS,
    ) -> None:
        """`opened` opens the library for a beat, so that one that was away is found again."""
        self._opened = opened
        self._told = told
        self._acts = acts
        self.zone = cron.zone(schedule.timezone)
        self.times = {name: text for name in acts if (text := getattr(schedule, name))}
        self._stopping = threading.Event()
        self._desk: Desk | None = None
        self._complaint = ""

    def next(self, name: str, now: float | None = None) -> float | None:
        """When something comes next (epoch); None: never."""
        return cron.after(
            self.times[name], clock_of_this_machine() if now is None else now, self.zone
        )

    def stop(self) -> None:
        """End soon; may be called by a signal's handler."""
        self._stopping.set()

    def run(self) -> None:
        """Do what is due, minute after minute, until `stop`.

        What goes wrong is logged, and tried again when it is next due. Work that cannot be ended
        within `GRACE_SECONDS` is left to die with the process, which the ledger makes harmless.
        """
        while not self._stopping.is_set():
            beat = threading.Thread(target=self._beat, name="video-rag-clock", daemon=True)
            beat.start()  # a bug ends this thread alone, with a traceback
            while beat.is_alive() and not self._stopping.is_set():
                beat.join(0.2)
            beat.join(GRACE_SECONDS if self._stopping.is_set() else None)
            if beat.is_alive() and self._desk is not None:  # in the middle of a long stage
                self._desk.leave()
            self._stopping.wait(BEAT_SECONDS - clock_of_this_machine() % BEAT_SECONDS)

    def beat(self, now: Callable[[], float] | None = None) -> list[str]:
        """Do what is due now; returns its names. Raises what keeps it from being done."""
        with closing(self._opened()) as library:
            clock = now or library.ledger.now
            return [name for name in self.times if self._once(library, name, clock)]

    def _beat(self) -> None:
        try:
            self.beat()
            self._complaint = ""
        except VideoRagError as error:
            hint = f"; {error.hint}" if error.hint else ""
            said = redact(f"{error}{hint}")
            if said != self._complaint:  # not every minute
                log.warning("the schedule waits: %s", said)
            self._complaint = said

    def _once(self, library: Library, name: str, now: Callable[[], float]) -> bool:
        """Do one thing, if it is due and in no other hands."""
        slots = library.ledger.slots
        seen = slots.get(name)
        if seen is None:  # nothing was missed before there was a clock
            slots.keep(None, Slot(name, now()))
            return False
        if not self._is_due(seen, now()):
            return False
        with library.hold(name, "schedule") as is_mine:
            seen = slots.get(name) if is_mine else None  # again: another may just have done it
            if seen is None or not self._is_due(seen, now()):
                return False
            tried = 0 if seen.is_done else seen.attempts
            begun = Slot(name, now(), is_done=False, attempts=tried + 1)
            return slots.keep(seen, begun) and self._do(library, begun, tried)

    def _do(self, library: Library, begun: Slot, tried: int) -> bool:
        """Do it and keep how it ended; told to stop, it is due still and nobody's fault."""
        ended = replace(begun, is_done=True)
        self._desk = Desk(library)
        try:
            ticked = self._acts[begun.name](library, is_over=self._stopping.is_set, desk=self._desk)
            if ticked.is_cut_short:
                ended = replace(begun, attempts=tried)
            self._told(begun.name, ticked)
        except BackendError as error:
            log.warning("%s: %s", begun.name, redact(str(error)))
        finally:
            self._desk = None
            library.ledger.slots.keep(begun, ended)
        return True

    def _is_due(self, seen: Slot, now: float) -> bool:
        """Whether it is time, or was when a clock died, or cannot be told as a clock was wrong."""
        if seen.at > now + WRONG_SECONDS or (not seen.is_done and seen.attempts < MOST_ATTEMPTS):
            return True
        due = cron.after(self.times[seen.name], seen.at, self.zone)
        return due is not None and due <= now
