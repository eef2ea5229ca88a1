"""How the work goes: what ended lately, what stands in the way, what waits longest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class Pace:
    """What ended within some time."""

    seconds: float
    """How long that time was: less than asked for when nothing was counted before."""
    stages: Mapping[str, int] = field(default_factory=dict)
    """How many, by stage."""


@dataclass(frozen=True)
class Trouble:
    """Failures of one kind."""

    error: str
    """The class of the error."""
    videos: int
    retried: int
    """How many of these are tried again by themselves."""


class Activity(Protocol):
    """What a ledger tells of the work. Every method is one transaction."""

    def count(self, worker: str, stages: Mapping[str, int]) -> None:
        """Add stages that just ended to those of this minute; forgets what is a day old."""

    def pace(self, seconds: float) -> Pace:
        """What ended in the last so many seconds."""

    def troubles(self) -> list[Trouble]:
        """Failures by kind, the most frequent first."""

    def oldest(self) -> float | None:
        """When the stage that waits longest on a queue was handed to it (epoch); None: none."""
