"""A Celery worker in this process: takes messages, runs stages in threads, leaves in good order.

One process works on few stages at once, and a machine has several such processes: native code that
crashes or is killed for its memory ends one of them, models are loaded by those alone that need
them, and nothing is forked once threads run (ADR 34). Of Celery's parts only those remain that are
needed: no gossip, no events, no remote control, and none of the queues for delayed delivery.
"""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from celery import bootsteps
from celery.exceptions import Reject, WorkerShutdown
from celery.worker import WorkController, state
from celery.worker.consumer import Connection, Consumer, Tasks
from celery.worker.consumer.consumer import Evloop

from video_rag.errors import BackendError, VideoRagError
from video_rag.model import Job
from video_rag.queues import Handle
from video_rag.queues.celery.broker import Broker
from video_rag.queues.celery.messages import TASK, job_in
from video_rag.queues.celery.pool import Pool
from video_rag.queues.celery.troubles import told, trouble
from video_rag.settings.redaction import redact

log = logging.getLogger("video_rag")

_TICK = 0.05
"""Seconds between two looks of the worker's loop at what happens beside it."""
_LONG = 2.0
"""Seconds after which all that waits behind the stages of a process is given to others."""
_LONGEST_WAIT = 30.0
"""Seconds between two tries to reach RabbitMQ or the ledger."""


def serve(
    broker: Broker,
    handle: Handle,
    routes: Sequence[str],
    concurrency: int,
    stopping: threading.Event,
    *,
    until_idle: bool = False,
) -> None:
    """Work on messages of these routes until `stopping` is set, then end what was begun.

    A connection that is lost is made again. Raises `Unavailable` or `Rejected` when RabbitMQ
    cannot be used at the start.
    """
    broker.check()
    queues = [broker.queue(route, is_urgent=is_it) for is_it in (True, False) for route in routes]
    app = broker.new_app(queues)
    app.set_default()  # where the threads of its pool look their task up
    ours = {"broker": broker, "stopping": stopping, "until_idle": until_idle}
    app.conf.worker_consumer = type("Ours", (_Consumer,), ours)
    _task(app, handle, stopping)
    state.should_stop = None
    Pool.stopping = stopping
    worker = WorkController(
        app=app,
        pool_cls=Pool,
        concurrency=concurrency,
        queues=[one.name for one in queues],
        without_mingle=True,
        without_gossip=True,
    )
    try:
        with told(broker.where):
            worker.blueprint.start(worker)  # as its `start`, which would keep errors to itself
    except WorkerShutdown:
        pass
    finally:
        worker.stop()


def _task(app: Any, handle: Handle, stopping: threading.Event) -> None:
    """The one task: what a message asks for is handled, or the message is put aside."""

    def stage(video_id: str, stage: str, version: int) -> None:
        del version  # looked at when the message came
        job = Job(video_id=video_id, stage=stage)
        pauses = itertools.chain((1.0, 2.0, 5.0, 10.0), itertools.repeat(_LONGEST_WAIT))
        for pause in pauses:
            try:
                handle(job)
                return
            except BackendError as error:  # the ledger's own; those of stages are kept there
                log.warning("%s of %s waits: %s", job.stage, job.video_id, redact(str(error)))
                if stopping.wait(pause):
                    raise Reject(error, requeue=True) from error
            except VideoRagError as error:
                raise _aside(f"{job.stage} of {job.video_id}: {error}") from error

    app.task(name=TASK, shared=False, ignore_result=True)(stage)


def _aside(why: str) -> Reject:
    log.warning("put among the dead letters: %s; see `video-rag queue dead list`", redact(why))
    return Reject(why, requeue=False)


class _Watch(bootsteps.StartStopStep):  # type: ignore[misc]  # celery has no types
    """Lets the loop look around several times a second."""

    requires = (Tasks,)

    def register_with_event_loop(self, consumer: Any, hub: Any) -> None:
        """Begin to look, once connected."""
        hub.call_repeatedly(_TICK, consumer.look)


class _Consumer(Consumer):  # type: ignore[misc]  # celery has no types
    """Celery's consumer, of the parts that are needed, that says in our words what goes wrong."""

    broker: Broker
    stopping: threading.Event
    until_idle: bool

    class Blueprint(Consumer.Blueprint):  # type: ignore[misc]  # celery has no types
        default_steps = (Connection, Tasks, _Watch, Evloop)

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._is_leaving = False
        self._left = set[str]()
        self._idle_since = time.monotonic()

    def on_ready(self) -> None:
        super().on_ready()
        self._left.clear()  # a new connection takes from all queues
        self._idle_since = time.monotonic()

    def look(self) -> None:
        """Look at what happens beside the loop."""
        if self.until_idle and self._is_idle():
            self.stopping.set()
        if self.stopping.is_set():
            self._leave()
        elif self.pool.is_busy(_LONG):
            for request in self.pool.take_back():
                self._give_back(request)
        elif self._left:
            for name in self._left:
                route, is_urgent = self.broker.route_of(name)
                self.task_consumer.add_queue(self.broker.queue(route, is_urgent=is_urgent))
            self._left.clear()
            self.task_consumer.consume()

    def _give_back(self, request: Any) -> None:
        """Let others have what this process would begin only after a long stage.

        It takes nothing more from that queue until then. The message is sent anew: each time that
        one goes back RabbitMQ counts, and puts those that did so too often aside.
        """
        name = request.delivery_info["routing_key"]
        if name not in self._left:
            self.task_consumer.cancel_by_queue(name)
            self._left.add(name)
        route, is_urgent = self.broker.route_of(name)
        try:
            self.broker.submit(job_in(request.message), route, is_urgent=is_urgent)
            request.acknowledge()
        except BackendError:
            request.reject(requeue=True)
        state.task_ready(request)

    def _leave(self) -> None:
        """Take nothing more, and leave when all that was begun is done."""
        if not self._is_leaving:
            self._is_leaving = True
            self.task_consumer.cancel()
        if not state.active_requests:
            state.should_stop = 0

    def _is_idle(self) -> bool:
        if state.active_requests or state.reserved_requests:
            self._idle_since = time.monotonic()
        return time.monotonic() - self._idle_since > 1.0

    def ensure_connected(self, conn: Any) -> Any:
        def tell(error: BaseException, seconds: float) -> None:
            told = trouble(error, self.broker.where)
            log.warning("%s; trying again in %.0f s", redact(str(told)), seconds)

        def leave() -> None:
            if self.stopping.is_set():
                raise WorkerShutdown(0)

        return conn.ensure_connection(
            tell, None, interval_start=1, interval_step=2, interval_max=15, callback=leave
        )

    def on_connection_error_before_connected(self, exc: BaseException) -> None:
        log.warning("%s", redact(str(trouble(exc, self.broker.where))))
        self.stopping.wait(1.0)

    def on_connection_error_after_connected(self, exc: BaseException) -> None:
        told = redact(str(trouble(exc, self.broker.where)))
        log.warning("%s; what is being worked on goes on, and connecting again", told)
        super().on_connection_error_after_connected(exc)

    def create_task_handler(self, *args: Any, **more: Any) -> Callable[[Any], None]:
        receive = super().create_task_handler(*args, **more)

        def on_message(message: Any) -> None:
            try:
                job_in(message)
            except ValueError as error:  # which Celery would end its worker for
                _aside(str(error))
                message.reject()
            else:
                receive(message)

        return on_message
