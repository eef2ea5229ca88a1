"""The scripted chat server, seen by a plain HTTP client."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

from video_rag.testing.llm import LlmServer, Reply, Request

ASK = {"model": "test", "messages": [{"role": "user", "content": "What was stolen?"}]}


def post(server: LlmServer, **more: Any) -> httpx2.Response:
    return httpx2.post(f"{server.base_url}/chat/completions", json=ASK | more, timeout=10)


def streamed(response: httpx2.Response) -> list[str]:
    return [line[6:] for line in response.text.splitlines() if line.startswith("data: ")]


def test_a_reply_has_the_shape_of_a_chat_completion() -> None:
    with LlmServer(["The crown jewels."]) as server:
        body = post(server).json()
    assert body["object"] == "chat.completion"
    assert body["choices"][0]["message"] == {"role": "assistant", "content": "The crown jewels."}
    assert body["choices"][0]["finish_reason"] == "stop"


def test_a_stream_comes_in_pieces_and_ends_with_done() -> None:
    with LlmServer(["王冠上的珠宝被偷了。"]) as server:
        response = post(server, stream=True)
    *events, last = streamed(response)
    assert response.headers["content-type"] == "text/event-stream"
    assert last == "[DONE]"
    choices = [json.loads(event)["choices"][0] for event in events]
    assert "".join(one["delta"].get("content", "") for one in choices) == "王冠上的珠宝被偷了。"
    assert [one["finish_reason"] for one in choices] == [None] * (len(choices) - 1) + ["stop"]


def test_replies_come_in_order_and_the_last_one_repeats() -> None:
    with LlmServer(["one", "two"]) as server:
        said = [post(server).json()["choices"][0]["message"]["content"] for _ in range(3)]
    assert said == ["one", "two", "two"]


def test_a_function_can_decide_by_the_request() -> None:
    def echo(request: Request) -> str:
        return f"you said: {request.text}"

    with LlmServer(echo) as server:
        body = post(server).json()
    assert body["choices"][0]["message"]["content"] == "you said: What was stolen?"


def test_requests_are_kept() -> None:
    with LlmServer() as server:
        post(server, stream=True, temperature=0.5)
    (request,) = server.requests
    assert (request.path, request.streamed, request.body["temperature"]) == (
        "/v1/chat/completions",
        True,
        0.5,
    )


@pytest.mark.parametrize("status", [401, 429, 500, 503])
def test_faults_have_the_status_and_a_message(status: int) -> None:
    with LlmServer([Reply("no", status=status, headers={"x-more": "1"})]) as server:
        response = post(server)
    assert response.status_code == status
    assert response.headers["x-more"] == "1"
    assert response.json()["error"]["message"] == "no"


def test_a_cut_stream_breaks_the_connection() -> None:
    fault = Reply("a long answer", cut=2)
    with LlmServer([fault]) as server, pytest.raises(httpx2.RemoteProtocolError):
        post(server, stream=True)


def test_a_body_is_sent_as_it_is() -> None:
    with LlmServer([Reply(body=b"<html>", headers={"content-type": "text/html"})]) as server:
        response = post(server)
    assert (response.status_code, response.text) == (200, "<html>")
    assert response.headers["content-type"] == "text/html"


def test_a_slow_reply_ends_with_the_server() -> None:
    with LlmServer([Reply("late", delay=60)]) as server, pytest.raises(httpx2.ReadTimeout):
        httpx2.post(f"{server.base_url}/chat/completions", json=ASK, timeout=0.05)


def test_an_unknown_model_is_not_found() -> None:
    with LlmServer(models=("qwen3:8b",)) as server:
        response = post(server)
        listed = httpx2.get(f"{server.base_url}/models").json()
    assert response.status_code == 404
    assert [model["id"] for model in listed["data"]] == ["qwen3:8b"]


def test_a_wrong_key_is_refused_and_uses_up_no_reply() -> None:
    with LlmServer(["one", "two"], api_key="right") as server:
        assert post(server).status_code == 401
        response = httpx2.post(
            f"{server.base_url}/chat/completions",
            json=ASK,
            headers={"authorization": "Bearer right"},
        )
    assert response.json()["choices"][0]["message"]["content"] == "one"


@pytest.mark.parametrize("path", ["/nothing", "/v1/embeddings"])
def test_other_pages_are_not_found(path: str) -> None:
    with LlmServer() as server:
        base = server.base_url.removesuffix("/v1")
        assert httpx2.post(base + path, json={}).status_code == 404
        assert httpx2.get(base + path).status_code == 404


def test_a_request_that_is_no_json_is_refused() -> None:
    with LlmServer() as server:
        response = httpx2.post(f"{server.base_url}/chat/completions", content=b"{")
    assert response.status_code == 400
