"""Log files that several processes write: put aside when full, moved by others, closed to us."""

from __future__ import annotations

import json
import logging
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from video_rag.observers.rotating import RotatingFile

WRITER = """
import logging, sys
from video_rag.observers.rotating import RotatingFile
handler = RotatingFile(sys.argv[2], int(sys.argv[3]), 500)
handler.setFormatter(logging.Formatter("%(message)s"))
log = logging.getLogger("x")
log.addHandler(handler)
log.setLevel("INFO")
print("ready", flush=True)
sys.stdin.readline()
for number in range(int(sys.argv[4])):
    log.info("%s:%d:%s", sys.argv[1], number, "x" * (20_000 if number % 40 == 0 else 60))
"""
"""Every fortieth line is longer than any buffer."""


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    one = logging.getLogger("test of files")
    one.setLevel("INFO")
    one.propagate = False
    yield one
    for handler in one.handlers[:]:
        one.removeHandler(handler)
        handler.close()


def attach(logger: logging.Logger, file: Path, *, max_bytes: int = 0, keep: int = 3) -> None:
    logger.addHandler(RotatingFile(str(file), max_bytes, keep))


def test_no_line_of_many_processes_is_lost_torn_or_written_twice(tmp_path: Path) -> None:
    file, many, lines = tmp_path / "log", 4, 800
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(who), str(file), "40000", str(lines)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for who in range(many)
    ]
    for one in writers:
        assert one.stdout
        assert one.stdout.readline() == b"ready\n"
    for one in writers:
        one.communicate(b"go\n")
        assert one.returncode == 0

    files = sorted(tmp_path.glob("log*"))
    assert len(files) > 10
    written = [line for one in files for line in one.read_text().splitlines()]
    assert {line.rpartition(":")[2].strip("x") for line in written} == {""}
    seen = Counter(line.rpartition(":")[0] for line in written)
    assert seen == Counter(f"{who}:{number}" for who in range(many) for number in range(lines))


def test_only_so_many_files_are_kept_and_the_first_is_the_latest(
    tmp_path: Path, logger: logging.Logger
) -> None:
    attach(logger, tmp_path / "log", max_bytes=10, keep=2)
    for number in range(5):
        logger.info("line number %d", number)
    found = {one.name: one.read_text().strip() for one in tmp_path.iterdir()}
    assert found == {"log": "line number 4", "log.1": "line number 3", "log.2": "line number 2"}


def test_what_a_kill_left_half_moved_costs_no_file(tmp_path: Path, logger: logging.Logger) -> None:
    (tmp_path / "log.2").write_text("older")  # `log.1` was moved up, and then came the kill
    (tmp_path / "log.3").write_text("oldest")
    attach(logger, tmp_path / "log", max_bytes=1, keep=3)
    logger.info("one")
    logger.info("two")
    found = {one.name: one.read_text().strip() for one in tmp_path.iterdir()}
    assert found == {"log": "two", "log.1": "one", "log.2": "older", "log.3": "oldest"}


def test_a_file_that_another_program_moved_is_begun_anew(
    tmp_path: Path, logger: logging.Logger
) -> None:
    attach(logger, tmp_path / "log")
    logger.info("before")
    (tmp_path / "log").rename(tmp_path / "log-20261127")
    logger.info("after")
    assert (tmp_path / "log").read_text() == "after\n"
    assert (tmp_path / "log-20261127").read_text() == "before\n"


def test_a_folder_that_is_closed_is_told_in_one_line_and_stops_no_work(
    tmp_path: Path, logger: logging.Logger, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    attach(logger, folder / "log")
    shutil.rmtree(folder)
    folder.write_text("closed")  # as root nothing else is
    logger.info("one")
    logger.info("two")
    err = capfd.readouterr().err
    assert err.count("\n") == 1
    assert f"cannot write the log {folder / 'log'}" in err

    folder.unlink()
    folder.mkdir()
    logger.info("three")
    assert (folder / "log").read_text() == "three\n"


@pytest.mark.parametrize("wanted", ["log/log.jsonl", "/proc/none/log"])
def test_a_log_that_cannot_be_begun_is_one_line_and_a_remedy(tmp_path: Path, wanted: str) -> None:
    (tmp_path / "log").write_text("a file")
    settings = tmp_path / "settings.toml"
    settings.write_text(f'[observers.logs]\nfile = "{tmp_path / wanted}"\n')
    done = subprocess.run(
        [sys.executable, "-m", "video_rag", "list"],
        env={"VIDEO_RAG_CONFIG": str(settings), "VIDEO_RAG_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert [line.partition(":")[0] for line in done.stderr.splitlines()] == ["error", "hint"]
    assert str(tmp_path / wanted) in done.stderr


def test_a_file_gets_json_where_nothing_else_is_wanted(tmp_path: Path) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text(f'[observers.logs]\nfile = "{tmp_path / "log"}"\n')
    code = (
        "from video_rag.observers import StageDone\n"
        "from video_rag.library import Library\n"
        "from video_rag.settings import load_settings\n"
        "library = Library(load_settings())\n"
        "library.tell(StageDone('file:1', 'listen', 'whisper', 1.0))\n"
        "library.close()\n"
    )
    env = {"VIDEO_RAG_CONFIG": str(settings), "VIDEO_RAG_HOME": str(tmp_path / "home")}
    subprocess.run([sys.executable, "-c", code], env=env, check=True)
    assert json.loads((tmp_path / "log").read_text())["video"] == "file:1"
