"""Dead letters: messages that nobody could or would handle. They wait for a person."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from hashlib import sha256
from typing import Any, Protocol

from video_rag.errors import NotFound
from video_rag.model import Job
from video_rag.queues import DeadLetter
from video_rag.queues.celery.messages import job_in

_WHY = {
    "delivery_limit": "delivered too often: it ended the workers that took it",
    "rejected": "refused by a worker: see its log",
    "expired": "it waited too long",
    "maxlen": "its queue was full",
}


class Post(Protocol):
    """The broker, as far as it is needed here."""

    dead_queue: Any

    def channel(self) -> AbstractContextManager[Any]:
        """A connection for one errand."""

    def declare_dead(self, channel: Any) -> None:
        """Make the place for dead letters."""

    def submit(self, job: Job, route: str, *, is_urgent: bool = False) -> None:
        """Send a job."""

    def route_of(self, queue: str) -> tuple[str, bool]:
        """The route that a queue serves, and whether for what a person waits for."""


class DeadLetters:
    """Looks at the queue of dead letters. What is not taken out stays in it, in its order."""

    def __init__(self, broker: Post) -> None:
        self._broker = broker

    def listed(self) -> list[DeadLetter]:
        """All of them, the oldest first."""
        with self._all() as found:
            return [letter for letter, _message in found]

    def requeue(self, message_ids: Iterable[str]) -> list[DeadLetter]:
        """Send these once more, or all that are jobs; each goes only when it was sent.

        Raises `NotFound` for an id that none has, as `drop` does.
        """
        gone = []
        with self._chosen(message_ids) as found:
            for letter, message in found:
                if letter.job is None:
                    continue
                route, is_urgent = self._broker.route_of(letter.route)
                self._broker.submit(letter.job, route, is_urgent=is_urgent)
                message.ack()
                gone.append(letter)
        return gone

    def drop(self, message_ids: Iterable[str]) -> list[DeadLetter]:
        """Delete these, or all."""
        with self._chosen(message_ids) as found:
            for _letter, message in found:
                message.ack()
            return [letter for letter, _message in found]

    @contextmanager
    def _chosen(self, message_ids: Iterable[str]) -> Iterator[list[tuple[DeadLetter, Any]]]:
        wanted = set(message_ids)
        with self._all() as found:
            for unknown in wanted - {letter.message_id for letter, _message in found}:
                hint = "see `video-rag queue dead list`"
                raise NotFound(f"no dead letter {unknown!r}", hint=hint)
            yield [pair for pair in found if not wanted or pair[0].message_id in wanted]

    @contextmanager
    def _all(self) -> Iterator[list[tuple[DeadLetter, Any]]]:
        """The letters with their messages; at the end what was not acknowledged goes back."""
        with self._broker.channel() as channel:
            self._broker.declare_dead(channel)
            queue = self._broker.dead_queue(channel)
            found = []
            while (message := queue.get(no_ack=False, accept={"json"})) is not None:
                found.append((self._letter(message), message))
            try:
                yield found
            finally:
                channel.basic_recover(requeue=True)

    def _letter(self, message: Any) -> DeadLetter:
        death = (message.headers.get("x-death") or [{}])[0]
        reason, at = str(death.get("reason", "")), death.get("time")
        body = message.body if isinstance(message.body, bytes) else str(message.body).encode()
        name = f"{death.get('queue', '')} {at} ".encode() + body
        return DeadLetter(
            job=_job(message),
            route=str(death.get("queue", "")),
            why=_WHY.get(reason, reason or "sent here"),
            at=at.timestamp() if isinstance(at, datetime) else None,
            message_id=sha256(name).hexdigest()[:8],
        )


def _job(message: Any) -> Job | None:
    try:
        return job_in(message, of_any_version=True)
    except ValueError:
        return None
