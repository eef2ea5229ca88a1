"""Retries and errors of the HTTP client, against a transport that answers from a list."""

from __future__ import annotations

import datetime as dt
import email.utils
from collections.abc import Callable, Iterator

import httpx2
import pytest
import stamina

from video_rag.errors import NotFound, Rejected, Unavailable
from video_rag.net.http import Client, retry_after

Reply = httpx2.Response | Exception


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=4, cap=True):
        yield


@pytest.fixture
def answering() -> Callable[..., tuple[Client, list[httpx2.Request]]]:
    def make(*replies: Reply) -> tuple[Client, list[httpx2.Request]]:
        waiting, asked = list(replies), []

        def answer(request: httpx2.Request) -> httpx2.Response:
            asked.append(request)
            reply = waiting.pop(0)
            if isinstance(reply, Exception):
                raise reply
            return reply

        transport = httpx2.MockTransport(answer)
        return Client("http://server.example/v1", name="The server", transport=transport), asked

    return make


def busy(status: int = 503, **headers: str) -> httpx2.Response:
    return httpx2.Response(status, headers=headers)


def test_json_is_given_back_and_parameters_are_sent(answering) -> None:
    client, asked = answering(httpx2.Response(200, json={"a": 1}))
    with client:
        assert client.get_json("/things", page=2) == {"a": 1}
    assert str(asked[0].url) == "http://server.example/v1/things?page=2"
    assert asked[0].headers["User-Agent"] == "video-rag"


def test_an_answer_without_body_is_none(answering) -> None:
    client, _ = answering(httpx2.Response(204))
    assert client.call("DELETE", "/things/1") is None


@pytest.mark.parametrize(
    "trouble",
    [
        busy(500),
        busy(503),
        busy(429),
        busy(408),
        httpx2.ConnectError("refused"),
        httpx2.ReadTimeout("slow"),
        httpx2.RemoteProtocolError("gone"),
    ],
)
def test_a_request_that_may_work_later_is_repeated(answering, trouble: Reply) -> None:
    client, asked = answering(trouble, trouble, httpx2.Response(200, json=1))
    assert client.get_json("/x") == 1
    assert len(asked) == 3


def test_after_the_last_attempt_the_error_comes_with_the_time_to_wait(answering) -> None:
    client, asked = answering(*[busy(429, **{"Retry-After": "7"})] * 4)
    with pytest.raises(Unavailable, match="The server answered 429") as caught:
        client.get_json("/x")
    assert caught.value.retry_after == 7.0
    assert len(asked) == 4


def test_a_server_that_wants_a_long_pause_is_not_waited_for(answering) -> None:
    client, asked = answering(busy(503, **{"Retry-After": "3600"}))
    with pytest.raises(Unavailable) as caught:
        client.get_json("/x")
    assert (caught.value.retry_after, len(asked)) == (3600.0, 1)


@pytest.mark.parametrize("trouble", [busy(500), httpx2.ReadTimeout("slow")])
def test_a_post_that_may_have_worked_is_not_repeated(answering, trouble: Reply) -> None:
    client, asked = answering(trouble)
    with pytest.raises(Unavailable):
        client.post_json("/x", {})
    assert len(asked) == 1


@pytest.mark.parametrize(
    "trouble", [busy(408), busy(429), busy(503), httpx2.ConnectError("refused")]
)
def test_a_post_that_surely_did_nothing_is_repeated(answering, trouble: Reply) -> None:
    client, asked = answering(trouble, httpx2.Response(200, json={}))
    assert client.post_json("/x", {}) == {}
    assert len(asked) == 2


def test_a_repeatable_post_is_repeated_whatever_happened(answering) -> None:
    client, asked = answering(busy(500), httpx2.Response(200, json={}))
    client.post_json("/x", {}, repeatable=True)
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("status", "kind"), [(400, Rejected), (401, Rejected), (403, Rejected), (404, NotFound)]
)
def test_a_refusal_is_not_repeated_and_says_why(answering, status: int, kind: type) -> None:
    reply = httpx2.Response(status, json={"error": {"message": "no such\nmodel"}})
    client, asked = answering(reply)
    with pytest.raises(kind, match="no such model") as caught:
        client.get_json("/x", api_key="s3cret")
    assert "s3cret" not in str(caught.value)
    assert caught.value.hint
    assert len(asked) == 1


def test_a_page_instead_of_json_is_rejected(answering) -> None:
    client, _ = answering(httpx2.Response(200, text="<html>Sign in</html>"))
    with pytest.raises(Rejected, match="no JSON"):
        client.get_json("/x")


def test_lines_are_streamed(answering) -> None:
    client, _ = answering(httpx2.Response(200, text="data: 1\n\ndata: 2\n"))
    with client.stream("POST", "/chat", json={}) as lines:
        assert list(lines) == ["data: 1", "", "data: 2"]


def test_characters_that_only_look_like_line_ends_split_no_line(answering) -> None:
    text = "data: a\u2028b\x85c\r\ndata: d"
    client, _ = answering(httpx2.Response(200, text=text))
    with client.stream("POST", "/chat", json={}) as lines:
        assert list(lines) == ["data: a\u2028b\x85c", "data: d"]


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        (httpx2.ConnectError("refused"), "cannot be reached: refused"),
        (httpx2.RemoteProtocolError("gone"), "broke the connection off"),
        (httpx2.ReadError("reset"), "broke the connection off"),
        (httpx2.ReadTimeout("slow"), "did not answer in time"),
    ],
)
def test_trouble_on_the_way_is_told_in_our_words(answering, trouble: Reply, words: str) -> None:
    client, _ = answering(*[trouble] * 4)
    with pytest.raises(Unavailable, match=words):
        client.post_json("/x", {})


class Teapots(Client):
    """A server with errors and answers of its own."""

    def error_of(self, response: httpx2.Response) -> Rejected:
        return Rejected(f"teapot {response.status_code}", hint="take a kettle")

    def read(self, response: httpx2.Response) -> str:
        return response.text.upper()


def test_a_server_may_have_errors_and_answers_of_its_own() -> None:
    replies = [httpx2.Response(418), httpx2.Response(418), httpx2.Response(200, text="tea")]
    transport = httpx2.MockTransport(lambda request: replies.pop(0))
    with Teapots("http://server.example", transport=transport) as client:
        with pytest.raises(Rejected, match="teapot 418"):
            client.call("GET", "/")
        with pytest.raises(Rejected, match="teapot 418"), client.stream("GET", "/"):
            pass
        assert client.call("GET", "/") == "TEA"


def test_an_error_before_the_stream_is_translated(answering) -> None:
    client, _ = answering(httpx2.Response(401, json={"message": "bad key"}))
    with pytest.raises(Rejected, match="bad key"), client.stream("POST", "/chat"):
        pass


@pytest.mark.parametrize(
    ("value", "seconds"), [(None, None), ("", None), ("5", 5.0), ("soon", None), (" 12 ", 12.0)]
)
def test_retry_after_is_read_as_seconds(value: str | None, seconds: float | None) -> None:
    assert retry_after(value) == seconds


def test_retry_after_is_read_as_a_date() -> None:
    past = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    assert retry_after(email.utils.format_datetime(past, usegmt=True)) == 0.0
