"""What a person sees who types commands: standard output and errors on the same terminal."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

from talks import SHEEP, write_talk

ERASED = re.compile(r".*\x1b\[2K", re.DOTALL)
MARKS = re.compile(r"\x1b\[[\d;?]*[A-Za-z]|\r")


def typed(*arguments: str, home: Path) -> str:
    """What `video-rag …` writes to a terminal, with the orders that it gives to it."""
    ours, theirs = pty.openpty()
    environment = {
        "HOME": str(home),
        "PATH": os.environ["PATH"],
        "TERM": "xterm-256color",
        "COLUMNS": "100",
    }
    command = [sys.executable, "-m", "video_rag", *arguments]
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, cwd=home
    ):
        os.close(theirs)
        written = b""
        while data := read(ours):
            written += data
    os.close(ours)
    return written.decode()


def read(terminal: int) -> bytes:
    """What comes next; nothing once all that wrote are gone, which Linux reports as an error."""
    try:
        return os.read(terminal, 65_536)
    except OSError:
        return b""


def seen(line: str) -> str:
    """What stays of a line after its last erasure, without colours."""
    return MARKS.sub("", ERASED.sub("", line))


def test_a_result_stands_on_a_line_of_its_own_and_not_behind_the_progress(tmp_path: Path) -> None:
    write_talk(tmp_path / "sheep.srt", SHEEP)
    written = typed("add", "sheep.srt", home=tmp_path)
    assert "publish@embedded" in written  # there was a line of progress
    lines = [seen(line) for line in written.split("\n")]
    assert [line for line in lines if line] == ["✓ sheep: ready"]


def test_progress_names_the_video_and_how_many_there_are(tmp_path: Path) -> None:
    for name in ("sheep", "goats", "horses"):
        write_talk(tmp_path / "talks" / f"{name}.srt", [f"{line} {name}" for line in SHEEP])
    written = MARKS.sub("", typed("add", "talks", home=tmp_path))
    assert "looking" in written
    assert re.search("1 of 3 · goats · (fetch|listen|look|read|compose|save|publish)", written)
    assert re.search("3 of 3 · sheep · (fetch|listen|look|read|compose|save|publish)", written)
    assert "3 of 3 ready, 3 new" in written


def test_each_result_is_told_when_it_is_there_and_not_at_the_end(tmp_path: Path) -> None:
    for name in ("sheep", "goats"):
        write_talk(tmp_path / "talks" / f"{name}.srt", [f"{line} {name}" for line in SHEEP])
    written = MARKS.sub("", typed("add", "talks", home=tmp_path))
    assert written.index("goats: ready") < written.index("2 of 2 · sheep")


def test_run_counts_what_is_due(tmp_path: Path) -> None:
    for name in ("sheep", "goats"):
        write_talk(tmp_path / "talks" / f"{name}.srt", [f"{line} {name}" for line in SHEEP])
    typed("add", "talks", home=tmp_path)
    for page in tmp_path.rglob("documents/*.md"):
        page.unlink()
    written = MARKS.sub("", typed("run", home=tmp_path))
    assert "1 of 2 · goats" in written
    assert "2 of 2 · sheep" in written


def test_stopped_from_the_keyboard_says_so_and_what_to_do(tmp_path: Path) -> None:
    for number in range(200):
        write_talk(tmp_path / "talks" / f"{number}.srt", [f"{line} {number}" for line in SHEEP])
    ours, theirs = pty.openpty()
    # a shell has what it starts in the background ignore this signal, the tests included
    heed = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    program = f"{heed}; from video_rag.cli import run; run()"
    command = [sys.executable, "-c", program, "add", "talks"]
    environment = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "TERM": "xterm-256color"}
    running = subprocess.Popen(
        command,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment,
        cwd=tmp_path,
    )
    os.close(theirs)
    written = b""
    while b"ready" not in written:
        written += read(ours)
    running.send_signal(signal.SIGINT)
    while data := read(ours):
        written += data
    os.close(ours)
    assert running.wait() == 130
    assert "stopped" in MARKS.sub("", written.decode())
    assert "Traceback" not in written.decode()
