"""This process, first in, first out; no server needed."""

from __future__ import annotations

import threading
from collections import deque

from video_rag.model import Job
from video_rag.plugins import Options as PluginOptions
from video_rag.queues import Handle


class Inline:
    """Jobs in memory. They are lost with the process, which the ledger makes harmless."""

    version = 1

    class Options(PluginOptions):
        """None."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self._jobs: deque[Job] = deque()
        self._lock = threading.Lock()  # downloads submit from threads of their own

    def submit(self, job: Job) -> None:
        """Put a job at the end, unless it waits already."""
        with self._lock:
            if job not in self._jobs:
                self._jobs.append(job)

    def serve(self, handle: Handle, *, until_idle: bool = False) -> None:
        """Handle what waits and what comes of it; `until_idle` makes no difference here."""
        del until_idle
        while (job := self._next()) is not None:
            handle(job)

    def _next(self) -> Job | None:
        with self._lock:
            return self._jobs.popleft() if self._jobs else None
