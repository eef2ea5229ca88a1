"""The stage table: what needs what, and the key that tells whether a result is fresh.

A result's key is a hash of the stage, its version, its plug-ins (name, version, options) and the
digests of its inputs. A stage is stale when the key it would have now is not the key stored. So:
resume after anything; a changed option re-runs only what depends on it; and a stage that makes
the same result again stops the work there, because its followers' keys stay the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

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
    version: int = 1


@dataclass(frozen=True)
class Plan:
    """The stages in an order in which each follows what it needs."""

    stages: tuple[Stage, ...]

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
            key = key_of(stage, results)
            if stage.makes in results and results[stage.makes].key == key:
                fresh.add(stage.makes)
            else:
                found.append((stage, key))
        return found


def _with_talk(results: Mapping[str, Result]) -> Mapping[str, Result]:
    """Libraries from before there was a `talk` kept the video alone; it stands for both."""
    return {"talk": results["video"], **results} if "video" in results else results


def key_of(stage: Stage, results: Mapping[str, Result]) -> Digest:
    """The key that the stage's result has when made from these inputs."""
    inputs = [results[name].digest for name in stage.needs]
    return of_value([stage.name, stage.version, stage.config, inputs])
