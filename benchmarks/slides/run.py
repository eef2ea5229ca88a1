"""Run the slide sampler on the benchmark's video and say what it found and how fast.

    python benchmarks/slides/run.py build/slides [--rounds 3] [--json]

The time is set beside a bare PyAV decode of the same file with the same frames skipped, which is
the least that any method that looks at the pictures can take.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any

import av
from score import score

from video_rag.processors.slides import Slides


def bare_decode(path: Path) -> int:
    """Decode the frames that others refer to, and do nothing with them."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        stream.codec_context.skip_frame = "NONREF"
        return sum(1 for _ in container.decode(stream))


def sample(path: Path) -> list[float]:
    """The times of the key frames."""
    sampler = Slides(Slides.Options())
    return [picture.at for picture in sampler.sample(path, _silent)]


def _silent(share: float, word: str) -> None:
    del share, word


def timed(call: Callable[[], Any], rounds: int) -> tuple[Any, float, float]:
    """The result; the median wall and processor seconds of some rounds."""
    wall, processor = [], []
    for _ in range(rounds):
        begin, begin_processor = perf_counter(), process_time()
        result = call()
        wall.append(perf_counter() - begin)
        processor.append(process_time() - begin_processor)
    return result, median(wall), median(processor)


def measure(folder: Path, rounds: int) -> dict[str, Any]:
    """Everything there is to report."""
    path = folder / "lecture.mp4"
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    starts = [step["start"] for step in truth if step["first"]]
    with av.open(str(path)) as container:
        length = (container.duration or 0) / 1_000_000
    picked, seconds, busy = timed(lambda: sample(path), rounds)
    frames, bare, bare_busy = timed(lambda: bare_decode(path), rounds)
    return {
        **asdict(score(starts, picked)),
        "seconds": round(seconds, 2),
        "times real time": round(length / seconds, 1),
        "bare decode, seconds": round(bare, 2),
        "bare decode, frames": frames,
        "over bare decode": round(seconds / bare, 2),
        "processor, seconds": round(busy, 2),
        "bare, processor": round(bare_busy, 2),
        "processor over bare": round(busy / bare_busy, 2),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
    }


def main() -> None:
    """Print a table, or JSON; exits 1 when a slide is missed or a key frame is false."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="what make.py wrote")
    parser.add_argument("--rounds", type=int, default=3, help="the fastest one counts")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    result = measure(arguments.folder, arguments.rounds)
    if arguments.json:
        print(json.dumps(result, indent=1))
    else:
        for name, value in result.items():
            print(f"{name:22}{value}")
    sys.exit(1 if result["missed"] or result["false"] else 0)


if __name__ == "__main__":
    main()
