"""Who runs the stages, and when. A queue is a hint: the ledger is the truth."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from video_rag.model import Job
from video_rag.plugins import Options

Handle = Callable[[Job], None]


class Queue(Protocol):
    """Brings jobs to a handler, at least once, in any order."""

    version: int
    options: Options

    def submit(self, job: Job) -> None:
        """Hand a job over; the same job twice is harmless."""

    def serve(self, handle: Handle, *, until_idle: bool = False) -> None:
        """Call `handle` for each job, until there is none or for ever."""
