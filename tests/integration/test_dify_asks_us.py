"""Once around: Dify asks our index while its Chatflow answers a question that we asked it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from talks import SHEEP, STARS, write_talk
from video_rag.answerers import Done
from video_rag.api import create_app
from video_rag.api.server import bind
from video_rag.dify.chatflow import Design, Model, write
from video_rag.dify.console import Console
from video_rag.errors import Rejected
from video_rag.library import Library, Wishes
from video_rag.model import Answer, Question, Turn
from video_rag.operations import keys
from video_rag.settings import load_settings
from video_rag.testing.dify import DifyServer

MODEL = Model("langgenius/openai_api_compatible/openai_api_compatible", "stub-chat")


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    library = Library(load_settings())
    for name, lines in (("sheep.srt", SHEEP), ("星.zh.srt", STARS)):
        path = write_talk(tmp_path / name, lines)
        list(library.add([str(path)], Wishes(collection=path.stem.partition(".")[0])))
    yield library
    library.close()


@contextmanager
def served(library: Library) -> Iterator[str]:
    """Our server, for as long as Dify needs it: its address."""
    web = uvicorn.Server(uvicorn.Config(create_app(library, keys_required=True), log_config=None))
    with bind("127.0.0.1", 0) as listener:
        thread = threading.Thread(target=web.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            web.should_exit = True
            thread.join()


@contextmanager
def console_of(dify: DifyServer) -> Iterator[Console]:
    console = Console.with_admin_key(
        dify.url, admin_key=dify.admin_key, workspace_id=dify.workspace_id
    )
    with closing(console):
        yield console


def test_dify_registers_us_with_a_right_key_only(library: Library) -> None:
    _, key = keys.make(library.ledger, "dify", "read")
    with DifyServer() as dify, served(library) as url, console_of(dify) as console:
        with pytest.raises(Rejected):
            console.make_external_api("ours", url, "vr_wrong")
        for name, endpoint in (("one", url), ("two", f"{url}/")):
            api = console.make_external_api(name, endpoint, key)
            dataset = console.make_external_dataset(name, api, "all", 3, 0.5)
            [record] = console.try_external(dataset, "How often is wool shorn?", 3, 0.5)
            assert record["title"] == "sheep"
            assert record["metadata"]["url"].startswith(f"{url}/#/video/file:")


@pytest.fixture
def asked(library: Library) -> Iterator[Any]:
    """A way to ask a Chatflow whose knowledge is ours."""
    _, key = keys.make(library.ledger, "dify", "read")
    with DifyServer() as dify, served(library) as url, console_of(dify) as console:
        api = console.make_external_api("ours", url, key)
        dataset = console.make_external_dataset("videos", api, "all", 3, 0.5)
        design = Design([dataset], model=MODEL, variant="external")
        app_key = dify.add_app(write(design))
        base = {"base_url": dify.base_url, "app_key": app_key}
        settings = load_settings({"knowledge": {"dify": base}, "ask": {"answerer": "dify"}})
        asking = Library(settings)

        def ask(text: str, *turns: Turn) -> Answer:
            *_, done = asking.ask(Question(text=text, conversation=turns))
            assert isinstance(done, Done)
            return done.answer

        yield ask
        asking.parts.answerer("dify").close()  # type: ignore[attr-defined]  # not of the contract
        asking.close()


def test_an_answer_comes_back_with_the_seconds_of_the_line(asked: Any) -> None:
    answer = asked("How often is wool shorn?")
    assert not answer.refused
    citation = next(one for one in answer.citations if "Wool" in one.quote)
    assert (citation.title, citation.start, citation.end) == ("sheep", 12.0, 15.8)
    assert f"[{citation.number}]" in answer.answer
    assert "](" not in answer.answer
    assert "⟦" not in answer.answer


def test_a_chinese_question_comes_back_in_chinese(asked: Any) -> None:
    answer = asked("太阳最后会变成什么？")
    assert [one.title for one in answer.citations][:1] == ["星"]
    assert "白矮星" in answer.answer


def test_small_talk_and_nothing_found_come_back_as_they_are(asked: Any) -> None:
    hello = asked("Hello!")
    assert not hello.refused
    assert not hello.citations
    said = (Turn(role="user", text="Hello!"), Turn(role="assistant", text=hello.answer))
    nothing = asked("Who won the football match of 1998?", *said)
    assert nothing.refused
    assert nothing.answer.startswith("I found nothing about this")
