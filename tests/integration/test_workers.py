"""`video-rag worker` in processes of its own: with RabbitMQ, and on one ledger without it."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from rabbitmq import Broker
from talks import SHEEP, STARS, write_talk

_NUMBERS = count(1)


class Site:
    """A library, its settings, and its command line."""

    def __init__(self, folder: Path, broker: Broker | None) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.env = {
            **os.environ,
            "VIDEO_RAG_HOME": str(self.home),
            "VIDEO_RAG_PIPELINE__TRANSCRIBERS": "subtitles",
            "VIDEO_RAG_PIPELINE__CLAIM_SECONDS": "5",
            "VIDEO_RAG_OBSERVERS__LOGS__FORMAT": "json",
        }
        if broker:
            self.env |= {
                "VIDEO_RAG_PIPELINE__QUEUE": "celery",
                "VIDEO_RAG_QUEUES__CELERY__URL": broker.url,
                "VIDEO_RAG_QUEUES__CELERY__PREFIX": f"w{next(_NUMBERS)}",
            }

    def run(self, *arguments: str, code: int | None = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "video_rag", *arguments],
            env=self.env,
            capture_output=True,
            check=False,
            text=True,
            timeout=120,
        )
        assert code is None or done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def json(self, *arguments: str) -> Any:
        done = subprocess.run(
            [sys.executable, "-m", "video_rag", *arguments, "--json"],
            env=self.env,
            capture_output=True,
            check=True,
            timeout=120,
        )
        return json.loads(done.stdout)

    @contextmanager
    def worker(self, *arguments: str, code: int | None = 0) -> Iterator[subprocess.Popen[bytes]]:
        """A worker that is drained at the end."""
        with (self.folder / "worker.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "video_rag", "worker", *arguments],
                env=self.env,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            yield process
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == code or code is None, self.log()
        finally:
            with_rest = [*_children(process.pid), process.pid]
            for pid in with_rest:
                _kill(pid)
            process.wait()

    def log(self) -> str:
        return (self.folder / "worker.log").read_text()

    def done(self) -> Counter[tuple[str, str]]:
        """How often workers did each stage of each video, by their logs."""
        lines = [line for line in self.log().splitlines() if line.startswith("{")]
        rows = [row for row in map(json.loads, lines) if row.get("message") == "stage done"]
        return Counter((row["video"], row["stage"]) for row in rows)

    def talks(self, many: int) -> str:
        for number in range(many):
            lines = [f"{line} {number}" for line in (SHEEP if number % 2 else STARS)]
            write_talk(self.folder / "videos" / f"talk {number}.srt", lines)
        return str(self.folder / "videos")

    def states(self) -> Counter[str]:
        """How many videos are in each state, straight from the ledger."""
        db = sqlite3.connect(self.home / "library.db")
        rows = db.execute("select state, count(*) from videos group by state").fetchall()
        db.close()
        return Counter(dict(rows))

    def documents(self) -> list[str]:
        return sorted(path.name for path in (self.home / "documents").glob("*.md"))


def _children(pid: int) -> list[int]:
    """The processes that a worker started to work, without Python's own helper."""
    tasks = Path(f"/proc/{pid}/task/{pid}/children")
    pids = [int(one) for one in tasks.read_text().split()] if tasks.exists() else []
    return [one for one in pids if b"spawn_main" in Path(f"/proc/{one}/cmdline").read_bytes()]


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _until(true: Callable[[], object], seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.2)


@pytest.fixture(params=["celery", "inline"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Site:
    shared = request.param == "celery"
    return Site(tmp_path, request.getfixturevalue("broker") if shared else None)


@pytest.fixture
def shared_site(broker: Broker, tmp_path: Path) -> Site:
    return Site(tmp_path, broker)


def test_add_hands_over_and_workers_do_it(shared_site: Site) -> None:
    site = shared_site
    told = site.run("add", site.talks(3))
    assert "3 queued" in told
    (request,) = site.json("requests", "list")
    assert request["state"] == "working"
    with site.worker("--concurrency", "2"):
        waited = site.run("add", site.talks(4), "--wait")
        assert waited.count("ready") >= 4 or "up to date" in waited
    assert site.states() == {"ready": 4}
    assert len(site.documents()) == 4
    site.run("run")
    rows = site.json("requests", "list")
    assert {row["state"] for row in rows} == {"done"}
    assert [{name: len(ids) for name, ids in row["result"].items()} for row in rows] == [
        {"new": 4},  # three of them were given before, and in no base yet
        {"new": 3},
    ]


def test_what_workers_brought_is_told_of_the_request_that_asked_for_it(shared_site: Site) -> None:
    site = shared_site
    path = write_talk(site.folder / "sheep.srt", SHEEP)
    with site.worker("--concurrency", "1"):
        site.run("add", str(path), "--wait")
        write_talk(path, STARS)
        site.run("add", str(path), "--wait")
    second, first = (
        site.json("requests", "show", row["request_id"]) for row in site.json("requests", "list")
    )
    assert first["result"] == {"new": first["video_ids"]}
    assert set(second["result"]) & {"waiting"} == set()
    assert second["state"] == "done"


def test_a_worker_and_its_processes_may_be_killed_again_and_again(shared_site: Site) -> None:
    site, moments = shared_site, random.Random(seed := random.randrange(10**6))
    many = 8
    site.run("add", site.talks(many))
    for number in range(4):
        with site.worker("--concurrency", "1", code=None) as process:
            time.sleep(moments.uniform(1.5, 4.0))
            victims = _children(process.pid)
            if number % 2 and victims:
                _kill(moments.choice(victims))
                time.sleep(moments.uniform(0.5, 1.5))
            _kill(process.pid)
    with site.worker("--concurrency", "1"):
        for _ in range(20):
            if site.states() == {"ready": many}:
                break
            site.run("tick", code=None)  # what a killed one held, and had its message for
            time.sleep(3)
    assert site.states() == {"ready": many}, f"seed {seed}: {site.log()}"
    assert len(site.documents()) == many
    assert site.json("queue", "dead", "list") == []


def test_every_message_brought_three_times_is_done_once(shared_site: Site) -> None:
    site = shared_site
    site.run("add", site.talks(2))
    db = sqlite3.connect(site.home / "library.db")
    for _ in range(2):
        db.execute("update due set sent = null")
        db.commit()
        site.run("tick")
    db.close()
    with site.worker("--concurrency", "2"):
        _until(lambda: site.states() == {"ready": 2})
    done = site.done()
    assert len(done) >= 10, site.log()
    assert set(done.values()) == {1}, done


def test_workers_share_a_ledger_without_a_broker(shared_site: Site) -> None:
    site = shared_site
    site.run("add", site.talks(3))
    site.env["VIDEO_RAG_PIPELINE__QUEUE"] = "inline"
    with site.worker("--concurrency", "1"), site.worker("--concurrency", "1"):
        _until(lambda: site.states() == {"ready": 3})
    assert len(site.documents()) == 3


def test_a_lane_whose_extra_is_missing_is_refused(site: Site) -> None:
    site.env["VIDEO_RAG_PIPELINE__TRANSCRIBERS"] = "subtitles,none-such"
    told = site.run("worker", "--lanes", "gpu", code=2)
    assert "none-such" in told
    assert "no lane 'cup'" in site.run("worker", "--lanes", "cup", code=2)
    assert "no lane is named" in site.run("worker", "--lanes", "", code=2)


def test_a_broker_that_is_away_is_one_line_and_what_was_asked_for_is_kept(tmp_path: Path) -> None:
    site = Site(tmp_path, None)
    site.env |= {
        "VIDEO_RAG_PIPELINE__QUEUE": "celery",
        "VIDEO_RAG_QUEUES__CELERY__URL": "amqp://guest:hidden-word@127.0.0.1:1//",
    }
    for command in (("worker",), ("queue", "dead", "list"), ("add", site.talks(1))):
        told = site.run(*command, code=4)
        assert "does not answer" in told
        assert "hidden-word" not in told
        assert "Traceback" not in told
    assert site.states() == {"queued": 1}
    (request,) = site.json("requests", "list")
    assert request["state"] == "queued"
    assert "does not answer" in request["failures"][0]["message"]


def test_what_could_not_be_handed_over_is_when_the_broker_is_there(
    shared_site: Site, broker: Broker
) -> None:
    site = shared_site
    site.env["VIDEO_RAG_QUEUES__CELERY__URL"] = "amqp://guest:guest@127.0.0.1:1//"
    site.run("add", site.talks(1), code=4)
    site.env["VIDEO_RAG_QUEUES__CELERY__URL"] = broker.url
    with site.worker("--concurrency", "1"):
        site.run("tick")
        _until(lambda: site.states() == {"ready": 1})
        site.run("tick")
    (request,) = site.json("requests", "list")
    assert (request["state"], request["failures"]) == ("done", [])


def test_a_worker_that_is_told_to_end_finishes_what_it_began_and_a_second_time_does_not(
    shared_site: Site,
) -> None:
    site = shared_site
    site.run("add", site.talks(6))
    with site.worker("--concurrency", "1") as process:
        _until(site.done)
    db = sqlite3.connect(site.home / "library.db")
    assert db.execute("select count(*) from claims where stage <> 'tick'").fetchone() == (0,)
    left = db.execute("select count(*) from due").fetchone()[0]
    db.close()
    assert left, "nothing was begun after the signal"
    assert process.returncode == 0
    with site.worker("--concurrency", "1"):
        _until(lambda: site.states() == {"ready": 6})
