"""status: what is at work, what waits, how fast it goes, what stands in its way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from talks import SHEEP, STARS, write_talk
from video_rag.api import create_app
from video_rag.library import Library, Wishes
from video_rag.library.counting import Counting
from video_rag.observers import StageDone
from video_rag.operations import wishes
from video_rag.operations.overview import overview
from video_rag.settings import load_settings
from video_rag.stores.owner import me


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    opened = Library(load_settings({"home": str(tmp_path / "home")}, env={}))
    yield opened
    opened.close()


@pytest.fixture
def talks(tmp_path: Path) -> list[Path]:
    return [write_talk(tmp_path / "sheep.srt", SHEEP), write_talk(tmp_path / "stars.srt", STARS)]


def given(library: Library, talk: Path) -> str:
    """A video that waits."""
    [found] = list(library.intake._sources["folder"].discover(str(talk)))
    return library.intake.give(found, Wishes()).video_id  # type: ignore[arg-type]


def test_all_stages_of_a_pass_count_though_its_process_ends_with_it(
    library: Library, talks: list[Path]
) -> None:
    assert [one.status.state for one in library.add(map(str, talks)) if one.status] == ["ready"] * 2
    other = Library(library.settings)  # while the first one is not closed, as after a command
    stages = overview(other)["pace"]["stages"]
    other.close()
    assert (stages["compose"], stages["publish"]) == (2, 2)


def test_an_empty_library_has_nothing_to_tell(library: Library) -> None:
    row = overview(library)
    assert set(row["videos"].values()) == {0}
    assert (row["at_work"], row["routes"], row["failures"], row["problem"]) == ([], [], [], "")
    assert (row["oldest_seconds"], row["pace"]["stages"]) == (None, {})


def test_what_waits_is_counted_by_its_route(library: Library, talks: list[Path]) -> None:
    given(library, talks[0])
    list(library.watch.check())
    library.intake.unfinished()
    row = overview(library)
    assert row["videos"]["queued"] == 1
    assert sum(one["ready"] for one in row["routes"]) >= 1


def test_a_stage_at_work_is_shown_with_its_share_and_other_claims_are_not(
    library: Library, talks: list[Path]
) -> None:
    video_id = given(library, talks[0])
    owner = me()
    assert library.ledger.claim(video_id, "listen", owner, 60)
    library.ledger.agenda.report(video_id, "listen", owner, 0.25, "minute 3 of 12")
    with library.hold("tick", "pass"):
        [one] = overview(library)["at_work"]
    assert (one["video_id"], one["title"], one["stage"]) == (video_id, "sheep", "listen")
    assert (one["share"], one["note"]) == (0.25, "minute 3 of 12")
    assert one["worker"].endswith(f":{os.getpid()}")


def test_what_ended_lately_tells_the_pace(library: Library, talks: list[Path]) -> None:
    list(library.add([str(talk) for talk in talks]))
    library._shelf.counting.close()
    pace = overview(library)["pace"]
    assert (pace["stages"]["save"], pace["stages"]["compose"]) == (2, 2)
    assert pace["videos_per_hour"] == pytest.approx(2 * 3600 / pace["seconds"], rel=0.01)


def test_counts_of_several_workers_add_up(library: Library) -> None:
    for _ in range(3):
        counting = Counting(library.ledger)
        for _ in range(4):
            counting(StageDone("v", "publish@embedded", "embedded", 1.0))
        counting.close()
        counting.close()
    library.ledger.activity.count("elsewhere:1", {"publish": 8})
    assert library.ledger.activity.pace(900).stages == {"publish": 20}


def test_failures_are_told_by_kind(library: Library, talks: list[Path]) -> None:
    talks[0].write_text("no subtitles", encoding="utf-8")
    list(library.add([str(talk) for talk in talks]))
    row = overview(library)
    assert row["failures"] == [{"error": "ContentError", "videos": 1, "retried": 0}]
    assert (row["videos"]["ready"], row["videos"]["failed"]) == (1, 1)


def test_the_oldest_is_what_was_asked_for_first(library: Library, talks: list[Path]) -> None:
    for talk in talks:
        wishes.submit(library, wishes.add([str(talk)], Wishes(), "test"))
    row = overview(library)
    assert row["requests"] == {"queued": 2, "working": 0}
    assert 0 <= row["oldest_seconds"] < 3600


def test_the_api_tells_the_same_as_the_command(library: Library, talks: list[Path]) -> None:
    talks[0].write_text("no subtitles", encoding="utf-8")
    list(library.add([str(talk) for talk in talks]))
    app = create_app(library, keys_required=False)
    here = {"base_url": "http://127.0.0.1", "client": ("127.0.0.1", 5000)}
    with TestClient(app, **here) as client:  # type: ignore[arg-type]
        told: dict[str, Any] = client.get("/api/status").json()
    env = {**os.environ, "VIDEO_RAG_HOME": str(library.settings.home)}

    def command(*options: str) -> str:
        line = [sys.executable, "-m", "video_rag", "status", *options]
        return subprocess.run(line, env=env, capture_output=True, text=True, check=True).stdout

    row = json.loads(command("--json"))
    assert row["videos"] == told["videos"]
    assert row["failures"] == told["failures"] == overview(library)["failures"]
    words = command()
    assert "videos: 1 ready, 1 failed" in words
    assert "ContentError" in words
