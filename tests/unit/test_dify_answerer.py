"""Answers by a Dify app: what becomes of its words, its sources, its conversations and its ends."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import replace
from importlib import resources
from typing import Any

import httpx2
import pytest
import stamina
import uvicorn

from replay import Replayed, Reply, recorded, replay
from video_rag.answerers import Delta, Done
from video_rag.answerers.dify import Dify
from video_rag.api import create_app
from video_rag.chunking import address
from video_rag.dify.events import follow
from video_rag.errors import BadSettings, Rejected, Unavailable
from video_rag.library import Library
from video_rag.model import Answer, Chunk, Hit, Query, Question, Turn
from video_rag.plugins import Part
from video_rag.settings import load_settings
from video_rag.testing.answerer_contract import ANSWER, PASSAGES, QUESTION, AnswererTests, Shelf
from video_rag.text import timecode

FRIDAY, LIGHT = PASSAGES
IDS = {"task_id": "t-1", "conversation_id": "c-1", "message_id": "m-1"}
PROMPTS = resources.files("video_rag.dify") / "prompts"
NOTHING_ZH, OFF_TOPIC, SMALL_TALK = (
    PROMPTS.joinpath(f"{name}.txt").read_text("utf-8").replace("$questions", "- Why?").strip()
    for name in ("nothing_found.zh", "off_topic.en", "small_talk.en")
)
"""What our Chatflow says itself."""


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=2, cap=True):
        yield


def segment(chunk: Chunk, url: str = "", **metadata: Any) -> dict[str, Any]:
    """What Dify tells of a passage that we published."""
    footer = f"— [{chunk.title} 0:00]({url})\n" if url else ""
    return {
        "document_name": f"{chunk.video_id}.md",
        "content": f"{chunk.text}\n{footer}{address(chunk)}",
        "doc_metadata": {"video_id": chunk.video_id, "title": chunk.title} | metadata,
    }


def sse(*events: dict[str, Any]) -> bytes:
    lines = [f"data: {json.dumps({**IDS, **event})}\n\n" for event in events]
    return ("event: ping\n\n" + "".join(lines)).encode()


def told(
    text: str,
    *resources: dict[str, Any],
    searched: bool = True,
    conversation: str = "c-1",
    asks: Any = None,
) -> Reply:
    """A stream that says this, from these passages."""
    ids = {"conversation_id": conversation}
    rows = [{"position": at, **one} for at, one in enumerate(resources, start=1)]
    kind = "knowledge-retrieval" if searched else "llm"
    events = [
        {"event": "workflow_started", **ids},
        {"event": "node_started", "data": {"node_type": kind}, **ids},
        *({"event": "message", "answer": word, **ids} for word in re.findall(r"\S+\s*", text)),
        {"event": "message_end", "metadata": {"retriever_resources": rows}, **ids},
        {"event": "workflow_finished", "data": {"status": "succeeded"}, **ids},
    ]
    return Reply("POST", "/v1/chat-messages", body=sse(*events), asks=asks)


def stream(name: str) -> Reply:
    """A recorded stream, for any question."""
    return replace(recorded(name), asks=None)


@contextmanager
def dify(*replies: Reply, **options: Any) -> Iterator[tuple[Dify, Replayed]]:
    with replay(*replies, Reply("POST", "/v1/chat-messages/t-1/stop", body={})) as server:
        given = {"base_url": f"{server.url}/v1", "app_key": "app-1", "timeout": 5} | options
        with closing(Dify(Dify.Options.model_validate(given))) as answerer:
            yield answerer, server


def ask(reply: Reply, question: str = QUESTION, search: Any = None, **more: Any) -> Answer:
    with dify(reply) as (answerer, _):
        return answer_of(answerer, Question(text=question, **more), search or Shelf())


def answer_of(answerer: Dify, question: Question, search: Any) -> Answer:
    *_, done = answerer.ask(question, search)
    assert isinstance(done, Done)
    return done.answer


# what becomes of its words


def test_links_to_moments_become_marks_with_citations() -> None:
    url = "https://example.org/v?t=0"
    answer = ask(told(f"The crown jewels were stolen [Friday 0:00]({url}).", segment(FRIDAY, url)))
    assert answer.answer == "The crown jewels were stolen [1]."
    [citation] = answer.citations
    assert (citation.video_id, citation.title) == ("v:friday", "His Girl Friday")
    assert (citation.start, citation.end, citation.url) == (0.0, 6.0, url)
    assert "crown jewels" in citation.quote
    assert (answer.model, answer.refused) == ("dify", False)


def test_address_marks_become_marks_with_citations() -> None:
    text = f"Violet bends more than red {address(LIGHT)}. Jewels were stolen {address(FRIDAY)}."
    answer = ask(told(text, segment(FRIDAY), segment(LIGHT)))
    assert answer.answer == "Violet bends more than red [1]. Jewels were stolen [2]."
    assert [one.video_id for one in answer.citations] == ["v:light", "v:friday"]


def test_a_citation_names_the_seconds_of_its_line_when_the_library_knows_them() -> None:
    shelf = Shelf(*PASSAGES)
    answer = ask(
        told(f"The crown jewels were stolen {address(FRIDAY)}.", segment(FRIDAY)), search=shelf
    )
    assert [(one.start, one.end) for one in answer.citations] == [(4.3, 6.0)]
    assert [query.video_id for query in shelf.queries] == ["v:friday"]


def test_an_answer_does_without_a_library_that_cannot_be_searched() -> None:
    def search(_query: Query) -> list[Hit]:
        raise Unavailable("away")

    answer = ask(
        told(f"The crown jewels were stolen {address(FRIDAY)}.", segment(FRIDAY)), search=search
    )
    assert [(one.start, one.end) for one in answer.citations] == [(0.0, 6.0)]


@pytest.mark.parametrize(
    "said",
    [
        f"The butler did it at midnight {address(FRIDAY)}.",
        "The butler did it at midnight [x 9:59](https://example.org/v:friday?t=599).",
        "I found nothing about it.",
        "",
    ],
)
def test_a_claim_that_no_passage_supports_is_refused(said: str) -> None:
    answer = ask(told(said, segment(FRIDAY), segment(LIGHT)))
    assert answer.refused
    assert answer.answer.startswith("Nothing in the library")
    assert not answer.citations


def test_an_app_that_names_no_sources_in_its_text_is_checked_all_the_same() -> None:
    said = "Violet bends more than red in glass.\n\nThe butler did it at midnight."
    answer = ask(told(said, segment(FRIDAY), segment(LIGHT)))
    assert answer.answer == "Violet bends more than red in glass [1]."
    assert [one.video_id for one in answer.citations] == ["v:light"]


def test_small_talk_stays_as_it_is() -> None:
    answer = ask(told("Hi! Ask me about the videos.", searched=False), "Hello!")
    assert answer.answer == "Hi! Ask me about the videos."
    assert not answer.refused
    assert not answer.citations


@pytest.mark.parametrize(
    ("said", "question", "refused", "is_kept"),
    [
        (NOTHING_ZH, "怎么做红烧肉？", True, True),
        (OFF_TOPIC, "Write me a program that sorts a list of names", True, True),
        (SMALL_TALK, "Who made you, and what can you do for my boss?", False, True),
        ("The jewels.", QUESTION, True, False),
        ("It is in Mongolia.", "Which country has the city of Ulaanbaatar inside?", True, False),
    ],
)
def test_what_is_said_without_a_passage(
    said: str, question: str, refused: bool, is_kept: bool
) -> None:
    answer = ask(told(said), question)
    assert answer.refused is refused
    assert answer.answer.startswith(said) is is_kept


def test_a_chatflow_without_a_model_is_quoted_not_printed() -> None:
    rows = [
        {"metadata": {"doc_metadata": one["doc_metadata"]}, "title": "x", "content": one["content"]}
        for one in (segment(FRIDAY), segment(LIGHT))
    ]
    said = "\n".join(f"- {row!r}" for row in rows)
    with dify(told(said)) as (answerer, _):
        shown, done = answerer.ask(Question(text=QUESTION), Shelf(*PASSAGES))
    assert isinstance(done, Done)
    answer = done.answer
    assert shown == Delta(answer.answer)
    assert answer.answer == "[1] 0:04–0:06 “Somebody must've stolen the crown jewels”"
    assert [one.video_id for one in answer.citations] == ["v:friday"]
    assert ask(told(said), "Who won the match?").refused


MANY = tuple(
    FRIDAY.model_copy(
        update={
            "video_id": f"v:{number}",
            "title": f"Talk {number}",
            "chunk_id": "",
            "url": f"https://v.example/{number}",
        }
    )
    for number in range(30)
)


def as_listed(texts: list[str], link: str) -> str:
    """What the template of our Chatflow makes of passages."""
    rows = []
    for number, (text, chunk) in enumerate(zip(texts, (*MANY, LIGHT), strict=True), start=1):
        words, mark = text.rsplit("\n", 1)
        title = f"{chunk.title} {timecode.clock(chunk.start)}"
        head = f'[{title}]({link} "{mark[1:-1]}")' if link else title
        rows.append(f"{number}. {head}\n\n   > {words}\n\n")
    return "".join(rows)


@pytest.mark.parametrize(
    "shape",
    [
        lambda texts: "\n".join(f"- {text}" for text in texts),
        "\n".join,
        "\n\n".join,
        lambda texts: json.dumps(texts, ensure_ascii=False),
        lambda texts: json.dumps({"output": texts}, ensure_ascii=False),
        lambda texts: json.dumps([{"output": text} for text in texts], ensure_ascii=False),
        repr,
        lambda texts: "\n".join(f"- {text!r}" for text in texts),
        lambda texts: as_listed(texts, "https://v.example/1"),
        lambda texts: as_listed(texts, ""),
    ],
    ids=[
        *("markdown", "lines", "paragraphs", "json", "output", "outputs", "python", "quoted"),
        *("links", "titles"),
    ],
)
def test_listed_passages_are_quoted_and_their_marks_not_shown(
    shape: Callable[[list[str]], str],
) -> None:
    """An iteration gives its texts in one of these shapes, by the version of Dify."""
    said = shape([f"{chunk.text}\n{address(chunk)}" for chunk in (*MANY, LIGHT)])
    events = [  # what no model says comes in one piece
        {"event": "message", "answer": said},
        {"event": "message_end", "metadata": {"retriever_resources": []}},
        {"event": "workflow_finished", "data": {"status": "succeeded"}},
    ]
    with dify(Reply("POST", "/v1/chat-messages", body=sse(*events))) as (answerer, _):
        *shown, done = answerer.ask(Question(text=QUESTION, limit=5), Shelf(*MANY, LIGHT))
    assert isinstance(done, Done)
    answer = done.answer
    assert "".join(one.text for one in shown if isinstance(one, Delta)) == answer.answer
    assert "⟦" not in answer.answer
    assert [one.number for one in answer.citations] == [1, 2, 3, 4, 5]
    assert re.findall(r"\[\d+\]", answer.answer) == [f"[{number}]" for number in range(1, 6)]
    assert {one.title for one in answer.citations} <= {chunk.title for chunk in MANY}
    assert all(one.url.startswith("https://v.example/") for one in answer.citations)


def test_marks_are_not_shown_while_an_answer_comes() -> None:
    said = f"The crown jewels were stolen {address(FRIDAY)}. All of them."
    pieces = [{"event": "message", "answer": sign} for sign in said]
    ends = [
        {"event": "message_end", "metadata": {"retriever_resources": [segment(FRIDAY)]}},
        {"event": "workflow_finished", "data": {"status": "succeeded"}},
    ]
    with dify(Reply("POST", "/v1/chat-messages", body=sse(*pieces, *ends))) as (answerer, _):
        *shown, done = answerer.ask(Question(text=QUESTION), Shelf(*PASSAGES))
    text = "".join(one.text for one in shown if isinstance(one, Delta))
    assert text == "The crown jewels were stolen . All of them."
    assert isinstance(done, Done)
    assert done.answer.answer.startswith("The crown jewels were stolen [1].")


def test_marks_without_resources_are_looked_up_in_the_library() -> None:
    said = f"The crown jewels were stolen {address(FRIDAY)}."
    answer = ask(told(said), search=Shelf(*PASSAGES))
    assert answer.answer.startswith("The crown jewels were stolen [")
    assert [(one.start, one.end) for one in answer.citations] == [(4.3, 6.0)]
    assert ask(told(said)).refused


def test_passages_outside_the_filters_support_nothing() -> None:
    said = f"The crown jewels were stolen {address(FRIDAY)}."
    reply = told(said, segment(FRIDAY, collection="films", language="en"))
    assert ask(reply, collection="films", language="en").citations
    assert ask(reply, collection="lectures").refused
    assert ask(reply, language="zh").refused
    both = told(said, segment(FRIDAY, collection="|films|lectures|", language="en"))
    assert ask(both, collection="lectures").citations
    assert ask(both, collection="lecture").refused


def test_text_that_is_replaced_is_gone_from_the_answer() -> None:
    events = [
        {"event": "message", "answer": "Something rude."},
        {"event": "message_replace", "answer": "I must not say that."},
        {"event": "message_end", "metadata": {}},
        {"event": "workflow_finished", "data": {"status": "succeeded"}},
    ]
    answer = ask(Reply("POST", "/v1/chat-messages", body=sse(*events)), "Hi")
    assert answer.answer == "I must not say that."


# the recorded streams


@pytest.mark.parametrize(
    ("name", "question"),
    [
        (
            "chatflow/chat-11-streaming",
            "What does the speaker recommend about Chunking strategies?",
        ),
        ("branching/br-1-video", "In vid-001, what about Chunking strategies?"),
    ],
)
def test_recorded_answers_cite_their_resources(name: str, question: str) -> None:
    answer = ask(stream(name), question)
    assert [one.video_id for one in answer.citations] == ["vid-001"]
    assert "chunking" in answer.answer.casefold()
    assert not answer.refused


def test_recorded_external_records_are_cited_where_they_start() -> None:
    answer = ask(stream("external/cf-ext-ok-chat"), "What about Chunking strategies?")
    citation = answer.citations[0]
    assert (citation.video_id, citation.title, citation.start) == ("vid-001", "lecture.md", 70.0)
    assert citation.url == "http://127.0.0.1/v"


def test_a_recorded_greeting_is_small_talk() -> None:
    answer = ask(stream("branching/br-1-hello"), "hello")
    assert answer == Answer(answer="Hi! Ask me about the videos.", model="dify")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("external/cf-bad-provider-chat", "does not exist"),
        ("behaviour/b-24-chat-llm-down-streaming", "Connection refused"),
        ("branching/br-1-badopt", "must be one of"),
        ("external/cf-ext-500-chat", None),
    ],
)
def test_recorded_failures_are_told_in_dify_s_words(name: str, words: str | None) -> None:
    with pytest.raises((Rejected, Unavailable), match=words):
        ask(stream(name))


# ends


def test_a_stream_that_breaks_off_is_no_answer() -> None:
    whole = told("The crown jewels were stolen [1].", segment(FRIDAY))
    for cut in (0, 300, len(whole.content) // 2):
        with pytest.raises(Unavailable):
            ask(replace(whole, cut=cut))


def test_a_run_that_was_stopped_is_no_answer() -> None:
    events = [
        {"event": "message", "answer": "The crown"},
        {"event": "workflow_finished", "data": {"status": "stopped"}},
    ]
    with pytest.raises(Unavailable, match="stopped"):
        ask(Reply("POST", "/v1/chat-messages", body=sse(*events)))


def test_leaving_the_stream_stops_the_run() -> None:
    with dify(told("The crown jewels were stolen [1].", segment(FRIDAY))) as (answerer, server):
        events = answerer.ask(Question(text=QUESTION), Shelf())
        assert isinstance(next(events), Delta)
        events.close()  # type: ignore[attr-defined]  # a generator
        last = server.asked[-1]
    assert last.path == "/v1/chat-messages/t-1/stop"
    assert last.json == {"user": "video-rag"}


def test_an_answer_heard_to_the_end_is_not_stopped() -> None:
    with dify(told("Hello.", searched=False)) as (answerer, server):
        list(answerer.ask(Question(text="Hi"), Shelf()))
    assert [one.path for one in server.asked] == ["/v1/chat-messages"]


# conversations


def turns(*texts: str) -> tuple[Turn, ...]:
    roles = ("user", "assistant")
    return tuple(Turn(role=roles[at % 2], text=text) for at, text in enumerate(texts))


def sent(server: Replayed) -> list[tuple[str, str]]:
    """(conversation, question) of each request."""
    return [(one.json["conversation_id"], one.json["query"]) for one in server.asked]


def test_a_conversation_goes_on_in_dify() -> None:
    replies = [told(f"Hi {n}.", searched=False, conversation="c-7") for n in range(3)]
    with dify(*replies) as (answerer, server):
        said: list[str] = []
        for text in ("Hi", "Hey", "Ho"):
            answer = answer_of(answerer, Question(text=text, conversation=turns(*said)), Shelf())
            said += [text, answer.answer]
    assert sent(server) == [("", "Hi"), ("c-7", "Hey"), ("c-7", "Ho")]


def test_a_long_conversation_may_be_told_by_its_last_messages() -> None:
    with dify(told("Hi.", searched=False)) as (answerer, server):
        said = turns(*(str(number) for number in range(10)))
        answer = answer_of(answerer, Question(text="Hi", conversation=said), Shelf())
        later = (*said, *turns("Hi", answer.answer))[-6:]
        answer_of(answerer, Question(text="Hey", conversation=later), Shelf())
    assert [conversation for conversation, _ in sent(server)] == ["", "c-1"]


def test_a_conversation_that_is_gone_begins_anew_with_its_questions() -> None:
    gone = replace(recorded("chatflow/chat-32-bad-conversation"), asks=None)
    replies = [told("Hi.", searched=False), gone, told("Hey.", searched=False, conversation="c-2")]
    with dify(*replies) as (answerer, server):
        answer_of(answerer, Question(text="Hi", conversation=()), Shelf())
        said = turns("Hi", "Hi.")
        answer = answer_of(answerer, Question(text="Who?", conversation=said), Shelf())
    assert answer.answer == "Hey."
    assert sent(server) == [("", "Hi"), ("c-1", "Who?"), ("", "Hi\nWho?")]


def test_the_same_words_of_two_people_do_not_share_a_conversation() -> None:
    with dify(told("Hi.", searched=False)) as (answerer, server):
        for text, said in (("Hi", ()), ("a secret", turns("Hi", "Hi.")), ("x", turns("Hi", "Hi."))):
            answer_of(answerer, Question(text=text, conversation=said), Shelf())
    assert [conversation for conversation, _ in sent(server)] == ["", "c-1", ""]


# through the library and the server


@contextmanager
def library_with(server: Replayed) -> Iterator[Library]:
    """A library whose questions go to a Dify, set up once for knowledge and answers."""
    base = {"base_url": f"{server.url}/v1", "app_key": "app-1"}
    library = Library(load_settings({"knowledge": {"dify": base}, "ask": {"answerer": "dify"}}))
    yield library
    library.parts.answerer("dify").close()  # type: ignore[attr-defined]  # not of the contract
    library.close()


def test_a_library_goes_on_with_a_conversation() -> None:
    with replay(told("Hi.", searched=False)) as server, library_with(server) as library:
        for text, said in (("Hi", ()), ("Hey", turns("Hi", "Hi."))):
            list(library.ask(Question(text=text, conversation=said)))
    assert sent(server) == [("", "Hi"), ("c-1", "Hey")]


def test_who_leaves_the_page_stops_the_run_in_dify() -> None:
    events = sse(*({"event": "message", "answer": "word " * 40} for _ in range(20_000)))
    endless = Reply("POST", "/v1/chat-messages", body=events)
    stop = Reply("POST", "/v1/chat-messages/t-1/stop", body={})
    with replay(endless, stop) as server, library_with(server) as library:
        app = create_app(library, keys_required=False)
        web = uvicorn.Server(uvicorn.Config(app, log_config=None))
        with socket.create_server(("127.0.0.1", 0)) as listener:
            thread = threading.Thread(target=web.run, kwargs={"sockets": [listener]})
            thread.start()
            url = f"http://127.0.0.1:{listener.getsockname()[1]}/api/ask"
            try:
                with httpx2.stream("POST", url, json={"question": "Hi"}) as answer:
                    assert next(answer.iter_lines()) == "event: delta"
                while len(server.asked) < 2:
                    time.sleep(0.01)
            finally:
                web.should_exit = True
                thread.join()
    assert server.asked[-1].path == stop.path


def test_ctrl_c_stops_the_run_in_dify() -> None:
    def lines() -> Iterator[str]:
        yield f"data: {json.dumps({**IDS, 'event': 'workflow_started'})}"
        raise KeyboardInterrupt

    stopped: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        list(follow("Dify", nullcontext(lines()), stopped.append))
    assert stopped == ["t-1"]


# options


def test_user_and_inputs_reach_the_app() -> None:
    with dify(told("Hi.", searched=False), user="anna", inputs={"language": "zh"}) as (one, server):
        list(one.ask(Question(text="Hi"), Shelf()))
    assert server.asked[0].json["user"] == "anna"
    assert server.asked[0].json["inputs"] == {"language": "zh"}
    assert server.asked[0].headers["authorization"] == "Bearer app-1"


@pytest.mark.parametrize("key", ["", "dataset-1"])
def test_a_missing_or_wrong_key_is_told_before_anything_is_asked(key: str) -> None:
    with pytest.raises(BadSettings, match="app_key"):
        Dify(Dify.Options.model_validate({"app_key": key}))


def test_the_key_is_no_part_of_what_decides_answers() -> None:
    one = Part("answerers", "dify", {"app_key": "app-1"})
    other = Part("answerers", "dify", {"app_key": "app-2", "timeout": 1})
    assert one.key == other.key
    assert "app-1" not in repr(one.options)


# the contract


class TestContract(AnswererTests):
    """Dify finds passages itself: what it finds is scripted, the library adds the lines' times."""

    @pytest.fixture
    def answerer(self) -> Iterator[Dify]:
        found = told(ANSWER, segment(FRIDAY), segment(LIGHT))
        with dify(self.for_question(told(NOTHING_ZH), "怎么做红烧肉？"), found) as (answerer, _):
            yield answerer

    def test_without_passages_it_refuses_in_words(self, answerer: Dify) -> None:
        """Without passages in Dify, that is."""
        with dify(told("I do not know.")) as (empty, _):
            super().test_without_passages_it_refuses_in_words(empty)

    @staticmethod
    def for_question(reply: Reply, question: str) -> Reply:
        body: dict[str, Sequence[str] | Any] = {
            "inputs": {},
            "query": question,
            "user": "video-rag",
            "response_mode": "streaming",
            "conversation_id": "",
        }
        return replace(reply, asks=body)
