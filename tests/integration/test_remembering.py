"""What was asked is kept for the report: once, late, without secrets, and not for ever."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from serving import HERE
from shell import Shell
from talks import SHEEP, write_talk
from video_rag.answerers import Delta
from video_rag.api import create_app
from video_rag.errors import NotFound, VideoRagError
from video_rag.library import Library
from video_rag.model import Query, Question
from video_rag.operations import keys
from video_rag.settings import load_settings
from video_rag.stores.questions import Asked
from video_rag.stores.questions_sql import SqlQuestions
from video_rag.stores.sql import Sql


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    write_talk(tmp_path / "talks" / "sheep.srt", SHEEP)
    opened = Library(load_settings({"home": str(tmp_path / "home")}, env={}))
    list(opened.add([str(tmp_path / "talks")]))
    yield opened
    opened.close()


def kept(home: Path) -> list[Asked]:
    """What the ledger has of questions, read by another process's connection."""
    ledger = Sql(home / "library.db")
    found = list(ledger.questions.since(0))
    ledger.close()
    return found


def test_searches_and_questions_are_kept_with_what_came_of_them(
    library: Library, tmp_path: Path
) -> None:
    library.search(Query(text="sheep  sk-abcdefghijklmnopqrstuvwx"))
    library.search(Query(text="quarks"))
    with pytest.raises(NotFound):
        library.search(Query(text="sheep", collection="none"))
    list(library.ask(Question(text="How many sheep are on the hill?")))
    list(library.ask(Question(text="Who invented the zip fastener?")))
    library.close()
    rows = kept(tmp_path / "home")[::-1]
    assert [(row.kind, row.outcome) for row in rows] == [
        ("search", "found"),
        ("search", "nothing"),
        ("search", "failed"),
        ("ask", "found"),
        ("ask", "refused"),
    ]
    assert rows[0].text == "sheep sk-********"
    assert (rows[2].collection, rows[0].base, rows[0].asked_by) == ("none", "embedded", "")
    assert rows[0].found >= 1
    assert rows[3].found >= 1
    assert all(row.seconds >= 0 for row in rows)


def test_over_the_api_the_name_of_the_key_and_the_id_are_kept(
    library: Library, tmp_path: Path
) -> None:
    key = keys.make(library.ledger, "reader", "read")[1]
    right = {"Authorization": f"Bearer {key}"}
    app = create_app(library, keys_required=True)
    with TestClient(app, base_url="http://127.0.0.1:8420", client=HERE) as client:
        client.get("/api/search?q=sheep", headers={**right, "X-Request-ID": "search-0001"})
        client.post("/api/ask", json={"question": "Sheep?"}, headers=right)
        body = {"knowledge_id": "all", "query": "sheep", "retrieval_setting": {"top_k": 3}}
        assert client.post("/retrieval", json=body, headers=right).json()["records"]
    library.close()
    rows = kept(tmp_path / "home")[::-1]
    assert [row.kind for row in rows] == ["search", "ask", "search"]  # one for all of Dify's
    assert {row.asked_by for row in rows} == {"reader"}
    assert rows[0].request_id == "search-0001"
    assert len({row.request_id for row in rows}) == 3


def test_who_goes_away_in_the_middle_was_not_answered(library: Library, tmp_path: Path) -> None:
    events = library.ask(Question(text="How many sheep are on the hill?"))
    assert isinstance(next(events), Delta)
    events.close()
    library.close()
    assert kept(tmp_path / "home") == []


def test_nothing_is_kept_where_that_is_switched_off(tmp_path: Path) -> None:
    given = {"home": str(tmp_path / "home"), "ask": {"keep_days": 0}}
    library = Library(load_settings(given, env={}))
    library.search(Query(text="sheep"))
    library.close()
    assert kept(tmp_path / "home") == []


def test_a_ledger_that_cannot_be_written_fails_no_search(library: Library) -> None:
    class Away:
        def __getattr__(self, name: str) -> object:
            raise VideoRagError("the disk is full")

    library._shelf.remembering._ledger = Away()  # type: ignore[assignment]
    assert library.search(Query(text="sheep"))


def one(at: float, text: str = "x") -> Asked:
    return Asked(at, "search", text, "", "embedded", "found", 1, 0.1)


def test_old_ones_are_forgotten_and_so_are_too_many(tmp_path: Path) -> None:
    ledger = Sql(tmp_path / "library.db")
    ledger.questions.keep([one(10.0), one(20.0)], 0)
    ledger.questions.keep([one(30.0)], 15.0)
    assert [row.at for row in ledger.questions.since(0)] == [30.0, 20.0]
    few = SqlQuestions(ledger._reader, ledger._writer, most=3)
    few.keep([one(float(at)) for at in range(40, 50)], 0)
    assert [row.at for row in ledger.questions.since(0)] == [49.0, 48.0, 47.0]
    ledger.close()


def test_many_who_ask_at_once_are_all_kept(library: Library, tmp_path: Path) -> None:
    threads = [
        threading.Thread(target=library.search, args=(Query(text=f"sheep {number}"),))
        for number in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    library.close()
    found = {row.text for row in kept(tmp_path / "home")}
    assert found == {f"sheep {number}" for number in range(12)}


def test_a_command_keeps_what_it_was_asked(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIDEO_RAG_HOME", str(tmp_path / "home"))
    shell = Shell(capsys)
    shell("search", "quarks")
    shell("ask", "What are quarks?")
    rows = json.loads(shell("report", "retrieval", "--json"))
    assert rows["questions"]["ask"]["refused"] == 1
    assert {row["text"] for row in rows["not_found"]} == {"quarks", "What are quarks?"}
