"""The client against what a Dify 1.16.1 answered, and against servers that misbehave."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest
import stamina
from hypothesis import given
from hypothesis import strategies as st

from replay import Replayed, Reply, recorded, replay
from video_rag.dify.client import Client
from video_rag.dify.errors import Said, error_for, failed_run, said_by
from video_rag.errors import (
    BadSettings,
    NotFound,
    Rejected,
    Unavailable,
    VideoRagError,
)

DATASET_KEY = "dataset-0123456789abcdefghijklmn"
APP_KEY = "app-0123456789abcdefghijklmn"
RATE_LIMIT = {
    "code": "forbidden",
    "message": "Sorry, you have reached the knowledge base request rate limit of your "
    "subscription.",
    "status": 403,
}
ROWS = {"data": []}
ClientOf = Callable[..., Client]


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=3, cap=True):
        yield


@pytest.fixture
def client_of() -> Iterator[ClientOf]:
    with ExitStack() as opened:
        yield lambda server, **options: opened.enter_context(client(server, **options))


def client(server: Replayed, **options: Any) -> Client:
    return Client(f"{server.url}/v1", **{"api_key": DATASET_KEY, **options})


def call(reply: Reply | str, **options: Any) -> Any:
    """The answer to the one request that a reply or recording is for."""
    one = replace(recorded(reply) if isinstance(reply, str) else reply, asks=None, query=None)
    with replay(one) as server, client(server, **options) as dify:
        body = {"json": {}} if one.method in {"POST", "PATCH"} else {}
        return dify.call(one.method, one.path.removeprefix("/v1"), **body)


def error_from(reply: Reply | str, **options: Any) -> VideoRagError:
    with pytest.raises(VideoRagError) as caught:
        call(reply, **options)
    return caught.value


def datasets(status: int = 200, body: Any = ROWS, **more: Any) -> Reply:
    return Reply("GET", "/v1/datasets", status, body, **more)


def test_the_key_goes_along_and_the_version_is_kept(client_of: ClientOf) -> None:
    with replay("knowledge/kb-91-create-empty-dataset") as server:
        client = client_of(server)
        assert client.version == ""
        asked = recorded("knowledge/kb-91-create-empty-dataset").asks
        assert client.call("POST", "/datasets", json=asked)["id"]
        assert client.version == "1.16.1"
        assert server.asked[0].headers["authorization"] == f"Bearer {DATASET_KEY}"


def test_the_version_is_kept_from_a_refusal_too(client_of: ClientOf) -> None:
    with replay("knowledge/err-01-no-auth") as server:
        client = client_of(server, api_key="")
        with pytest.raises(Rejected):
            client.call("GET", "/datasets")
        assert client.version == "1.16.1"
        assert "authorization" not in server.asked[0].headers


def test_an_answer_without_body_is_none() -> None:
    """Rule 3 of the contract: 204 has no body."""
    assert call("knowledge/kb-90-delete-doc") is None
    assert call(datasets(body=b"")) is None


@pytest.mark.parametrize(
    ("name", "kind", "code", "hint"),
    [
        ("behaviour/b-12-call-with-api-disabled", Rejected, "forbidden", "API access"),
        ("knowledge/kb-50d-delete-archived", Rejected, "archived_document_immutable", "unarchive"),
        ("knowledge/kb-02-create-dataset-dup-name", Rejected, "dataset_name_duplicate", "dataset_"),
        ("knowledge/err-03-unknown-dataset", NotFound, "not_found", "deleted"),
        ("knowledge/err-07-bad-ext", Rejected, "invalid_param", "larger than it takes"),
        ("knowledge/err-08-too-large", Rejected, "invalid_param", "of a type"),
        ("knowledge/kb-20-retrieve-default", Rejected, "invalid_param", "keyword_search"),
        ("no-daemon/kb-00-list-datasets", Rejected, "invalid_param", "plugin_daemon"),
        ("no-daemon/kb-50b-enable", Rejected, "invalid_action", "wait until"),
        ("behaviour/b-23-retrieve-embedding-down", Unavailable, "invalid_param", "is down"),
        ("high-quality/hq-16-rerank-unconfigured", Rejected, "invalid_param", "Model Provider"),
        ("external/ext-05-upload-to-external", Rejected, "invalid_param", "of Dify's own"),
        ("chatflow/chat-32-bad-conversation", NotFound, "not_found", "new one"),
        ("chatflow/chat-33-completion-on-chat", Rejected, "app_unavailable", "publish"),
    ],
)
def test_a_recorded_refusal_says_what_to_do(
    name: str, kind: type[VideoRagError], code: str, hint: str
) -> None:
    """Rule 4: among them the 400 without a word: bad type or too large."""
    error = error_from(name)
    assert isinstance(error, kind)
    assert said_by(error).code == code
    assert said_by(error).status == recorded(name).status
    assert hint in error.hint


def test_what_flask_guesses_and_pydantic_explains_is_cut_down() -> None:
    assert "did you mean" not in str(error_from("chatflow/chat-32-bad-conversation"))
    text = str(error_from("knowledge/err-05b-name-41"))
    assert "\n" not in text
    assert len(text) < 400


@pytest.mark.parametrize("name", ["knowledge/err-04-bad-uuid", "knowledge/err-13-old-wrong-route"])
def test_a_route_that_does_not_exist_is_no_missing_document(name: str) -> None:
    """Rule 3: a 404 may be HTML."""
    error = error_from(name)
    assert isinstance(error, Rejected)
    assert "no such route" in str(error)
    assert "/v1" in error.hint


@pytest.mark.parametrize(
    "reply",
    [
        datasets(body="<!doctype html><title>Dify</title>"),
        datasets(body="ok", headers={"Content-Type": "text/plain"}),
    ],
)
def test_a_web_page_in_place_of_the_api_is_told(reply: Reply) -> None:
    error = error_from(reply)
    assert isinstance(error, Rejected)
    assert "no JSON" in str(error)
    assert "ends in /v1" in error.hint


def test_an_address_that_has_moved_is_told() -> None:
    error = error_from(datasets(301, b"", headers={"Location": "https://elsewhere.example/v1"}))
    assert isinstance(error, Rejected)
    assert "leads elsewhere" in str(error)
    assert "ends in /v1" in error.hint


def test_a_web_page_that_takes_no_post_is_told() -> None:
    error = error_from(Reply("POST", "/v1/datasets", 405, "<html>Method Not Allowed</html>"))
    assert isinstance(error, Rejected)
    assert "ends in /v1" in error.hint


@pytest.mark.parametrize(
    ("path", "key", "hint"),
    [
        ("/datasets", "", "set the key"),
        ("/datasets", APP_KEY, "begins with dataset-"),
        ("/workspaces/current/models/model-types/llm", APP_KEY, "begins with dataset-"),
        ("/info", DATASET_KEY, "begins with app-"),
        ("/datasets", DATASET_KEY, "deleted"),
        ("/info", APP_KEY, "deleted"),
    ],
)
def test_a_key_of_the_wrong_kind_is_told(path: str, key: str, hint: str) -> None:
    refusal = recorded("knowledge/err-02-bad-key")
    error = error_from(replace(refusal, path=f"/v1{path}"), api_key=key)
    assert isinstance(error, Rejected)
    assert hint in error.hint
    assert not key or key not in f"{error} {error.hint}"


def test_a_key_that_dify_quotes_is_masked() -> None:
    said = {"code": "unauthorized", "message": f"bad token {DATASET_KEY}", "status": 401}
    assert DATASET_KEY not in str(error_from(datasets(401, said)))


def test_a_key_may_have_blanks_around_it_but_none_within(client_of: ClientOf) -> None:
    with replay(datasets()) as server:
        client = client_of(server, api_key=" dataset-1\n")
        client.call("GET", "/datasets")
        assert server.asked[0].headers["authorization"] == "Bearer dataset-1"
    for key in ("dataset-1 2", "dataset-密"):
        with pytest.raises(BadSettings, match="characters"):
            Client("http://127.0.0.1/v1", api_key=key)


@pytest.mark.parametrize("url", ["", "127.0.0.1/v1", "ftp://dify/v1", "http://[::1", "http:///v1"])
def test_what_is_no_address_is_told_at_once(url: str) -> None:
    with pytest.raises(BadSettings, match="base_url"):
        Client(url)


def test_the_rate_limit_is_waited_for_even_with_a_post(client_of: ClientOf) -> None:
    """Rule 4: a 403 that speaks of the rate limit."""
    limited = Reply("POST", "/v1/datasets/1/retrieve", 403, RATE_LIMIT)
    with replay(limited, replace(limited, status=200, body={"records": []})) as server:
        answer = client_of(server).call("POST", "/datasets/1/retrieve", json={})
    assert answer == {"records": []}
    assert len(server.asked) == 2


def test_a_rate_limit_that_stays_is_unavailable_and_says_when() -> None:
    error = error_from(datasets(403, RATE_LIMIT), rate_limit_wait=42.0)
    assert isinstance(error, Unavailable)
    assert error.retry_after == 42.0
    assert "plan" in error.hint
    named = datasets(403, RATE_LIMIT, headers={"Retry-After": "7"})
    assert getattr(error_from(named), "retry_after", None) == 7.0


def test_a_pause_too_long_to_sleep_is_left_to_the_caller(client_of: ClientOf) -> None:
    with replay(datasets(403, RATE_LIMIT)) as server:
        with pytest.raises(Unavailable) as caught:
            client_of(server, rate_limit_wait=600).call("GET", "/datasets")
        assert caught.value.retry_after == 600
        assert len(server.asked) == 1


@pytest.mark.parametrize(
    "message",
    [
        "The number of documents has reached the limit of your subscription.",
        "The capacity of the vector space has reached the limit of your subscription.",
        "To unlock this feature and elevate your Dify experience, please upgrade to a paid plan.",
    ],
)
def test_a_used_up_plan_is_no_rate_limit(message: str) -> None:
    error = error_from(datasets(403, {**RATE_LIMIT, "message": message}))
    assert isinstance(error, Rejected)
    assert "plan" in error.hint


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_call_that_may_work_later_is_repeated(client_of: ClientOf, status: int) -> None:
    """Rule 4: network errors, 429 and 5xx."""
    trouble = datasets(status, "<html>", headers={"Retry-After": "1"})
    with replay(trouble, trouble, datasets()) as server:
        client = client_of(server)
        assert client.call("GET", "/datasets") == ROWS
        assert len(server.asked) == 3


@pytest.mark.parametrize(("status", "times"), [(429, 3), (503, 3), (500, 1), (502, 1)])
def test_a_post_is_repeated_only_where_it_did_nothing(
    client_of: ClientOf, status: int, times: int
) -> None:
    with replay(Reply("POST", "/v1/datasets", status, {})) as server:
        client = client_of(server)
        with pytest.raises(Unavailable):
            client.call("POST", "/datasets", json={})
        assert len(server.asked) == times
        server.asked.clear()
        with pytest.raises(Unavailable):
            client.call("POST", "/datasets", json={}, repeatable=True)
        assert len(server.asked) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 415])
def test_a_refusal_is_never_repeated(client_of: ClientOf, status: int) -> None:
    """Rule 4: no other 4xx."""
    with replay(datasets(status, {"code": "x", "message": "no"})) as server:
        with pytest.raises((Rejected, NotFound)):
            client_of(server).call("GET", "/datasets")
        assert len(server.asked) == 1


def test_a_server_that_cannot_be_reached_is_unavailable(client_of: ClientOf) -> None:
    with replay() as server:
        client = client_of(server)
    with pytest.raises(Unavailable, match="Dify cannot be reached"):
        client.call("POST", "/datasets", json={})


def test_a_server_that_says_nothing_is_unavailable_and_a_post_is_not_repeated(
    client_of: ClientOf,
) -> None:
    silent = Reply("POST", "/v1/datasets", silent=True)
    with replay(silent) as server:
        client = client_of(server, timeout=0.1)
        with pytest.raises(Unavailable, match="did not answer in time"):
            client.call("POST", "/datasets", json={})
        assert len(server.asked) == 1


def test_an_answer_that_is_cut_off_is_asked_for_again(client_of: ClientOf) -> None:
    with replay(datasets(cut=5), datasets()) as server:
        client = client_of(server)
        assert client.call("GET", "/datasets") == ROWS


def test_json_that_ends_too_early_is_unavailable() -> None:
    half = datasets(body=b'{"data": [', headers={"Content-Type": "application/json"})
    error = error_from(half)
    assert isinstance(error, Unavailable)
    assert "cut off" in str(error)


def test_lines_are_streamed_and_split_at_line_feeds_only(client_of: ClientOf) -> None:
    text = 'data: {"a": "1\u2028\x852"}\r\n\r\nevent: ping'
    with (
        replay(Reply("POST", "/v1/chat-messages", body=text)) as server,
        client_of(server).stream("POST", "/chat-messages", json={}) as lines,
    ):
        found = list(lines)
    assert found == ['data: {"a": "1\u2028\x852"}', "", "event: ping"]


@pytest.mark.parametrize("body", ["<!doctype html>", {"answer": "whole"}])
def test_what_is_no_stream_is_told(client_of: ClientOf, body: Any) -> None:
    with (
        replay(Reply("POST", "/v1/chat-messages", body=body)) as server,
        pytest.raises(Rejected, match="no stream"),
        client_of(server).stream("POST", "/chat-messages", json={}),
    ):
        pass


def test_a_stream_is_refused_like_a_call(client_of: ClientOf) -> None:
    with (
        replay("chatflow/chat-35-dataset-key-on-chat") as server,
        pytest.raises(Rejected) as caught,
        client_of(server).stream(
            "POST", "/chat-messages", json=recorded("chatflow/chat-35-dataset-key-on-chat").asks
        ),
    ):
        pass
    assert "app-" in caught.value.hint


@given(
    st.integers(100, 599),
    st.text(max_size=40),
    st.text(max_size=400),
    st.floats(0, 1e6) | st.none(),
)
def test_whatever_dify_says_becomes_an_error_with_advice(
    status: int, code: str, message: str, wait: float | None
) -> None:
    error = error_for("Dify", Said(status, code, message), retry_after=wait)
    assert error.hint
    assert "\n" not in str(error)
    assert said_by(error) == (status, code, message)


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("[Errno 111] Connection refused", Unavailable),
        ("[openai] Rate Limit Error, slow down", Unavailable),
        ("[openai] Server Unavailable Error, 503", Unavailable),
        ("Reached maximum retries (3) for URL http://127.0.0.1:5604/retrieval", Unavailable),
        ("Request timed out.", Unavailable),
        ("language in input form must be one of the following: ['en', 'zh']", Rejected),
        ("", Rejected),
    ],
)
def test_a_failed_run_may_be_tried_again_where_a_server_was_down(
    words: str, kind: type[VideoRagError]
) -> None:
    error = failed_run("Dify", words)
    assert isinstance(error, kind)
    assert "the run failed" in str(error)
    assert error.hint


def test_errors_that_are_not_difys_have_said_nothing() -> None:
    assert said_by(Unavailable("gone")) == Said()
