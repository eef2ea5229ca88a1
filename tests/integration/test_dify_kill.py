"""Publishing that is killed again and again, to a Dify that fails: each video is there once."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import pytest

from dify_bases import documents, names
from talks import SHEEP, STARS, write_talk
from video_rag.library import Library
from video_rag.settings import load_settings
from video_rag.testing.dify import DifyServer, Faults
from video_rag.testing.dify.faults import Kind

KINDS: tuple[Kind, ...] = ("500", "500", "500", "500", "timeout", "rate-limit", "reset", "after")
"""Of two faults one is a 500; time-outs take longest."""
WHOLE = bool(os.environ.get("VIDEO_RAG_TEST_WHOLE_CORPUS"))
"""All 131 documents of the corpus, which takes minutes, in place of every eighth."""
RUNS = 20
"""So many runs without a kill are allowed, each of which may meet faults, until one ends well."""


class Publisher:
    """`video-rag` in processes of their own, which end badly."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = {**os.environ, **environment}

    def run(self, *arguments: str, until: Callable[[], bool] | None = None) -> tuple[int, str]:
        """Exit code and output; killed if it still runs when something has come true."""
        process = subprocess.Popen(
            [sys.executable, "-m", "video_rag", *arguments],
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            text=True,
        )
        while until is not None:
            try:
                out, _ = process.communicate(timeout=0.005)
            except subprocess.TimeoutExpired:
                if until():
                    os.killpg(process.pid, signal.SIGKILL)
                    until = None
            else:
                return process.returncode, out
        out, _ = process.communicate()
        return process.returncode, out


@pytest.fixture
def dify() -> Iterator[DifyServer]:
    with DifyServer(index_seconds=0.01) as dify:
        yield dify


def publisher(dify: DifyServer, mode: str) -> Publisher:
    """What publishes to this server, with short waits; its dataset is made."""
    options = {"MODE": mode, "POLL_SECONDS": "0.1", "TIMEOUT": "0.7", "RATE_LIMIT_WAIT": "0.05"}
    made = Publisher(
        {
            "DIFY_BASE_URL": dify.base_url,
            "DIFY_API_KEY": dify.dataset_key,
            **{f"VIDEO_RAG_KNOWLEDGE__DIFY__{name}": value for name, value in options.items()},
        }
    )
    code, out = made.run("dify", "create", "--mode", mode)
    assert code == 0, out
    return made


def take_in(folder: Path) -> list[str]:
    """Add every talk of a folder; returns the ids."""
    library = Library(load_settings())
    try:
        added = list(library.add([str(folder)]))
        assert all(item.status and item.status.state == "ready" for item in added)
        return [item.status.video.video_id for item in added if item.status]
    finally:
        library.close()


def shake(dify: DifyServer, publish: Publisher, kills: int, most_writes: int) -> int:
    """Publish under faults and kills, then until it ends well; returns the number of kills.

    A run is killed some milliseconds after so many writes: how long they take is the machine's
    business.
    """
    dice = random.Random(20261124)
    dify.faults = Faults(rate=0.1, kinds=KINDS, seed=1, silence=0.8)
    killed = 0
    for _ in range(kills):
        wanted, pause = len(dify.writes()) + dice.randint(1, most_writes), dice.uniform(0, 0.05)
        code, _ = publish.run("publish", "--all", until=partial(has_written, dify, wanted, pause))
        killed += code == -signal.SIGKILL
    for _ in range(RUNS):
        if publish.run("publish", "--all")[0] == 0:
            break
    else:
        pytest.fail("no run ended well")
    dify.faults = Faults()
    return killed


def has_written(dify: DifyServer, wanted: int, pause: float) -> bool:
    """Whether so many writes came, and a pause after them is over."""
    if len(dify.writes()) < wanted:
        return False
    time.sleep(pause)
    return True


def check(dify: DifyServer, publish: Publisher, video_ids: list[str]) -> None:
    """Each video once, all indexed and found, receipts true; doing it again only reads."""
    assert names(dify) == sorted(f"{video_id}.md" for video_id in video_ids)
    _, out = publish.run("dify", "status", "--json")
    rows = {row["video_id"]: row for row in json.loads(out)}
    assert rows.keys() == set(video_ids)
    assert {(row["state"], row["problem"]) for row in rows.values()} == {("indexed", "")}
    library = Library(load_settings())
    try:
        for video_id in video_ids:
            receipt = library.ledger.receipt("dify", video_id)
            assert receipt
            assert receipt.state == "done"
            assert [receipt.remote_id] == rows[video_id]["document_ids"]
            assert receipt.revision == rows[video_id]["revision"]
    finally:
        library.close()
    assert {document.display_status for document in documents(dify)} == {"available"}
    before = len(dify.writes())
    code, out = publish.run("publish", "--all")
    assert (code, out.strip()) == (0, f"dify: {len(video_ids)} unchanged")
    assert len(dify.writes()) == before


@pytest.mark.parametrize("mode", ["economy", pytest.param("high-quality", marks=pytest.mark.slow)])
def test_kills_and_faults_leave_each_video_once(
    dify: DifyServer, tmp_path: Path, mode: str
) -> None:
    for number in range(6):
        lines = [f"{line} {number}" for line in (SHEEP if number % 2 else STARS)]
        write_talk(tmp_path / "talks" / f"talk {number}.srt", lines)
    video_ids = take_in(tmp_path / "talks")
    assert len(video_ids) == 6
    publish = publisher(dify, mode)
    assert shake(dify, publish, kills=2, most_writes=4)
    check(dify, publish, video_ids)


def test_two_libraries_publish_the_same_videos_at_once(
    dify: DifyServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two homes know nothing of each other; in Dify each video is there once, and found."""
    for number in range(4):
        write_talk(tmp_path / "talks" / f"talk {number}.srt", [f"{x} {number}" for x in SHEEP])
    dify.status_seconds = 0.05
    homes = [tmp_path / "one", tmp_path / "two"]
    video_ids: list[str] = []
    for home in homes:
        monkeypatch.setenv("VIDEO_RAG_HOME", str(home))
        video_ids = take_in(tmp_path / "talks")
        made = publisher(dify, "economy")
    dataset = next(iter(dify.datasets))
    environment = {
        "DIFY_BASE_URL": dify.base_url,
        "DIFY_API_KEY": dify.dataset_key,
        "DIFY_KNOWLEDGE_BASE_ID": dataset,
    }
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "video_rag", "publish", "--all"],
            env={**os.environ, **environment, "VIDEO_RAG_HOME": str(home)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for home in homes
    ]
    for process in processes:
        process.wait(120)
    assert names(dify) == sorted(f"{video_id}.md" for video_id in video_ids)
    for home in homes:
        monkeypatch.setenv("VIDEO_RAG_HOME", str(home))
        publisher(dify, "economy").run("publish", "--all", "--force")
    check(dify, made, video_ids)


@pytest.mark.slow
@pytest.mark.shared
@pytest.mark.timeout(900)
def test_the_corpus_survives_kills(dify: DifyServer, shared: Path, tmp_path: Path) -> None:
    talks = sorted((shared / "corpus").glob("*/*.srt"))
    for path in talks if WHOLE else talks[::8]:
        (tmp_path / "talks").mkdir(exist_ok=True)
        (tmp_path / "talks" / f"{path.parent.name} {path.name}").symlink_to(path)
    video_ids = take_in(tmp_path / "talks")
    assert len(video_ids) == (131 if WHOLE else 17)
    publish = publisher(dify, "economy")
    assert shake(dify, publish, kills=12 if WHOLE else 3, most_writes=8)
    check(dify, publish, video_ids)
