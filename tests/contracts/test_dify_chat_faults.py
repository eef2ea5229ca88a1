"""How the test Dify's chat streams break off, and how logins to its console run out."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from video_rag.testing.dify import DifyServer

CHATFLOW = """
kind: app
version: "0.7.0"
app: {name: Echo, mode: advanced-chat}
workflow:
  features: {}
  graph:
    nodes:
    - {id: start, data: {type: start, title: Start, variables: []}}
    - id: say
      data:
        type: llm
        title: Say
        model: {provider: langgenius/openai_api_compatible/openai_api_compatible, name: stub-chat}
        prompt_template: []
    - {id: answer, data: {type: answer, title: Answer, answer: "{{#say.text#}}"}}
    edges:
    - {source: start, sourceHandle: source, target: say}
    - {source: say, sourceHandle: source, target: answer}
"""
ASK = {"inputs": {}, "query": "Anything?", "user": "ann", "response_mode": "streaming"}


@pytest.fixture
def dify() -> Iterator[DifyServer]:
    with DifyServer() as server:
        server.answering = lambda query, passages: "one two three"
        yield server


@pytest.fixture
def client(dify: DifyServer) -> Iterator[httpx2.Client]:
    headers = {"Authorization": f"Bearer {dify.add_app(CHATFLOW)}"}
    with httpx2.Client(base_url=dify.base_url, headers=headers, timeout=10) as one:
        yield one


def names(text: str) -> list[str]:
    """The events of a stream, each name once in a row."""
    found = [line.split('"')[3] for line in text.splitlines() if line.startswith("data: ")]
    return [name for at, name in enumerate(found) if found[at - 1 : at] != [name]]


def test_a_whole_stream_has_an_end(client: httpx2.Client) -> None:
    assert names(client.post("/chat-messages", json=ASK).text)[-2:] == [
        "message_end",
        "workflow_finished",
    ]


def test_a_short_stream_ends_without_one(client: httpx2.Client, dify: DifyServer) -> None:
    dify.stream_fault = "short"
    assert "message_end" not in names(client.post("/chat-messages", json=ASK).text)


def test_a_cut_stream_is_an_error_of_the_connection(
    client: httpx2.Client, dify: DifyServer
) -> None:
    dify.stream_fault = "cut"
    with pytest.raises(httpx2.RemoteProtocolError):
        client.post("/chat-messages", json=ASK)


def test_a_stopped_run_says_so(client: httpx2.Client, dify: DifyServer) -> None:
    dify.piece_seconds = 5
    with client.stream("POST", "/chat-messages", json=ASK) as answer:
        lines = answer.iter_lines()
        next(line for line in lines if "workflow_started" in line)
        (task,) = dify.running
        client.post(f"/chat-messages/{task}/stop", json={"user": "ann"})
        rest = "\n".join(lines)
    assert names(rest)[-1] == "workflow_finished"
    assert '"status": "stopped"' in rest
    assert "message_end" not in names(rest)


def test_conversations_belong_to_a_user(client: httpx2.Client) -> None:
    client.post("/chat-messages", json=ASK)

    def of(user: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = client.get("/conversations", params={"user": user}).json()[
            "data"
        ]
        return rows

    (mine,) = of("ann")
    assert of("bob") == []
    path = f"/conversations/{mine['id']}"
    assert client.request("DELETE", path, json={"user": "bob"}).status_code == 404
    assert client.request("DELETE", path, json={"user": "ann"}).status_code == 204


def test_the_console_wants_the_cookie_and_the_token(dify: DifyServer) -> None:
    password = base64.b64encode(dify.password.encode()).decode()
    with httpx2.Client(base_url=dify.console_url) as console:
        refused = console.post("/login", json={"email": dify.email, "password": "wrong"})
        assert refused.status_code == 401
        opened = console.post("/login", json={"email": dify.email, "password": password})
        assert opened.json() == {"result": "success"}
        assert console.get("/apps").status_code == 401
        console.headers["X-CSRF-Token"] = console.cookies["csrf_token"]
        assert console.get("/apps").status_code == 200
        dify.expire_logins()
        assert console.get("/apps").status_code == 401


def test_a_new_server_is_set_up_first(dify: DifyServer) -> None:
    dify.set_up = False
    owner = {"email": "a@example.com", "name": "a", "password": "Secret-123"}
    with httpx2.Client(base_url=dify.console_url) as console:
        assert console.get("/setup").json()["step"] == "not_started"
        assert console.post("/setup", json=owner).status_code == 201
        assert console.post("/setup", json=owner).status_code == 403
    assert (dify.email, dify.password) == ("a@example.com", "Secret-123")


@pytest.mark.shared
@pytest.mark.parametrize("name", ["video-rag-chatflow", "retrieval-only-chatflow"])
def test_chatflows_that_ran_on_the_real_one_run_here(
    dify: DifyServer, shared: Path, name: str
) -> None:
    dsl = (shared / "dify" / f"{name}.yml").read_text(encoding="utf-8")
    provider, model = dify.chat_models[0]
    for place, value in (("PROVIDER", provider), ("MODEL", model), ("DATASET_ID", model)):
        dsl = dsl.replace(f"__{place}__", value)
    headers = {"Authorization": f"Bearer {dify.add_app(dsl)}"}
    answer = httpx2.post(f"{dify.base_url}/chat-messages", json=ASK, headers=headers, timeout=10)
    assert names(answer.text)[-1] == "workflow_finished"
