"""Killed at random moments, started again: the library ends as if nothing had happened."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from talks import SHEEP, STARS, write_talk
from video_rag.testing.clips import slide_lecture


def _run(home: Path, folder: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "VIDEO_RAG_HOME": str(home)}
    return subprocess.Popen(
        [sys.executable, "-m", "video_rag", "add", str(folder)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _listed(home: Path) -> list[dict[str, object]]:
    done = subprocess.run(
        [sys.executable, "-m", "video_rag", "list", "--json"],
        env={**os.environ, "VIDEO_RAG_HOME": str(home)},
        capture_output=True,
        check=True,
    )
    rows: list[dict[str, object]] = json.loads(done.stdout)
    return rows


def _documents(home: Path) -> set[tuple[str, str, str]]:
    db = sqlite3.connect(home / "library.db")
    wanted = ("document", "page", "receipt@embedded")
    marks = ",".join("?" * len(wanted))
    rows = db.execute(
        f"select video_id, name, digest from results where name in ({marks})", wanted
    ).fetchall()
    db.close()
    return set(rows)


def _passages(home: Path) -> list[tuple[str, ...]]:
    db = sqlite3.connect(home / "knowledge.db")
    rows = db.execute("select chunk_id, chunk from passages order by chunk_id").fetchall()
    assert db.execute("pragma integrity_check").fetchone() == ("ok",)
    db.close()
    return rows


def _ten_videos(folder: Path) -> None:
    for number in range(8):
        lines = [f"{line} {number}" for line in (SHEEP if number % 2 else STARS)]
        write_talk(folder / f"talk {number}.srt", lines)
    for number in range(2):
        path = folder / f"lecture {number}.mp4"
        slide_lecture(path, [f"Part {number}", "第二部分", "The end"], seconds_each=2)
        write_talk(path.with_suffix(".srt"), SHEEP, seconds_each=1.5)


@pytest.mark.timeout(900)
def test_ten_kills_while_adding_ten_videos_change_nothing(tmp_path: Path) -> None:
    folder, calm, shaken = tmp_path / "videos", tmp_path / "calm", tmp_path / "shaken"
    _ten_videos(folder)
    begun = time.monotonic()
    assert _run(calm, folder).wait(400) == 0
    whole = time.monotonic() - begun
    seed = random.randrange(10**6)
    moments = random.Random(seed)
    for _ in range(10):
        process = _run(shaken, folder)
        time.sleep(moments.uniform(0.2, 0.8) * whole)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(30)
    assert _run(shaken, folder).wait(400) == 0, f"seed {seed}"
    assert {row["state"] for row in _listed(shaken)} == {"ready"}, f"seed {seed}"
    assert len(_listed(shaken)) == 10
    assert _documents(shaken) == _documents(calm), f"seed {seed}"
    assert _passages(shaken) == _passages(calm), f"seed {seed}"
    assert not list((shaken / "documents").glob("**/*.part")), f"seed {seed}"
    assert len(list((shaken / "documents").glob("*.md"))) == 10
