"""Runs stages: each once, wherever and however often a job arrives.

The ledger is the truth, the queue a hint. Whoever has the claim looks again whether the stage is
still stale; only whoever did the work submits what follows. A failure is a fact too: it stands
until its inputs change (the video's fault, a refusal) or until it is due (a server was away).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from video_rag import disk
from video_rag.digest import Digest
from video_rag.errors import DiskError, Lost, Unavailable, VideoRagError
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
from video_rag.pipeline.plan import Plan, Stage
from video_rag.pipeline.results import kept
from video_rag.pipeline.work import Work
from video_rag.settings.redaction import redact, redact_urls
from video_rag.stores import Blobs, Failure, Ledger, Result
from video_rag.stores.hold import hold
from video_rag.stores.owner import me, now

log = logging.getLogger("video_rag")

RETRY_AFTER = (60.0, 300.0, 1800.0, 7200.0)
"""Seconds until the second, third … try of a stage whose server was away."""


class Engine:
    """Advances videos through a plan."""

    def __init__(
        self,
        plan: Plan,
        ledger: Ledger,
        blobs: Blobs,
        submit: Callable[[Job], None],
        observers: Sequence[Observer],
        scratch: Path,
        claim_seconds: float,
    ) -> None:
        self.plan = plan
        self._ledger = ledger
        self._blobs = blobs
        self._submit = submit
        self._observers = observers
        self._scratch = scratch
        self._claim_seconds = claim_seconds

    def advance(self, video_id: str) -> int:
        """Submit every stage that can run now; returns how many."""
        ready = self._ready(video_id)
        for name in ready:
            self._submit(Job(video_id=video_id, stage=name))
        return len(ready)

    def handle(self, job: Job) -> None:
        """Run a job unless it is done, failed for good, or in other hands."""
        stage = self.plan.stage(job.stage)
        if stage is None or self._key_if_ready(job.video_id, stage) is None:
            return
        with self.claim(job.video_id, stage.name) as held:
            key = self._key_if_ready(job.video_id, stage) if held else None
            worked = key is not None and self._run(job.video_id, stage, key)
        if worked:
            self.advance(job.video_id)

    def ready(
        self, results: Mapping[str, Result], failures: Iterable[Failure]
    ) -> dict[str, Digest]:
        """The stages that can and may run now, with the keys that their results would get."""
        stale = self.plan.stale(results)
        if not stale:
            return {}
        known = {failure.stage: failure for failure in failures}
        return {
            stage.name: key
            for stage, key in stale
            if not _stands(known.get(stage.name), self.plan.keys(stage, results))
        }

    def _ready(self, video_id: str) -> dict[str, Digest]:
        results = self._ledger.results(video_id)
        return self.ready(results, self._ledger.failures(video_id).values()) if results else {}

    def _key_if_ready(self, video_id: str, stage: Stage) -> Digest | None:
        return self._ready(video_id).get(stage.name)

    def _run(self, video_id: str, stage: Stage, key: Digest) -> bool:
        self._emit(StageStarted(video_id, stage.name, stage.plugin))
        begun = time.monotonic()
        results = self._ledger.results(video_id)
        work = Work(
            video_id, self._blobs, results, self._scratch, self._progress(video_id, stage.name)
        )
        try:
            value = stage.run(work)
            made = {stage.makes: kept(self._blobs, stage.makes, value, key)}
        except Lost as error:
            log.warning("%s of %s: %s; it is made again", stage.name, video_id, error)
            self._ledger.lose(error.digest)
            return True  # what is stale by that comes first
        except VideoRagError as error:
            self._fail(video_id, stage, key, error)
            return False
        except (
            Exception
        ) as error:  # one of the three named places: a bug in one video stops no other
            refused = disk.foreseen(error, self._scratch) if isinstance(error, OSError) else None
            if refused is None:
                log.exception("bug in %s of %s", stage.name, video_id)
            self._fail(video_id, stage, key, refused or error)
            return False
        made |= {f"image/{digest}": Result(digest, key) for digest in work.images}
        made |= work.kept
        if not self._ledger.commit(video_id, stage.name, made, me()):
            log.warning("%s of %s: made too late, others took it over", stage.name, video_id)
            return False
        seconds = time.monotonic() - begun
        self._emit(StageDone(video_id, stage.name, stage.plugin, seconds))
        return True

    def _fail(self, video_id: str, stage: Stage, key: Digest, error: Exception) -> None:
        earlier = self._ledger.failures(video_id).get(stage.name)
        attempts = 1 + (earlier.attempts if earlier and earlier.key == key else 0)
        due = None
        if isinstance(error, DiskError):
            due = now()  # as soon as somebody made room
        elif isinstance(error, Unavailable):
            wait = RETRY_AFTER[min(attempts, len(RETRY_AFTER)) - 1]
            due = now() + max(wait, error.retry_after or 0.0)
        elif isinstance(error, VideoRagError) and error.retry_after is not None:
            due = now() + error.retry_after  # a premiere, a talk that is not over, a "not a bot"
        kind = type(error).__name__ if isinstance(error, VideoRagError) else "Bug"
        message = " · ".join([str(error) or kind, *getattr(error, "__notes__", [])])
        hint = getattr(error, "hint", "") or ("" if kind != "Bug" else "please report this")
        if kind == "Bug":
            message = f"{type(error).__name__}: {message}"
        message, hint = redact(message), redact_urls(hint)
        failure = Failure(stage.name, key, kind, message, hint, attempts, due)
        self._ledger.fail(video_id, failure)
        self._emit(
            StageFailed(
                video_id, stage.name, stage.plugin, kind, message, hint, retried=due is not None
            )
        )

    def claim(self, video_id: str, stage: str) -> AbstractContextManager[bool]:
        """Hold a stage while working on it; gives False when it is in other hands."""
        return hold(self._ledger, video_id, stage, self._claim_seconds)

    def _progress(self, video_id: str, stage: str) -> Callable[[float, str], None]:
        return lambda share, note: self._emit(StageProgress(video_id, stage, share, note))

    def _emit(self, event: Event) -> None:
        emit(self._observers, event)


def _stands(failure: Failure | None, keys: Sequence[str]) -> bool:
    """Whether a failure still keeps a stage from being tried."""
    if failure is None or failure.key not in keys:
        return False
    return failure.due is None or failure.due > now()
