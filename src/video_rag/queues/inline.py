"""This process, what a person waits for first, else first in, first out; no server needed."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Mapping, Sequence

from video_rag.model import Job
from video_rag.plugins import Options as PluginOptions
from video_rag.queues import CPU, Depth, Handle


class Inline:
    """Jobs in memory. They are lost with the process, which the ledger makes harmless."""

    version = 1
    is_shared = False

    class Options(PluginOptions):
        """None."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self._urgent: deque[tuple[Job, str]] = deque()
        self._others: deque[tuple[Job, str]] = deque()
        self._lock = threading.Lock()  # downloads submit from threads of their own

    def submit(self, job: Job, route: str = CPU, *, is_urgent: bool = False) -> None:
        """Put a job at the end, unless it waits already."""
        wanted = self._urgent if is_urgent else self._others
        with self._lock:
            if all(job != one for one, _ in (*self._urgent, *self._others)):
                wanted.append((job, route))

    def serve(
        self,
        handle: Handle,
        routes: Sequence[str] = (),
        concurrency: int = 1,
        *,
        until_idle: bool = False,
        stopping: threading.Event | None = None,
    ) -> None:
        """Handle what waits and what comes of it, one after another, until there is no more."""
        del concurrency, until_idle
        while not (stopping and stopping.is_set()) and (job := self._next(routes)) is not None:
            handle(job)

    def depth(self, routes: Iterable[str]) -> Mapping[str, Depth]:
        """How much waits in this process."""
        with self._lock:
            return {
                route: Depth(_count(self._others, route), _count(self._urgent, route))
                for route in routes
            }

    def _next(self, routes: Sequence[str]) -> Job | None:
        with self._lock:
            for waiting in (self._urgent, self._others):
                for pair in waiting:
                    if not routes or pair[1] in routes:
                        waiting.remove(pair)
                        return pair[0]
        return None


def _count(waiting: Iterable[tuple[Job, str]], route: str) -> int:
    return sum(1 for _, its in waiting if its == route)
