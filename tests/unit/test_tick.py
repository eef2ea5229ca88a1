"""tick: what is due goes on, once, whoever calls it and however often."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from talks import SHEEP, STARS, write_talk
from video_rag.library import Library, Wishes
from video_rag.library.watching.watch import Changes
from video_rag.observers import StageDone
from video_rag.operations import wishes
from video_rag.operations.tick import tick
from video_rag.plugins import Options
from video_rag.settings import load_settings
from video_rag.settings.schema import Settings
from video_rag.stores.requests import Request


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings({"home": str(tmp_path / "home")}, env={})


@pytest.fixture
def library(settings: Settings) -> Iterator[Library]:
    opened = Library(settings)
    yield opened
    opened.close()


@pytest.fixture
def talks(tmp_path: Path) -> list[Path]:
    folder = tmp_path / "talks"
    folder.mkdir()
    written = [write_talk(folder / "sheep.srt", SHEEP), write_talk(folder / "stars.srt", STARS)]
    for talk in written:
        os.utime(talk, (1_700_000_000, 1_700_000_000))  # else it may be written to still
    return written


def ask(library: Library, talks: list[Path]) -> Request:
    return wishes.submit(library, wishes.add([str(talk) for talk in talks], Wishes(), "test"))


def states(library: Library) -> list[str]:
    return [status.state for status in library.videos()]


def test_a_tick_without_anything_due_says_so(library: Library) -> None:
    ticked = tick(library)
    assert (str(ticked), ticked.code) == ("nothing is due", 0)


def test_a_tick_takes_up_what_was_asked_for(library: Library, talks: list[Path]) -> None:
    ask(library, talks)
    ticked = tick(library)
    assert str(ticked) == "requests: 1 done; videos: 2 ready"
    assert states(library) == ["ready", "ready"]
    assert str(tick(library)) == "nothing is due"


def test_a_tick_looks_at_lists_that_are_due_and_works_on_what_is_new(
    library: Library, talks: list[Path]
) -> None:
    library.watch.add(str(talks[0].parent), Changes(every="1d"))
    ticked = tick(library)
    assert (ticked.new, ticked.states) == (2, {"ready": 2})
    assert str(ticked) == "1 list looked at, 2 new; videos: 2 ready"
    write_talk(talks[0].parent / "more.srt", ["Rabbits dig burrows in the heath."])
    assert str(tick(library)) == "nothing is due"  # the list is not, until tomorrow


def test_a_failure_is_retried_when_it_is_due_and_not_before(
    library: Library, talks: list[Path]
) -> None:
    talks[0].write_text("no subtitles", encoding="utf-8")
    ask(library, talks[:1])
    ticked = tick(library)
    assert ticked.code == 3
    assert ticked.row["failures"][0]["message"]
    assert str(tick(library)) == "nothing is due"
    [status] = library.videos()
    [failure] = status.failures
    library.ledger.fail(status.video.video_id, replace(failure, due=1.0))
    assert tick(library).states == {"failed": 1}


def test_where_nothing_must_be_worked_on_lists_are_read_and_videos_wait(
    library: Library, talks: list[Path]
) -> None:
    ask(library, talks[:1])
    library.watch.add(str(talks[0].parent), Changes())
    ticked = tick(library, works=False)
    assert (ticked.new, ticked.worked, ticked.requests) == (2, [], [])
    assert states(library) == ["queued", "queued"]
    tick(library)
    assert states(library) == ["ready", "ready"]


class Counter:
    """Counts the stages that were run."""

    version = 1
    options = Options()

    def __init__(self) -> None:
        self.done: list[tuple[str, str]] = []

    def __call__(self, event: object) -> None:
        if isinstance(event, StageDone):
            self.done.append((event.video_id, event.stage))


def test_of_two_ticks_at_once_one_works(settings: Settings, talks: list[Path]) -> None:
    counter = Counter()
    with_count = [Library(settings, [counter]) for _ in range(4)]
    ask(with_count[0], talks)
    start = threading.Barrier(4)

    def one(library: Library) -> bool:
        start.wait()
        return tick(library).is_elsewhere

    with ThreadPoolExecutor(4) as threads:
        assert not all(threads.map(one, with_count))
    assert states(with_count[0]) == ["ready", "ready"]
    assert len(counter.done) == len(set(counter.done))
    for library in with_count:
        library.close()


def test_a_tick_ends_when_its_time_is_over_and_the_next_goes_on(
    library: Library, talks: list[Path]
) -> None:
    ask(library, talks)
    ticked = tick(library, is_over=lambda: True)
    assert ticked.is_cut_short
    assert "the rest is left for the next tick" in str(ticked)
    assert not tick(library).is_cut_short
    assert states(library) == ["ready", "ready"]


KILLED = """
import os, signal, sys
from video_rag.library import Library
from video_rag.observers import StageStarted
from video_rag.operations.tick import tick
from video_rag.plugins import Options
from video_rag.settings import load_settings

class Kill:
    version, options = 1, Options()
    def __call__(self, event):
        if isinstance(event, StageStarted) and event.stage == sys.argv[1]:
            os.kill(os.getpid(), signal.SIGKILL)

tick(Library(load_settings(), [Kill()]))
"""


@pytest.mark.parametrize("stage", ["fetch", "listen", "save"])
def test_a_tick_that_was_killed_is_made_up_by_the_next(
    settings: Settings, library: Library, talks: list[Path], stage: str
) -> None:
    ask(library, talks)
    env = {**os.environ, "VIDEO_RAG_HOME": str(settings.home)}
    killed = subprocess.run([sys.executable, "-c", KILLED, stage], env=env, check=False)
    assert killed.returncode == -signal.SIGKILL
    ticked = tick(library)
    assert [request.state for request in ticked.requests] == ["done"]
    assert states(library) == ["ready", "ready"]


def test_the_command_prints_a_line_or_json_and_says_by_its_code_how_it_went(
    settings: Settings, library: Library, talks: list[Path]
) -> None:
    env = {**os.environ, "VIDEO_RAG_HOME": str(settings.home)}

    def command(*options: str) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-m", "video_rag", "tick", *options]
        return subprocess.run(line, env=env, capture_output=True, text=True, check=False)

    talks[1].write_text("no subtitles", encoding="utf-8")
    ask(library, talks)
    told = command("--json")
    row = json.loads(told.stdout)
    assert (told.returncode, row["code"], row["videos"]) == (3, 3, {"failed": 1, "ready": 1})
    again = command()
    assert (again.returncode, again.stdout) == (0, "nothing is due\n")
