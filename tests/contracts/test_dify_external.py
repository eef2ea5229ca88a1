"""External knowledge: what the test Dify asks of a server, and what it makes of the answer."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import httpx2
import pytest

from dify_recordings import FOLDER, Player, Recording, recordings
from dify_server import BY_SECTION, KEYWORD_SEARCH
from video_rag.testing.dify import DifyServer

KINDS = ("ok", "empty", "403", "404", "500", "nometa", "noscore", "notitle", "notjson", "nullmeta")
HIT = {
    "content": "External hit for {query}",
    "score": 0.93,
    "title": "lecture.md",
    "metadata": {"video_id": "vid-001", "start": 70.0, "url": "http://127.0.0.1/v"},
}
LOWER = {"content": "Lower hit", "score": 0.41, "title": "other.md", "metadata": {}}


@dataclass
class Knowledge:
    """The server that the recorded Dify asked, by `knowledge_id`."""

    seen: list[dict[str, Any]] = field(default_factory=list)
    delay: float = 0.0
    url: str = ""

    def answer(self, body: dict[str, Any]) -> tuple[int, str]:
        kind = body["knowledge_id"].removeprefix("kb-")
        if kind.isdigit():
            words = {"403": (1002, "Authorization failed"), "404": (2001, "The knowledge does not")}
            code, text = words.get(kind, (500, "broken"))
            text += " exist" if kind == "404" else ""
            return int(kind), json.dumps({"error_code": code, "error_msg": text})
        if kind == "notjson":
            return 200, "<html>"
        hit = HIT | {"content": HIT["content"].format(query=body["query"])}
        missing = {"nometa": "metadata", "noscore": "score", "notitle": "title"}
        hit = {name: value for name, value in hit.items() if name != missing.get(kind)}
        if kind == "nullmeta":
            hit["metadata"] = None
        return 200, json.dumps({"records": [] if kind in {"", "empty"} else [hit, LOWER]})


@contextmanager
def knowledge() -> Iterator[Knowledge]:
    """The server, listening."""
    served = Knowledge()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            headers = {name.lower(): value for name, value in self.headers.items()}
            served.seen.append(
                {"path": self.requestline.split()[1], "headers": headers, "body": body}
            )
            time.sleep(served.delay)
            status, text = served.answer(body)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(text.encode())

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # clients that hang up
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    served.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def served() -> Iterator[Knowledge]:
    with knowledge() as one:
        yield one


@pytest.fixture
def dify() -> Iterator[DifyServer]:
    with DifyServer() as one:
        one.external_seconds = 0.2
        yield one


@pytest.fixture
def player(dify: DifyServer, served: Knowledge) -> Iterator[Player]:
    opened = {"Authorization": f"Bearer {dify.admin_key}", "X-WORKSPACE-ID": dify.workspace_id}
    with httpx2.Client(base_url=dify.url, timeout=30) as client:
        texts = {"http://127.0.0.1:5604": served.url}
        yield Player(client, dify.dataset_key, opened, texts=texts)


def recording(name: str) -> Recording:
    return recordings("external", f"{name}.json")[0]


def bound(player: Player, kind: str) -> str:
    """A dataset that the server answers with this kind of answer: its id."""
    player.play(recording("ext-01-create-api"))
    api = player.texts["b967261d-82a4-4c77-888b-605ae382d837"]
    body = {
        "name": f"kb {kind}",
        "external_knowledge_api_id": api,
        "external_knowledge_id": f"kb-{kind}",
        "external_retrieval_model": {
            "top_k": 3,
            "score_threshold": 0.5,
            "score_threshold_enabled": True,
        },
    }
    made = player.client.post(
        "/console/api/datasets/external", json=body, headers=dict(player.console)
    )
    assert made.status_code == 201
    return str(made.json()["id"])


def recorded_dataset(name: str) -> str:
    """The dataset that a recorded request names."""
    return str(recording(name).data["request"]["url"].split("/datasets/")[1].split("/")[0])


@pytest.mark.parametrize(
    "name",
    [
        "ext-01-create-api",
        "ext-01b-create-api-trailing-slash",
        "ext-01c-create-api-unreachable",
    ],
)
def test_registering_is_as_it_was_recorded(player: Player, name: str) -> None:
    player.play(recording(name))
    assert player.differences[f"external/{name}"] == []


def test_registering_asks_an_empty_question(player: Player, served: Knowledge) -> None:
    player.play(recording("ext-01b-create-api-trailing-slash"))
    setting = {"top_k": 1, "score_threshold": 0.0}
    (asked,) = served.seen
    assert asked["path"] == "//retrieval"
    assert asked["headers"]["authorization"] == "Bearer ext-secret"
    assert asked["body"] == {"retrieval_setting": setting, "query": "", "knowledge_id": ""}


@pytest.mark.parametrize("name", ["ext-02-create-dataset-kb-ok", "ext-06-service-create-external"])
def test_a_dataset_is_shown_as_it_was_recorded(player: Player, name: str) -> None:
    player.play(recording("ext-01-create-api"))
    player.play(recording(name))
    assert player.differences[f"external/{name}"] == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_search_is_as_it_was_recorded(player: Player, served: Knowledge, kind: str) -> None:
    name = f"ext-07-console-hit-testing-kb-{kind}"
    player.texts[recorded_dataset(name)] = bound(player, kind)
    del served.seen[:]
    player.play(recording(name))
    assert player.differences[f"external/{name}"] == []
    path = FOLDER / "external" / f"ext-07-what-dify-sent-kb-{kind}.jsonl"
    sent = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [one["body"] for one in served.seen] == [one["body"] for one in sent]
    assert {one["path"] for one in served.seen} == {one["path"] for one in sent}


def test_a_slow_server_is_asked_four_times(player: Player, served: Knowledge) -> None:
    name = "ext-07-console-hit-testing-kb-slow"
    player.texts[recorded_dataset(name)] = bound(player, "slow")
    del served.seen[:]
    served.delay = 0.4
    player.play(recording(name))
    assert player.differences[f"external/{name}"] == []
    assert len(served.seen) == 4


def test_conditions_are_handed_on(player: Player, served: Knowledge) -> None:
    name = "ext-08-console-hit-testing-metadata"
    player.texts[recorded_dataset(name)] = bound(player, "ok")
    del served.seen[:]
    player.play(recording(name))
    assert player.differences[f"external/{name}"] == []
    sent = json.loads((FOLDER / "external" / "ext-08-what-dify-sent.jsonl").read_text())
    assert served.seen[0]["body"] == sent["body"]


@pytest.mark.parametrize(
    "name", ["ext-03-retrieve-kb-ok", "ext-04-retrieve-with-metadata", "ext-05-upload-to-external"]
)
def test_the_service_api_does_not_reach_the_server(
    player: Player, served: Knowledge, name: str
) -> None:
    player.texts[recorded_dataset(name)] = bound(player, "ok")
    del served.seen[:]
    player.play(recording(name))
    assert player.differences[f"external/{name}"] == []
    assert served.seen == []


def test_an_external_dataset_takes_text_that_no_app_reads(
    dify: DifyServer, player: Player, served: Knowledge
) -> None:
    """As `../shared/dify/recordings/second-look/publish-into-external-dataset.json` shows."""
    dataset = bound(player, "ok")
    headers = {"Authorization": f"Bearer {dify.dataset_key}"}
    path = f"/v1/datasets/{dataset}"
    body = {"name": "one.md", "text": "Sharks have cartilage.", "indexing_technique": "economy"}
    posted = player.client.post(
        f"{path}/document/create-by-text",
        json=body | {"process_rule": BY_SECTION},
        headers=headers,
    )
    assert posted.status_code == 200
    dify.wait(60)
    (row,) = player.client.get(f"{path}/documents", headers=headers).json()["data"]
    assert (row["indexing_status"], row["display_status"]) == ("completed", "available")
    asked = {"query": "cartilage", "retrieval_model": KEYWORD_SEARCH}
    found = player.client.post(f"{path}/retrieve", json=asked, headers=headers).json()["records"]
    assert [one["segment"]["content"] for one in found] == ["Sharks have cartilage."]
    sources = ask(dify, player, dataset)["metadata"]["retriever_resources"]
    assert [one["document_name"] for one in sources] == ["lecture.md", "other.md"]


CHATFLOW = """
kind: app
version: "0.7.0"
app: {{name: External, mode: advanced-chat, icon_type: emoji, icon: "🎬", icon_background: "#FFF"}}
workflow:
  features: {{opening_statement: "Ask me about the videos."}}
  graph:
    nodes:
    - {{id: start, data: {{type: start, title: Start, variables: []}}}}
    - id: retrieve
      data:
        type: knowledge-retrieval
        title: Retrieve
        query_variable_selector: [sys, query]
        dataset_ids: [{dataset}]
        multiple_retrieval_config: {{top_k: 4, reranking_enable: false}}
        metadata_filtering_mode: manual
        metadata_filtering_conditions:
          logical_operator: and
          conditions: [{{name: video_id, comparison_operator: is, value: "{{{{#sys.user_id#}}}}"}}]
    - id: summarise
      data:
        type: llm
        title: Summarise
        model: {{provider: {provider}, name: stub-chat}}
        prompt_template: []
        context: {{enabled: true, variable_selector: [retrieve, result]}}
    - {{id: answer, data: {{type: answer, title: Answer, answer: "{{{{#summarise.text#}}}}"}}}}
    edges:
    - {{source: start, sourceHandle: source, target: retrieve}}
    - {{source: retrieve, sourceHandle: source, target: summarise}}
    - {{source: summarise, sourceHandle: source, target: answer}}
"""


def chat(dify: DifyServer, player: Player, kind: str) -> dict[str, Any]:
    """The answer of a Chatflow over a dataset of this kind."""
    return ask(dify, player, bound(player, kind))


def ask(dify: DifyServer, player: Player, dataset: str) -> dict[str, Any]:
    """The answer of a Chatflow over this dataset."""
    provider = dify.chat_models[0][0]
    key = dify.add_app(CHATFLOW.format(dataset=dataset, provider=provider))
    asked = {"inputs": {}, "query": "Chunking strategies", "user": "vid-001"}
    headers = {"Authorization": f"Bearer {key}"}
    answer = player.client.post("/v1/chat-messages", json=asked, headers=headers)
    found: dict[str, Any] = answer.json()
    return found


def test_a_chatflow_names_the_records_as_its_sources(
    dify: DifyServer, player: Player, served: Knowledge
) -> None:
    found = chat(dify, player, "ok")
    recorded = recording("cf-ext-ok-chat").data["response"]["text"]
    end = next(line for line in recorded.splitlines() if '"message_end"' in line)
    sources = json.loads(end.removeprefix("data: "))["metadata"]["retriever_resources"]
    own = found["metadata"]["retriever_resources"]
    assert [one.keys() for one in own] == [one.keys() for one in sources]
    assert [one["document_name"] for one in own] == ["lecture.md", "other.md"]
    assert own[0]["doc_metadata"].keys() == sources[0]["doc_metadata"].keys()
    condition = {"name": "video_id", "comparison_operator": "is", "value": "vid-001"}
    assert served.seen[-1]["body"]["metadata_condition"] == {
        "logical_operator": "and",
        "conditions": [condition],
    }


@pytest.mark.parametrize(
    ("kind", "words"),
    [("500", "Reached maximum retries (3) for URL"), ("nometa", "1 validation error for Document")],
)
def test_a_chatflow_fails_where_the_server_does(
    dify: DifyServer, player: Player, kind: str, words: str
) -> None:
    found = chat(dify, player, kind)
    assert found["code"] == "invalid_param"
    assert found["message"].startswith(f"Run failed: {words}")


def test_a_wrong_model_is_an_error_before_the_run(dify: DifyServer, player: Player) -> None:
    dsl = CHATFLOW.format(dataset=bound(player, "ok"), provider=dify.chat_models[0][0])
    player.app_key = dify.add_app(dsl.replace("stub-chat", "no-such-model"))
    player.play(recording("cf-bad-model-chat"))
    assert player.differences["external/cf-bad-model-chat"] == []


def test_a_dataset_that_is_gone_contributes_nothing(dify: DifyServer, player: Player) -> None:
    gone = "00000000-0000-0000-0000-000000000000"
    key = dify.add_app(CHATFLOW.format(dataset=gone, provider=dify.chat_models[0][0]))
    asked = {"inputs": {}, "query": "Chunking strategies", "user": "t"}
    headers = {"Authorization": f"Bearer {key}"}
    answer = player.client.post("/v1/chat-messages", json=asked, headers=headers).json()
    assert answer["metadata"]["retriever_resources"] == []
