"""Ids: one for each request, from the caller to the stages that follow, in every log line."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from serving import HERE
from talks import SHEEP, write_talk
from video_rag.api import create_app
from video_rag.causes import Cause, caused_by, current, is_well_formed, trace_of
from video_rag.library import Library, Wishes
from video_rag.model import Job
from video_rag.observers.logs import log
from video_rag.operations import keys, wishes
from video_rag.operations.desk import Desk
from video_rag.settings import load_settings

LOCAL = "http://127.0.0.1:8420"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


@pytest.fixture(autouse=True)
def own_handlers() -> Iterator[None]:
    handlers, level = log.handlers[:], log.level
    yield
    for handler in set(log.handlers) - set(handlers):
        handler.close()
    log.handlers[:] = handlers
    log.setLevel(level)


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    write_talk(tmp_path / "talks" / "sheep.srt", SHEEP)
    table = {"logs": {"file": str(tmp_path / "log"), "level": "debug"}}
    opened = Library(load_settings({"home": str(tmp_path / "home"), "observers": table}, env={}))
    yield opened
    opened.close()


def lines(tmp_path: Path, message: str) -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    return [row for row in rows if row["message"] == message]


def test_an_id_that_is_sent_is_answered_and_stands_in_the_log(
    library: Library, tmp_path: Path
) -> None:
    key = keys.make(library.ledger, "reader", "read")[1]
    app = create_app(library, keys_required=True)
    with TestClient(app, base_url=LOCAL, client=HERE) as client:
        right = {"Authorization": f"Bearer {key}"}
        got = client.get("/api/search?q=sheep", headers={**right, "X-Request-ID": "search-0001"})
        assert got.headers["X-Request-ID"] == "search-0001"
        others = [
            client.get("/api/videos/file:0", headers={**right, "X-Request-ID": bad})
            for bad in ("short", "x" * 65, "two words", "a" * 8 + '"{}', "")
        ]
        nobody = client.get("/api/videos")
        missing = client.get("/no/such/page?token=abcdefgh", headers=right)
    made = [one.headers["X-Request-ID"] for one in (*others, nobody, missing)]
    assert len(set(made)) == len(made)
    assert all(is_well_formed(one) for one in made)

    found = {row["request_id"]: row for row in lines(tmp_path, "request")}
    row = found["search-0001"]
    assert (row["method"], row["path"], row["status"]) == ("GET", "/api/search", 200)
    assert (row["key"], row["level"]) == ("reader", "info")
    assert row["seconds"] >= 0
    assert found[made[0]]["status"] == 404
    assert found[made[0]]["video"] == "file:0"
    assert (found[made[-2]]["status"], found[made[-2]]["key"]) == (401, None)
    text = (tmp_path / "log").read_text()
    assert key not in text
    assert "sheep" not in text
    assert "abcdefgh" not in text


def test_what_a_visitor_asks_for_is_one_trace_to_the_last_stage(
    library: Library, tmp_path: Path
) -> None:
    app = create_app(library, keys_required=False)
    with TestClient(app, base_url=LOCAL, client=HERE) as client:
        wish = {"kind": "add", "urls": [str(tmp_path / "talks")]}
        headers = {"X-Request-ID": "from-outside", "traceparent": PARENT}
        request_id = client.post("/api/requests", json=wish, headers=headers).json()["request_id"]
        client.get(f"/api/requests/{request_id}", params={"wait": 60})
    [told] = [row for row in lines(tmp_path, "request") if row["request_id"] == "from-outside"]
    assert (told["trace_id"], told["status"]) == (TRACE, 202)
    stages = lines(tmp_path, "stage done")
    assert {row["stage"] for row in stages} >= {"fetch", "listen", "compose", "publish@embedded"}
    assert {(row["request_id"], row["trace_id"]) for row in stages} == {(request_id, TRACE)}


def test_a_worker_elsewhere_knows_for_which_request_it_works(
    library: Library, tmp_path: Path
) -> None:
    """It has no more than a job and the ledger."""
    request = wishes.submit(library, wishes.add([str(tmp_path / "talks")], Wishes(), "test"))
    list(Desk(library).work())
    [video_id] = library.ledger.video_ids()
    library.ledger.lose(library.ledger.results(video_id)["document"].digest)
    (tmp_path / "log").write_text("")
    assert current() == Cause()

    engine = library._shelf.engine  # what `Working.handle` calls
    engine.handle(Job(video_id=video_id, stage="compose"))

    [done] = [row for row in lines(tmp_path, "stage done") if row["stage"] == "compose"]
    assert (done["request_id"], done["trace_id"]) == (request.request_id, request.trace_id)
    assert len(request.trace_id) == 32


def test_the_request_that_last_wanted_a_video_is_the_one(library: Library, tmp_path: Path) -> None:
    talk = tmp_path / "talks" / "sheep.srt"
    first = wishes.submit(library, wishes.add([str(talk)], Wishes(), "test"))
    list(Desk(library).work())
    second = wishes.submit(library, wishes.add([str(talk)], Wishes(title="Other"), "test"))
    list(Desk(library).work())
    [video_id] = library.ledger.video_ids()
    seen = library.ledger.agenda.see(video_id)
    assert seen
    assert seen.cause.request_id == second.request_id != first.request_id


def test_downloads_in_threads_of_their_own_belong_to_their_request() -> None:
    from concurrent.futures import ThreadPoolExecutor

    from video_rag.causes import carried

    with ThreadPoolExecutor(1) as pool:
        with caused_by(Cause("request-1", TRACE)):
            mine, others = pool.submit(carried(current)), pool.submit(current)
        assert mine.result() == Cause("request-1", TRACE)
        assert others.result() == Cause()
    assert current() == Cause()


@pytest.mark.parametrize(
    ("header", "trace"),
    [
        (PARENT, TRACE),
        (f"00-{'0' * 32}-00f067aa0ba902b7-01", ""),
        (f"00-{TRACE}-{'0' * 16}-01", ""),
        (f"ff-{TRACE}-00f067aa0ba902b7-01", ""),
        ("", ""),
        ("00-xyz-1-01", ""),
    ],
)
def test_a_trace_is_taken_from_a_well_formed_header(header: str, trace: str) -> None:
    assert trace_of(header) == trace


def test_records_of_other_loggers_carry_the_ids_too() -> None:
    from video_rag.observers.logs import HumanLines, JsonLines

    record = logging.getLogger("video_rag").makeRecord("video_rag", 20, "x", 1, "hello", (), None)
    with caused_by(Cause("request-1", TRACE)):
        assert json.loads(JsonLines().format(record))["request_id"] == "request-1"
        assert f"trace_id={TRACE}" in HumanLines().format(record)
