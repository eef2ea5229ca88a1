"""How fast slides are read: today's one reader with every core, or several with one thread each.

    python benchmarks/readers/run.py [--rounds 5] [--slides 24] [--json]

Each way reads in a process of its own, started anew each round, and the ways take turns, so that
whatever else the machine does falls on all alike. Times count the loading of models. A way whose
lines are not those of `today`, to the last digit, is said to differ.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from io import BytesIO
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from threading import local
from time import perf_counter

from video_rag.model import Line
from video_rag.processors.rapidocr import RapidOcr

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "slides"))
from make import plan

from video_rag.testing.clips import slide_image

Read = Callable[[list[bytes]], list[list[Line]]]
WAYS = ("today", "threads 2", "process 1", "processes 2", "processes 4")
EVERY_CORE = -1
"""As onnxruntime says it."""
VIDEOS, EACH = 10, 3
"""Ten videos are read one after another, as `add` does, by readers that stay."""


def pictures(count: int) -> list[bytes]:
    """Slides as a sampler gives them: 720p, a title and four lines."""
    texts = list(dict.fromkeys(step.text for step in plan()))
    return [_jpeg(texts[number % len(texts)], (1280, 720)) for number in range(count)]


def _jpeg(text: str, size: tuple[int, int]) -> bytes:
    held = BytesIO()
    slide_image(text, size).save(held, "JPEG", quality=90)
    return held.getvalue()


# --- the ways -----------------------------------------------------------------------------------


def engine(threads: int) -> RapidOcr:
    """A reader of one engine, which uses so many threads."""
    one = RapidOcr(RapidOcr.Options(threads=1))
    one._threads = threads  # noqa: SLF001 (an engine of all cores is no choice any more)
    return one


_reader: RapidOcr | None = None
_own = local()


def _start() -> None:
    global _reader  # noqa: PLW0603 (a worker process has one)
    _reader = engine(1)


def _read(picture: bytes) -> list[Line]:
    assert _reader is not None
    return _reader.read(picture)


def _read_in_thread(picture: bytes) -> list[Line]:
    if not hasattr(_own, "reader"):
        _own.reader = engine(1)
    found: list[Line] = _own.reader.read(picture)
    return found


@contextmanager
def opened(way: str) -> Iterator[Read]:
    """A way to read pictures, in order."""
    name, _, number = way.partition(" ")
    if name == "today":
        one = engine(EVERY_CORE)
        yield lambda given: [one.read(picture) for picture in given]
    elif name == "threads":
        with ThreadPoolExecutor(int(number)) as threads:
            yield lambda given: list(threads.map(_read_in_thread, given))
    else:
        with ProcessPoolExecutor(int(number), get_context("spawn"), _start) as processes:
            yield lambda given: list(processes.map(_read, given))


def child(way: str, videos: list[list[bytes]]) -> None:
    """Read by one way in this process; prints seconds, megabytes and a digest of the lines."""
    begin = perf_counter()
    with opened(way) as read:
        lines = [read(video) for video in videos]
        wall = perf_counter() - begin
    rows = [[[line.model_dump() for line in one] for one in video] for video in lines]
    own, theirs = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    number = int(way.split()[1]) if way.startswith("process") else 0
    told = {
        "wall": wall,
        "cpu": sum(used.ru_utime + used.ru_stime for used in (own, theirs)),
        "megabytes": (own.ru_maxrss + theirs.ru_maxrss * number) / 1024,
        "lines": hashlib.sha256(json.dumps(rows).encode()).hexdigest(),
    }
    json.dump(told, sys.stdout)


def tasks(slides: int) -> dict[str, list[list[bytes]]]:
    many = pictures(VIDEOS * EACH)
    return {
        "one video": [pictures(slides)],
        "ten videos": [many[number::VIDEOS] for number in range(VIDEOS)],
    }


def measure(ways: tuple[str, ...], rounds: int, slides: int) -> list[dict[str, object]]:
    found: dict[tuple[str, str], list[dict[str, float]]] = {}
    for number in range(rounds):
        for task in tasks(0):
            turn = number % len(ways)
            for way in ways[turn:] + ways[:turn]:
                command = [sys.executable, __file__, "--slides", str(slides)]
                command += ["--child", way, "--task", task]
                told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
                found.setdefault((task, way), []).append(json.loads(told))
                print(number, task, way, told, file=sys.stderr)
    return [_row(task, way, found) for task, way in sorted(found, key=lambda key: key[0])]


def _row(
    task: str, way: str, found: dict[tuple[str, str], list[dict[str, float]]]
) -> dict[str, object]:
    ours, base = found[task, way], found[task, WAYS[0]]
    row: dict[str, object] = {"task": task, "way": way}
    for name in ("wall", "cpu"):
        mine, theirs = [one[name] for one in ours], [one[name] for one in base]
        row[name] = f"{median(mine):.1f} s ({min(mine):.1f}-{max(mine):.1f})"
        row[f"{name} over today"] = round(
            median(a / b for a, b in zip(mine, theirs, strict=True)), 2
        )
    row["megabytes"] = round(median(one["megabytes"] for one in ours))
    row["lines"] = (
        "same" if {one["lines"] for one in [*ours, *base]} == {ours[0]["lines"]} else "differ"
    )
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--slides", type=int, default=24)
    parser.add_argument("--ways", nargs="*", default=WAYS)
    parser.add_argument("--child", metavar="WAY")
    parser.add_argument("--task")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if arguments.child:
        child(arguments.child, tasks(arguments.slides)[arguments.task])
        return
    rows = measure(tuple(arguments.ways), arguments.rounds, arguments.slides)
    if arguments.json:
        json.dump(rows, sys.stdout, indent=2)
        return
    for cells in [list(rows[0]), *(row.values() for row in rows)]:
        print(" | ".join(map(str, cells)))


if __name__ == "__main__":
    main()
