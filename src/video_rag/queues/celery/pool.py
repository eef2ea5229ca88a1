"""Threads of a Celery worker that take what a person waits for before all else that is here."""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any

from celery.concurrency.base import apply_target
from celery.concurrency.thread import ApplyResult, TaskPool

from video_rag.queues.celery.messages import URGENT
from video_rag.settings.redaction import redact

log = logging.getLogger("video_rag")

_FOR_URGENT = 0.2
"""Seconds that a free thread waits at most after an urgent job for the next one to arrive."""

_Waiting = tuple[bool, int, Callable[[], None], Any]
"""Whether it is for later, its number, what runs it, and Celery's request."""


class Pool(TaskPool):  # type: ignore[misc]  # celery has no types
    """Threads that take what a person waits for before all else that is here."""

    stopping: threading.Event

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._waiting: list[_Waiting] = []
        self._numbers = itertools.count()
        self._came = threading.Condition()
        self._last_urgent = 0.0
        self._begun = dict[int, float]()
        """When each thread that works began with its stage."""

    def on_apply(self, target: Any, args: Any = None, kwargs: Any = None, **more: Any) -> Any:
        """Keep a task until a thread is free."""
        queue = str((args[2].get("delivery_info") or {}).get("routing_key", ""))
        is_later = not queue.endswith(URGENT)

        call = partial(
            apply_target, target, args, kwargs, more.get("callback"), more.get("accept_callback")
        )
        request = more["accept_callback"].__self__
        with self._came:
            one: _Waiting = (is_later, next(self._numbers), call, request)
            heapq.heappush(self._waiting, one)
            self._came.notify_all()
        begun = self.executor.submit(self._run)
        begun.add_done_callback(_told_if_broken)
        return ApplyResult(begun)

    def is_busy(self, seconds: float) -> bool:
        """Whether every thread has worked on one stage for so long."""
        with self._came:
            begun = list(self._begun.values())
        return len(begun) >= self.limit and time.monotonic() - max(begun) > seconds

    def take_back(self) -> list[Any]:
        """The requests that no thread has begun; it forgets them."""
        with self._came:
            waiting, self._waiting = self._waiting, []
        return [request for _is_later, _number, _call, request in waiting]

    def _run(self) -> None:
        """Run the first of what waits; nothing once the worker leaves: it goes back then."""
        with self._came:
            rest = _FOR_URGENT - (time.monotonic() - self._last_urgent)
            self._came.wait_for(self._is_clear, timeout=max(0.0, rest))
            if self.stopping.is_set() or not self._waiting:
                return
            is_later, _number, call, _request = heapq.heappop(self._waiting)
            self._begun[threading.get_ident()] = time.monotonic()
        try:
            call()
        finally:
            with self._came:
                del self._begun[threading.get_ident()]
        if not is_later:
            self._last_urgent = time.monotonic()

    def _is_clear(self) -> bool:
        """Whether there is nothing to wait for."""
        return self.stopping.is_set() or not self._waiting or not self._waiting[0][0]


def _told_if_broken(begun: Future[None]) -> None:
    """What goes wrong beside a task is no reason for silence; RabbitMQ brings the message again."""
    error = None if begun.cancelled() else begun.exception()
    if error is not None:
        log.error("Celery could not run a message: %s", redact(repr(error)))
