"""The knowledge API: pages, and answers of a form that nobody knows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from replay import Reply, replay
from video_rag.dify.client import Client
from video_rag.dify.datasets import Datasets, Posted
from video_rag.errors import Rejected

LIST = "/v1/datasets/d/documents"


def row(number: int) -> dict[str, Any]:
    return {"id": str(number), "name": f"file:{number}.md"}


def page(number: int, rows: list[dict[str, Any]], total: int) -> Reply:
    """A page that says, as Dify does, that there is more whenever it is full."""
    body = {"data": rows, "has_more": len(rows) == 100, "total": total}
    return Reply("GET", LIST, body=body, query={"page": str(number), "limit": "100"})


def names(*replies: Reply) -> tuple[list[str], int]:
    with replay(*replies) as server:
        client = Client(f"{server.url}/v1", api_key="dataset-x")
        found = [document.id for document in Datasets(client).documents("d")]
        client.close()
        return found, len(server.asked)


def test_an_exactly_full_last_page_is_the_last_one() -> None:
    """`has_more` says otherwise there."""
    found, calls = names(page(1, [row(n) for n in range(100)], 100))
    assert (len(found), calls) == (100, 1)


def test_a_row_that_moves_to_the_next_page_comes_once() -> None:
    first = [row(n) for n in range(100)]
    found, calls = names(page(1, first, 102), page(2, [row(99), row(100)], 102))
    assert found == [str(n) for n in range(101)]
    assert calls == 2


def test_pages_end_where_rows_end_whatever_the_total_says() -> None:
    found, calls = names(page(1, [row(1)], 7), page(2, [], 7))
    assert (found, calls) == (["1"], 2)


@pytest.mark.parametrize("told", [[{"name": "revision", "value": "a"}], {"revision": "a"}])
def test_metadata_is_read_in_both_forms(told: Any) -> None:
    with replay(page(1, [row(1) | {"doc_metadata": told}], 1)) as server:
        client = Client(f"{server.url}/v1", api_key="dataset-x")
        (found,) = Datasets(client).documents("d")
        assert found.metadata == {"revision": "a"}
        client.close()


CALLS: list[tuple[str, str, Callable[[Datasets], Any]]] = [
    ("POST", "/v1/datasets", lambda api: api.create("x", "economy")),
    ("GET", "/v1/datasets/d", lambda api: api.get("d")),
    ("POST", "/v1/datasets/d/document/create-by-text", lambda api: api.post("d", "a.md", "a")),
    (
        "GET",
        "/v1/datasets/d/documents/b/indexing-status",
        lambda api: api.progress("d", Posted("1", "b")),
    ),
    ("GET", "/v1/datasets/d/documents/1", lambda api: api.document("d", "1")),
    ("GET", LIST, lambda api: list(api.documents("d"))),
    ("GET", "/v1/datasets/d/documents/1/segments", lambda api: api.segments("d", "1")),
    ("GET", "/v1/datasets/d/metadata", lambda api: api.fields("d")),
    ("POST", "/v1/datasets/d/retrieve", lambda api: api.retrieve("d", "a", {})),
]


@pytest.mark.parametrize("body", [{"hello": 1}, [], {"data": [{}]}])
@pytest.mark.parametrize(("method", "path", "call"), CALLS)
def test_an_answer_of_another_form_is_no_bug_of_ours(
    method: str, path: str, call: Callable[[Datasets], Any], body: Any
) -> None:
    """A proxy, or a Dify of another time: one line, and what to look at."""
    with replay(Reply(method, path, body=body)) as server:
        client = Client(f"{server.url}/v1", api_key="dataset-x")
        with pytest.raises(Rejected, match="unknown form") as caught:
            call(Datasets(client))
        assert "base_url" in caught.value.hint
        client.close()
