"""The stage table: what needs what, and the key that tells whether a result is fresh.

A result's key is a hash of the stage, its version, its plug-ins (name, version, options) and the
digests of its inputs. A stage is stale when the key it would have now is not the key stored, nor
one of those that earlier versions of its plug-ins, whose results are as good, gave it. So:
resume after anything; a changed option re-runs only what depends on it; and a stage that makes
the same result again stops the work there, because its followers' keys stay the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from video_rag.digest import Digest, of_value
from video_rag.model import Noun
from video_rag.pipeline.work import Work
from video_rag.stores import Result


@dataclass(frozen=True)
class Stage:
    """One step: a pure function from named results to another."""

    name: str
    needs: tuple[str, ...]
    makes: str
    run: Callable[[Work], Noun]
    plugin: str
    """What does the work, for people and metrics."""
    config: str
    """Digest of everything but the inputs that decides the result."""
    lane: str = "cpu"
    """Which kind of machine runs it: `net`, `cpu`, `gpu`."""
    version: int = 1
    of_source: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """For a stage that the video's source does: by its name what stands for `config`, and after it
    those that were made otherwise and are as good."""


@dataclass(frozen=True)
class Plan:
    """The stages in an order in which each follows what it needs."""

    stages: tuple[Stage, ...]

    @cached_property
    def digest(self) -> Digest:
        """What tells whether some result may be stale that was not: all that decides keys."""
        return of_value(
            [
                [s.name, list(s.needs), s.makes, s.version, s.config, sorted(s.of_source.items())]
                for s in self.stages
            ]
        )

    def stage(self, name: str) -> Stage | None:
        """The stage of that name; a queue may still hold jobs of a stage that is gone."""
        return next((stage for stage in self.stages if stage.name == name), None)

    def stale(self, results: Mapping[str, Result]) -> list[tuple[Stage, Digest]]:
        """The stages that can and must run now, with the key that each result would get."""
        results = _with_talk(results)
        found: list[tuple[Stage, Digest]] = []
        fresh = {"origins", "video", "talk"} & results.keys()
        for stage in self.stages:
            if not fresh.issuperset(stage.needs):
                continue
            keys = _keys(stage, results)
            if stage.makes in results and results[stage.makes].key in keys:
                fresh.add(stage.makes)
            else:
                found.append((stage, keys[0]))
        return found

    def keys(self, stage: Stage, results: Mapping[str, Result]) -> list[Digest]:
        """The key that the stage's result would get now, and those of results that are as good."""
        return _keys(stage, _with_talk(results))


def _with_talk(results: Mapping[str, Result]) -> Mapping[str, Result]:
    """Libraries from before there was a `talk` kept the video alone; it stands for both."""
    return {"talk": results["video"], **results} if "video" in results else results


def _keys(stage: Stage, results: Mapping[str, Result]) -> list[Digest]:
    inputs = [results[name].digest for name in stage.needs]
    source = results["origins"].key if "origins" in results else ""
    configs = stage.of_source.get(source, (stage.config,))
    return [key_of(stage.name, stage.version, config, inputs) for config in configs]


def key_of(stage: str, version: int, config: str, inputs: Sequence[str]) -> Digest:
    """The key of a result that is made from inputs of these digests."""
    return of_value([stage, version, config, list(inputs)])


def config_of(parts: Sequence[Digest], more: Any = None) -> Digest:
    """The config of a stage whose plug-ins have these keys; `more` decides its result, too."""
    return of_value([list(parts), more])
