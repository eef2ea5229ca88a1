"""Runs stages: each once, wherever and however often a job arrives.

The ledger is the truth, the queue a hint. Whoever has the claim looks again whether the stage is
still stale; only whoever did the work submits what follows. A failure is a fact too: it stands
until its inputs change (the video's fault, a refusal) or until it is due (a server was away).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Protocol

from video_rag import causes, disk
from video_rag.causes import Cause
from video_rag.digest import Digest
from video_rag.errors import BackendError, DiskError, Lost, Unavailable, VideoRagError
from video_rag.model import Job
from video_rag.observers import (
    Event,
    Observer,
    StageDone,
    StageFailed,
    StageProgress,
    StageStarted,
    emit,
)
from video_rag.pipeline.judging import Judge
from video_rag.pipeline.plan import Stage
from video_rag.pipeline.results import kept
from video_rag.pipeline.work import Work
from video_rag.settings.redaction import redact, redact_urls
from video_rag.stores import Blobs, Failure, Ledger, Result
from video_rag.stores.agenda import Seen, Step
from video_rag.stores.hold import Hold
from video_rag.stores.owner import me

log = logging.getLogger("video_rag")

REPORT_SECONDS = 1.0
"""Between two notes in the ledger on how far a stage is."""
RETRY_AFTER = (60.0, 300.0, 1800.0, 7200.0)
"""Seconds until the second, third … try of a stage whose server was away."""


class Submit(Protocol):
    """Hands a job over, as `Queue.submit`."""

    def __call__(self, job: Job, route: str = ..., *, is_urgent: bool = ...) -> None:
        """Raises `Unavailable` or `Rejected`: then the ledger alone has it."""


class Engine:
    """Advances videos through a plan."""

    def __init__(
        self,
        judge: Judge,
        ledger: Ledger,
        blobs: Blobs,
        submit: Submit,
        observers: Sequence[Observer],
        scratch: Path,
        claim_seconds: float,
    ) -> None:
        self.plan = judge.plan
        self.judge = judge
        self._ledger = ledger
        self._blobs = blobs
        self._submit = submit
        self._observers = observers
        self._scratch = scratch
        self._claim_seconds = claim_seconds

    def advance(self, video_id: str) -> int:
        """Submit every stage that can run now; returns how many."""
        seen = self._ledger.agenda.see(video_id)
        ready = self.ready(seen)
        if seen and ready:
            self._cause(seen)
        for name, step in ready.items():
            is_urgent = seen is not None and seen.is_urgent
            self._submit(Job(video_id=video_id, stage=name), step.route, is_urgent=is_urgent)
        return len(ready)

    def handle(self, job: Job, *, is_taken: bool = False) -> None:
        """Run a job unless it is done, failed for good, or in other hands.

        `is_taken`: this thread has its claim already.
        """
        stage = self.plan.stage(job.stage)
        if not is_taken and job.stage not in self.ready(self._ledger.agenda.see(job.video_id)):
            return
        hold = Hold(self._ledger, job.video_id, job.stage, self._claim_seconds, is_mine=is_taken)
        with hold as held:
            seen = self._ledger.agenda.see(job.video_id) if held else None
            worked = False
            if seen and stage and stage.name in self.ready(seen):
                key = self.plan.keys(stage, seen.results)[0]
                worked = self._run(seen, stage, key, hold)
            elif seen:  # what was judged to be due is not
                self._ledger.agenda.judge({job.video_id: self.judge.verdict(seen)})
        if worked:
            try:
                self.advance(job.video_id)
            except BackendError as error:  # the ledger has what follows, and `tick` finds it
                told = redact(str(error))
                log.warning("%s: what follows is handed over later: %s", job.video_id, told)

    def _cause(self, seen: Seen) -> None:
        """Tell whoever does the work, here or elsewhere, for which request it is."""
        cause = causes.current()
        wanted = Cause(cause.request_id, cause.trace_id)
        if cause.request_id and wanted != seen.cause:
            with suppress(VideoRagError):  # an id in the log is not worth the work
                self._ledger.agenda.cause(seen.video_id, wanted)

    def ready(self, seen: Seen | None) -> dict[str, Step]:
        """The stages that can and may run now, by name; none of a video that is not there."""
        steps = self.judge.steps(seen) if seen else ()
        now = self._ledger.now() if steps else 0.0
        return {step.stage: step for step in steps if step.at <= now}

    def _run(self, seen: Seen, stage: Stage, key: Digest, hold: Hold) -> bool:
        cause = causes.current()
        with causes.caused_by(cause if cause.request_id else seen.cause):
            return self._run_caused(seen, stage, key, hold)

    def _run_caused(self, seen: Seen, stage: Stage, key: Digest, hold: Hold) -> bool:
        video_id = seen.video_id
        self._emit(StageStarted(video_id, stage.name, stage.plugin))
        begun = time.monotonic()
        progress = self._progress(video_id, stage.name)
        work = Work(video_id, self._blobs, seen.results, self._scratch, progress)
        try:
            value = stage.run(work)
            made = {stage.makes: kept(self._blobs, stage.makes, value, key)}
        except Lost as error:
            log.warning("%s of %s: %s; it is made again", stage.name, video_id, error)
            self._ledger.lose(error.digest)
            return True  # what is stale by that comes first
        except VideoRagError as error:
            self._fail(video_id, stage, key, error, time.monotonic() - begun)
            return False
        except (
            Exception
        ) as error:  # one of the three named places: a bug in one video stops no other
            refused = disk.foreseen(error, self._scratch) if isinstance(error, OSError) else None
            if refused is None:
                log.exception("bug in %s of %s", stage.name, video_id)
            self._fail(video_id, stage, key, refused or error, time.monotonic() - begun)
            return False
        made |= {f"image/{digest}": Result(digest, key) for digest in work.images}
        made |= work.kept
        hold.stop()
        if not self._commit(video_id, stage, made):
            log.warning("%s of %s: made too late, others took it over", stage.name, video_id)
            return False
        hold.given_back()
        seconds = time.monotonic() - begun
        self._emit(StageDone(video_id, stage.name, stage.plugin, seconds))
        return True

    def _commit(self, video_id: str, stage: Stage, made: Mapping[str, Result]) -> bool:
        """Keep a result; a ledger that goes away just then is asked again."""
        for last in (False, False, True):
            try:
                seen = self._ledger.agenda.see(video_id)
                verdict = self.judge.after(seen, stage.name, made) if seen else None
                return self._ledger.commit(video_id, stage.name, made, me(), verdict)
            except DiskError:
                raise
            except Unavailable:
                if last:
                    raise
        return False

    def _fail(
        self, video_id: str, stage: Stage, key: Digest, error: Exception, seconds: float
    ) -> None:
        seen = self._ledger.agenda.see(video_id)
        if seen is None:  # it was removed meanwhile
            return
        earlier = seen.failures.get(stage.name)
        attempts = 1 + (earlier.attempts if earlier and earlier.key == key else 0)
        due = None
        if isinstance(error, DiskError):
            due = self._ledger.now()  # as soon as somebody made room
        elif isinstance(error, Unavailable):
            wait = RETRY_AFTER[min(attempts, len(RETRY_AFTER)) - 1]
            due = self._ledger.now() + max(wait, error.retry_after or 0.0)
        elif isinstance(error, VideoRagError) and error.retry_after is not None:
            due = (
                self._ledger.now() + error.retry_after
            )  # a premiere, a talk that is not over, a "not a bot"
        kind = type(error).__name__ if isinstance(error, VideoRagError) else "Bug"
        message = " · ".join([str(error) or kind, *getattr(error, "__notes__", [])])
        hint = getattr(error, "hint", "") or ("" if kind != "Bug" else "please report this")
        if kind == "Bug":
            message = f"{type(error).__name__}: {message}"
        message, hint = redact(message), redact_urls(hint)
        reason = getattr(error, "reason", "")
        failure = Failure(stage.name, key, kind, message, hint, attempts, due, reason)
        verdict = self.judge.failed(seen, failure)
        self._ledger.fail(video_id, failure, me(), verdict)
        self._emit(
            StageFailed(
                video_id,
                stage.name,
                stage.plugin,
                kind,
                message,
                hint,
                retried=due is not None,
                seconds=seconds,
            )
        )

    def claim(self, video_id: str, stage: str) -> AbstractContextManager[bool]:
        """Hold a stage while working on it; gives False when it is in other hands."""
        return Hold(self._ledger, video_id, stage, self._claim_seconds)

    def _progress(self, video_id: str, stage: str) -> Callable[[float, str], None]:
        """Tell observers how far a stage is, and now and then everybody else."""
        who, told = me(), time.monotonic()

        def tell(share: float, note: str) -> None:
            nonlocal told
            self._emit(StageProgress(video_id, stage, share, note))
            if time.monotonic() - told >= REPORT_SECONDS:
                told = time.monotonic()
                wanted = True
                with suppress(VideoRagError):  # a note is not worth the work that it is about
                    wanted = self._ledger.agenda.report(video_id, stage, who, share, redact(note))
                if not wanted:
                    raise Unavailable(f"{video_id} was removed, or others took {stage} over")

        return tell

    def _emit(self, event: Event) -> None:
        emit(self._observers, event)
