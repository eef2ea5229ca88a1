"""`make quickstart` in a checkout of its own, whatever the person who runs it has set."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What of a checkout the quickstart needs, and an `.env` that is meant for other things."""
    folder = tmp_path / "checkout"
    (folder / "scripts").mkdir(parents=True)
    shutil.copy(ROOT / "scripts" / "quickstart.py", folder / "scripts")
    (folder / "examples").symlink_to(ROOT / "examples")
    (folder / ".env").write_text("VIDEO_RAG_PIPELINE__READER=no-such-reader\n")
    return folder


def quickstart(checkout: Path) -> str:
    done = subprocess.run(
        [sys.executable, "scripts/quickstart.py"],
        cwd=checkout,
        env={**os.environ, "VIDEO_RAG_ASK__ANSWERER": "nobody", "DIFY_API_KEY": "x"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_it_cites_the_right_seconds_in_both_languages_and_again(checkout: Path) -> None:
    first, again = quickstart(checkout), quickstart(checkout)
    assert "ready" in first
    assert "up to date" in again
    for shown in (first, again):
        assert "0:41–0:47 “Cut at slide changes and long pauses" in shown
        assert "1:01–1:08 “关键词检索最擅长找编号、缩写和函数名" in shown
    page = next((checkout / ".quickstart" / "documents").glob("*.md"))
    assert page.name in first
    assert not (Path(os.environ["VIDEO_RAG_HOME"]) / "library.db").exists()
