"""Answers within a time limit, for callers that give up, and ask again, after a few seconds."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Generic, TypeVar

from video_rag.causes import carried
from video_rag.errors import Unavailable

Made = TypeVar("Made")

WORKERS = 4
MOST_WAITING = 64
KEPT_SECONDS = 30.0
"""So long the answer to a question that came too late waits for it to be asked again."""


class Timely(Generic[Made]):
    """Runs work in the background and waits for it, but not for long.

    Work that takes longer goes on, and who asks the same again takes part in it: the retries of an
    impatient caller do not start the work anew, and mostly find it done.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="video-rag-timely")
        self._running: dict[Hashable, tuple[float, Future[Made]]] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, work: Callable[[], Made]) -> Made:
        """What `work` returns or raises, equal keys meaning equal work.

        Raises `Unavailable` when it is not done in time, or when too much else waits.
        """
        future = self._future(key, work)
        if not wait([future], self.seconds).done:
            raise Unavailable(
                f"the search takes longer than {self.seconds:g} s", hint="ask again shortly"
            )
        with self._lock:
            if key in self._running and self._running[key][1] is future:
                del self._running[key]
        return future.result()

    def close(self) -> None:
        """Begin nothing more."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _future(self, key: Hashable, work: Callable[[], Made]) -> Future[Made]:
        with self._lock:
            now = time.monotonic()
            for old, (since, future) in list(self._running.items()):
                if future.done() and now - since > KEPT_SECONDS:
                    del self._running[old]
            if key not in self._running:
                if len(self._running) >= MOST_WAITING:
                    raise Unavailable("too many searches wait already", hint="ask again")
                self._running[key] = (now, self._pool.submit(carried(work)))
            return self._running[key][1]
