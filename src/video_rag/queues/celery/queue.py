"""The queue that several machines share. What it is made of is imported when it is first used."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from video_rag.model import Job
from video_rag.once import Once
from video_rag.queues import CPU, DeadLetter, Depth, Handle
from video_rag.queues.celery.options import CeleryOptions

if TYPE_CHECKING:
    from video_rag.queues.celery.broker import Broker


class Celery:
    """Jobs as messages of one Celery task, in quorum queues of RabbitMQ, two for each route."""

    version = 1
    is_shared = True

    Options = CeleryOptions

    def __init__(self, options: CeleryOptions) -> None:
        self.options = options
        self._made: Once[Broker] = Once(self._make)

    def _make(self) -> Broker:
        from video_rag.queues.celery.broker import Broker

        return Broker(self.options)

    def submit(self, job: Job, route: str = CPU, *, is_urgent: bool = False) -> None:
        """Send a message and wait until RabbitMQ has confirmed that it keeps it."""
        self._made().submit(job, route, is_urgent=is_urgent)

    def serve(
        self,
        handle: Handle,
        routes: Sequence[str] = (),
        concurrency: int = 1,
        *,
        until_idle: bool = False,
        stopping: threading.Event | None = None,
    ) -> None:
        """Be a Celery worker of these routes in this thread; stages run in others."""
        from video_rag.queues.celery import worker

        halt = stopping or threading.Event()
        worker.serve(self._made(), handle, routes, concurrency, halt, until_idle=until_idle)

    def depth(self, routes: Iterable[str]) -> Mapping[str, Depth]:
        """What RabbitMQ says of each route; nothing of one that it does not know yet."""
        return self._made().depth(routes)

    def check(self) -> str:
        """One line on RabbitMQ. Raises `Unavailable` or `Rejected` with the remedy."""
        return self._made().check()

    def findings(self) -> list[tuple[Literal["note"], str, str]]:
        """What to know of a RabbitMQ that can be reached: rows of state, text, and what to do."""
        return [("note", text, hint) for text, hint in self._made().notes()]

    def dead_count(self) -> int:
        """How many were put aside. Raises `Unavailable` or `Rejected`."""
        return self._made().dead_count()

    def dead(self) -> list[DeadLetter]:
        """What was put aside, the oldest first."""
        return self._made().dead_letters().listed()

    def requeue(self, message_ids: Iterable[str] = ()) -> list[DeadLetter]:
        """Send these once more, or all that are jobs."""
        return self._made().dead_letters().requeue(message_ids)

    def drop(self, message_ids: Iterable[str] = ()) -> list[DeadLetter]:
        """Delete these, or all."""
        return self._made().dead_letters().drop(message_ids)
