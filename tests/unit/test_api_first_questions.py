"""What the first questions need is there before the door opens, and there once."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from starlette.testclient import TestClient

from serving import HERE
from talks import SHEEP, write_talk
from video_rag.api import create_app
from video_rag.library import Library
from video_rag.library.wiring import Parts
from video_rag.settings import load_settings
from video_rag.testing.llm import LlmServer

ASK = """
import json, sys
from starlette.testclient import TestClient
from video_rag.api import create_app
from video_rag.library import Library
from video_rag.settings import load_settings
app = create_app(Library(load_settings()), keys_required=False)
with TestClient(app, base_url="http://127.0.0.1", client=("127.0.0.1", 50_000)) as client:
    before = set(sys.modules)
    said = [client.post("/api/ask", json={"question": one}).text for one in sys.argv[1:]]
    print(json.dumps([said, sorted(set(sys.modules) - before)]))
"""
ASKED = ("How often is the wool shorn?", "羊毛多久剪一次？", "綿羊")


@pytest.fixture
def shelf(tmp_path: Path) -> None:
    library = Library(load_settings())
    write_talk(tmp_path / "sheep.srt", SHEEP)
    list(library.add([str(tmp_path / "sheep.srt")]))
    library.close()


@pytest.mark.usefixtures("shelf")
@pytest.mark.parametrize("answerer", ["extractive", "openai"])
def test_the_first_questions_load_no_library_any_more(
    answerer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LlmServer(["The wool is shorn once a year [1]."]) as model:
        monkeypatch.setenv("VIDEO_RAG_ASK__ANSWERER", answerer)
        monkeypatch.setenv("VIDEO_RAG_ANSWERERS__OPENAI__BASE_URL", model.base_url)
        monkeypatch.setenv("VIDEO_RAG_ANSWERERS__OPENAI__MODEL", "test")
        monkeypatch.setenv("VIDEO_RAG_GUARD__ALLOW_PRIVATE", "true")
        done = subprocess.run([sys.executable, "-c", ASK, *ASKED], capture_output=True, check=True)
    said, loaded = json.loads(done.stdout)
    assert all("event: done" in one for one in said)
    foreign = {name.partition(".")[0] for name in loaded} - set(sys.stdlib_module_names)
    assert foreign <= {"video_rag"}


@pytest.mark.parametrize(
    "make",
    [
        lambda parts: parts.knowledge("embedded"),
        lambda parts: parts.answerer("openai"),
        lambda parts: parts.embedder(),
        lambda parts: parts.reranker(),
    ],
)
def test_a_plugin_is_made_once_however_many_need_it_at_once(make: Callable[[Parts], Any]) -> None:
    """A model that it holds would else be loaded once for each of them, or for each search."""
    library = Library(load_settings({"search": {"embedder": "fastembed", "reranker": "fastembed"}}))
    start = Barrier(8)

    def need(_number: int) -> int:
        start.wait()
        return id(make(library.parts))

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(need, range(8)))) == 1
    library.close()


@pytest.mark.parametrize(
    "settings",
    [
        {"ask": {"answerer": "nobody"}},
        {"ask": {"answerer": "openai"}, "answerers": {"openai": {"prompts": "/no/such/folder"}}},
        {"search": {"reranker": "nobody"}},
        {"search": {"synonyms": "/no/such/file"}},
        {"search": {"knowledge": "nobody"}},
    ],
)
def test_what_cannot_be_loaded_is_told_to_who_asks_and_not_to_who_starts(
    settings: dict[str, Any],
) -> None:
    library = Library(load_settings(settings))
    with TestClient(
        create_app(library, keys_required=False), base_url="http://127.0.0.1", client=HERE
    ) as client:
        assert client.get("/health/live").status_code == 200
        said = client.post("/api/ask", json={"question": "How often?"}).text
    assert "event: error" in said
    assert json.loads(said.partition("data: ")[2])["hint"]
    library.close()
