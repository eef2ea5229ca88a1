"""`dify chatflow` and `dify connect` against a Dify, from the command to the answered question."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import stamina
import yaml

from talks import SHEEP, STARS, write_talk
from video_rag.cli import main
from video_rag.dify.chat import Chat
from video_rag.dify.client import Client
from video_rag.dify.dsl_rules import check
from video_rag.dify.events import Piece, Resources
from video_rag.errors import Rejected
from video_rag.operations.dify_chatflow import verify
from video_rag.testing.dify import DifyServer

QUESTION = "What do sheep eat?"


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=2, cap=True):
        yield


@pytest.fixture
def dify() -> Iterator[DifyServer]:
    with DifyServer() as server:
        yield server


@pytest.fixture
def home(dify: DifyServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A library of two talks whose Dify is the one above; the tests run beside it."""
    settings = {
        "VIDEO_RAG_HOME": str(tmp_path / "home"),
        "DIFY_API_KEY": dify.dataset_key,
        "VIDEO_RAG_KNOWLEDGE__DIFY__BASE_URL": dify.base_url,
        "VIDEO_RAG_KNOWLEDGE__DIFY__POLL_SECONDS": "0.02",
        "VIDEO_RAG_KNOWLEDGE__DIFY__CONSOLE_EMAIL": dify.email,
        "VIDEO_RAG_KNOWLEDGE__DIFY__CONSOLE_PASSWORD": dify.password,
        "VIDEO_RAG_SERVER__PUBLIC_URL": "http://videos.test",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    write_talk(tmp_path / "talks" / "Sheep on the hill.srt", SHEEP)
    write_talk(tmp_path / "talks" / "恒星的一生.zh.srt", STARS)
    assert main(["add", str(tmp_path / "talks")]) == 0
    return tmp_path


@pytest.fixture
def published(home: Path) -> Path:
    """The same, published to an economy dataset."""
    assert main(["dify", "create", "--mode", "economy"]) == 0
    assert main(["publish", "--all", "--to", "dify"]) == 0
    return home


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    capsys.readouterr()
    assert main(["dify", *arguments, "--json"]) == 0, capsys.readouterr().err
    return json.loads(capsys.readouterr().out)


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    assert main(["dify", *arguments]) in {2, 4}
    return capsys.readouterr().err


def asked(dify: DifyServer, key: str, question: str) -> tuple[str, int]:
    """What the published app answers, and from how many passages."""
    said, found = "", 0
    with Client(dify.base_url, api_key=key) as client:
        for event in Chat(client).send(question, user="t"):
            said += event.text if isinstance(event, Piece) else ""
            found += len(event.items) if isinstance(event, Resources) else 0
    return said, found


def read(file: Path) -> Any:
    return yaml.safe_load(file.read_text("utf-8"))


# writing


def test_a_chatflow_is_written_for_the_dataset_and_the_workspaces_model(
    published: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    row = run(capsys, "chatflow")
    assert row == {"file": "video-rag-chatflow.yml"}
    dsl = read(published / row["file"])
    assert check(dsl) == []
    nodes = {node["id"]: node["data"] for node in dsl["workflow"]["graph"]["nodes"]}
    assert nodes["summarise"]["model"]["name"] == "stub-chat"
    assert nodes["search"]["query_variable_selector"] == ["understand", "keywords"]
    prompt = nodes["summarise"]["prompt_template"][0]["text"]
    assert "⟦file:ID@START-END⟧ → http://videos.test/#/video/file:ID?t=START" in prompt
    assert any("Sheep on the hill" in q for q in dsl["workflow"]["features"]["suggested_questions"])


def test_without_a_console_the_file_comes_with_the_way_by_hand(
    published: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VIDEO_RAG_KNOWLEDGE__DIFY__CONSOLE_EMAIL")
    capsys.readouterr()
    assert (
        main(["dify", "chatflow", "--import", "--output", "flow.yml", "--model", "openai/x"]) == 2
    )
    told = capsys.readouterr()
    assert "Import DSL file → flow.yml" in told.out
    assert "API Access" in told.out
    assert "only written" in told.err
    assert check(read(published / "flow.yml")) == []


def test_a_folder_of_prompts_is_made_and_then_used(
    published: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys, "chatflow", "--prompts", "own")
    file = published / "own" / "small_talk.en.txt"
    file.write_text("Baa.", "utf-8")
    run(capsys, "chatflow", "--prompts", "own")
    assert "answer: Baa." in (published / "video-rag-chatflow.yml").read_text("utf-8")


def test_a_folder_of_prompts_that_was_filled_is_told_once(
    published: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert main(["dify", "chatflow", "--prompts", "own"]) == 0
    assert "wrote the built-in prompts into own" in capsys.readouterr().out
    assert main(["dify", "chatflow", "--prompts", "own"]) == 0
    assert "prompts" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--dataset", "kb"], "no id of a dataset"),
        (["--model", "gpt"], "names no model"),
        (["--variant", "external"], "video-rag dify connect"),
        (["--output", "talks"], "cannot write"),
    ],
)
def test_what_cannot_be_is_told_with_the_remedy(
    published: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert words in refused(capsys, "chatflow", *arguments)


def test_without_a_model_in_dify_one_is_asked_for(
    published: Path, dify: DifyServer, capsys: pytest.CaptureFixture[str]
) -> None:
    dify.chat_models.clear()
    assert "--model" in refused(capsys, "chatflow")


def test_without_a_model_and_a_console_the_console_is_a_remedy_too(
    published: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VIDEO_RAG_KNOWLEDGE__DIFY__CONSOLE_EMAIL")
    told = refused(capsys, "chatflow", "--import")
    assert "console_email" in told
    assert "--model" in told


def test_datasets_that_dify_cannot_search_together_are_refused(
    published: Path, dify: DifyServer, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys, "create", "--mode", "high-quality", "--name", "fine")
    both = [argument for id_ in dify.datasets for argument in ("--dataset", id_)]
    assert "cannot be searched together" in refused(capsys, "chatflow", *both)


# into Dify


@pytest.mark.parametrize("language", ["en", "zh"])
def test_an_imported_chatflow_is_tried_published_and_answers_with_a_link(
    published: Path, dify: DifyServer, capsys: pytest.CaptureFixture[str], language: str
) -> None:
    row = run(capsys, "chatflow", "--import", "--language", language)
    assert row["is_new"]
    assert row["answer"]
    assert row["page"].startswith(f"{dify.url}/chat/")
    assert row["app_key"].startswith("app-")
    assert not row["notes"]
    said, found = asked(dify, row["app_key"], QUESTION)
    assert "sheep eats grass" in said
    assert found > 0


@pytest.mark.parametrize(
    ("message", "reply"),
    [
        ("hello", "With pleasure!"),
        ("你好", "很高兴为你服务"),
        ("What is the weather today?", "I can only answer from the videos"),
        ("zebras xylophone", "I found nothing"),
        ("斑马木琴", "在视频中没有找到"),
    ],
)
def test_what_needs_no_search_or_finds_nothing_has_a_fixed_reply(
    published: Path,
    dify: DifyServer,
    capsys: pytest.CaptureFixture[str],
    message: str,
    reply: str,
) -> None:
    row = run(capsys, "chatflow", "--import")
    said, found = asked(dify, row["app_key"], message)
    assert reply in said
    assert found == 0


def test_importing_again_overwrites_the_app_and_keeps_its_key(
    published: Path, dify: DifyServer, capsys: pytest.CaptureFixture[str]
) -> None:
    first = run(capsys, "chatflow", "--import")
    again = run(capsys, "chatflow", "--import", "--language", "en")
    assert not again["is_new"]
    assert (again["app_id"], again["app_key"]) == (first["app_id"], first["app_key"])
    assert len(dify.apps) == 1
    other = run(capsys, "chatflow", "--import", "--name", "Another")
    assert other["app_id"] != first["app_id"]


def test_an_app_that_somebody_deleted_is_made_anew(
    published: Path, dify: DifyServer, capsys: pytest.CaptureFixture[str]
) -> None:
    first = run(capsys, "chatflow", "--import")
    dify.apps.clear()
    again = run(capsys, "chatflow", "--import")
    assert again["is_new"]
    assert again["app_id"] != first["app_id"]


def test_keyword_only_answers_without_a_model(
    published: Path, dify: DifyServer, capsys: pytest.CaptureFixture[str]
) -> None:
    dify.model_alive = False
    row = run(capsys, "chatflow", "--import", "--variant", "keyword-only")
    said, _ = asked(dify, row["app_key"], "sheep grass")
    first, _, words = said.partition("\n\n   > ")
    assert re.fullmatch(r"1\. (\[.+ \d+:\d\d\]\(http\S+ \".+\"\)|.+ \d+:\d\d)", first)
    assert "sheep eats grass" in words
    assert "⟦" not in said
    assert "{'metadata'" not in said
    assert "I found nothing" in asked(dify, row["app_key"], "zebras")[0]


def test_keyword_only_without_a_sandbox_prints_the_records(
    published: Path, dify: DifyServer, capsys: pytest.CaptureFixture[str]
) -> None:
    dify.model_alive = dify.has_sandbox = False
    row = run(capsys, "chatflow", "--import", "--variant", "keyword-only")
    assert any("runs no templates" in note for note in row["notes"])
    assert "{'metadata'" in asked(dify, row["app_key"], "sheep grass")[0]


def test_a_draft_that_does_not_answer_is_not_published(
    published: Path, dify: DifyServer, capsys: pytest.CaptureFixture[str]
) -> None:
    dify.model_alive = False
    told = refused(capsys, "chatflow", "--import")
    assert "did not answer" in told
    assert "not published" in told
    (app,) = dify.apps.values()
    assert app.published is None


def test_an_empty_dataset_is_noticed(
    home: Path, dify: DifyServer, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys, "create", "--mode", "economy")
    row = run(capsys, "chatflow", "--import")
    assert any("found no passages" in note for note in row["notes"])


@pytest.mark.parametrize("kept", [[], ["8c19e68a-03d8-47d9-8a3a-3342c6dadf90"]])
def test_a_dataset_that_dify_dropped_is_told(kept: list[str]) -> None:
    data = {"type": "knowledge-retrieval", "dataset_ids": kept}
    with pytest.raises(Rejected, match="dropped the dataset"):
        verify({"graph": {"nodes": [{"data": data}]}}, ["206a2cbb"], "http://d/app/1/workflow")


# connecting


class Index:
    """A `POST /retrieval` that knows one passage and the keys it was asked with."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.asked: list[dict[str, Any]] = []
        self.status = 200
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        index = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                index.keys.append(self.headers["Authorization"].removeprefix("Bearer "))
                index.asked.append(body)
                record = {"content": "Sheep eat grass.", "score": 1.0, "title": "", "metadata": {}}
                answer = json.dumps({"records": [record] if body["query"] else []}).encode()
                self.send_response(index.status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *args: object) -> None:
                """Be quiet."""

        return Handler


@pytest.fixture
def index() -> Iterator[Index]:
    found = Index()
    thread = Thread(target=found.server.serve_forever, args=(0.01,))
    thread.start()
    yield found
    found.server.shutdown()
    thread.join()
    found.server.server_close()


def living_keys(capsys: pytest.CaptureFixture[str]) -> list[str]:
    capsys.readouterr()
    assert main(["keys", "list", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    return [row["key_id"] for row in rows if not row["revoked"]]


def test_our_index_becomes_knowledge_and_a_chatflow_answers_from_it(
    home: Path, dify: DifyServer, index: Index, capsys: pytest.CaptureFixture[str]
) -> None:
    row = run(capsys, "connect", "--url", index.url)
    assert row["is_new"]
    assert row["found"] == 1
    assert index.asked[-1]["knowledge_id"] == "all"
    assert index.keys[-1].startswith("vr_")
    flow = run(capsys, "chatflow", "--import", "--variant", "external")
    assert not flow["notes"]
    assert "Sheep eat grass" in asked(dify, flow["app_key"], QUESTION)[0]


def test_connecting_again_changes_nothing_while_it_works(
    home: Path, dify: DifyServer, index: Index, capsys: pytest.CaptureFixture[str]
) -> None:
    first = run(capsys, "connect", "--url", index.url)
    keys = living_keys(capsys)
    again = run(capsys, "connect", "--url", f"{index.url}/")
    assert not again["is_new"]
    assert again["dataset_id"] == first["dataset_id"]
    assert living_keys(capsys) == keys
    assert (len(dify.external_apis), len(dify.datasets)) == (1, 1)


def test_another_address_is_registered_in_place_with_a_new_key(
    home: Path, dify: DifyServer, index: Index, capsys: pytest.CaptureFixture[str]
) -> None:
    first = run(capsys, "connect", "--url", index.url)
    (before,) = living_keys(capsys)
    again = run(capsys, "connect", "--url", index.url.replace("127.0.0.1", "localhost"))
    assert again["api_id"] == first["api_id"]
    assert again["dataset_id"] == first["dataset_id"]
    (after,) = living_keys(capsys)
    assert after != before


def test_another_collection_is_another_dataset(
    home: Path, dify: DifyServer, index: Index, capsys: pytest.CaptureFixture[str]
) -> None:
    first = run(capsys, "connect", "--url", index.url)
    other = run(capsys, "connect", "--url", index.url, "--collection", "farm", "--name", "farm")
    assert other["dataset_id"] != first["dataset_id"]
    assert index.asked[-1]["knowledge_id"] == "farm"


def test_an_address_that_dify_does_not_reach_leaves_no_key_behind(
    home: Path, dify: DifyServer, capsys: pytest.CaptureFixture[str]
) -> None:
    told = refused(capsys, "connect", "--url", "http://127.0.0.1:9")
    assert "does not reach" in told
    assert "host.docker.internal" in told
    assert living_keys(capsys) == []


def test_a_key_that_is_refused_is_not_printed(
    home: Path, dify: DifyServer, index: Index, capsys: pytest.CaptureFixture[str]
) -> None:
    index.status = 403
    told = refused(capsys, "connect", "--url", index.url, "--key", "vr_1_verysecret")
    assert "does not reach" in told
    assert "verysecret" not in told


def test_a_dataset_that_somebody_deleted_is_made_anew(
    home: Path, dify: DifyServer, index: Index, capsys: pytest.CaptureFixture[str]
) -> None:
    first = run(capsys, "connect", "--url", index.url)
    dify.datasets.clear()
    again = run(capsys, "connect", "--url", index.url)
    assert again["is_new"]
    assert again["dataset_id"] != first["dataset_id"]


@pytest.mark.parametrize("url", ["ftp://a.test", "videos.test", "http://"])
def test_an_address_that_is_none_is_refused(
    home: Path, capsys: pytest.CaptureFixture[str], url: str
) -> None:
    assert "address" in refused(capsys, "connect", "--url", url)


def test_without_a_console_the_way_to_connect_by_hand_is_told(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VIDEO_RAG_KNOWLEDGE__DIFY__CONSOLE_EMAIL")
    capsys.readouterr()
    assert main(["dify", "connect"]) == 2
    told = capsys.readouterr()
    assert "endpoint http://videos.test" in told.out
    assert "nothing was registered" in told.err
