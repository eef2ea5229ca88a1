"""The steps that a schedule asks for one by one: each tells what the next one needs."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from dify_bases import QUICK, server
from serving import HERE
from talks import MOON, SHEEP, STARS, write_talk
from video_rag.api import create_app
from video_rag.errors import Unavailable
from video_rag.library import Library, Wishes
from video_rag.library.watching.watch import Changes
from video_rag.operations import keys, wishes
from video_rag.operations.desk import Desk
from video_rag.operations.dify import create
from video_rag.settings import load_settings
from video_rag.stores.requests import Request
from video_rag.testing.dify import DifyServer

TALKS = {"sheep": SHEEP, "stars": STARS, "moon": MOON}


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    opened = Library(load_settings({"home": str(tmp_path / "home")}, env={}))
    yield opened
    opened.close()


@pytest.fixture
def talks(tmp_path: Path) -> Path:
    for name, lines in TALKS.items():
        write_talk(tmp_path / "talks" / f"{name}.srt", lines)
    return tmp_path / "talks"


def done(library: Library, request: Request) -> Request:
    wishes.submit(library, request)
    list(Desk(library).work())
    return library.ledger.requests.get(request.request_id)


def discovered(library: Library, *urls: Path, limit: int = 500, force: bool = False) -> Request:
    asked = wishes.discover(
        [str(url) for url in urls], Wishes(collection="talks"), "test", limit=limit, force=force
    )
    return done(library, asked)


def processed(library: Library, *video_ids: str) -> Request:
    return done(library, wishes.process(video_ids, "test"))


def test_what_is_discovered_is_taken_in_and_not_worked_on(library: Library, talks: Path) -> None:
    found = discovered(library, talks)
    assert (found.state, found.failures) == ("done", ())
    states = {one.video.video_id: one.state for one in library.videos()}
    assert set(states.values()) == {"queued"}
    assert sorted(found.video_ids) == sorted(states)
    assert found.progress.result == {
        "lists": 0,
        "taken": 3,
        "left": 0,
        "sites": {"": list(found.video_ids)},
    }
    assert {one.video.collection for one in library.videos()} == {"talks"}


def test_only_what_wants_work_is_told(library: Library, talks: Path) -> None:
    first, *others = discovered(library, talks).video_ids
    assert processed(library, first).progress.result == {"new": [first]}
    again = discovered(library, talks)
    assert list(again.video_ids) == others
    assert again.progress.result["taken"] == 0
    processed(library, *others)
    assert discovered(library, talks).video_ids == ()


def test_no_more_are_told_than_were_asked_for_and_the_rest_is_counted(
    library: Library, talks: Path
) -> None:
    found = discovered(library, talks, limit=2)
    assert (len(found.video_ids), found.progress.result["left"]) == (2, 1)
    processed(library, *found.video_ids)
    rest = discovered(library, limit=2)
    assert (len(rest.video_ids), rest.progress.result["left"]) == (1, 0)


def test_a_list_that_is_followed_is_checked_by_its_own_rules(library: Library, talks: Path) -> None:
    library.watch.add(str(talks), Changes(collection="barn", match="sheep|moon"))
    for path in talks.iterdir():
        os.utime(path, (1e9, 1e9))  # nobody is still writing them
    found = discovered(library)
    assert (found.progress.result["lists"], found.progress.result["taken"]) == (1, 2)
    assert sorted(one.video.title for one in library.videos()) == ["moon", "sheep"]
    assert {one.video.collection for one in library.videos()} == {"barn"}
    assert discovered(library).progress.result["lists"] == 0  # it is not due
    assert discovered(library, force=True).progress.result["lists"] == 1
    by_name = discovered(library, talks)
    assert by_name.progress.result["lists"] == 1
    assert sorted(by_name.video_ids) == sorted(found.video_ids)
    assert len(library.videos()) == 2


def test_what_cannot_be_read_does_not_keep_the_others(
    library: Library, talks: Path, tmp_path: Path
) -> None:
    (tmp_path / "bad.srt").write_text("no cues here")
    found = discovered(library, tmp_path / "nothing.srt", tmp_path / "bad.srt", talks / "moon.srt")
    assert found.state == "failed"
    assert [one.error for one in found.failures] == ["NotFound"]
    assert len(found.video_ids) == 2
    worked = processed(library, *found.video_ids)
    assert [one.error for one in worked.failures] == ["ContentError"]
    assert len(worked.progress.result["new"]) == 1


def discover_and_die(home: str, request_id: str) -> None:
    library = Library(load_settings({"home": home}, env={}))
    for _ in Desk(library).perform(request_id):
        os.kill(os.getpid(), signal.SIGKILL)


def test_a_killed_discovery_tells_as_much_when_it_is_done_again(
    library: Library, talks: Path, tmp_path: Path
) -> None:
    wish = wishes.discover([str(talks)], Wishes(), "test", limit=10, force=False)
    request = wishes.submit(library, wish)
    spawn = multiprocessing.get_context("spawn")
    home = str(tmp_path / "home")
    dead = spawn.Process(target=discover_and_die, args=(home, request.request_id))
    dead.start()
    dead.join()
    assert dead.exitcode == -signal.SIGKILL
    assert len(library.videos()) >= 1
    list(Desk(library).work())
    found = library.ledger.requests.get(request.request_id)
    assert (found.state, len(found.video_ids)) == ("done", 3)


def test_a_video_with_other_words_is_updated_and_a_known_one_is_not(
    library: Library, talks: Path
) -> None:
    moon = talks / "moon.srt"
    [video_id] = discovered(library, moon).video_ids
    processed(library, video_id)
    assert processed(library, video_id).progress.result == {}
    tone = [*MOON, "And the tide follows it."]
    [other] = discovered(library, write_talk(moon, tone)).video_ids
    worked = processed(library, other)
    name = "updated" if other == video_id else "new"
    assert worked.progress.result == {name: [other]}


@contextmanager
def with_dify(tmp_path: Path) -> Iterator[tuple[Library, DifyServer]]:
    """A library with a Dify beside its own base."""
    with server() as dify:
        options = {"base_url": dify.base_url, "api_key": dify.dataset_key, **QUICK}
        values = {"home": str(tmp_path / "home"), "knowledge": {"dify": options}}
        library = Library(load_settings(values, env={}))
        create(library, "dify", "talks", mode="economy")
        yield library, dify
        library.close()


def test_every_base_that_is_set_up_is_published_to_and_verified(
    tmp_path: Path, talks: Path
) -> None:
    with with_dify(tmp_path) as (library, _):
        processed(library, *discovered(library, talks).video_ids)
        drifted = done(library, wishes.verify([], "test"))
        assert drifted.progress.result["bases"] == {
            "embedded": {"unchanged": 3},
            "dify": {"create": 3},
        }
        [why] = drifted.failures
        assert (drifted.state, why.about) == ("failed", "dify")
        assert "3 of 3 videos: 3 missing" in why.message

        published = done(library, wishes.publish("", [], "test"))
        assert (published.state, published.progress.result) == (
            "done",
            {"unchanged": 3, "create": 3},
        )
        fine = done(library, wishes.verify([], "test"))
        assert (fine.state, fine.failures) == ("done", ())


def test_a_base_that_is_away_does_not_keep_the_others(tmp_path: Path, talks: Path) -> None:
    with with_dify(tmp_path) as (library, dify):
        processed(library, *discovered(library, talks).video_ids)
        dify.faults.rate, dify.faults.kinds = 1.0, ("503",)
        for asked in (wishes.publish("", [], "test"), wishes.verify([], "test")):
            ended = done(library, asked)
            assert ended.state == "failed"
            assert {(one.error, one.about) for one in ended.failures} == {("Unavailable", "dify")}


def test_what_a_base_on_this_machine_lost_is_drift(library: Library, talks: Path) -> None:
    found = processed(library, *discovered(library, talks).video_ids).video_ids
    base = library.parts.knowledge("embedded")
    base.withdraw(found[0], library.ledger.receipt("embedded", found[0]))
    ended = done(library, wishes.verify(["embedded"], "test"))
    assert ended.progress.result["bases"] == {"embedded": {"create": 1, "unchanged": 2}}
    assert ended.failures[0].hint == "video-rag publish --to embedded --prune"
    done(library, wishes.publish("embedded", [], "test"))
    assert done(library, wishes.verify([], "test")).failures == ()


def test_a_report_sums_up_what_was_asked_for(
    library: Library, talks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bad.srt").write_text("no cues here")
    found = discovered(library, talks, tmp_path / "bad.srt")
    worked = [processed(library, video_id) for video_id in found.video_ids]
    names = [found.request_id, *(one.request_id for one in worked), "rgone"]
    told = done(library, wishes.report(names, 0.0, None, "test"))
    assert told.state == "done"
    result = told.progress.result
    assert result["counts"] == {
        "requests": 5,
        "new": 3,
        "updated": 0,
        "waiting": 0,
        "cancelled": 0,
        "failed": 1,
        "open": 0,
        "forgotten": 1,
    }
    assert sorted(row["title"] for row in result["new"]) == ["moon", "sheep", "stars"]
    [why] = result["failed"]
    assert (why["kind"], why["error"], bool(why["hint"])) == ("process", "ContentError", True)
    assert why["about"] in found.video_ids

    of_time = done(library, wishes.report([], found.asked, None, "test")).progress.result
    assert of_time["counts"] == {**result["counts"], "forgotten": 0}
    before = done(library, wishes.report([], 0.0, found.asked, "test")).progress.result
    assert before["counts"]["requests"] == 0


def test_what_waits_for_a_server_is_no_failure_and_is_told(
    library: Library, talks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [video_id] = discovered(library, talks / "moon.srt").video_ids
    monkeypatch.setattr(
        type(library.parts.knowledge("embedded")), "publish", _raising(Unavailable("it is away"))
    )
    ended = processed(library, video_id)
    assert (ended.state, ended.progress.result) == ("done", {"waiting": [video_id]})
    monkeypatch.undo()
    assert processed(library, video_id).progress.result == {"new": [video_id]}  # at once


def _raising(error: Exception) -> Any:
    def raises(*_given: object, **_named: object) -> None:
        raise error

    return raises


def test_what_a_killed_process_brought_is_told_by_the_next(
    library: Library, talks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = discovered(library, talks).video_ids
    request = wishes.submit(library, wishes.process(found, "test"))
    left = Desk(library).perform(request.request_id)
    next(left)
    next(left)  # the first one is kept
    left.close()
    list(Desk(library).work())
    ended = library.ledger.requests.get(request.request_id)
    assert sorted(ended.progress.result["new"]) == sorted(found)


def test_what_is_wrong_fails_the_doctor_and_is_listed(library: Library, talks: Path) -> None:
    processed(library, *discovered(library, talks).video_ids)
    fine = done(library, wishes.doctor("test", thorough=True))
    assert "library" in {row["name"] for row in fine.progress.result["findings"]}
    next(library.settings.library.documents.rglob("*.md")).unlink()
    ended = done(library, wishes.doctor("test", thorough=False))
    assert any("documents" in one.message and one.hint for one in ended.failures)


def test_a_sweep_deletes_what_nobody_needs(library: Library, talks: Path) -> None:
    processed(library, *discovered(library, talks).video_ids)
    digest = library.blobs.put(b"nobody's")
    path = library.settings.home / "blobs" / digest[:2] / digest[2:]
    os.utime(path, (1e9, 1e9))
    assert done(library, wishes.sweep("test")).progress.result == {"swept": 1}
    assert not path.exists()
    assert done(library, wishes.verify([], "test")).failures == ()


# --- over the API -----------------------------------------------------------------------------


@pytest.fixture
def client(library: Library) -> Iterator[TestClient]:
    app = create_app(library, keys_required=False)
    with TestClient(app, base_url="http://127.0.0.1", client=HERE) as client:
        yield client


def ended(client: TestClient, wish: dict[str, Any], key: str = "") -> dict[str, Any]:
    head = {"Idempotency-Key": key} if key else {}
    asked = client.post("/api/requests", json=wish, headers=head)
    assert asked.status_code == 202, asked.text
    row: dict[str, Any] = client.get(f"/api/requests/{asked.json()['request_id']}?wait=60").json()
    return row


def test_the_steps_are_asked_for_over_the_api(client: TestClient, talks: Path) -> None:
    found = ended(client, {"kind": "discover", "urls": [str(talks)]}, "run/discover")
    assert len(found["video_ids"]) == 3
    rows = [found]
    for number, video_id in enumerate(found["result"]["sites"][""]):
        wish = {"kind": "process", "video_ids": [video_id]}
        rows.append(ended(client, wish, f"run/process/{number}"))
        assert rows[-1]["about"] == video_id  # an id that the library gave is no secret
    rows += [ended(client, {"kind": kind}) for kind in ("publish", "verify", "doctor", "sweep")]
    names = [row["request_id"] for row in rows if row["kind"] != "doctor"]
    told = ended(client, {"kind": "report", "request_ids": names}, "run/report")
    assert (told["result"]["counts"]["new"], told["result"]["counts"]["failed"]) == (3, 0)
    assert ended(client, {"kind": "report", "request_ids": names}, "run/report") == told


@pytest.mark.parametrize(
    "wish",
    [
        {"kind": "discover", "limit": 0},
        {"kind": "discover", "urls": "https://a.example/x"},
        {"kind": "discover", "title": "one"},
        {"kind": "process", "video_ids": []},
        {"kind": "report", "since": "yesterday"},
        {"kind": "sweep", "older": 1},
    ],
)
def test_a_wish_that_cannot_be_is_refused(client: TestClient, wish: dict[str, Any]) -> None:
    told = client.post("/api/requests", json=wish)
    assert (told.status_code, set(told.json())) == (400, {"error", "hint"})


def test_what_is_not_there_is_refused_at_once(client: TestClient) -> None:
    for wish, status in (
        ({"kind": "process", "video_ids": ["nobody"]}, 404),
        ({"kind": "verify", "bases": ["nobody"]}, 400),
        ({"kind": "discover", "urls": ["javascript:1"]}, 400),
    ):
        assert client.post("/api/requests", json=wish).status_code == status, wish


def test_who_may_only_write_may_not_look_at_the_server(library: Library, talks: Path) -> None:
    _, key = keys.make(library.ledger, "airflow", "write")
    app = create_app(library, keys_required=True)
    head = {"Authorization": f"Bearer {key}"}
    with TestClient(app, base_url="http://127.0.0.1", client=HERE, headers=head) as client:
        refused = (
            {"kind": "doctor"},
            {"kind": "sweep"},
            {"kind": "discover", "urls": [str(talks)]},
        )
        for wish in refused:
            assert client.post("/api/requests", json=wish).status_code == 403, wish
        for kind in ("discover", "verify", "report", "publish"):
            assert client.post("/api/requests", json={"kind": kind}).status_code == 202, kind


@pytest.mark.parametrize("kind", ["process", "retry", "publish", "export"])
def test_a_key_that_was_pasted_for_a_video_is_repeated_nowhere(
    client: TestClient, tmp_path: Path, kind: str
) -> None:
    secret = "sk-proj-zX81mQw02KfTr63LbNv5"
    more = {"format": "vtt", "folder": str(tmp_path)} if kind == "export" else {}
    told = client.post("/api/requests", json={"kind": kind, "video_ids": [secret], **more})
    assert told.status_code == 404
    assert secret not in told.text
    wish = {"kind": "report", "request_ids": [secret]}
    assert secret not in client.post("/api/requests", json=wish).text
    assert secret not in client.get("/api/requests").text
