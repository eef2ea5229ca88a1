"""What a person sees who types commands: standard output and errors on the same terminal."""

from __future__ import annotations

import os
import pty
import re
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
