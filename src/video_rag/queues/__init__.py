"""Who runs the stages, and when. A queue is a hint: the ledger is the truth.

A *route* is where a stage can be done: `net` asks other servers, `cpu` and `gpu` compute, and
`at.<host>` is what a single host has. What a person waits for is urgent: it goes first.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from video_rag.model import Job
from video_rag.plugins import Options

Handle = Callable[[Job], None]
NET, CPU, GPU = "net", "cpu", "gpu"
LANES = (NET, CPU, GPU)
"""The routes that any host may serve."""


@dataclass(frozen=True)
class Depth:
    """How much waits on a route."""

    waiting: int = 0
    urgent: int = 0
    """Of what a person waits for; not among `waiting`."""
    readers: int | None = None
    """Workers that take from it; None where nobody can tell."""


class Queue(Protocol):
    """Brings jobs to a handler, at least once, in any order."""

    version: int
    options: Options
    is_shared: bool
    """Whether workers in other processes get what is submitted."""

    def submit(self, job: Job, route: str = CPU, *, is_urgent: bool = False) -> None:
        """Hand a job over; the same job twice is harmless.

        Raises `Unavailable` or `Rejected` when it could not be handed over: the ledger has it.
        """

    def serve(
        self,
        handle: Handle,
        routes: Sequence[str] = (),
        concurrency: int = 1,
        *,
        until_idle: bool = False,
        stopping: threading.Event | None = None,
    ) -> None:
        """Call `handle` for each job of these routes, as many at once as `concurrency`.

        Until there is none, or for ever; ends before that when `stopping` is set, with the jobs
        that it has begun. No routes: whatever was submitted here.
        """

    def depth(self, routes: Iterable[str]) -> Mapping[str, Depth]:
        """How much waits, by route."""


@dataclass(frozen=True)
class DeadLetter:
    """A message that nobody could or would handle."""

    job: Job | None
    """What it asks for; None when it is no job."""
    route: str
    why: str
    """In a few words: delivered too often, refused."""
    at: float | None
    """When it was put aside (epoch)."""
    message_id: str
    """Names it to `requeue` and `drop`."""


@runtime_checkable
class Shared(Protocol):
    """What a queue on a server offers beside."""

    def check(self) -> str:
        """One line on the server. Raises `Unavailable` or `Rejected` with the remedy."""

    def dead(self) -> list[DeadLetter]:
        """What was put aside, the oldest first; it stays there."""

    def requeue(self, message_ids: Iterable[str] = ()) -> list[DeadLetter]:
        """Hand these jobs over once more, or all; what is no job stays. Returns what went."""

    def drop(self, message_ids: Iterable[str] = ()) -> list[DeadLetter]:
        """Delete these dead letters, or all. Returns what went."""
