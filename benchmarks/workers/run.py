"""What distribution costs a video, and how people fare while workers work.

*Overhead*: the same lectures with slides (the sample, made different by a few bytes at its end) are
worked on by two processes of `video-rag worker`, once on one ledger in SQLite with folders, once
over RabbitMQ, PostgreSQL and a bucket. From the start of the workers to the last one ready; the
videos were given before, since on one machine `add` would work, too.
*People*: 1, 4, 16 and 64 clients search through `serve` while four workers process lectures.

    PYTHONPATH=tests .venv/bin/python benchmarks/workers/run.py overhead [--videos 4] [--rounds 3]
    PYTHONPATH=tests .venv/bin/python benchmarks/workers/run.py people [--plot people.png]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx2
import sqlalchemy as sa

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "examples" / "lecture.mp4"


def lecture(path: Path) -> Path:
    """The sample as another file: an empty box with random bytes at its end."""
    shutil.copyfile(SAMPLE, path)
    with path.open("ab") as file:
        file.write(b"\0\0\0\x18free" + os.urandom(16))
    return path


class Place:
    """A library, and the environment that names it."""

    def __init__(self, folder: Path, more: dict[str, str]) -> None:
        self.folder = folder
        self.env = {**os.environ, "VIDEO_RAG_HOME": str(folder / "home"), **more}
        (folder / "in").mkdir(parents=True)

    def run(self, *command: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "video_rag", *command],
            env=self.env, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return done.stdout

    def ready(self) -> int:
        """How many videos are, asked in SQL: a command would cost a second of a processor."""
        url = self.env.get("VIDEO_RAG_LEDGER__URL", f"sqlite:///{self.folder}/home/library.db")
        engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
        with engine.connect() as db:
            many = db.scalar(sa.text("select count(*) from videos where state = 'ready'"))
        engine.dispose()
        return int(many or 0)

    @contextmanager
    def process(self, *command: str) -> Iterator[subprocess.Popen[bytes]]:
        with (self.folder / "log").open("ab") as log:
            one = subprocess.Popen(
                [sys.executable, "-m", "video_rag", *command],
                env=self.env, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        try:
            yield one
        finally:
            with suppress(ProcessLookupError):
                os.killpg(one.pid, signal.SIGKILL)
            one.wait()


@contextmanager
def shared() -> Iterator[dict[str, str]]:
    """PostgreSQL, RabbitMQ and a bucket, as settings in the environment."""
    import postgres
    import rabbitmq
    import s3

    rabbitmq.CONSUMER_MS = 1_800_000  # as RabbitMQ has it; the tests' own is very short
    subprocess.run(["sh", ROOT / "scripts" / "install-s3rver.sh"], check=True)
    with ExitStack() as stack:
        server = stack.enter_context(postgres.running())
        ledger = stack.enter_context(server.database())
        broker = stack.enter_context(rabbitmq.some_broker())
        bucket = s3.new_s3rver()
        stack.callback(bucket.stop)
        name = f"s3://{bucket.new_bucket()}"
        table = {f"VIDEO_RAG_BLOBS__{k.upper()}": v for k, v in bucket.table().items()}
        yield {
            **table,
            "VIDEO_RAG_LEDGER__URL": ledger,
            "VIDEO_RAG_BLOBS__URL": f"{name}/results",
            "VIDEO_RAG_LIBRARY__MEDIA": f"{name}/media",
            "VIDEO_RAG_LIBRARY__DOCUMENTS": f"{name}/documents",
            "VIDEO_RAG_LIBRARY__COPY_LOCAL": "true",
            "VIDEO_RAG_PIPELINE__QUEUE": "celery",
            "VIDEO_RAG_QUEUES__CELERY__URL": broker.url,
        }


def worked(place: Place, videos: int) -> tuple[float, float]:
    """Seconds from the start of two workers until all are ready, and their processor seconds.

    The videos are given before: by an `add` that is killed where it would begin to work itself.
    """
    paths = [str(lecture(place.folder / "in" / f"{n}.mp4")) for n in range(videos)]
    with place.process("add", *paths):
        until(lambda: len(json.loads(place.run("list", "--json") or "[]")) == videos)
    begun = time.monotonic()
    with place.process("worker", "--concurrency", "2") as worker:
        until(lambda: place.ready() == videos)
        return time.monotonic() - begun, processors(worker.pid)


def until(true: Callable[[], object]) -> None:
    limit = time.monotonic() + 600
    while not true():
        if time.monotonic() > limit:
            raise SystemExit("not ready after ten minutes")
        time.sleep(0.2)


def processors(pid: int) -> float:
    """Seconds of all processes of a session, ended ones of which children were waited for too."""
    total, tick = 0.0, os.sysconf("SC_CLK_TCK")
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = entry.read_text().rpartition(")")[2].split()
            if int(fields[3]) == pid:
                total += sum(map(int, fields[11:15])) / tick
    return total


def overhead(videos: int, rounds: int) -> None:
    found: dict[str, list[tuple[float, float]]] = {"inline": [], "distributed": []}
    for number in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            inline = Place(Path(folder) / "a", {"VIDEO_RAG_LIBRARY__COPY_LOCAL": "false"})
            found["inline"].append(worked(inline, videos))
            with shared() as more:
                found["distributed"].append(worked(Place(Path(folder) / "b", more), videos))
        print(number, {k: [round(x, 1) for x in v[-1]] for k, v in found.items()}, flush=True)
    wall, used = (
        {kind: statistics.median(one[n] for one in rows) for kind, rows in found.items()}
        for n in (0, 1)
    )
    print(json.dumps({
        "videos": videos,
        "wall": {k: round(v, 1) for k, v in wall.items()},
        "wall ratio": round(wall["distributed"] / wall["inline"], 3),
        "processor seconds of workers": {k: round(v, 1) for k, v in used.items()},
    }))  # fmt: skip


def people(plot: Path | None) -> None:
    rows = []
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        place = Place(Path(folder), {})
        place.run("add", str(lecture(place.folder / "in" / "first.mp4")))
        server = stack.enter_context(place.process("serve", "--port", "8431"))
        client = httpx2.Client(base_url="http://127.0.0.1:8431", timeout=60)
        until(lambda: is_live(client))
        stack.enter_context(place.process("worker", "--concurrency", "4"))
        number = 0
        for many in (1, 4, 16, 64):
            number += 6
            for n in range(number - 6, number):
                lecture(place.folder / "in" / f"{n}.mp4")
            feeder = threading.Thread(target=place.run, args=("add", str(place.folder / "in")))
            feeder.start()
            rows.append({"people": many, **asked(many, server.pid)})
            print(json.dumps(rows[-1]), flush=True)
            feeder.join(1)
    if plot:
        draw(rows, plot)


def is_live(client: httpx2.Client) -> bool:
    with suppress(httpx2.TransportError):
        return client.get("/health/live").status_code == 200
    return False


def asked(many: int, pid: int, seconds: float = 15.0) -> dict[str, Any]:
    """What so many people who search again and again wait for, in milliseconds."""
    times: list[float] = []
    limit = time.monotonic() + seconds
    used = processors(pid)

    def person() -> None:
        with httpx2.Client(base_url="http://127.0.0.1:8431", timeout=60) as client:
            while time.monotonic() < limit:
                begun = time.monotonic()
                answer = client.get("/api/search", params={"q": "What is a retrieval system?"})
                if answer.status_code == 200:
                    times.append((time.monotonic() - begun) * 1000)
                time.sleep(0.2)

    threads = [threading.Thread(target=person) for _ in range(many)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    times.sort()
    memory = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()
    return {
        "answers": len(times),
        "p50 ms": round(times[len(times) // 2]),
        "p95 ms": round(times[int(len(times) * 0.95)]),
        "processors of serve": round((processors(pid) - used) / seconds, 2),
        "memory MB": round(memory / 1e6),
    }


def draw(rows: list[dict[str, Any]], path: Path) -> None:
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (560, 320), "white")
    pen = ImageDraw.Draw(image)
    most = max(row["p95 ms"] for row in rows) * 1.1
    for name, colour in (("p50 ms", "#1f6f8b"), ("p95 ms", "#c0392b")):
        points = [(80 + n * 140, 270 - row[name] / most * 230) for n, row in enumerate(rows)]
        pen.line(points, fill=colour, width=3)
        for (x, y), row in zip(points, rows, strict=True):
            pen.text((x - 10, y - 16), str(row[name]), fill=colour)
        pen.text((points[-1][0] + 12, points[-1][1]), name, fill=colour)
    for n, row in enumerate(rows):
        pen.text((70 + n * 140, 290), f"{row['people']} people", fill="black")
    image.save(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=["overhead", "people"])
    parser.add_argument("--videos", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--plot", type=Path)
    given = parser.parse_args()
    if given.what == "overhead":
        overhead(given.videos, given.rounds)
    else:
        people(given.plot)


if __name__ == "__main__":
    main()
