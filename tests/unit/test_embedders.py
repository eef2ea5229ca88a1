"""Embedders: a small real server for OpenAI's API, and what happens without a model's files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
from pydantic import SecretStr

from video_rag import plugins
from video_rag.embedders.fastembed import FastEmbed
from video_rag.embedders.openai import OpenAI
from video_rag.errors import Rejected, Unavailable, UsageError
from video_rag.rerankers.fastembed import FastEmbed as Reranker


class Server(ThreadingHTTPServer):
    """Answers `/v1/embeddings` with vectors made of each text's length, last one first."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.bodies: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.status = 200
        self.answer: Any = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.bodies.append(body)
        self.server.keys.append(self.headers["Authorization"])
        rows = [
            {"index": index, "embedding": [float(len(text)), 1.0], "object": "embedding"}
            for index, text in enumerate(body["input"])
        ]
        answer = {"data": rows[::-1]} if self.server.answer is None else self.server.answer
        data = json.dumps(answer).encode()
        self.send_response(self.server.status if self.path == "/v1/embeddings" else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def openai(server: Server, **options: Any) -> OpenAI:
    return OpenAI(OpenAI.Options(base_url=server.url, model="m", **options))


def test_vectors_are_unit_vectors_in_the_order_of_the_texts(server: Server) -> None:
    vectors = openai(server).embed(["a", "four", "xx"])
    assert vectors.dtype == np.float32
    assert vectors.shape == (3, 2)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0)
    assert np.allclose(vectors[:, 0] / vectors[:, 1], [1, 4, 2])
    assert server.bodies == [{"model": "m", "input": ["a", "four", "xx"]}]
    assert server.keys == [None]


def test_many_texts_go_in_batches(server: Server) -> None:
    vectors = openai(server, batch=2).embed(["a", "bb", "ccc", "dddd", "eeeee"])
    assert [len(body["input"]) for body in server.bodies] == [2, 2, 1]
    assert np.allclose(vectors[:, 0] / vectors[:, 1], [1, 2, 3, 4, 5])


def test_key_dimensions_and_prefixes_are_sent(server: Server) -> None:
    embedder = openai(
        server,
        api_key=SecretStr("k"),
        dimensions=2,
        query_prefix="query: ",
        text_prefix="passage: ",
    )
    embedder.embed(["a"], query=True)
    embedder.embed(["a", ""])
    assert server.keys == ["Bearer k", "Bearer k"]
    assert [body["input"] for body in server.bodies] == [["query: a"], ["passage: a", "passage:  "]]
    assert server.bodies[0]["dimensions"] == 2


def test_no_texts_are_no_request(server: Server) -> None:
    assert openai(server).embed([]).shape == (0, 0)
    assert server.bodies == []


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({}, "did not send embeddings"),
        ({"data": [{"index": 0, "embedding": ["x"]}]}, "did not send embeddings"),
        ([], "did not send embeddings"),
        ({"data": [{"index": 0, "embedding": [1.0]}]}, "1 vectors for 2 texts"),
        (
            {"data": [{"index": 0, "embedding": [1.0]}, {"index": 1, "embedding": [1.0, 2.0]}]},
            "different lengths",
        ),
    ],
)
def test_an_answer_that_is_none_is_rejected(server: Server, answer: Any, message: str) -> None:
    server.answer = answer
    with pytest.raises(Rejected, match=message) as caught:
        openai(server).embed(["a", "b"])
    assert "embedding model" in caught.value.hint


def test_a_wrong_key_is_rejected_without_showing_it(server: Server) -> None:
    server.status, server.answer = 401, {"error": {"message": "bad key"}}
    embedder = openai(server, api_key=SecretStr("hidden"))
    with pytest.raises(Rejected, match="401") as caught:
        embedder.embed(["a"])
    assert "hidden" not in f"{caught.value} {caught.value.hint} {embedder.options!r}"


def test_a_server_that_is_not_there_is_unavailable(server: Server) -> None:
    gone = Server()
    gone.server_close()
    with pytest.raises(Unavailable):
        openai(gone, timeout=2.0).embed(["a"])


def test_options_that_change_no_vector_are_inert() -> None:
    one, other = (
        plugins.Part("embedders", "openai", {"api_key": key, "batch": batch}).key
        for key, batch in (("a", 1), ("b", 2))
    )
    assert one == other != plugins.Part("embedders", "openai", {"model": "x"}).key


@pytest.mark.parametrize("kind", [FastEmbed, Reranker])
def test_without_its_files_a_local_model_says_what_to_do(
    kind: type[FastEmbed | Reranker], tmp_path: Path
) -> None:
    pytest.importorskip("fastembed", reason="needs the extra embeddings")
    options = kind.Options(cache=tmp_path, may_download=False)
    with pytest.raises(Unavailable, match="not on this machine") as caught:
        use(kind(options))
    assert "HF_ENDPOINT" in caught.value.hint


@pytest.mark.parametrize("kind", [FastEmbed, Reranker])
def test_offline_a_download_fails_at_once(
    kind: type[FastEmbed | Reranker], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("fastembed", reason="needs the extra embeddings")
    from huggingface_hub import constants

    gone = Server()
    gone.server_close()
    monkeypatch.setattr(constants, "ENDPOINT", gone.url)
    with pytest.raises(Unavailable, match="cannot be downloaded"):
        use(kind(kind.Options(cache=tmp_path)))


@pytest.mark.parametrize("kind", [FastEmbed, Reranker])
def test_wrong_models_and_folders_are_named(
    kind: type[FastEmbed | Reranker], tmp_path: Path
) -> None:
    pytest.importorskip("fastembed", reason="needs the extra embeddings")
    with pytest.raises(UsageError, match="knows no model 'none'"):
        use(kind(kind.Options(model="none", cache=tmp_path)))
    with pytest.raises(UsageError, match="no folder"):
        use(kind(kind.Options(folder=tmp_path / "none", cache=tmp_path)))
    with pytest.raises(Rejected, match="cannot be loaded"):
        use(kind(kind.Options(folder=tmp_path, cache=tmp_path)))


def test_nothing_to_do_needs_no_model(tmp_path: Path) -> None:
    assert FastEmbed(FastEmbed.Options(cache=tmp_path)).embed([]).shape == (0, 0)
    assert Reranker(Reranker.Options(cache=tmp_path)).score("q", []) == []


def use(model: FastEmbed | Reranker) -> object:
    return model.score("a", ["b"]) if isinstance(model, Reranker) else model.embed(["a"])
