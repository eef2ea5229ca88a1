"""A Dify to test against: the one of `video_rag.testing.dify`, or a real one.

With VIDEO_RAG_TEST_DIFY_URL (as in `https://host/v1`) and VIDEO_RAG_TEST_DIFY_DATASET_KEY set it is
a real one, in which datasets are made and deleted; VIDEO_RAG_TEST_DIFY_EMAIL and …_PASSWORD open
its console. The variables are read here, before the tests' clean environment.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any, NamedTuple, Self

import httpx2

from video_rag.testing.dify import DifyServer

REAL_URL = os.environ.get("VIDEO_RAG_TEST_DIFY_URL", "")
REAL_KEY = os.environ.get("VIDEO_RAG_TEST_DIFY_DATASET_KEY", "")
_EMAIL = os.environ.get("VIDEO_RAG_TEST_DIFY_EMAIL", "")
_PASSWORD = os.environ.get("VIDEO_RAG_TEST_DIFY_PASSWORD", "")


class Server(NamedTuple):
    """Where a Dify is, and what opens it."""

    base_url: str
    dataset_key: str
    email: str
    password: str
    fixture: DifyServer | None
    """None for a real server."""


@contextmanager
def some_dify() -> Iterator[Server]:
    """A Dify, real or not, for a fixture to yield."""
    if REAL_URL:
        yield Server(REAL_URL, REAL_KEY, _EMAIL, _PASSWORD, None)
        return
    with DifyServer(index_seconds=0) as server:
        server.status_seconds = 0.01
        yield Server(server.base_url, server.dataset_key, server.email, server.password, server)


KEYWORD_SEARCH = {
    "search_method": "keyword_search",
    "reranking_enable": False,
    "top_k": 10,
    "score_threshold_enabled": False,
}
BY_SECTION = {
    "mode": "custom",
    "rules": {
        "pre_processing_rules": [{"id": "remove_extra_spaces", "enabled": True}],
        "segmentation": {"separator": "\n## ", "max_tokens": 500, "chunk_overlap": 0},
    },
}


def eventually(holds: Callable[[], bool]) -> bool:
    """Whether something comes true within half a minute; real servers take their time."""
    end = time.monotonic() + 30
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


class Knowledge:
    """A new dataset, through plain HTTP."""

    def __init__(self, dify: Server | DifyServer, technique: str = "economy") -> None:
        self.client = httpx2.Client(
            base_url=dify.base_url,
            headers={"Authorization": f"Bearer {dify.dataset_key}"},
            timeout=30,
        )
        body = {"name": f"test {uuid.uuid4()}"[:40], "indexing_technique": technique}
        self.technique = technique
        self.id: str = self.client.post("/datasets", json=body).json()["id"]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with suppress(httpx2.TransportError):
            self.call("DELETE", "")
        self.client.close()

    def call(self, method: str, path: str, **more: Any) -> httpx2.Response:
        return self.client.request(method, f"/datasets/{self.id}{path}", **more)

    def post(self, name: str, text: str, **more: Any) -> dict[str, Any]:
        """Send a document; what Dify answers."""
        body = {"name": name, "text": text, "indexing_technique": self.technique}
        body |= {"process_rule": BY_SECTION} | more
        answer = self.call("POST", "/document/create-by-text", json=body)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def add(self, name: str, text: str) -> str:
        """Send a document and wait for it; its id."""
        posted = self.post(name, text)
        self.wait()
        return str(posted["document"]["id"])

    def wait(self) -> None:
        """Until no document waits or is indexed."""
        end = time.monotonic() + 60
        while any(row["indexing_status"] not in {"completed", "error"} for row in self.documents()):
            assert time.monotonic() < end, "documents are still being indexed"
            time.sleep(0.005)

    def search(self, query: str, **more: Any) -> list[str]:
        """The texts that a keyword search finds, in Dify's order."""
        model = KEYWORD_SEARCH | more
        answer = self.call("POST", "/retrieve", json={"query": query, "retrieval_model": model})
        return [record["segment"]["content"] for record in answer.json()["records"]]

    def documents(self, **params: Any) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.call("GET", "/documents", params=params).json()["data"]
        return rows

    def status(self, action: str, document: str) -> httpx2.Response:
        """Switch a document on or off, or into the archive."""
        path = f"/documents/status/{action}"
        return self.call("PATCH", path, json={"document_ids": [document]})

    def make_field(self, kind: str, name: str) -> str:
        """A new metadata field: its id."""
        answer = self.call("POST", "/metadata", json={"type": kind, "name": name})
        return str(answer.json()["id"])

    def bind(self, document: str, partial: bool, **values: tuple[str, Any]) -> None:
        """Give a document values, as `name=(field id, value)`."""
        rows = [{"id": id_, "name": name, "value": v} for name, (id_, v) in values.items()]
        operation = {
            "document_id": document,
            "metadata_list": rows,
            "partial_update": partial,
        }
        answer = self.call("POST", "/documents/metadata", json={"operation_data": [operation]})
        assert answer.json() == {"result": "success"}

    def metadata(self, document: str) -> dict[str, Any]:
        rows = self.call("GET", f"/documents/{document}").json()["doc_metadata"] or []
        return {row["name"]: row["value"] for row in rows if row["id"] != "built-in"}
