"""The queues in RabbitMQ: how they are declared, and how a message gets into one."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from video_rag.errors import NeedsExtra
from video_rag.model import Job
from video_rag.queues import LANES, Depth

try:
    import celery
    from amqp.exceptions import NotFound
    from kombu.entity import Exchange, Queue
except ModuleNotFoundError as error:
    raise NeedsExtra("Celery", "celery") from error

from video_rag.queues.celery.dead import DeadLetters
from video_rag.queues.celery.messages import FORMAT, TASK, URGENT, task_id
from video_rag.queues.celery.options import CeleryOptions
from video_rag.queues.celery.troubles import told

_RETRIES = {"max_retries": 2, "interval_start": 0.0, "interval_step": 0.5, "interval_max": 1.0}
_CONNECT_SECONDS = 5.0
_LIMIT_OF_QUEUES = (3, 12)
"""The RabbitMQ from which on a queue has a time limit of its own."""


class Broker:
    """One RabbitMQ as the options name it; safe to use from several threads."""

    def __init__(self, options: CeleryOptions) -> None:
        self.options = options
        for name in ("celery", "kombu", "amqp"):  # they tell with tracebacks what is told here
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
        parts = urlsplit(options.url)
        self.where = f"{parts.hostname or '127.0.0.1'}:{parts.port or 5672}"
        self.app = self.new_app()
        dead = f"{options.prefix}.dead"
        self.dead_exchange = Exchange(dead, type="fanout", durable=True)
        # No quorum queue: looking at a dead letter puts it back, which those count.
        self.dead_queue = Queue(dead, self.dead_exchange, routing_key="", durable=True)

    def new_app(self, queues: Sequence[Any] = ()) -> Any:
        """A Celery of our settings; a worker's has the queues that it takes from."""
        app = celery.Celery("video_rag", broker=self.options.url, set_as_current=False)
        app.conf.update(_CONFIG, broker_connection_timeout=_CONNECT_SECONDS, task_queues=queues)
        return app

    def queue(self, route: str, *, is_urgent: bool = False) -> Any:
        """The queue of a route as it is declared, for publishers and workers alike."""
        options = self.options
        arguments = {
            "x-queue-type": "quorum",
            "x-delivery-limit": options.deliveries,
            "x-dead-letter-exchange": self.dead_exchange.name,
            "x-consumer-timeout": int(options.hold_hours * 3_600_000),
        }
        name = f"{options.prefix}.{route}{URGENT if is_urgent else ''}"
        # the nameless exchange: a message is addressed to the queue itself
        return Queue(name, routing_key=name, durable=True, queue_arguments=arguments)

    def route_of(self, queue: str) -> tuple[str, bool]:
        """The route that a queue serves, and whether for what a person waits for."""
        name = queue.removeprefix(f"{self.options.prefix}.")
        return name.removesuffix(URGENT), name.endswith(URGENT)

    def submit(self, job: Job, route: str, *, is_urgent: bool = False) -> None:
        """Send a job; returns when RabbitMQ has confirmed it. Raises `Unavailable`, `Rejected`."""
        with told(self.where), self.app.producer_or_acquire() as producer:
            self.declare_dead(producer.channel)
            self.app.send_task(
                TASK,
                args=[job.video_id, job.stage],
                kwargs={"version": FORMAT},
                task_id=task_id(job),
                queue=self.queue(route, is_urgent=is_urgent),
                producer=producer,
                retry=True,
                retry_policy=_RETRIES,
                confirm_timeout=self.options.confirm_seconds,
                ignore_result=True,
            )

    def declare_dead(self, channel: Any) -> None:
        """Make the place for dead letters, so that none is lost for want of it."""
        if self.dead_queue.name not in _declared(channel):
            self.dead_queue(channel).declare()
            _declared(channel).add(self.dead_queue.name)

    @contextmanager
    def channel(self) -> Iterator[Any]:
        """A connection for one errand."""
        with told(self.where), self.app.connection_for_write() as connection:
            connection.ensure_connection(max_retries=1, interval_start=0.1)
            yield connection.default_channel

    def depth(self, routes: Iterable[str]) -> Mapping[str, Depth]:
        """How much waits on each route, and how many workers read from it."""
        found = {}
        with self.channel() as channel:
            for route in routes:
                calm, urgent = (self._look(channel, route, is_urgent=is_it) for is_it in (0, 1))
                found[route] = Depth(calm[0], urgent[0], max(calm[1], urgent[1]))
        return found

    def _look(self, channel: Any, route: str, *, is_urgent: int) -> tuple[int, int]:
        name = self.queue(route, is_urgent=bool(is_urgent)).name
        with channel.connection.channel() as looking:  # which an unknown queue closes
            try:
                said = looking.queue_declare(name, passive=True)
            except NotFound:
                return 0, 0
        return int(said.message_count), int(said.consumer_count)

    def check(self) -> str:
        """Connect, and declare every queue as it will be used."""
        with self.channel() as channel:
            self.declare_dead(channel)
            for route in LANES:
                for is_urgent in (True, False):
                    self.queue(route, is_urgent=is_urgent)(channel).declare()
            said = channel.connection.server_properties
        return f"{said.get('product', 'AMQP')} {said.get('version', '')} at {self.where}".strip()

    def notes(self) -> list[tuple[str, str]]:
        """What a person should know of it, each with what to do."""
        with self.channel() as channel:
            version = str(channel.connection.server_properties.get("version", ""))
        many = self.dead_count()
        found = []
        if _number(version) < _LIMIT_OF_QUEUES:
            told = f"RabbitMQ {version} has one time limit for all queues, 30 minutes unless set:"
            told += " a stage that takes longer is done, but its message is brought once more"
            limit = int(self.options.hold_hours * 3_600_000)
            hint = f"consumer_timeout = {limit} in rabbitmq.conf, or RabbitMQ 3.12 or later"
            found.append((told, hint))
        if many:
            found.append((f"dead letters: {many}", "see `video-rag queue dead list`"))
        return found

    def dead_count(self) -> int:
        """How many messages were put aside."""
        with self.channel() as channel:
            self.declare_dead(channel)
            return int(channel.queue_declare(self.dead_queue.name, passive=True).message_count)

    def dead_letters(self) -> DeadLetters:
        """What was put aside."""
        return DeadLetters(self)


def _number(version: str) -> tuple[int, ...]:
    """`3.10.8` for comparing."""
    return tuple(int(part) for part in version.split(".")[:2] if part.isdigit())


def _declared(channel: Any) -> set[str]:
    """Names that were declared through a connection already."""
    known: set[str] = channel.connection.client.__dict__.setdefault("_video_rag_declared", set())
    return known


_CONFIG = {
    "task_acks_late": True,
    "task_acks_on_failure_or_timeout": False,
    "task_reject_on_worker_lost": True,
    "task_ignore_result": True,
    "task_serializer": "json",
    "accept_content": ["json"],
    "task_create_missing_queues": False,
    "worker_prefetch_multiplier": 1,
    "worker_detect_quorum_queues": True,
    "worker_enable_remote_control": False,
    "worker_send_task_events": False,
    "worker_hijack_root_logger": False,
    "worker_enable_prefetch_count_reduction": False,
    "worker_cancel_long_running_tasks_on_connection_loss": False,
    "broker_transport_options": {"confirm_publish": True},
    "broker_connection_retry_on_startup": True,
    "broker_connection_max_retries": None,
    "broker_channel_error_retry": True,
    "broker_heartbeat": 30,
}
