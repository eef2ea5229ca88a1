"""/metrics: what the library knows and the server did, for Prometheus."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

import postgres
from serving import HERE
from talks import SHEEP, write_talk
from video_rag import tallies
from video_rag.api import create_app
from video_rag.dify.client import kind_of
from video_rag.library import Library
from video_rag.model import Query, Question
from video_rag.operations import keys
from video_rag.operations.metrics import METRICS, PREFIX
from video_rag.settings import load_settings
from video_rag.testing.llm import LlmServer, Reply

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


@pytest.fixture(autouse=True)
def nothing_counted() -> None:
    tallies.take()


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    opened = Library(load_settings({"home": str(tmp_path / "home")}, env={}))
    yield opened
    opened.close()


def scraped(library: Library, **headers: str) -> Samples:
    """What a scrape from this machine says."""
    app = create_app(library, keys_required=False)
    with TestClient(app, base_url="http://127.0.0.1", client=HERE) as client:
        return read(client, **headers)


def read(client: TestClient, **headers: str) -> Samples:
    answer = client.get("/metrics", headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def value(found: Samples, name: str, **labels: str) -> float:
    return found[PREFIX + name, tuple(sorted(labels.items()))]


def test_what_was_done_is_seen_from_another_process(library: Library, tmp_path: Path) -> None:
    talk = write_talk(tmp_path / "sheep.srt", SHEEP)
    list(library.add([str(talk), str(tmp_path / "absent.srt")]))
    library.close()
    other = Library(library.settings)
    found = scraped(other)
    other.close()
    assert value(found, "ledger_up") == 1
    assert value(found, "videos", state="ready") == 1
    assert value(found, "stages_total", stage="compose", plugin="timeline", outcome="done") == 1
    assert value(found, "downloads_total", site="file", outcome="done") == 1
    took = {"stage": "compose", "plugin": "timeline"}
    assert value(found, "stage_duration_seconds_bucket", **took, le="+Inf") == 1
    assert value(found, "stage_duration_seconds_count", **took) == 1
    assert value(found, "stage_duration_seconds_sum", **took) > 0
    assert value(found, "documents") == value(found, "knowledge_documents", knowledge="embedded")
    assert value(found, "knowledge_lacking_documents", knowledge="embedded") == 0
    assert value(found, "disk_free_bytes", place="home") > 0
    assert value(found, "ytdlp_age_seconds") > 0


def test_every_metric_that_is_shown_is_in_the_table(library: Library, tmp_path: Path) -> None:
    list(library.add([str(write_talk(tmp_path / "sheep.srt", SHEEP))]))
    list(library.ask(Question(text="What is said of sheep?")))
    known = {one.shown for one in METRICS}
    parts = ("_bucket", "_count", "_sum", "_created")
    for name, _labels in scraped(library):
        plain = next((name.removesuffix(part) for part in parts if name.endswith(part)), name)
        is_known = {name, plain, f"{plain}_total"} & known
        assert is_known or name.startswith("process_"), name


def test_a_document_that_a_base_lacks_is_counted(library: Library, tmp_path: Path) -> None:
    list(library.add([str(write_talk(tmp_path / "sheep.srt", SHEEP))]))
    [video] = library.videos()
    [receipt] = library.ledger.receipts(video.video.video_id)
    library.ledger.keep(receipt.model_copy(update={"state": "sent"}))
    found = scraped(library)
    assert value(found, "knowledge_lacking_documents", knowledge="embedded") == 1
    assert value(found, "knowledge_documents", knowledge="embedded") == 0


def test_labels_tell_nothing_of_whose_video_it_is(library: Library, tmp_path: Path) -> None:
    list(library.add([str(write_talk(tmp_path / "sheep.srt", SHEEP))]))
    list(library.search(Query(text="my secret question about sheep")))
    app = create_app(library, keys_required=False)
    with TestClient(app, base_url="http://127.0.0.1", client=HERE) as client:
        text = client.get("/metrics").text
    [video] = library.videos()
    for told in ("secret question", "sheep", video.video.video_id, str(tmp_path)):
        assert told not in text


def test_requests_are_counted_by_route_and_not_by_address(library: Library) -> None:
    app = create_app(library, keys_required=False)
    with TestClient(app, base_url="http://127.0.0.1", client=HERE) as client:
        for number in range(3):
            assert client.get(f"/api/videos/file:{number}").status_code == 404
        client.get("/no/such/page")
        found = read(client)
    route = "/api/videos/{video_id}"
    assert value(found, "http_requests_total", method="GET", route=route, status="404") == 3
    assert value(found, "http_requests_total", method="GET", route="page", status="404") == 1
    assert value(found, "http_request_duration_seconds_count", route=route) == 3


def test_once_there_are_keys_a_scrape_needs_one(library: Library) -> None:
    key, plain = keys.make(library.ledger, "prometheus", "read")
    app = create_app(library, keys_required=True)
    with TestClient(app, base_url="http://videos.example") as client:
        assert client.get("/metrics").status_code == 401
        assert client.get("/metrics", headers={"authorization": "Bearer vr_a_b"}).status_code == 401
        assert read(client, authorization=f"Bearer {plain}")
        keys.revoke(library.ledger, key.key_id)
        again = client.get("/metrics", headers={"authorization": f"Bearer {plain}"})
        assert again.status_code == 401


def test_while_another_process_writes_a_scrape_does_not_wait(library: Library) -> None:
    import sqlite3

    writer = sqlite3.connect(library.settings.home / "library.db", isolation_level=None)
    writer.execute("begin exclusive")
    tallies.add("model_calls", kind="chat", model="m", outcome="ok")
    try:
        begun = time.monotonic()
        found = scraped(library)
        assert time.monotonic() - begun < 20  # a lock is waited for 30 seconds
        assert value(found, "ledger_up") == 1
    finally:
        writer.rollback()
        writer.close()


def test_while_the_ledger_is_away_who_was_let_in_hears_just_that(tmp_path: Path) -> None:
    with postgres.running() as server, server.database() as url:
        settings = {"home": str(tmp_path / "home"), "ledger": {"url": url}}
        library = Library(load_settings(settings, env={}))
        _key, plain = keys.make(library.ledger, "prometheus", "read")
        app = create_app(library, keys_required=True)
        with TestClient(app, base_url="http://videos.example") as client:
            assert value(read(client, authorization=f"Bearer {plain}"), "ledger_up") == 1
            server.stop("immediate")
            found = read(client, authorization=f"Bearer {plain}")
            assert value(found, "ledger_up") == 0
            assert (f"{PREFIX}videos", (("state", "ready"),)) not in found
            assert value(found, "disk_free_bytes", place="home") > 0
            stranger = client.get("/metrics", headers={"authorization": "Bearer vr_a_b"})
            assert stranger.status_code == 503
            server.start()
        library.close()


def test_calls_of_a_model_are_counted_with_tokens_and_cost(tmp_path: Path) -> None:
    replies = [Reply(text="Sheep sleep in the barn [1]. Sheep invented the moon rocket [9].")]
    with LlmServer(replies) as server:
        section = {"base_url": server.base_url, "model": "small", "output_price": 2.0}
        values = {
            "home": str(tmp_path / "home"),
            "answerers": {"openai": section},
            "ask": {"answerer": "openai"},
        }
        library = Library(load_settings(values, env={}))
        list(library.add([str(write_talk(tmp_path / "sheep.srt", SHEEP))]))
        list(library.ask(Question(text="Where do the sheep sleep at night?")))
        found = scraped(library)
        library.close()
    assert value(found, "model_calls_total", kind="chat", model="small", outcome="ok") >= 1
    written = value(found, "model_tokens_total", model="small", direction="output")
    assert written == 12 * len(server.requests)
    assert value(found, "model_tokens_total", model="small", direction="input") > 0
    assert value(found, "model_cost_total", model="small") == pytest.approx(written * 2e-6)
    assert value(found, "citations_dropped_total", model="small") >= 1
    assert value(found, "searches_total", knowledge="embedded", outcome="found") >= 1


@pytest.mark.parametrize(
    ("base", "path", "kind"),
    [
        ("http://d/v1", "/datasets/0a/documents/0b/segments?page=1", "segments"),
        ("http://d/v1", "/datasets/0a/retrieve", "retrieve"),
        ("http://d/v1", "/chat-messages/0a/stop", "chat"),
        ("http://d/console/api", "/apps/0a", "console"),
        ("http://d/v1", "/new/thing", "other"),
    ],
)
def test_calls_of_dify_are_of_few_kinds(base: str, path: str, kind: str) -> None:
    assert kind_of(base, path) == kind
