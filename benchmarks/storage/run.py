"""Measures what it costs `add` that results are on the disk before the ledger names them.

.venv/bin/python benchmarks/storage/run.py [ROUNDS] [FOLDER]

Adds the lectures of ../shared/corpus to an empty library below FOLDER, with and without flushing,
in turns, each in a process of its own.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CORPUS = Path(__file__).resolve().parents[2].parent / "shared" / "corpus"


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    place = sys.argv[2] if len(sys.argv) > 2 else None
    spent: dict[str, list[float]] = {"flushed": [], "not flushed": []}
    for number in range(rounds + 1):
        for how, seconds in spent.items():
            with tempfile.TemporaryDirectory(dir=place) as home:
                program = [sys.executable, __file__, "--add", how, home]
                begun = time.perf_counter()
                subprocess.run(program, check=True, stdout=subprocess.DEVNULL)
                if number:  # the first round warms up
                    seconds.append(time.perf_counter() - begun)
    for how, seconds in spent.items():
        print(
            f"{how}: {statistics.median(seconds):.2f} s of {sorted(round(s, 2) for s in seconds)}"
        )
    ratio = statistics.median(spent["flushed"]) / statistics.median(spent["not flushed"])
    print(f"ratio of the medians {ratio:.3f}")


def add(how: str, home: str) -> None:
    from video_rag.library import Library
    from video_rag.settings import load_settings

    if how == "not flushed":
        os.fsync = lambda _place: None
    library = Library(load_settings({"home": home}))
    items = list(library.add([str(CORPUS / "en"), str(CORPUS / "zh")]))
    assert all(item.status and item.status.state == "ready" for item in items)
    library.close()


if __name__ == "__main__":
    add(*sys.argv[2:]) if sys.argv[1:2] == ["--add"] else main()
