"""A server that was asked for work: kept, followed, taken back, and done after a kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest

from talks import SHEEP, write_talk
from video_rag.testing.clips import Extras, sine, slide_lecture

SECONDS = 120.0


@contextmanager
def serving(home: Path) -> Iterator[tuple[httpx.Client, subprocess.Popen[str]]]:
    """`video-rag serve` in a process of its own."""
    env = {**os.environ, "VIDEO_RAG_HOME": str(home)}
    command = [sys.executable, "-m", "video_rag", "serve", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env)
    assert process.stdout
    url = next(word for line in process.stdout for word in line.split() if word.startswith("http"))
    try:
        with httpx.Client(base_url=url.rstrip("/"), timeout=90) as client:
            yield client, process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def until_all_ended(client: httpx.Client) -> list[dict[str, Any]]:
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        rows: list[dict[str, Any]] = client.get("/api/requests").json()
        if all(row["state"] not in {"queued", "working"} for row in rows):
            return rows
        time.sleep(0.2)
    raise AssertionError(rows)


@pytest.fixture
def talks(tmp_path: Path) -> list[Path]:
    return [
        write_talk(tmp_path / f"talk{number}.srt", [f"Talk {number} is about sheep and grass."])
        for number in range(20)
    ]


def test_twenty_accepted_ones_survive_a_kill(tmp_path: Path, talks: list[Path]) -> None:
    home = tmp_path / "home"
    with serving(home) as (client, process):
        posted = [
            client.post("/api/videos", json={"url": str(talk)}).json()["request_id"]
            for talk in talks
        ]
        process.send_signal(signal.SIGKILL)
        process.wait()
    with serving(home) as (client, _):
        rows = until_all_ended(client)
        assert sorted(row["request_id"] for row in rows) == sorted(posted)
        assert {row["state"] for row in rows} == {"done"}
        videos = client.get("/api/videos").json()
        assert sorted(row["title"] for row in videos) == sorted(talk.stem for talk in talks)
        assert {row["state"] for row in videos} == {"ready"}


def test_what_waits_is_worked_on_by_run(tmp_path: Path, talks: list[Path]) -> None:
    home = tmp_path / "home"
    with serving(home) as (client, process):
        for talk in talks[:5]:
            client.post("/api/videos", json={"url": str(talk)})
        process.send_signal(signal.SIGKILL)
        process.wait()
    env = {**os.environ, "VIDEO_RAG_HOME": str(home)}
    run = [sys.executable, "-m", "video_rag", "run", "--json"]
    told = json.loads(subprocess.run(run, env=env, check=True, capture_output=True).stdout)
    states = {row["state"] for row in told["requests"]}
    assert states <= {"done"}
    listed = [sys.executable, "-m", "video_rag", "requests", "list", "--json"]
    rows = json.loads(subprocess.run(listed, env=env, check=True, capture_output=True).stdout)
    assert [row["state"] for row in rows] == ["done"] * 5


def test_a_video_is_followed_stage_by_stage(tmp_path: Path) -> None:
    lecture = tmp_path / "lecture.mp4"
    extras = Extras(sound=sine(6.0))
    slide_lecture(lecture, ["One", "Two", "Three"], seconds_each=2.0, extras=extras)
    write_talk(tmp_path / "lecture.srt", SHEEP)
    with serving(tmp_path / "home") as (client, _):
        wish = {"kind": "add", "urls": [str(lecture)]}
        asked = client.post("/api/requests", json=wish)
        assert asked.status_code == 202
        request_id = asked.json()["request_id"]
        stages, names = [], []
        with client.stream("GET", f"/api/requests/{request_id}/events") as stream:
            for line in stream.iter_lines():
                if line.startswith("event: "):
                    names.append(line[7:])
                elif line.startswith("data: "):
                    row = json.loads(line[6:])
                    stages.append(row["stage"])
        assert names[0] == "progress"
        assert names[-1] == "end"
        assert row["state"] == "done"
        assert len(set(stages) - {""}) >= 2
        assert client.get(f"/api/requests/{request_id}").json() == row


def test_one_waits_for_the_end_and_no_longer(tmp_path: Path, talks: list[Path]) -> None:
    with serving(tmp_path / "home") as (client, _):
        wish = {"kind": "add", "urls": [str(talk) for talk in talks], "collection": "talks"}
        request_id = client.post("/api/requests", json=wish).json()["request_id"]
        begun = time.monotonic()
        at_once = client.get(f"/api/requests/{request_id}").json()
        assert at_once["state"] in {"queued", "working"}
        ended = client.get(f"/api/requests/{request_id}?wait=60").json()
        assert (ended["state"], len(ended["video_ids"])) == ("done", 20)
        assert time.monotonic() - begun < 60
        assert client.get("/api/requests/r0").status_code == 404
        assert client.get(f"/api/requests/{request_id}?wait=1000").status_code == 400


def test_the_same_wish_with_a_key_is_one_request(tmp_path: Path, talks: list[Path]) -> None:
    with serving(tmp_path / "home") as (client, _):
        head = {"Idempotency-Key": "k1"}
        twice = [
            client.post("/api/videos", json={"url": str(talks[0])}, headers=head).json()
            for _ in range(2)
        ]
        assert twice[0]["request_id"] == twice[1]["request_id"]
        other = client.post("/api/videos", json={"url": str(talks[1])}, headers=head)
        assert other.status_code == 409
        assert "idempotency key" in other.json()["error"]
        assert len(until_all_ended(client)) == 1


def test_a_request_is_taken_back_and_asked_for_again(tmp_path: Path, talks: list[Path]) -> None:
    with serving(tmp_path / "home") as (client, _):
        wishes = [{"kind": "add", "urls": [str(talk)]} for talk in talks]
        ids = [client.post("/api/requests", json=wish).json()["request_id"] for wish in wishes]
        taken = client.post(f"/api/requests/{ids[-1]}/cancel").json()
        assert taken["request_id"] == ids[-1]
        rows = {row["request_id"]: row["state"] for row in until_all_ended(client)}
        assert rows[ids[-1]] == "cancelled"
        assert rows[ids[0]] == "done"
        assert client.post(f"/api/requests/{ids[0]}/cancel").json()["state"] == "done"
        assert client.post(f"/api/requests/{ids[-1]}/retry").json()["state"] == "queued"
        assert {row["state"] for row in until_all_ended(client)} == {"done"}
        newest = client.get("/api/requests?limit=2").json()
        before = client.get(f"/api/requests?limit=1&before={newest[0]['request_id']}").json()
        assert before == newest[1:]
        assert client.get("/api/requests?state=failed&state=queued").json() == []


@pytest.mark.parametrize(
    ("wish", "status"),
    [
        ({"kind": "sing"}, 400),
        ({"kind": "add", "urls": []}, 400),
        ({"kind": "add", "urls": ["javascript:alert(1)"]}, 400),
        ({"kind": "add", "urls": ["a.srt"], "fetch": "4k"}, 400),
        ({"kind": "retry", "video_ids": ["none"]}, 404),
        ({"kind": "check", "urls": ["https://a.example/feed"]}, 404),
        ({"kind": "publish", "to": "nowhere"}, 400),
        ({"kind": "export", "format": "md"}, 400),
    ],
)
def test_a_wish_that_cannot_be_is_refused_at_once(
    wish: dict[str, Any], status: int, tmp_path: Path
) -> None:
    with serving(tmp_path / "home") as (client, _):
        answer = client.post("/api/requests", json=wish)
        assert answer.status_code == status, answer.text
        assert set(answer.json()) >= {"error", "hint"}
        assert client.get("/api/requests").json() == []
