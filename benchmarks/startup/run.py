"""What a command costs over importing SQLAlchemy and the model: seconds of computing.

Each command is a process of its own. All of them and the bare import run by turns, so that what
else the machine does falls on all alike; the figures are medians of user and system time.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from statistics import median

VIDEOS = 100
BARE = [sys.executable, "-c", "import sqlalchemy.dialects.sqlite, video_rag.model"]
COMMAND = str(Path(sys.executable).with_name("video-rag"))
TAB = {"_VIDEO_RAG_COMPLETE": "complete_bash", "COMP_WORDS": "video-rag a", "COMP_CWORD": "1"}
MEASURED: Mapping[str, tuple[list[str], Mapping[str, str]]] = {
    "importing SQLAlchemy and the model": (BARE, {}),
    "`--version`": ([COMMAND, "--version"], {}),
    "`--help`": ([COMMAND, "--help"], {}),
    "Tab": ([COMMAND], TAB),
    f"`list`, {VIDEOS} videos": ([COMMAND, "list"], {}),
    "`show`": ([COMMAND, "show", "talk 7"], {}),
    "`search`": ([COMMAND, "search", "Which sheep eat grass?"], {}),
}


def fill(home: Path) -> None:
    """A library of so many short lectures, each a subtitle file."""
    talks = home / "talks"
    talks.mkdir()
    for number in range(VIDEOS):
        line = f"Sheep {number} eats grass, and goes home when the sun is low."
        (talks / f"talk {number}.srt").write_text(f"1\n00:00:01,000 --> 00:00:04,000\n{line}\n")
    computed([COMMAND, "add", str(talks)], {"VIDEO_RAG_HOME": str(home)})


def computed(command: list[str], env: Mapping[str, str]) -> float:
    """Seconds of user and system time of one process, which may keep compiled modules."""
    around = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    process = subprocess.Popen(command, env={**around, **env}, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed")
    return used.ru_utime + used.ru_stime


def main(rounds: int = 25) -> None:
    """Print a table."""
    with tempfile.TemporaryDirectory() as home:
        fill(Path(home))
        own = {"VIDEO_RAG_HOME": home}
        seconds: dict[str, list[float]] = {name: [] for name in MEASURED}
        for turn in range(rounds + 1):
            for name, (command, env) in MEASURED.items():
                took = computed(command, {**own, **env})
                if turn:  # the first one compiles
                    seconds[name].append(took)
    bare = median(next(iter(seconds.values())))
    print("| | seconds | over the import |\n|---|---|---|")
    for name, took in seconds.items():
        print(f"| {name} | {median(took):.2f} | {median(took) - bare:+.2f} |")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
