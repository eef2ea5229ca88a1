"""Chat streams: the recorded ones, and every other way in which one can end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
import stamina
from hypothesis import given
from hypothesis import strategies as st

from replay import Replayed, Reply, recorded, replay
from video_rag.dify.chat import Chat
from video_rag.dify.client import Client
from video_rag.dify.errors import said_by
from video_rag.dify.events import (
    Ended,
    Event,
    Piece,
    Replaced,
    Resource,
    Resources,
    Started,
    events,
)
from video_rag.errors import NotFound, Rejected, Unavailable, VideoRagError

IDS = {"task_id": "t", "conversation_id": "c", "message_id": "m"}
START = {"event": "workflow_started", **IDS}
END = {"event": "message_end", **IDS, "metadata": {"retriever_resources": []}}


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=2, cap=True):
        yield


@contextmanager
def chat_with(*replies: Reply | str) -> Iterator[tuple[Chat, Replayed]]:
    with (
        replay(*replies) as server,
        Client(f"{server.url}/v1", api_key="app-1", timeout=5) as client,
    ):
        yield Chat(client), server


def stream(name: str) -> Reply:
    """A recorded stream, for any question."""
    return replace(recorded(name), asks=None)


def message(text: str) -> dict[str, Any]:
    return {"event": "message", **IDS, "answer": text}


def finished(status: str = "succeeded", **data: Any) -> dict[str, Any]:
    return {"event": "workflow_finished", **IDS, "data": {"status": status, **data}}


def sse(*messages: dict[str, Any]) -> str:
    """Messages as Dify writes them, a keep-alive before each."""
    return "".join(
        f"event: ping\n\ndata: {json.dumps(one, ensure_ascii=False)}\n\n" for one in messages
    )


def posted(body: str, **more: Any) -> Reply:
    return Reply("POST", "/v1/chat-messages", body=body, **more)


def heard(*messages: dict[str, Any]) -> list[Event]:
    """The events of a stream with these messages."""
    return list(events("Dify", sse(*messages).split("\n")))


def text_of(found: list[Event]) -> str:
    return "".join(event.text for event in found if isinstance(event, Piece))


def test_a_recorded_answer_comes_in_pieces_with_its_sources_and_ids() -> None:
    name = "chatflow/chat-11-streaming"
    query = recorded(name).asks["query"]
    with chat_with(name) as (chat, _):  # the body must be the recorded one
        found = list(chat.send(query, user="tester"))
    conversation = "e440bb80-1658-429c-b2c8-fee12da03c42"
    assert found[0] == Started("dc6d2980-2671-443c-9a6b-c88474b139dd", conversation)
    assert text_of(found).startswith("STUB ANSWER to [What does the speaker")
    assert sum(isinstance(event, Piece) for event in found) == 44  # and two empty ones
    sources, end = found[-2:]
    assert isinstance(sources, Resources)
    assert sources.items[0].document_name == "renamed.md"
    assert sources.items[0].metadata["video_id"] == "vid-001"
    assert sources.items[0].content.startswith("00:01:10 - 00:03:45 Chunking")
    assert sources.items[0].score == pytest.approx(0.5477, abs=1e-4)
    assert end == Ended("succeeded", conversation, "8caec45c-7a9d-42c3-829c-4a2f6d4a8877")


def test_inputs_user_and_conversation_are_sent() -> None:
    with chat_with(stream("branching/br-1-video")) as (chat, server):
        found = list(chat.send("q", user="t", conversation_id="c-1", inputs={"language": "zh"}))
    assert isinstance(found[-1], Ended)
    assert server.asked[0].json == {
        "inputs": {"language": "zh"},
        "query": "q",
        "user": "t",
        "response_mode": "streaming",
        "conversation_id": "c-1",
    }


def test_passages_of_an_external_knowledge_base_have_holes_where_dify_has_nulls() -> None:
    with chat_with(stream("external/cf-ext-ok-chat")) as (chat, _):
        sources = [one for one in chat.send("q", user="t") if isinstance(one, Resources)]
    assert sources[0].items
    assert all(one.content and one.document_name for one in sources[0].items)
    assert Resource.model_validate({"score": None, "doc_metadata": None, "new": 1}) == Resource()


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("external/cf-bad-model-chat", Rejected, "Model no-such-model not exist"),
        ("external/cf-bad-provider-chat", Rejected, "openai does not exist"),
        ("branching/br-1-badopt", Rejected, "must be one of the following"),
        ("behaviour/b-24-chat-llm-down-streaming", Unavailable, "Connection refused"),
        ("external/cf-ext-500-chat", Unavailable, "Reached maximum retries"),
    ],
)
def test_a_recorded_failure_is_raised_in_difys_words(
    name: str, kind: type[VideoRagError], words: str
) -> None:
    """Rule 9 of the contract: `error`, and a failed `workflow_finished`."""
    with chat_with(stream(name)) as (chat, server), pytest.raises(kind, match=words) as caught:
        list(chat.send("q", user="t"))
    assert caught.value.hint
    assert [one.path for one in server.asked] == ["/v1/chat-messages"]  # not stopped: it is over


def test_pieces_that_came_before_a_failure_are_kept() -> None:
    found: list[Event] = []
    body = sse(START, message("half"), finished("failed", error="boom"))
    with chat_with(posted(body)) as (chat, _), pytest.raises(Rejected, match="boom"):
        found.extend(chat.send("q", user="t"))
    assert text_of(found) == "half"


@pytest.mark.parametrize(
    ("messages", "end"),
    [
        ((START, message("a"), END, finished()), Ended("succeeded", "c", "m")),
        ((START, message("a"), finished(), END), Ended("succeeded", "c", "m")),
        ((START, message("a"), finished()), Ended("succeeded", "c", "m")),
        ((message("a"), END), Ended("succeeded", "c", "m")),
        ((START, message("a"), finished("stopped")), Ended("stopped", "c", "m")),
        (
            (START, message("a"), END, finished("partial-succeeded", error="1 node")),
            Ended("partial-succeeded", "c", "m", "1 node"),
        ),
        ((START, message("a"), END, {"event": "workflow_finished"}), Ended("succeeded", "c", "m")),
    ],
)
def test_an_answer_may_end_in_many_ways(messages: tuple[dict[str, Any], ...], end: Ended) -> None:
    """Rule 9: without `message_end`, too."""
    found = heard(*messages)
    assert found[0] == Started("t", "c")
    assert found[-1] == end
    assert text_of(found) == "a"
    assert sum(isinstance(one, Ended) for one in found) == 1


def test_what_follows_the_end_is_not_waited_for() -> None:
    endless = iter([*sse(START, END, finished()).split("\n"), "data: broken"])
    assert isinstance(list(events("Dify", endless))[-1], Ended)


def test_an_answer_may_be_replaced() -> None:
    found = heard(START, message("bad"), {"event": "message_replace", "answer": "good"}, END)
    assert Replaced("good") in found


def test_events_of_later_versions_and_other_lines_are_passed_over() -> None:
    lines = ["", ": comment", "id: 7", "retry: 10", "event: ping", 'data: {"event":"future"}']
    lines += ["data: [1]", *sse(START, {"event": None}, message(""), END).split("\n")]
    kinds = [type(event) for event in events("Dify", lines)]
    assert kinds == [Started, Resources, Ended]


@pytest.mark.parametrize(
    "error",
    [
        {"status": 429, "code": "too_many_requests", "message": "slow"},
        {"status": 500, "code": "internal_server_error", "message": "oops"},
    ],
)
def test_an_error_event_that_may_pass_is_unavailable(error: dict[str, Any]) -> None:
    with pytest.raises(Unavailable, match=error["message"]) as caught:
        heard(START, message("a"), {"event": "error", **error})
    assert said_by(caught.value).code == error["code"]


def test_an_error_event_without_details_is_still_an_error() -> None:
    with pytest.raises(Rejected):
        heard({"event": "error"})


def test_an_app_that_waits_for_a_person_is_told() -> None:
    with pytest.raises(Rejected, match="person") as caught:
        heard(START, {"event": "workflow_paused", **IDS})
    assert "human-input" in caught.value.hint


@pytest.mark.parametrize("metadata", [{"retriever_resources": 7}, {"retriever_resources": [1]}, 7])
def test_sources_in_an_unknown_form_are_told(metadata: Any) -> None:
    with pytest.raises(Rejected, match="sources"):
        heard(START, {**END, "metadata": metadata})


@pytest.mark.parametrize("metadata", [None, {}, {"retriever_resources": None}])
def test_an_answer_may_have_no_sources(metadata: Any) -> None:
    assert Resources(()) in heard(START, {**END, "metadata": metadata})


@pytest.mark.parametrize(
    "body",
    ["", "event: ping\n\n", sse(START), sse(START, message("a")), sse(START, message("a"))[:-9]],
)
def test_a_stream_that_just_stops_broke_off(body: str) -> None:
    with chat_with(posted(body)) as (chat, _), pytest.raises(Unavailable, match="broke off"):
        list(chat.send("q", user="t"))


def test_a_connection_that_is_cut_broke_off() -> None:
    body = sse(START, message("a"), END, finished())
    found: list[Event] = []
    with (
        chat_with(posted(body, cut=len(sse(START, message("a"))))) as (chat, _),
        pytest.raises(Unavailable, match="broke"),
    ):
        found.extend(chat.send("q", user="t"))
    assert text_of(found) == "a"


def test_separators_that_json_may_hold_do_not_split_an_answer() -> None:
    with chat_with(posted(sse(START, message("a\u2028b\x85c"), END))) as (chat, _):
        assert text_of(list(chat.send("q", user="t"))) == "a\u2028b\x85c"


def test_who_leaves_early_stops_the_run() -> None:
    stopped = Reply("POST", "/v1/chat-messages/t/stop", body={"result": "success"})
    body = sse(START, message("a"), message("b"), END)
    with chat_with(posted(body), stopped) as (chat, server):
        answer = chat.send("q", user="anna")
        while not isinstance(next(answer), Piece):
            pass
        answer.close()  # type: ignore[attr-defined]  # it is a generator
    assert server.asked[-1].path == "/v1/chat-messages/t/stop"
    assert server.asked[-1].json == {"user": "anna"}


def test_a_run_that_cannot_be_stopped_is_left_alone() -> None:
    with chat_with(posted(sse(START, message("a"), END))) as (chat, server):
        answer = chat.send("q", user="t")
        next(answer)
        answer.close()  # type: ignore[attr-defined]  # it is a generator
        assert len(server.asked) == 2


@pytest.mark.parametrize("taken", [0, 5])
def test_nothing_is_stopped_before_the_start_or_after_the_end(taken: int) -> None:
    with chat_with(posted(sse(START, message("a"), END, finished()))) as (chat, server):
        answer = chat.send("q", user="t")
        for _ in zip(range(taken), answer, strict=False):
            pass
        answer.close()  # type: ignore[attr-defined]  # it is a generator
    assert [one.path for one in server.asked] == ["/v1/chat-messages"][:taken]


def test_a_conversation_of_someone_else_is_not_found() -> None:
    with (
        chat_with(stream("chatflow/chat-32-bad-conversation")) as (chat, server),
        pytest.raises(NotFound) as caught,
    ):
        list(chat.send("q", user="t", conversation_id="c"))
    assert "new one" in caught.value.hint
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("reply", "hint"),
    [
        (posted("<!doctype html>"), "/v1"),
        (stream("chatflow/chat-33-completion-on-chat"), "publish"),
        (stream("chatflow/chat-35-dataset-key-on-chat"), "key"),
    ],
)
def test_what_comes_in_place_of_a_stream_is_rejected(reply: Reply, hint: str) -> None:
    answer = replace(reply, path="/v1/chat-messages")
    with chat_with(answer) as (chat, _), pytest.raises(Rejected) as caught:
        list(chat.send("q", user="t"))
    assert hint in caught.value.hint


def test_an_app_tells_about_itself() -> None:
    names = ["chatflow/chat-01-info", "chatflow/chat-02-parameters", "chatflow/chat-04-site"]
    with chat_with(*names) as (chat, _):
        assert chat.info()["mode"] == "advanced-chat"
        assert chat.parameters()["retriever_resource"] == {"enabled": True}
        assert chat.site()["title"] == "Video RAG"


def test_stopping_an_unknown_run_is_no_error() -> None:
    with chat_with("chatflow/chat-19-stop-unknown") as (chat, _):
        chat.stop("00000000-0000-0000-0000-000000000000", "tester")


def test_conversations_are_listed_page_by_page() -> None:
    first = stream("chatflow/chat-13-conversations")
    rows = first.body["data"]
    page = {"user": "tester", "limit": "100"}
    more = replace(first, query=page, body={"data": rows, "has_more": True})
    last = replace(first, query={**page, "last_id": rows[-1]["id"]}, body={"data": [{"id": "x"}]})
    with chat_with(more, last) as (chat, _):
        assert [one["id"] for one in chat.conversations("tester")] == [
            *(row["id"] for row in rows),
            "x",
        ]


def test_a_conversation_is_deleted() -> None:
    with chat_with("chatflow/chat-21-delete-conversation") as (chat, _):
        chat.delete_conversation("3d160963-6c64-47e5-a292-5783cd92f9dd", "tester")


FAILURES = (finished("failed", error="e"), {"event": "error", "message": "e", **IDS})
PARTS = (START, message("a"), END, finished(), finished("stopped"), {"event": "x"})
MESSAGES = st.sampled_from([*PARTS, *FAILURES])


@given(st.lists(MESSAGES, max_size=6), st.integers(0, 400))
def test_any_stream_ends_once_or_raises(messages: list[dict[str, Any]], cut: int) -> None:
    found: list[Event] = []
    hint = ""
    text = sse(*messages)
    try:
        found.extend(events("Dify", text[: len(text) - cut].split("\n")))
    except (Rejected, Unavailable) as error:
        hint = error.hint
    ends = [place for place, event in enumerate(found, 1) if isinstance(event, Ended)]
    assert ends == ([] if hint else [len(found)])
