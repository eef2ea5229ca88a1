"""Pages in which to look for videos would take for ever: yt-dlp is kept from it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from films import html, player, ytdlp
from video_rag.errors import ContentError
from video_rag.model import Video
from video_rag.sources.ytdlp.pages import Trial, shared
from web import Page, Site, serve

pytest.importorskip("yt_dlp")

URL = "http://a.example/page"
TALK = '<html><title>A talk</title><video src="/a.mp4"></video></html>'
TRAP = "<html><title>A talk</title>" + "<script" * 70_000
"""Half a megabyte."""


@pytest.fixture(scope="module")
def trial() -> Iterator[Trial]:
    made = Trial(seconds=1.0)
    yield made
    made.close()


@pytest.fixture
def site() -> Iterator[Site]:
    with serve() as running:
        yield running


def helpers(trial: Trial) -> list[int]:
    return [helper.pid for helper in trial._idle]


@pytest.mark.parametrize(
    "piece",
    ["<script", '<meta property="og:', "<video ", '<a href="', '<iframe src="'],
)
def test_a_trap_is_found_and_pages_after_it_pass(trial: Trial, piece: str) -> None:
    assert trial.passes(URL, TALK)
    first = helpers(trial)[-1]
    assert not trial.passes(URL, piece * (500_000 // len(piece)))
    assert first not in helpers(trial)
    assert trial.passes(URL, TALK)


@pytest.mark.parametrize(
    "page",
    [
        "",
        "\0",
        "\ud800 half a character",
        "<" * 100_000,
        '<script type="application/ld+json">{"@type": "VideoObject"',
        "<iframe src='https://www.youtube.com/embed/dQw4w9WgXcQ'></iframe>",
        "<video src='/talk.m3u8'></video>",
        "jwplayer('x').setup({file: '/a.mp4'})",
        "<meta property='og:video' content='//'>" * 1000,
        "<title>An ordinary page</title>" + "<p>Words of a long page.</p>\n" * 20_000,
    ],
)
def test_what_is_only_odd_passes(trial: Trial, page: str) -> None:
    trial.passes(URL, TALK)
    before = helpers(trial)
    assert trial.passes(URL, page)
    assert helpers(trial) == before  # nothing made it stumble


def test_two_are_tried_at_once_and_the_others_wait(trial: Trial) -> None:
    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(lambda _: trial.passes(URL, TALK), range(12))) == [True] * 12
    assert 1 <= len(helpers(trial)) <= 2


def test_a_helper_that_was_killed_is_replaced(trial: Trial) -> None:
    trial.passes(URL, TALK)
    first = helpers(trial)[-1]
    os.kill(first, signal.SIGKILL)
    assert trial.passes(URL, TALK)
    assert first not in helpers(trial)


def test_helpers_end_when_they_are_no_longer_needed() -> None:
    trial = Trial()
    trial.warm()
    trial.warm()
    (helper,) = trial._idle
    trial.close()
    assert helper.returncode == 0
    assert helpers(trial) == []


def test_a_helper_ends_with_its_owner() -> None:
    """Also when that was killed and could say nothing."""
    code = "import time; from video_rag.sources.ytdlp.pages import Trial; t = Trial(); "
    code += f"t.passes({URL!r}, {TALK!r}); print(t._idle[0].pid, flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        pid = int(owner.stdout.readline())
        owner.kill()
    for _ in range(100):
        if not Path(f"/proc/{pid}/stat").exists() or " Z " in Path(f"/proc/{pid}/stat").read_text():
            return
        time.sleep(0.1)
    pytest.fail("it is still there")


def test_a_forked_process_has_helpers_of_its_own() -> None:
    assert shared().passes(URL, TALK)
    before = helpers(shared())
    child = os.fork()
    if child == 0:
        own = shared()
        is_well = own.passes(URL, TALK) and not set(helpers(own)) & set(before)
        own.close()
        os._exit(0 if is_well else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert helpers(shared()) == before


def test_where_no_helper_can_be_started_pages_pass_and_it_is_said(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    trial = Trial()
    trial.warm()
    assert trial.passes(URL, TALK)
    assert "without a trial" in caplog.text


def test_a_helper_without_work_ends_and_another_takes_its_place() -> None:
    trial = Trial(idle_seconds=0.1)
    assert trial.passes(URL, TALK)
    (first,) = trial._idle
    assert first.wait(10) == 0
    for _ in range(5):  # some of them leave in the very moment
        assert trial.passes(URL, TALK)
        time.sleep(0.1)
    trial.close()


def test_a_trap_among_other_pages_is_refused_with_the_reason(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared(), "seconds", 1.0)
    site.pages["/trap"] = Page(TRAP.encode())
    site.pages["/moved"] = Page(status=302, headers={"Location": "/trap?token=s3cret"})
    site.pages["/talk"] = html("A talk", player("/a.mp4"))
    source = ytdlp(tmp_path)
    for path in ("/trap", "/moved"):
        with pytest.raises(ContentError, match="takes too long") as caught:
            list(source.discover(site.url + path))
        assert caught.value.reason == "too-complex"
        assert "s3cret" not in str(caught.value)
    (found,) = source.discover(f"{site.url}/talk")
    assert isinstance(found, Video)
    assert found.title == "A talk"
