"""The test Dify where Dify surprises: what no single recording shows."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_rag.testing.dify import DifyServer, Faults, Limits, keywords, segmenting
from video_rag.testing.dify.state import Rule, Upload

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


class Knowledge:
    """A dataset in a test Dify, through plain HTTP."""

    def __init__(self, dify: DifyServer, technique: str = "economy") -> None:
        self.dify = dify
        self.client = httpx2.Client(
            base_url=dify.base_url,
            headers={"Authorization": f"Bearer {dify.dataset_key}"},
            timeout=10,
        )
        body = {"name": technique, "indexing_technique": technique}
        self.technique = technique
        self.id: str = self.client.post("/datasets", json=body).json()["id"]

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
        self.dify.wait()
        return str(posted["document"]["id"])

    def search(self, query: str, **more: Any) -> list[str]:
        """The texts that a keyword search finds, in Dify's order."""
        model = KEYWORD_SEARCH | more
        answer = self.call("POST", "/retrieve", json={"query": query, "retrieval_model": model})
        return [record["segment"]["content"] for record in answer.json()["records"]]

    def documents(self, **params: Any) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.call("GET", "/documents", params=params).json()["data"]
        return rows

    def status(self, action: str, *documents: str) -> httpx2.Response:
        return self.call(
            "PATCH", f"/documents/status/{action}", json={"document_ids": list(documents)}
        )

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


@pytest.fixture
def dify() -> Iterator[DifyServer]:
    with DifyServer(index_seconds=0) as server:
        server.status_seconds = 0.01
        yield server


@pytest.fixture
def knowledge(dify: DifyServer) -> Iterator[Knowledge]:
    one = Knowledge(dify)
    yield one
    one.client.close()


# keyword search


def test_keywords_match_only_as_they_are_written(knowledge: Knowledge) -> None:
    text = "Kubernetes 集群编排 and GraphQL at 00:01:02"
    knowledge.add("case.md", text)
    for found in ("Kubernetes", "集群", "集群编排", "GraphQL"):
        assert knowledge.search(found) == [text]
    for lost in ("kubernetes", "graphql", "container"):
        assert knowledge.search(lost) == []


def test_a_segment_has_at_most_ten_keywords_and_numbers_eat_into_them() -> None:
    words = "alpha bravo charlie delta echo foxtrot golf hotel india juliet"
    assert len(keywords.keywords(words + " kilo lima")) == 10
    assert {"00", "10"} <= set(keywords.keywords(f"00:10 - 00:10 {words}"))


def test_hits_come_in_the_order_of_the_database_without_a_score(knowledge: Knowledge) -> None:
    knowledge.add("one.md", "# t\n## matrix\n## matrix vector")
    model = {"query": "matrix vector", "retrieval_model": KEYWORD_SEARCH}
    records = knowledge.call("POST", "/retrieve", json=model).json()["records"]
    assert [record["segment"]["content"] for record in records] == ["matrix", "matrix vector"]
    assert {record["score"] for record in records} == {0.0}


def test_filters_come_after_the_cut(knowledge: Knowledge) -> None:
    field = {"type": "string", "name": "video_id"}
    id_ = knowledge.call("POST", "/metadata", json=field).json()["id"]
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


# posting again


def test_the_same_name_replaces_and_keeps_id_and_metadata(knowledge: Knowledge) -> None:
    id_ = knowledge.call("POST", "/metadata", json={"type": "number", "name": "n"}).json()["id"]
    document = knowledge.add("one.md", "first text")
    knowledge.bind(document, False, n=(id_, 3))
    assert knowledge.add("one.md", "second text") == document
    assert knowledge.search("text") == ["second text"]
    assert knowledge.metadata(document) == {"n": 3}


def test_a_later_post_takes_the_batch_away(knowledge: Knowledge, dify: DifyServer) -> None:
    with ThreadPoolExecutor(6) as pool:
        posted = list(pool.map(lambda n: knowledge.post("one.md", f"body {n}"), range(6)))
    dify.wait()
    assert len({one["document"]["id"] for one in posted}) == 1
    paths = [f"/documents/{one['batch']}/indexing-status" for one in posted]
    answers = Counter(knowledge.call("GET", path).status_code for path in paths)
    assert answers == {200: 1, 404: 5}
    assert len(knowledge.search("body")) == 1


def test_a_disabled_document_gets_a_namesake(knowledge: Knowledge, dify: DifyServer) -> None:
    document = knowledge.add("one.md", "first text")
    assert knowledge.status("disable", document).status_code == 200
    assert knowledge.search("text") == []
    assert knowledge.add("one.md", "second text") != document
    assert [row["enabled"] for row in knowledge.documents()] == [True, False]


def test_an_archived_document_is_replaced_but_stays_hidden(knowledge: Knowledge) -> None:
    document = knowledge.add("one.md", "first text")
    knowledge.status("archive", document)
    assert knowledge.add("one.md", "second text") == document
    assert knowledge.documents()[0]["display_status"] == "archived"
    assert knowledge.search("text") == []


def test_a_file_can_be_a_namesake_on_purpose(knowledge: Knowledge, dify: DifyServer) -> None:
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


# indexing


def test_without_a_worker_documents_wait(knowledge: Knowledge, dify: DifyServer) -> None:
    dify.worker_alive = False
    posted = knowledge.post("one.md", "some text")
    assert posted["document"]["display_status"] == "queuing"
    with pytest.raises(TimeoutError):
        dify.wait(0.05)
    dify.worker_alive = True
    dify.wait()
    assert knowledge.search("text") == ["some text"]


def test_documents_indexed_together_lose_each_other() -> None:
    with DifyServer(index_seconds=0.2, workers=2) as dify:
        knowledge = Knowledge(dify)
        knowledge.post("one.md", "gradient descent")
        knowledge.post("two.md", "gradient ascent")
        dify.wait()
        assert {row["display_status"] for row in knowledge.documents()} == {"available"}
        assert len(knowledge.search("gradient")) == 1
        knowledge.client.close()


@pytest.mark.parametrize(("workers", "loses"), [(1, True), (4, False)])
def test_one_at_a_time_nothing_is_lost(workers: int, loses: bool) -> None:
    with DifyServer(index_seconds=0.01, workers=workers) as dify:
        dify.loses_parallel_segments = loses
        knowledge = Knowledge(dify)
        for number in range(6):
            knowledge.post(f"{number}.md", f"gradient {number}")
        dify.wait()
        assert len(knowledge.search("gradient")) == 6
        knowledge.client.close()


def test_a_document_deleted_while_it_is_indexed_leaves_nothing() -> None:
    with DifyServer(index_seconds=0.05) as dify:
        knowledge = Knowledge(dify)
        document = knowledge.post("one.md", "gradient")["document"]["id"]
        assert knowledge.call("DELETE", f"/documents/{document}").status_code == 204
        dify.wait()
        assert knowledge.search("gradient") == []
        assert knowledge.call("DELETE", f"/documents/{document}").status_code == 404
        knowledge.client.close()


def test_an_embedding_model_that_comes_back(dify: DifyServer) -> None:
    knowledge = Knowledge(dify, "high_quality")
    dify.embedding_alive = False
    document = knowledge.add("one.md", "pods and services")
    (row,) = knowledge.documents()
    assert (row["indexing_status"], row["error"]) == ("error", "[Errno 111] Connection refused")
    dify.embedding_alive = True
    assert knowledge.add("one.md", "pods and services") == document
    model = {"search_method": "semantic_search"}
    assert knowledge.search("services", **model) == ["pods and services"]
    knowledge.client.close()


@pytest.mark.parametrize("method", ["semantic_search", "hybrid_search"])
def test_high_quality_puts_the_nearest_first(dify: DifyServer, method: str) -> None:
    knowledge = Knowledge(dify, "high_quality")
    knowledge.add("one.md", "# t\n## cats sleep a lot\n## containers run in pods\n## dogs bark")
    found = knowledge.search("how do pods run containers", search_method=method)
    assert found[0] == "containers run in pods"
    knowledge.client.close()


def test_full_text_search_wants_every_word(dify: DifyServer) -> None:
    knowledge = Knowledge(dify, "high_quality")
    knowledge.add("one.md", "# t\n## pods and services\n## pods alone")
    model = {"search_method": "full_text_search"}
    assert knowledge.search("pods services", **model) == ["pods and services"]
    knowledge.client.close()


# status and metadata


def test_a_change_of_status_takes_its_time(knowledge: Knowledge, dify: DifyServer) -> None:
    dify.status_seconds = 30
    document = knowledge.add("one.md", "some text")
    assert knowledge.status("disable", document).status_code == 200
    again = knowledge.status("enable", document)
    assert (again.status_code, again.json()["code"]) == (400, "invalid_action")
    assert "is being indexed, please try again later" in again.json()["message"]


def test_without_partial_update_other_values_are_lost(knowledge: Knowledge) -> None:
    ids = {
        name: knowledge.call("POST", "/metadata", json={"type": "string", "name": name}).json()[
            "id"
        ]
        for name in ("author", "site")
    }
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


# keys, limits and faults


def test_a_key_that_may_only_read(knowledge: Knowledge, dify: DifyServer) -> None:
    knowledge.add("one.md", "some text")
    knowledge.client.headers["Authorization"] = f"Bearer {dify.read_only_key}"
    assert knowledge.search("text") == ["some text"]
    refused = knowledge.call("POST", "/metadata", json={"type": "string", "name": "n"})
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


def test_a_dataset_whose_api_is_switched_off(knowledge: Knowledge, dify: DifyServer) -> None:
    dify.api_enabled(knowledge.id, False)
    answer = knowledge.call("GET", "/documents")
    assert answer.json()["message"] == "Dataset api access is not enabled."


def test_the_limits_of_a_plan(knowledge: Knowledge, dify: DifyServer) -> None:
    knowledge.add("one.md", "some text")
    dify.limits = Limits(knowledge_per_minute=1, documents=1)
    body = {"name": "two.md", "text": "t", "indexing_technique": "economy"}
    full = knowledge.call("POST", "/document/create-by-text", json=body)
    assert (full.status_code, "number of documents" in full.json()["message"]) == (403, True)
    slow = knowledge.call("POST", "/document/create-by-text", json=body)
    assert (slow.status_code, "request rate limit" in slow.json()["message"]) == (403, True)


def test_faults_come_at_their_rate_and_the_same_every_time(dify: DifyServer) -> None:
    knowledge = Knowledge(dify)

    def statuses() -> list[int]:
        dify.faults = Faults(rate=0.3, kinds=("500", "503", "429", "rate-limit", "502"), seed=1)
        return [knowledge.call("GET", "/documents").status_code for _ in range(200)]

    first = statuses()
    assert first == statuses()
    assert 0.2 < sum(status != 200 for status in first) / len(first) < 0.4
    assert {*first} == {200, 500, 502, 503, 429, 403}
    knowledge.client.close()


@pytest.mark.parametrize(("kind", "kept"), [("after", 1), ("reset", 0), ("timeout", 0)])
def test_a_lost_answer_may_leave_its_work(
    knowledge: Knowledge, dify: DifyServer, kind: Any, kept: int
) -> None:
    dify.faults.silence = 0.01
    dify.faults.queue(kind, "create-by-text")
    with pytest.raises(httpx2.TransportError):
        knowledge.post("one.md", "some text")
    assert len(knowledge.documents()) == kept


def test_requests_are_kept_and_writes_told_apart(knowledge: Knowledge, dify: DifyServer) -> None:
    knowledge.add("one.md", "some text")
    knowledge.search("text")
    knowledge.documents()
    paths = [path.rpartition("/")[2] for _, path, _ in dify.writes()]
    assert paths == ["datasets", "create-by-text"]
    assert dify.requests[-1].method == "GET"


def test_a_person_edits_a_segment(knowledge: Knowledge, dify: DifyServer) -> None:
    knowledge.add("one.md", "# t\n## first\n## second")
    before = knowledge.documents()[0]["word_count"]
    dify.edit_segment("one.md", 2, "first, corrected")
    assert knowledge.documents()[0]["word_count"] == before + len(", corrected")
    assert knowledge.search("corrected") == ["first, corrected"]
    with pytest.raises(KeyError):
        dify.edit_segment("one.md", 9, "nothing")


def test_many_clients_at_a_time() -> None:
    with DifyServer(index_seconds=0.001, workers=4) as dify:
        dify.loses_parallel_segments = False
        knowledge = Knowledge(dify)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda n: knowledge.post(f"{n}.md", f"gradient {n}"), range(40)))
        dify.wait()
        assert len(knowledge.search("gradient", top_k=100)) == 40
        knowledge.client.close()


def test_a_server_of_its_own_tells_where_it_is() -> None:
    command = [sys.executable, "-m", "video_rag.testing.dify", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        told = json.loads(process.stdout.readline())
        key = {"Authorization": f"Bearer {told['dataset_key']}"}
        answer = httpx2.get(f"{told['base_url']}/datasets", headers=key)
        process.terminate()
        assert process.wait(10) == 0
    assert (answer.status_code, answer.headers["x-version"]) == (200, "1.16.1")


# cutting


def cut(text: str, extension: str = "txt", **wanted: Any) -> list[str]:
    mode = "custom" if wanted else "automatic"
    rules = {"pre_processing_rules": [], "segmentation": wanted} if wanted else None
    upload = Upload("", "", text, 0, extension, "")
    found = segmenting.segments(upload, Rule("", mode, rules), "text_model")
    return [passage.text for passage in found]


TEXTS = st.text(st.sampled_from("ab.。 \n中文#"), max_size=400)


@given(TEXTS, st.integers(50, 120), st.integers(0, 40))
def test_no_segment_is_longer_than_was_asked_for(text: str, size: int, overlap: int) -> None:
    found = cut(text, separator="\n\n", max_tokens=size, chunk_overlap=overlap)
    assert all(0 < len(segment) <= size for segment in found)


@given(TEXTS)
def test_cutting_loses_no_letters(text: str) -> None:
    found = "".join(cut(text, separator="\n\n", max_tokens=60, chunk_overlap=0))
    letters = [sign for sign in text if sign in "ab中文"]
    assert [sign for sign in found if sign in "ab中文"] == letters


def test_only_markdown_files_lose_their_marks() -> None:
    text = "# One\n\nfirst <b>bold</b>\n## Two\nsecond"
    assert cut(text) == ["One\n\nfirst <b>bold</b>\n## Two\nsecond"]
    assert cut(text, "md") == ["One\nfirst bold", "Two\nsecond"]


def test_a_separator_that_is_not_ascii_never_occurs() -> None:
    assert len(cut("一。二。三", separator="。", max_tokens=50)) == 1
