"""The queue `celery` by itself, with a real RabbitMQ: what is sent, taken, put aside and told."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count

import amqp
import pytest

from rabbitmq import Broker
from video_rag.errors import NotFound, Rejected, Unavailable
from video_rag.model import Job
from video_rag.queues import DeadLetter, Depth
from video_rag.queues.celery import Celery

pytestmark = pytest.mark.filterwarnings("ignore::celery.exceptions.CPendingDeprecationWarning")
_NUMBERS = count(1)


@pytest.fixture
def queue(broker: Broker) -> Celery:
    """A queue of names of its own."""
    return Celery(Celery.Options(url=broker.url, prefix=f"t{next(_NUMBERS)}"))


def _job(name: object, stage: str = "listen") -> Job:
    return Job(video_id=f"v:{name}", stage=stage)


@contextmanager
def _served(queue: Celery, handle: Callable[[Job], None], *routes: str) -> Iterator[None]:
    """A worker in a thread, until the end of the block; what it began is done then."""
    stopping = threading.Event()
    how = {"stopping": stopping}
    worker = threading.Thread(target=queue.serve, args=(handle, routes or ("cpu",)), kwargs=how)
    worker.start()
    try:
        yield
    finally:
        stopping.set()
        worker.join(30)
        assert not worker.is_alive()


def _until(true: Callable[[], object], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.05)


def _send(broker: Broker, queue: str, body: bytes, **properties: object) -> None:
    """A message as any program may send one."""
    with amqp.Connection(f"127.0.0.1:{broker.port}") as line:
        line.channel().basic_publish(amqp.Message(body, **properties), routing_key=queue)


def test_a_job_is_handled_once_and_what_waits_is_counted_by_route(queue: Celery) -> None:
    assert "RabbitMQ" in queue.check()
    queue.submit(_job(1), "cpu")
    queue.submit(_job(2), "cpu", is_urgent=True)
    queue.submit(_job(3), "at.some-host")
    assert queue.depth(["cpu", "at.some-host", "at.nowhere"]) == {
        "cpu": Depth(1, 1, 0),
        "at.some-host": Depth(1, 0, 0),
        "at.nowhere": Depth(0, 0, 0),
    }
    done: list[Job] = []
    queue.serve(done.append, ["cpu"], until_idle=True)
    assert done == [_job(2), _job(1)]
    assert queue.depth(["cpu"]) == {"cpu": Depth(0, 0, 0)}


def test_what_a_person_waits_for_overtakes_fifty_that_wait(queue: Celery) -> None:
    for number in range(50):
        queue.submit(_job(number))
    done: list[str] = []
    submitted: list[int] = []

    def handle(job: Job) -> None:
        done.append(job.video_id)
        if len(done) == 3:
            for number in range(3):
                queue.submit(_job(f"now {number}"), is_urgent=True)
            submitted.append(len(done))

    with _served(queue, handle):
        _until(lambda: len(done) == 53)
    places = [done.index(f"v:now {number}") for number in range(3)]
    assert places == sorted(places)
    assert places[-1] <= submitted[0] + 3, done  # one at most was in the worker's hands already


def test_what_a_person_waits_for_is_not_held_up_by_the_wait_for_more_of_it(
    queue: Celery, monkeypatch: pytest.MonkeyPatch
) -> None:
    from video_rag.queues.celery import pool

    monkeypatch.setattr(pool, "_FOR_URGENT", 15.0)
    for number in range(20):
        queue.submit(_job(number))
        queue.submit(_job(f"now {number}"), is_urgent=True)
    done: list[str] = []
    with _served(queue, lambda job: done.append(job.video_id)):
        _until(lambda: sum("now" in one for one in done) == 20)
        assert len(done) <= 21  # one of the others may have come first
    assert queue.depth(["cpu"])["cpu"].waiting >= 19


def test_what_waits_behind_a_long_stage_is_given_to_others(queue: Celery) -> None:
    """One message of each queue comes to a worker that is at a stage already."""
    begun, end, done = threading.Event(), threading.Event(), list[str]()

    def handle(job: Job) -> None:
        if job == _job("long"):
            begun.set()
            end.wait(30)
        done.append(job.video_id)

    with _served(queue, handle):
        queue.submit(_job("long"))
        assert begun.wait(30)
        queue.submit(_job("now"), is_urgent=True)
        _until(lambda: queue.depth(["cpu"])["cpu"].urgent == 1)
        assert done == []
        end.set()
        _until(lambda: len(done) == 2)
        queue.submit(_job("later"))
        queue.submit(_job("now again"), is_urgent=True)
        _until(lambda: len(done) == 4)
    assert done[:2] == ["v:long", "v:now"]
    assert queue.depth(["cpu"])["cpu"] == Depth(0, 0, 0)
    assert queue.dead() == []


def test_a_message_goes_back_when_its_worker_leaves_before_it_is_begun(queue: Celery) -> None:
    for number in range(3):
        queue.submit(_job(number))
    queue.submit(_job("now"), is_urgent=True)
    begun, go_on = threading.Event(), threading.Event()
    done: list[Job] = []

    def handle(job: Job) -> None:
        begun.set()
        go_on.wait(20)
        done.append(job)

    with _served(queue, handle):
        assert begun.wait(20)
        threading.Timer(0.5, go_on.set).start()
    assert len(done) == 1, "what was begun is done, and nothing else is begun"
    depth = queue.depth(["cpu"])["cpu"]
    assert depth.waiting + depth.urgent == 3


def test_what_is_no_job_is_put_aside_and_told(
    queue: Celery, broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    queue.check()
    name = f"{queue.options.prefix}.cpu"
    headers = {"task": "video_rag.stage", "id": "1", "lang": "py"}
    known = {"content_type": "application/json", "content_encoding": "utf-8"}
    odd: list[tuple[bytes, dict[str, object]]] = [
        (b"hello", {}),
        (b"hello", {"content_type": "application/json"}),
        (b"\x80\x04K\x01.", {"content_type": "application/x-python-serialize"}),
        (b"[[], {}, {}]", {**known, "application_headers": {**headers, "task": "other.task"}}),
        (b"[[], {}, {}]", {**known, "application_headers": headers}),
        (b'[["v:1"], {"version": 1}, {}]', {**known, "application_headers": headers}),
        (b'[["v:1", 7], {"version": 1}, {}]', {**known, "application_headers": headers}),
        (b"not json", {**known, "application_headers": headers}),
        (b"7", {**known, "application_headers": headers}),
    ]
    for body, properties in odd:
        _send(broker, name, body, **properties)
    queue.submit(_job("good"))
    done: list[Job] = []
    with caplog.at_level(logging.WARNING, "video_rag"), _served(queue, done.append):
        _until(lambda: len(queue.dead()) == len(odd) and done)
    assert done == [_job("good")]
    assert [letter.job for letter in queue.dead() if letter.job] == []
    told = [line for line in caplog.messages if "dead letters" in line]
    assert len(told) == len(odd)
    assert queue.requeue() == [], "what is no job stays"
    assert len(queue.drop()) == len(odd)
    assert queue.dead() == []


def test_a_message_of_another_version_is_put_aside_and_can_be_sent_again(
    queue: Celery, broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    queue.check()
    body = json.dumps([["v:1", "listen"], {"version": 2}, {}]).encode()
    headers = {"task": "video_rag.stage", "id": "1", "lang": "py"}
    known = {"content_type": "application/json", "content_encoding": "utf-8"}
    name = f"{queue.options.prefix}.cpu.now"
    _send(broker, name, body, **known, application_headers=headers)
    done: list[Job] = []
    with caplog.at_level(logging.WARNING, "video_rag"), _served(queue, done.append):
        _until(queue.dead)
    assert done == []
    assert "version 2" in caplog.text
    (letter,) = queue.dead()
    assert (letter.job, letter.route) == (_job(1), name)
    for act in (queue.drop, queue.requeue):
        with pytest.raises(NotFound, match="no dead letter 'nothing'"):
            act(["nothing"])
    assert queue.requeue([letter.message_id]) == [letter]
    assert queue.depth(["cpu"])["cpu"] == Depth(0, 1, 0)
    with _served(queue, done.append):
        _until(lambda: done)
    assert done == [_job(1)]


def test_a_stage_that_this_version_does_not_know_is_put_aside(queue: Celery) -> None:
    def handle(job: Job) -> None:
        raise NotFound(f"no stage {job.stage}")

    queue.submit(_job(1, "dance"))
    with _served(queue, handle):
        _until(queue.dead)
    letter: DeadLetter = queue.dead()[0]
    assert letter.job == _job(1, "dance")
    assert "refused" in letter.why


def test_a_ledger_that_is_away_is_waited_for(queue: Celery) -> None:
    tries: list[Job] = []

    def handle(job: Job) -> None:
        tries.append(job)
        if len(tries) < 2:
            raise Unavailable("the database is away")

    queue.submit(_job(1))
    with _served(queue, handle):
        _until(lambda: len(tries) == 2)
    assert queue.dead() == []
    assert queue.depth(["cpu"])["cpu"] == Depth(0, 0, 0)


def test_a_queue_that_is_declared_otherwise_is_one_clear_error(
    queue: Celery, broker: Broker
) -> None:
    with amqp.Connection(f"127.0.0.1:{broker.port}") as line:
        line.channel().queue_declare(f"{queue.options.prefix}.cpu", durable=True, auto_delete=False)
    for use in (queue.check, lambda: queue.submit(_job(1)), lambda: queue.serve(print, ["cpu"])):
        with pytest.raises(Rejected, match="declared otherwise") as caught:
            use()
        assert "prefix" in caught.value.hint


@pytest.mark.parametrize(
    ("url", "kind", "told"),
    [
        ("amqp://guest:wrong@127.0.0.1:{port}//", Rejected, "refuses this user"),
        ("amqp://guest:guest@127.0.0.1:{port}/nowhere", Rejected, "virtual host"),
        ("amqp://guest:guest@127.0.0.1:1//", Unavailable, "does not answer"),
        ("amqp://guest:guest@no-such-host.invalid//", Unavailable, "does not answer"),
    ],
)
def test_a_broker_that_cannot_be_used_is_one_clear_error(
    broker: Broker, url: str, kind: type[Exception], told: str
) -> None:
    queue = Celery(Celery.Options(url=url.format(port=broker.port)))
    for use in (
        queue.check,
        lambda: queue.submit(_job(1)),
        lambda: queue.depth(["cpu"]),
        queue.dead,
        lambda: queue.serve(print, ["cpu"]),
    ):
        with pytest.raises(kind, match=told) as caught:
            use()
        assert "wrong" not in str(caught.value)
        assert "[queues.celery]" in caught.value.hint  # type: ignore[attr-defined]


def test_a_stage_longer_than_the_broker_waits_is_done_once_and_the_worker_goes_on(
    queue: Celery, caplog: pytest.LogCaptureFixture
) -> None:
    """`rabbitmq.CONSUMER_MS` is short: the broker closes the channel and brings the message again.

    Whoever gets it meets the claim of the one that works: here a set stands for the ledger.
    """
    held, done, refused = set[str](), list[str](), list[str]()

    def handle(job: Job) -> None:
        if job.video_id in held or job.video_id in done:
            refused.append(job.video_id)
            return
        held.add(job.video_id)
        time.sleep(9 if job.video_id == "v:long" else 0)
        held.discard(job.video_id)
        done.append(job.video_id)

    queue.submit(_job("long"))
    with caplog.at_level(logging.WARNING, "video_rag"), _served(queue, handle):
        _until(lambda: "v:long" in done)
        queue.submit(_job("next"))
        _until(lambda: "v:next" in done)
        _until(lambda: refused)
    assert sorted(done) == ["v:long", "v:next"]
    assert "what is being worked on goes on" in caplog.text


def test_a_broker_that_is_restarted_in_the_middle_loses_nothing(
    queue: Celery, broker: Broker
) -> None:
    done: list[str] = []
    begun = threading.Event()

    def handle(job: Job) -> None:
        begun.set()
        time.sleep(0.3)
        done.append(job.video_id)

    for number in range(12):
        queue.submit(_job(number))
    with _served(queue, handle):
        assert begun.wait(20)
        broker.stop()
        with pytest.raises(Unavailable, match="does not answer"):
            queue.submit(_job("away"))
        broker.start()
        queue.submit(_job("back"))
        _until(lambda: {f"v:{number}" for number in (*range(12), "back")} <= set(done), 60)
    assert queue.dead() == []
