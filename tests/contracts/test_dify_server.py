"""The switches of the test Dify: what it can be made to do wrong, and how it cuts texts."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dify_server import Knowledge
from video_rag.testing.dify import DifyServer, Faults, Limits, keywords, segmenting
from video_rag.testing.dify.records import Rule, Upload


@pytest.fixture
def dify() -> Iterator[DifyServer]:
    with DifyServer(index_seconds=0) as server:
        server.status_seconds = 0.01
        yield server


@pytest.fixture
def knowledge(dify: DifyServer) -> Iterator[Knowledge]:
    with Knowledge(dify) as one:
        yield one


@pytest.fixture
def quality(dify: DifyServer) -> Iterator[Knowledge]:
    with Knowledge(dify, "high_quality") as one:
        yield one


def test_a_segment_has_at_most_ten_keywords_and_numbers_eat_into_them() -> None:
    words = "alpha bravo charlie delta echo foxtrot golf hotel india juliet"
    assert len(keywords.keywords(words + " kilo lima")) == 10
    assert {"00", "10"} <= set(keywords.keywords(f"00:10 - 00:10 {words}"))


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
    with DifyServer(index_seconds=0.2, workers=2) as dify, Knowledge(dify) as knowledge:
        knowledge.post("one.md", "gradient descent")
        knowledge.post("two.md", "gradient ascent")
        dify.wait()
        assert {row["display_status"] for row in knowledge.documents()} == {"available"}
        assert len(knowledge.search("gradient")) == 1


@pytest.mark.parametrize(("workers", "loses"), [(1, True), (4, False)])
def test_one_at_a_time_nothing_is_lost(workers: int, loses: bool) -> None:
    with DifyServer(index_seconds=0.01, workers=workers) as dify, Knowledge(dify) as knowledge:
        dify.loses_parallel_segments = loses
        for number in range(6):
            knowledge.post(f"{number}.md", f"gradient {number}")
        dify.wait()
        assert len(knowledge.search("gradient")) == 6


def test_an_embedding_model_that_comes_back(quality: Knowledge, dify: DifyServer) -> None:
    dify.embedding_alive = False
    document = quality.add("one.md", "pods and services")
    (row,) = quality.documents()
    assert (row["indexing_status"], row["error"]) == ("error", "[Errno 111] Connection refused")
    dify.embedding_alive = True
    assert quality.add("one.md", "pods and services") == document
    model = {"search_method": "semantic_search"}
    assert quality.search("services", **model) == ["pods and services"]


@pytest.mark.parametrize("method", ["semantic_search", "hybrid_search"])
def test_high_quality_puts_the_nearest_first(quality: Knowledge, method: str) -> None:
    quality.add("one.md", "# t\n## cats sleep a lot\n## containers run in pods\n## dogs bark")
    found = quality.search("how do pods run containers", search_method=method)
    assert found[0] == "containers run in pods"


def test_full_text_search_wants_every_word(quality: Knowledge, dify: DifyServer) -> None:
    quality.add("one.md", "# t\n## pods and services\n## pods alone")
    model = {"search_method": "full_text_search"}
    assert quality.search("pods services", **model) == ["pods and services"]


def test_a_change_of_status_takes_its_time(knowledge: Knowledge, dify: DifyServer) -> None:
    dify.status_seconds = 30
    document = knowledge.add("one.md", "some text")
    assert knowledge.status("disable", document).status_code == 200
    again = knowledge.status("enable", document)
    assert (again.status_code, again.json()["code"]) == (400, "invalid_action")
    assert "is being indexed, please try again later" in again.json()["message"]


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


def test_faults_come_at_their_rate_and_the_same_every_time(
    knowledge: Knowledge, dify: DifyServer
) -> None:

    def statuses() -> list[int]:
        dify.faults = Faults(rate=0.3, kinds=("500", "503", "429", "rate-limit", "502"), seed=1)
        return [knowledge.call("GET", "/documents").status_code for _ in range(200)]

    first = statuses()
    assert first == statuses()
    assert 0.2 < sum(status != 200 for status in first) / len(first) < 0.4
    assert {*first} == {200, 500, 502, 503, 429, 403}


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
    with DifyServer(index_seconds=0.001, workers=4) as dify, Knowledge(dify) as knowledge:
        dify.loses_parallel_segments = False
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda n: knowledge.post(f"{n}.md", f"gradient {n}"), range(40)))
        dify.wait()
        assert len(knowledge.search("gradient", top_k=100)) == 40


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
