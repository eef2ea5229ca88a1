"""What every test may use."""

from __future__ import annotations

import gc
import logging
import os
import warnings
from collections import Counter
from collections.abc import Iterator
from copy import copy
from functools import cache
from pathlib import Path

import pytest
from hypothesis import settings

from rabbitmq import Broker, some_broker
from video_rag.settings import redaction

# No deadline: dictionaries load at first use, and machines are busy. The same examples every time:
# a red run is about the change that it tests. `make properties` looks further, with other examples.
settings.register_profile("here", deadline=None, derandomize=True)
settings.register_profile("further", deadline=None)
settings.load_profile("here")

LEAVE_FILES = {
    *("test_downloads", "test_download_kill", "test_download_limits", "test_hostile"),
    *("test_intake", "test_lists", "test_resume", "test_secrets", "test_sources"),
    "test_too_large",
    *("test_walls", "test_watching", "test_web_video", "test_wrong_subtitles", "test_ytdlp"),
}
"""Modules of which some downloads fail on purpose."""

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def shared() -> Path:
    """The folder of real material beside the project; the test skips without it."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("needs the files in ../shared, which lie beside the project, not in it")
    return folder


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of the person who runs the tests reaches them."""
    for name in list(os.environ):
        if name.startswith(("VIDEO_RAG_", "DIFY_")) or name in {
            "VIDEO_SAVE_PATH",
            "DOC_SAVE_PATH",
            "COOKIE_FILE_PATH",
        }:
            monkeypatch.delenv(name)
    monkeypatch.delenv("COLUMNS", raising=False)  # xdist sets it for its workers
    monkeypatch.setenv("VIDEO_RAG_HOME", str(tmp_path / "home"))


@pytest.fixture(scope="session")
def broker() -> Iterator[Broker]:
    """A RabbitMQ, started when a test first wants one; tests name their queues otherwise."""
    with some_broker() as found:
        yield found


@pytest.fixture(autouse=True)
def own_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one test taught this process to hide, such as `password`, is no secret of the next."""
    monkeypatch.setattr(redaction, "_KNOWN", copy(redaction._KNOWN))
    monkeypatch.setattr(redaction, "_VISITED", redaction._Latest())


@pytest.fixture(autouse=True)
def own_log_files() -> Iterator[None]:
    """A log file that one test set up gets no lines of the next."""
    yield
    log = logging.getLogger("video_rag")
    for handler in [one for one in log.handlers if isinstance(one, logging.FileHandler)]:
        log.removeHandler(handler)
        handler.close()


@pytest.fixture(autouse=True)
def leftovers_of_ytdlp(request: pytest.FixtureRequest) -> Iterator[None]:
    """yt-dlp leaves files and sockets of failed downloads to the collector: not to other tests."""
    yield
    if request.node.path.stem in LEAVE_FILES:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()
            set_aside()


@cache
def set_aside() -> None:
    """Once in a process: what is loaded by now, such as yt-dlp's classes, is searched no more.

    Each collection after a test then takes milliseconds instead of a quarter of a second.
    """
    gc.freeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """At the end of a run: what was skipped, grouped by the reason."""
    reasons: Counter[str] = Counter()
    for report in terminalreporter.stats.get("skipped", []):
        text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reasons[text.removeprefix("Skipped: ")] += 1
    if reasons:
        terminalreporter.section("skipped, and why", sep="-")
        for reason, count in sorted(reasons.items()):
            terminalreporter.write_line(f"{count:4}  {reason}")
