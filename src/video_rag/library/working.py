"""One process of a worker: takes stages of its routes, runs them, and settles what is ready."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from video_rag.errors import BackendError, DiskError, NotFound
from video_rag.library.adding import Adding
from video_rag.library.counting import PACE
from video_rag.library.shelf import Shelf
from video_rag.model import Job, Video
from video_rag.queues import NET
from video_rag.settings.redaction import redact
from video_rag.stores.owner import me, place

log = logging.getLogger("video_rag")

GIGABYTE = 1024**3
NEEDS = {"listen": 3 * GIGABYTE, "read": 2 * GIGABYTE}
"""Memory that stages take beside what every process has: models of speech, and of text."""
_REST = 0.5
"""Seconds between two looks for work, for memory, or for room at a site."""
_LONGEST_REST = 30.0


class Working:
    """Runs stages for a library, several at once in threads."""

    def __init__(self, shelf: Shelf, adding: Adding, memory: int) -> None:
        self._shelf = shelf
        self._adding = adding
        self._parts = max(1, memory // GIGABYTE)
        """Gigabytes that stages on this machine may take together."""

    def serve(self, routes: Sequence[str], threads: int, stopping: threading.Event) -> None:
        """Work until `stopping` is set; what was begun is finished."""
        ended = threading.Event()
        counter = threading.Thread(target=self._keep_counts, args=(ended,))
        counter.start()
        try:
            self._serve(routes, threads, stopping)
        finally:
            ended.set()
            counter.join()

    def _serve(self, routes: Sequence[str], threads: int, stopping: threading.Event) -> None:
        if self._shelf.queue.is_shared:
            self._shelf.queue.serve(self.handle, routes, threads, stopping=stopping)
            return
        others = [
            threading.Thread(target=self._take, args=(routes, stopping)) for _ in range(threads)
        ]
        for one in others:
            one.start()
        for one in others:
            one.join()

    def handle(self, job: Job) -> None:
        """Run a stage that a message brought. Raises `NotFound` for one that is unknown here."""
        if self._shelf.engine.plan.stage(job.stage) is None:
            raise NotFound(f"this version, with its settings, knows no stage {job.stage!r}")
        if self._is_crowded(job):
            time.sleep(_REST)
            seen = self._shelf.ledger.agenda.see(job.video_id)  # to the end: others may have room
            self._shelf.submit(job, NET, is_urgent=seen is not None and seen.is_urgent)
            return
        with self._memory_for(job.stage):
            self._shelf.engine.handle(job)
        self._adding.settle(job.video_id)

    def _keep_counts(self, ended: threading.Event) -> None:
        """Write down what was counted also when nothing more ends."""
        while not ended.wait(PACE):
            self._shelf.counting.close()

    def _take(self, routes: Sequence[str], stopping: threading.Event) -> None:
        """Take what is due from the ledger, stage after stage."""
        rest = _REST
        while not stopping.is_set():
            try:
                did = self._take_one(routes)
                rest = _REST if did else rest
            except BackendError as error:  # the ledger's own; those of stages are kept there
                log.warning("work waits: %s", redact(str(error)))
                did, rest = False, min(2 * rest, _LONGEST_REST)
            if not did:
                stopping.wait(rest)

    def _take_one(self, routes: Sequence[str]) -> bool:
        agenda, seconds = self._shelf.ledger.agenda, self._shelf.settings.pipeline.claim_seconds
        job = agenda.take(routes, me(), seconds)
        if job is None:
            return bool(self._shelf.engine.judge.catch_up(others=False))
        with self._memory_for(job.stage):
            self._shelf.engine.handle(job, is_taken=True)
        self._adding.settle(job.video_id)
        failure = self._shelf.ledger.failures(job.video_id).get(job.stage)
        if failure and failure.error == "DiskError":  # it is due at once, and would fail at once
            raise DiskError(failure.message, hint=failure.hint)
        return True

    def _is_crowded(self, job: Job) -> bool:
        """Whether as many are fetching at its site, on all hosts, as may."""
        if job.stage != "fetch":
            return False
        results = self._shelf.ledger.results(job.video_id)
        if "video" not in results:
            return False
        video = self._shelf.read(results, "video", Video)
        lane = self._shelf.sources[video.source].lane(video)
        if not lane.site:
            return False
        slots = f"site:{lane.site}"
        held = [one for one in self._shelf.ledger.agenda.at_work() if one.video_id == slots]
        return len(held) >= lane.width

    @contextmanager
    def _memory_for(self, stage: str) -> Iterator[None]:
        """Wait until there is memory for a stage, beside what runs on this machine."""
        wanted = min(NEEDS.get(stage, 0) // GIGABYTE, self._parts)
        while True:
            with ExitStack() as stack:
                if self._got(wanted, stack):
                    yield
                    return
            time.sleep(_REST)

    def _got(self, wanted: int, stack: ExitStack) -> bool:
        """Take so many of the gigabytes of this machine, or none."""
        got = 0
        for number in range(self._parts if wanted else 0):
            hold = self._shelf.engine.claim(f"memory:{place()}", f"gigabyte {number}")
            got += stack.enter_context(hold)
            if got == wanted:
                break
        return got == wanted
