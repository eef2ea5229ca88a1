"""The commands around Dify as people use them, and what they hand in that cannot work."""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from dify_bases import dataset_of, documents, names, other_client, server
from shell import Shell
from talks import SHEEP, STARS, write_talk
from video_rag.knowledge.dify import care, rules
from video_rag.testing.clips import slide_lecture
from video_rag.testing.dify import DifyServer

RULES = rules.indexing(rules.Options.model_validate({}), "economy")


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.setenv("COLUMNS", "200")
    return Shell(capsys)


@pytest.fixture
def dify(monkeypatch: pytest.MonkeyPatch) -> Iterator[DifyServer]:
    """A test Dify that the settings name."""
    with server() as dify:
        settings = {
            "DIFY_BASE_URL": dify.base_url,
            "DIFY_API_KEY": dify.dataset_key,
            "VIDEO_RAG_KNOWLEDGE__DIFY__POLL_SECONDS": "0.05",
            "VIDEO_RAG_KNOWLEDGE__DIFY__RATE_LIMIT_WAIT": "0.01",
            "VIDEO_RAG_KNOWLEDGE__DIFY__TIMEOUT": "5",
        }
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        yield dify


@pytest.fixture
def library(shell: Shell, tmp_path: Path) -> list[str]:
    """A library of two talks."""
    shell("add", write_talk(tmp_path / "talks" / "sheep.srt", SHEEP))
    shell("add", write_talk(tmp_path / "talks" / "stars.srt", STARS))
    return [row["video_id"] for row in shell.json("list")]


@pytest.fixture
def published(shell: Shell, dify: DifyServer, library: list[str]) -> list[str]:
    """The same two talks, in Dify."""
    shell("dify", "create", "--mode", "economy")
    shell("publish", "--all")
    return library


def actions(rows: list[dict[str, Any]]) -> dict[str, str]:
    return {row["video_id"]: row["action"] for row in rows}


def test_from_an_empty_dify_to_an_answer(
    shell: Shell, dify: DifyServer, library: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIDEO_RAG_KNOWLEDGE__DIFY__KEYWORDS", "true")
    made = shell.json("dify", "create", "--mode", "economy", "--name", "talks")
    assert (made["created"], made["name"]) == (True, "talks")
    assert shell.json("dify", "create", "--mode", "economy", "--name", "talks") == {
        **made,
        "created": False,
    }
    assert set(dify.datasets) == {made["dataset_id"]}
    assert "created" in shell("publish", "--all")
    hit = shell.json("search", "wool", "--knowledge", "dify", "--limit", "1")[0]
    assert (hit["start"], hit["title"]) == (0.0, "sheep")
    answer = shell.json("ask", "When is wool shorn?", "--knowledge", "dify")
    assert answer["citations"][0]["start"] == 12.0
    assert [row["state"] for row in shell.json("dify", "status")] == ["indexed", "indexed"]
    assert "2 documents" in shell("dify", "check")


def test_status_json_has_the_promised_fields(
    shell: Shell, dify: DifyServer, published: list[str]
) -> None:
    rows = shell.json("dify", "status")
    assert [row["video_id"] for row in rows] == published
    for row in rows:
        assert set(row) == {
            "video_id", "document_ids", "state", "segments", "revision", "problem",
        }  # fmt: skip
        assert (row["state"], row["segments"], row["problem"]) == ("indexed", 1, "")
        assert set(row["document_ids"]) <= set(dataset_of(dify).documents)


def test_publishing_again_sends_nothing(
    shell: Shell, dify: DifyServer, published: list[str]
) -> None:
    before = dify.writes()
    assert shell("publish", "--all").strip() == "dify: 2 unchanged"
    assert dify.writes() == before


def facts(path: Path) -> list[str]:
    """All that a ledger holds; its bytes also change when SQLite tidies up."""
    with closing(sqlite3.connect(path)) as db:
        return list(db.iterdump())


def test_a_dry_run_tells_everything_and_touches_nothing(
    shell: Shell, dify: DifyServer, published: list[str], tmp_path: Path
) -> None:
    sheep, stars = published
    dify.edit_segment(f"{stars}.md", 1, "A person corrected this.")
    shell("add", write_talk(tmp_path / "talks" / "new.srt", (*STARS, *SHEEP)))
    client = other_client(dify)
    gone = dify.named(f"{sheep}.md")[0]
    client.set_metadata(
        dataset_of(dify).id, {gone.id: {"revision": "old"}}, client.fields(dataset_of(dify).id)
    )
    before, kept = dify.writes(), facts(tmp_path / "home" / "library.db")
    plan = actions(shell.json("publish", "--all", "--prune", "--dry-run"))
    (new,) = plan.keys() - set(published)
    assert plan == {sheep: "update", stars: "conflict", new: "create"}
    text = shell("publish", "--all", "--dry-run")
    assert "1 to create, 1 to update, 1 changed by hand; nothing was sent" in text
    assert dify.writes() == before
    assert facts(tmp_path / "home" / "library.db") == kept


def test_pruning_removes_what_the_library_no_longer_has_and_nothing_else(
    shell: Shell, dify: DifyServer, published: list[str], tmp_path: Path
) -> None:
    body = {**RULES}
    other_client(dify).post(dataset_of(dify).id, "notes.md", "Somebody's words.", **body)
    dify.wait()
    (tmp_path / "home" / "library.db").unlink()
    shell("add", write_talk(tmp_path / "talks" / "sheep.srt", SHEEP))
    sheep, stars = published
    assert "the library does not have it" in shell("dify", "status")
    assert actions(shell.json("publish", "--prune", "--dry-run")) == {stars: "remove"}
    assert len(names(dify)) == 3
    assert "1 removed" in shell("publish", "--all", "--prune")
    assert names(dify) == sorted([f"{sheep}.md", "notes.md"])
    assert "nothing to do" in shell("publish", "--prune")


def test_a_change_by_hand_is_told_and_overwritten_only_by_force(
    shell: Shell, dify: DifyServer, published: list[str]
) -> None:
    name = f"{published[0]}.md"
    dify.edit_segment(name, 1, "A person corrected this.")
    assert "changed by hand" in shell("dify", "status")
    shell("publish", "--all", code=4)
    assert "was changed by hand" in shell.complaint
    assert "--force" in shell.complaint
    assert dify.named(name)[0].segments[0].content == "A person corrected this."
    assert "2 updated" in shell("publish", "--all", "--force")
    assert "wool" in dify.named(name)[0].segments[0].content.lower()


def test_removing_a_video_withdraws_it_also_from_the_archive(
    shell: Shell, dify: DifyServer, published: list[str]
) -> None:
    sheep, stars = published
    document = dify.named(f"{sheep}.md")[0]
    other_client(dify).set_status(dataset_of(dify).id, "archive", [document.id])
    shell("remove", sheep)
    assert names(dify) == [f"{stars}.md"]
    assert [row["video_id"] for row in shell.json("list")] == [stars]


def test_with_auto_a_video_that_is_added_is_published(
    shell: Shell, dify: DifyServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell("dify", "create", "--mode", "economy")
    monkeypatch.setenv("VIDEO_RAG_KNOWLEDGE__DIFY__AUTO", "true")
    shell("add", write_talk(tmp_path / "sheep.srt", SHEEP))
    (row,) = shell.json("dify", "status")
    assert row["state"] == "indexed"
    assert shell("publish", "--all").strip() == "dify: 1 unchanged"
    before = dify.writes()
    shell("add", tmp_path / "sheep.srt")
    assert dify.writes() == before
    write_talk(tmp_path / "sheep.srt", STARS)
    shell("add", tmp_path / "sheep.srt")
    assert [row["state"] for row in shell.json("dify", "status")] == ["indexed"]
    assert len(names(dify)) == 1


def test_a_dataset_made_with_a_model_says_what_to_keep(shell: Shell, dify: DifyServer) -> None:
    model = "langgenius/openai_api_compatible/openai_api_compatible/stub-embed"
    text = shell("dify", "create", "--mode", "high-quality", "--embedding", model)
    assert 'embedding_model = "stub-embed"' in text
    assert dataset_of(dify).settings["embedding_model"] == "stub-embed"


# bad input


def fails(shell: Shell, *words: str) -> None:
    """One line that says what happened, and one that says what to do."""
    assert len(shell.err.strip().splitlines()) <= 4, shell.err
    assert "Traceback" not in shell.err
    for word in words:
        assert word in shell.complaint + " ".join(shell.out.split()), shell.out + shell.err


def still_there(shell: Shell, dify: DifyServer, published: list[str], *, failed: int = 0) -> None:
    """Neither side lost a document."""
    assert names(dify) == sorted(f"{video_id}.md" for video_id in published)
    states = [row["state"] for row in shell.json("list")]
    assert states.count("ready") == len(states) - failed
    assert shell.json("search", "wool", "--knowledge", "embedded")


@pytest.mark.parametrize(
    ("setting", "code", "words"),
    [
        (("API_KEY", "dataset-wrong"), 4, ("401", "check the key")),
        (("API_KEY", "app-123"), 2, ("wrong kind", "dataset-")),
        (("API_KEY", ""), 2, ("no api_key", "DIFY_API_KEY")),
        (("API_KEY", "clé"), 2, ("characters that no key has",)),
        (("KNOWLEDGE_BASE_ID", "00000000-0000-4000-8000-000000000000"), 2, ("not found",)),
        (("KNOWLEDGE_BASE_ID", "talks"), 4, ("must be a UUID",)),
        (("BASE_URL", "http://127.0.0.1:1/v1"), 4, ("cannot be reached", "address")),
        (("BASE_URL", "dify.example"), 2, ("base_url",)),
    ],
)
def test_settings_that_cannot_work(
    shell: Shell,
    dify: DifyServer,
    published: list[str],
    setting: tuple[str, str],
    code: int,
    words: tuple[str, ...],
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DIFY_KNOWLEDGE_BASE_ID", dataset_of(dify).id)
        patch.setenv(f"DIFY_{setting[0]}", setting[1])
        for command in (("publish", "--all"), ("dify", "status")):
            shell(*command, code=code)
            fails(shell, *words)
    still_there(shell, dify, published)


def test_without_a_dataset_it_says_how_to_make_one(
    shell: Shell, dify: DifyServer, library: list[str]
) -> None:
    shell("publish", "--all", code=2)
    fails(shell, "no dataset in Dify is chosen", "dify create --mode economy")


def test_a_base_url_without_v1_is_told(
    shell: Shell, dify: DifyServer, published: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIFY_KNOWLEDGE_BASE_ID", dataset_of(dify).id)
    monkeypatch.setenv("DIFY_BASE_URL", dify.url)
    shell("publish", "--all", code=4)
    fails(shell, "no such route", "ends in /v1")


def test_a_read_only_key(
    shell: Shell,
    dify: DifyServer,
    published: list[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    shell("add", write_talk(tmp_path / "talks" / "new.srt", (*STARS, *SHEEP)))
    with monkeypatch.context() as patch:
        patch.setenv("DIFY_API_KEY", dify.read_only_key)
        shell("publish", "--all", code=4)
        fails(shell, "403", "check what the key may do")
    still_there(shell, dify, published)


def test_an_api_that_is_switched_off(shell: Shell, dify: DifyServer, published: list[str]) -> None:
    dify.api_enabled(dataset_of(dify).id, False)
    shell("publish", "--all", code=4)
    fails(shell, "not enabled", "switch it on in Dify: Knowledge → API access")
    dify.api_enabled(dataset_of(dify).id, True)
    still_there(shell, dify, published)


@pytest.mark.parametrize("quota", ["documents", "space", "minute"])
def test_a_quota_that_is_reached(
    shell: Shell, dify: DifyServer, published: list[str], tmp_path: Path, quota: str
) -> None:
    shell("add", write_talk(tmp_path / "talks" / "new.srt", (*STARS, *SHEEP)))
    if quota == "documents":
        dify.limits.documents = 2
    elif quota == "space":
        dify.limits.vector_space_is_full = True
    else:
        dify.limits.knowledge_per_minute = 1
    shell("publish", "--all", code=4)
    words = "so many knowledge requests a minute" if quota == "minute" else "plan"
    fails(shell, "403", words)
    assert "2 unchanged, 1 not published" in shell.out
    dify.limits.documents = dify.limits.knowledge_per_minute = None
    dify.limits.vector_space_is_full = False
    assert "2 unchanged" in shell("publish", "--all")
    assert len(names(dify)) == 3


def test_a_server_that_goes_in_the_middle(
    shell: Shell, dify: DifyServer, library: list[str]
) -> None:
    shell("dify", "create", "--mode", "economy")
    dify.faults.queue("reset", "indexing-status|retrieve", times=100)
    shell("publish", "--all", code=4)
    fails(shell, "broke the connection off", "2 not published")
    dify.faults._next.clear()
    assert "not published" not in shell("publish", "--all")
    still_there(shell, dify, library)


class _Page(BaseHTTPRequestHandler):
    """A web page in place of an API, as proxies and login pages give."""

    status = 200

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Nothing is printed."""

    def _answer(self) -> None:
        page = b"<!doctype html><title>Sign in</title>"
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.send_response(self.status)
        self.send_header("content-type", "text/html")
        self.send_header("content-length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    do_GET = do_POST = do_PATCH = do_DELETE = _answer  # noqa: N815 - the base's names


@pytest.mark.parametrize(("status", "code"), [(200, 4), (404, 4), (502, 4), (403, 4)])
def test_answers_that_are_web_pages(
    shell: Shell,
    dify: DifyServer,
    published: list[str],
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    code: int,
) -> None:
    handler = type("Handler", (_Page,), {"status": status})
    with HTTPServer(("127.0.0.1", 0), handler) as web, monkeypatch.context() as patch:
        thread = threading.Thread(target=web.serve_forever, args=(0.01,))
        thread.start()
        patch.setenv("DIFY_KNOWLEDGE_BASE_ID", dataset_of(dify).id)
        patch.setenv("DIFY_BASE_URL", f"http://127.0.0.1:{web.server_port}/v1")
        shell("publish", "--all", code=code)
        web.shutdown()
        thread.join()
    assert re.search(r"Dify answered \d+", shell.complaint), shell.err
    fails(shell)
    still_there(shell, dify, published)


def test_a_document_that_is_too_long_for_one_goes_in_parts(
    shell: Shell,
    dify: DifyServer,
    published: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("VIDEO_RAG_KNOWLEDGE__DIFY__PART_BYTES", "16000")
    lines = [f"Part {n}: {'sheep graze ' * 280}" for n in range(12)]
    shell("add", write_talk(tmp_path / "long.srt", lines, seconds_each=80))
    assert "1 created, 2 unchanged" in shell("publish", "--all")
    assert max(len(one.upload.text.encode()) for one in documents(dify)) <= 16_000
    (row,) = [one for one in shell.json("dify", "status") if one["video_id"] not in published]
    assert (row["state"], row["segments"], len(row["document_ids"])) == ("indexed", 12, 3)
    shell("remove", row["video_id"])
    still_there(shell, dify, published)


def test_a_document_that_is_larger_than_this_dify_takes(
    shell: Shell, dify: DifyServer, published: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIDEO_RAG_KNOWLEDGE__DIFY__PART_BYTES", "20000000")
    assert "UPLOAD_FILE_SIZE_LIMIT" in shell("dify", "check", code=4)


def test_an_empty_document(
    shell: Shell, dify: DifyServer, published: list[str], tmp_path: Path
) -> None:
    silent = tmp_path / "silent.mp4"
    slide_lecture(silent, [""], seconds_each=1.0)
    shell("add", silent, code=3)
    assert "dify: 2 unchanged" in shell("publish", "--all")
    shell("publish", silent, code=2)
    fails(shell, "has no document yet", "video-rag show")
    still_there(shell, dify, published, failed=1)


def test_names_of_three_hundred_characters(
    shell: Shell, dify: DifyServer, published: list[str], tmp_path: Path
) -> None:
    shell("dify", "create", "--mode", "economy", "--name", "n" * 300, code=2)
    fails(shell, "1 to 40 characters, this one 300", "--name")
    path = write_talk(tmp_path / "talks" / "new.srt", (*STARS, *SHEEP))
    shell("add", path, "--title", "长" * 300)
    shell("publish", "--all")
    (row,) = [one for one in shell.json("dify", "status") if one["video_id"] not in published]
    assert row["state"] == "indexed"
    assert max(map(len, names(dify))) <= 200


def test_a_worker_that_is_down_is_named_by_the_check(
    shell: Shell, dify: DifyServer, published: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(care, "CHECK_SECONDS", 0.2)
    dify.worker_alive = False
    assert "docker compose ps worker" in shell("dify", "check", code=4)
    assert len(names(dify)) == 2
    findings = shell.json("dify", "check", code=4)
    assert [one["state"] for one in findings].count("wrong") == 1


def test_without_its_plugin_daemon_economy_still_works(
    shell: Shell, dify: DifyServer, library: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIDEO_RAG_KNOWLEDGE__DIFY__KEYWORDS", "true")
    shell("dify", "create", "--mode", "economy")
    dify.has_plugin_daemon = False
    shell("publish", "--all")
    assert {row["state"] for row in shell.json("dify", "status")} == {"indexed"}
    assert shell.json("search", "wool", "--knowledge", "dify")
    assert "plugin daemon is not running" in shell("dify", "check")
    shell("dify", "create", "--mode", "economy")
    assert len(dify.datasets) == 1
    shell("dify", "create", "--mode", "high-quality", "--name", "other", code=4)
    fails(shell, "plugin_daemon")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("publish",), ("nothing to publish", "--all")),
        (("publish", "--all", "x"), ("both", "one of them")),
        (("publish", "--all", "--to", "embedded"), ()),
        (("dify", "status", "--to", "embedded"), ()),
        (("dify", "check", "--to", "embedded"), ("no Dify", "--to")),
        (("dify", "create", "--mode", "economy", "--parent-child"), ("high-quality",)),
        (("dify", "create", "--mode", "high-quality", "--embedding", "gpt"), ("langgenius",)),
        (("publish", "--all", "--to", "nowhere"), ()),
    ],
)
def test_commands_that_make_no_sense(
    shell: Shell, dify: DifyServer, library: list[str], arguments: Any, words: tuple[str, ...]
) -> None:
    works = arguments[-1] == "embedded" and arguments[1] != "check"
    shell(*arguments, code=0 if works else 2)
    fails(shell, *words)
    assert works or shell.err
    assert dify.writes() == []
