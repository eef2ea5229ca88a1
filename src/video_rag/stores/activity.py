"""How the work goes: what ended lately, what stands in the way, what waits longest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from video_rag.tallies import Series

Outcome = Literal["done", "retried", "failed"]
"""How a stage ended; `retried`: it failed, and is tried again by itself."""


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


@dataclass(frozen=True)
class Ended:
    """A stage that ended."""

    video_id: str
    stage: str
    plugin: str
    outcome: Outcome
    seconds: float


@dataclass(frozen=True)
class Timing:
    """Stages of one kind that ended, and how long they took together. Times are seconds."""

    stage: str
    plugin: str
    site: str
    """What the ids of its videos begin with: `youtube`, `file`."""
    length: str
    """One of `LENGTHS`."""
    outcome: Outcome
    many: int
    seconds: float
    longest: float
    duration: float
    """Of the videos, added up; 0 for those of which it is not known."""


@dataclass(frozen=True)
class Holdings:
    """How many documents there are, and where."""

    documents: int
    published: Mapping[str, int]
    """By knowledge base, those that it has confirmed."""
    lacking: Mapping[str, int]
    """By knowledge base, those that it has not."""


LENGTHS: tuple[tuple[str, float], ...] = (
    ("under 5 min", 300.0),
    ("5 to 20 min", 1200.0),
    ("20 to 60 min", 3600.0),
    ("1 to 2 h", 7200.0),
    ("over 2 h", float("inf")),
    ("unknown", float("nan")),
)
"""Classes of videos by length, each with its upper bound in seconds."""


def length_of(duration: float | None) -> str:
    """The class of a video's length."""
    if duration is None:
        return LENGTHS[-1][0]
    return next(name for name, bound in LENGTHS if duration < bound)


def site_of(video_id: str) -> str:
    """The site that a video is from, as its id names it."""
    return video_id.partition(":")[0]


class Activity(Protocol):
    """What a ledger tells of the work. Every method is one transaction."""

    def count(self, worker: str, stages: Mapping[str, int]) -> None:
        """Add stages that just ended to those of this minute; forgets what is a day old."""

    def keep(self, worker: str, ended: Sequence[Ended], amounts: Mapping[Series, float]) -> None:
        """Count the same, with how long each took, and what was counted for metrics."""

    def timings(self, since: float = 0.0) -> list[Timing]:
        """How long stages took that ended on the day of `since` (epoch) or later."""

    def tallies(self) -> dict[Series, float]:
        """What was counted for metrics, by all processes."""

    def holdings(self, bases: Sequence[str]) -> Holdings:
        """How many documents there are, and how many these bases and others have of them."""

    def failing(self) -> dict[tuple[str, str], int]:
        """How many failures stand, by stage and class of error."""

    def pace(self, seconds: float) -> Pace:
        """What ended in the last so many seconds."""

    def troubles(self) -> list[Trouble]:
        """Failures by kind, the most frequent first."""

    def oldest(self) -> float | None:
        """When the stage that waits longest on a queue was handed to it (epoch); None: none."""
