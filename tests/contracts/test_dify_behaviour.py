"""How Dify behaves over several calls; a real one can be asked, too (see `dify_server`)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from dify_server import BY_SECTION, KEYWORD_SEARCH, Knowledge, eventually, some_dify


@pytest.fixture
def knowledge() -> Iterator[Knowledge]:
    """An empty economy dataset."""
    with some_dify() as dify, Knowledge(dify) as one:
        yield one


def test_keywords_match_only_as_they_are_written(knowledge: Knowledge) -> None:
    text = "Kubernetes 集群编排 and GraphQL at 00:01:02"
    knowledge.add("case.md", text)
    for found in ("Kubernetes", "集群", "集群编排", "GraphQL"):
        assert knowledge.search(found) == [text]
    for lost in ("kubernetes", "graphql", "container"):
        assert knowledge.search(lost) == []


def test_hits_come_in_the_order_of_the_database_without_a_score(knowledge: Knowledge) -> None:
    knowledge.add("one.md", "# t\n## matrix\n## matrix vector")
    model = {"query": "matrix vector", "retrieval_model": KEYWORD_SEARCH}
    records = knowledge.call("POST", "/retrieve", json=model).json()["records"]
    assert [record["segment"]["content"] for record in records] == ["matrix", "matrix vector"]
    assert {record["score"] for record in records} == {0.0}


def test_filters_come_after_the_cut(knowledge: Knowledge) -> None:
    id_ = knowledge.make_field("string", "video_id")
    for name in ("a", "b", "c"):
        document = knowledge.add(f"{name}.md", f"gradient {name}{name}{name}")
        knowledge.bind(document, False, video_id=(id_, name))
    wanted = {"name": "video_id", "comparison_operator": "in", "value": ["b", "c"]}
    conditions = {"logical_operator": "and", "conditions": [wanted]}
    more: dict[str, Any] = {"metadata_filtering_conditions": conditions}
    assert len(knowledge.search("gradient", **more)) == 2
    found = [
        knowledge.search(
            "gradient",
            top_k=1,
            metadata_filtering_conditions={
                "logical_operator": "and",
                "conditions": [wanted | {"value": name, "comparison_operator": "is"}],
            },
        )
        for name in ("a", "b", "c")
    ]
    assert sorted(map(len, found)) == [0, 0, 1]


def test_own_keywords_take_the_place_of_those_of_jieba(knowledge: Knowledge) -> None:
    document = knowledge.add("one.md", "diffusion models")
    path = f"/documents/{document}/segments"
    segment = knowledge.call("GET", path).json()["data"][0]["id"]
    changed = {"segment": {"content": "transformers diffusion", "keywords": ["zebra"]}}
    shown = knowledge.call("POST", f"{path}/{segment}", json=changed).json()["data"]
    assert shown["keywords"] == ["zebra"]
    assert knowledge.search("zebra") == ["transformers diffusion"]
    assert knowledge.search("diffusion") == []


def test_the_same_name_replaces_and_keeps_id_and_metadata(knowledge: Knowledge) -> None:
    id_ = knowledge.make_field("number", "n")
    document = knowledge.add("one.md", "first text")
    knowledge.bind(document, False, n=(id_, 3))
    assert knowledge.add("one.md", "second text") == document
    assert knowledge.search("text") == ["second text"]
    assert knowledge.metadata(document) == {"n": 3}


def test_a_later_post_takes_the_batch_away(knowledge: Knowledge) -> None:
    with ThreadPoolExecutor(6) as pool:
        posted = list(pool.map(lambda n: knowledge.post("one.md", f"body {n}"), range(6)))
    knowledge.wait()
    assert len({one["document"]["id"] for one in posted}) == 1
    paths = [f"/documents/{one['batch']}/indexing-status" for one in posted]
    answers = Counter(knowledge.call("GET", path).status_code for path in paths)
    assert answers == {200: 1, 404: 5}
    assert len(knowledge.search("body")) == 1


def test_a_disabled_document_gets_a_namesake(knowledge: Knowledge) -> None:
    document = knowledge.add("one.md", "first text")
    assert knowledge.status("disable", document).status_code == 200
    assert eventually(lambda: knowledge.search("text") == [])
    assert knowledge.add("one.md", "second text") != document
    assert [row["enabled"] for row in knowledge.documents()] == [True, False]


def test_an_archived_document_that_is_replaced_is_found_again(knowledge: Knowledge) -> None:
    """Although it is displayed as archived: see the recordings `second-look/ar-*`."""
    document = knowledge.add("one.md", "first text")
    knowledge.status("archive", document)
    assert eventually(lambda: knowledge.search("text") == [])
    assert knowledge.add("one.md", "second text") == document
    assert knowledge.documents()[0]["display_status"] == "archived"
    assert knowledge.search("text") == ["second text"]


def test_a_file_can_be_a_namesake_on_purpose(knowledge: Knowledge) -> None:
    knowledge.add("one.md", "first text")
    answer = knowledge.call(
        "POST",
        "/document/create-by-file",
        data={"data": json.dumps({"duplicate": False})},
        files={"file": ("one.md", b"second text", "text/markdown")},
    )
    assert answer.status_code == 200
    assert len(knowledge.documents()) == 2


@pytest.mark.parametrize("name", ["a/b.md", "a\\b.md", "a.exe", "a.srt", "none"])
def test_file_names_that_dify_does_not_take(knowledge: Knowledge, name: str) -> None:
    rule = {"data": json.dumps({"process_rule": BY_SECTION})}
    files = {"file": (name, b"text", "text/plain")}
    assert knowledge.call("POST", "/document/create-by-file", data=rule, files=files).is_error


def test_long_file_names_are_cut(knowledge: Knowledge) -> None:
    rule = {"data": json.dumps({"process_rule": BY_SECTION})}
    files = {"file": ("n" * 300 + ".md", b"text", "text/markdown")}
    answer = knowledge.call("POST", "/document/create-by-file", data=rule, files=files).json()
    assert answer["document"]["name"] == "n" * 200 + ".md"


def test_a_document_deleted_while_it_is_indexed_leaves_nothing(knowledge: Knowledge) -> None:
    text = "gradient " * 200
    document = knowledge.post("one.md", text)["document"]["id"]
    assert knowledge.call("DELETE", f"/documents/{document}").status_code == 204
    knowledge.wait()
    assert knowledge.search("gradient") == []
    assert knowledge.call("DELETE", f"/documents/{document}").status_code == 404


def test_without_partial_update_other_values_are_lost(knowledge: Knowledge) -> None:
    ids = {name: knowledge.make_field("string", name) for name in ("author", "site")}
    document = knowledge.add("one.md", "some text")
    knowledge.bind(document, False, author=(ids["author"], "Ann"), site=(ids["site"], "here"))
    knowledge.bind(document, True, author=(ids["author"], "Bea"))
    assert knowledge.metadata(document) == {"author": "Bea", "site": "here"}
    knowledge.bind(document, False, author=(ids["author"], "Cleo"))
    assert knowledge.metadata(document) == {"author": "Cleo"}


def test_values_under_unknown_fields_are_taken_and_useless(knowledge: Knowledge) -> None:
    document = knowledge.add("one.md", "some text")
    unknown = "00000000-0000-0000-0000-000000000000"
    knowledge.bind(document, True, nothing=(unknown, "x"))
    assert knowledge.metadata(document) == {}


def test_pages_echo_the_limit_and_are_wrong_about_more(knowledge: Knowledge) -> None:
    for number in range(3):
        knowledge.add(f"{number}.md", "text")
    full = knowledge.call("GET", "/documents", params={"limit": 3}).json()
    assert (full["has_more"], full["total"]) == (True, 3)
    large = knowledge.call("GET", "/documents", params={"limit": 500}).json()
    assert (large["has_more"], large["limit"], len(large["data"])) == (False, 500, 3)
