"""How far a video is by a plan, and which of its stages can run when, on which route."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from video_rag.choices import State
from video_rag.digest import Digest, of_value
from video_rag.errors import Lost
from video_rag.model import MediaSet, Page, Video
from video_rag.pipeline.plan import Plan, Stage
from video_rag.pipeline.results import AnyNoun, load
from video_rag.pipeline.stages import as_listed
from video_rag.stores import Blobs, Failure, Ledger, Result
from video_rag.stores.agenda import Judged, Seen, Step, Verdict

log = logging.getLogger("video_rag")

VERSION = 1
"""Raised when videos are judged otherwise."""
_AT_ONCE = 500
_MANY = 20_000
"""Videos to be judged that take so long that it is told."""
_OF_FILES = ("listen", "look")
"""Stages that open the files of a video, beside the one that fetches them."""


@dataclass(frozen=True)
class Routes:
    """Which machines can run a stage: any with its lane, or one alone."""

    library: str = ""
    """The host of the documents' folder and of the embedded base; empty: every one has them."""
    kept_there: frozenset[str] = frozenset()
    """The stages that write there."""
    local: frozenset[str] = frozenset()
    """Sources whose files stay where their owner put them."""
    is_copied: bool = False
    """Whether fetching copies those files to where every machine finds them."""

    def of(self, stage: Stage, seen: Seen) -> str:
        """`net`, `cpu`, `gpu`, or `at.<host>`."""
        if self.library and stage.name in self.kept_there:
            return f"at.{self.library}"
        source = seen.results["origins"].key if "origins" in seen.results else ""
        opens = ("fetch",) if self.is_copied else ("fetch", *_OF_FILES)
        if seen.host and source in self.local and stage.name in opens:
            return f"at.{seen.host}"
        return stage.lane

    def digest(self) -> Digest:
        """What tells whether a stage may have another route than before."""
        return of_value([self.library, sorted(self.kept_there), sorted(self.local), self.is_copied])


class Judge:
    """Judges videos by one plan, and keeps what it finds in the ledger."""

    def __init__(self, plan: Plan, ledger: Ledger, blobs: Blobs, routes: Routes) -> None:
        self.plan = plan
        self._ledger = ledger
        self._blobs = blobs
        self._routes = routes

    @cached_property
    def digest(self) -> str:
        """What the ledger knows this plan by."""
        return of_value([VERSION, self.plan.digest, self._routes.digest()])[:16]

    def catch_up(self, *, others: bool = True) -> int:
        """Judge all videos that are not judged by this plan; returns how many.

        Killed in between, the next one goes on. Without `others` those stay that another plan
        judged: it may be in force elsewhere.
        """
        many = 0
        while some := self._ledger.agenda.unjudged(self.digest, _AT_ONCE, others=others):
            self._ledger.agenda.judge({seen.video_id: self.verdict(seen) for seen in some})
            many += len(some)
            if many % _MANY == 0:
                log.info("looked at %s videos to see what is due by the settings of now", many)
        return many

    def verdict(self, seen: Seen) -> Verdict:
        """How far a video is."""
        return Verdict(seen.change, self._judged(seen))

    def after(self, seen: Seen, stage: str, made: Mapping[str, Result]) -> Verdict:
        """How far it is once a stage made this."""
        kept = {name: row for name, row in seen.results.items() if name not in self._by(stage)}
        failures = {name: one for name, one in seen.failures.items() if name != stage}
        return self.verdict(replace(seen, results={**kept, **made}, failures=failures))

    def failed(self, seen: Seen, failure: Failure) -> Verdict:
        """How far it is once a stage failed."""
        return self.verdict(replace(seen, failures={**seen.failures, failure.stage: failure}))

    def _by(self, stage: str) -> Collection[str]:
        """The result that a stage makes; what it keeps beside decides nothing here."""
        known = self.plan.stage(stage)
        return (known.makes,) if known else ()

    def steps(self, seen: Seen) -> tuple[Step, ...]:
        """The stages that can run, each at its time."""
        return self._steps(seen, *self._found(seen))

    def _judged(self, seen: Seen) -> Judged:
        stale, stand = self._found(seen)
        state = state_of([stage.name for stage in stale], stand.values())
        judged = Judged(self.digest, state, self._steps(seen, stale, stand))
        return self._described(judged, seen.results)

    def _found(self, seen: Seen) -> tuple[list[Stage], dict[str, Failure]]:
        """The stages that are stale, and the failures of them that stand."""
        stale = [stage for stage, _key in self.plan.stale(seen.results)]
        keys = {stage.name: self.plan.keys(stage, seen.results) for stage in stale}
        return stale, standing(seen.failures.values(), keys)

    def _steps(
        self, seen: Seen, stale: Iterable[Stage], stand: Mapping[str, Failure]
    ) -> tuple[Step, ...]:
        return tuple(
            Step(stage.name, self._routes.of(stage, seen), at)
            for stage in stale
            if (at := _when(stand.get(stage.name))) is not None
        )

    def _described(self, judged: Judged, results: Mapping[str, Result]) -> Judged:
        """With what the video is listed and found by."""
        if "video" not in results:
            return replace(judged, steps=())
        own = self._fact(results, "video", Video)
        if own is None:
            row = results["video"].digest
            return replace(judged, title=row, url=row)
        video = as_listed(
            own, self._fact(results, "media", MediaSet), self._fact(results, "page", Page)
        )
        return replace(
            judged,
            title=video.title,
            url=own.url,
            duration=video.duration,
            published=video.published,
            collections=own.collections,
        )

    def _fact(
        self, results: Mapping[str, Result], name: str, noun: type[AnyNoun]
    ) -> AnyNoun | None:
        try:
            return load(self._blobs, results[name], noun) if name in results else None
        except Lost:
            return None


def standing(
    failures: Iterable[Failure], keys: Mapping[str, Collection[str]]
) -> dict[str, Failure]:
    """The failures of stages as they would run now, by stage: others were of other inputs."""
    return {one.stage: one for one in failures if one.key in keys.get(one.stage, ())}


def state_of(stale: Collection[str], stand: Iterable[Failure]) -> State:
    """How far a video is, from its stale stages and the failures that stand."""
    if not stale:
        return "ready"
    dues = [failure.due for failure in stand]
    if None in dues:
        return "failed"
    return "waiting" if dues else "queued"


def _when(failure: Failure | None) -> float | None:
    """When a stage may run, 0 for now; None: not before something changes."""
    return 0.0 if failure is None else failure.due
