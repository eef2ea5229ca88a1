"""Publishing while Dify or a server behind it is away, or has a long queue; and what a dataset is.

What the second look at a real 1.16.1 showed (`../shared/dify/recordings/second-look`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from dify_bases import again, base_of, dataset_of, names, other_client, server
from publishing_desk import Desk
from video_rag.dify.datasets import Datasets
from video_rag.errors import BadSettings, Rejected, Unavailable, UsageError
from video_rag.knowledge import INDEXED
from video_rag.knowledge.dify import Dify, rules
from video_rag.model import Query
from video_rag.testing.dify import DifyServer
from video_rag.testing.knowledge_contract import found, give, lecture

AWAY = "[openai_api_compatible] Error"


@pytest.fixture
def dify() -> Iterator[DifyServer]:
    with server() as dify:
        yield dify


def desk_of(dify: DifyServer, home: Path, count: int, **options: Any) -> Desk:
    desk = Desk(base_of(dify, home, "high-quality", **options), home)
    for number in range(count):
        desk.put(number)
    return desk


# servers that are away


@pytest.mark.parametrize(
    "message",
    [
        AWAY,
        f"{AWAY}: PluginInvokeError: Connection refused",
        "[x/y] Connection Error, [Errno 111]",
        "[Errno 111] Connection refused",
    ],
)
@pytest.mark.parametrize("place", ["indexing", "retrieve"])
def test_an_embedding_model_that_was_away_is_tried_again_at_the_end(
    dify: DifyServer, tmp_path: Path, message: str, place: str
) -> None:
    desk = desk_of(dify, tmp_path, 3, concurrency=1)
    changes = desk.plan()
    dify.embedding_error = message
    embed, failures = dify.embed, [3 if place == "indexing" else 4]

    def away_at_first(given: Iterable[str]) -> None:
        """For all tries of one document: three posts, or the four requests of one search."""
        texts = list(given)
        fails = failures[0] > 0 and (len(texts) > 1) == (place == "indexing")
        failures[0] -= fails
        dify.embedding_alive = not fails
        dify.embedded.clear()
        embed(texts)

    dify.embed = away_at_first  # type: ignore[method-assign]  # on purpose
    outcomes = list(desk.work().carry_out(changes, force=False))
    assert failures == [0]
    assert [outcome.error for outcome in outcomes] == [None] * 3
    assert {held.state for held in desk.base.holdings(thorough=True)} == {INDEXED}


@pytest.mark.parametrize(
    "message",
    ["[openai] Error: Incorrect API key provided", "[openai] Authorization Error", "no such model"],
)
def test_a_model_that_refuses_is_not_taken_for_one_that_is_away(
    dify: DifyServer, tmp_path: Path, message: str
) -> None:
    desk = desk_of(dify, tmp_path, 1)
    dify.embedding_error, dify.embedding_alive = message, False
    (outcome,) = desk.publish()
    assert isinstance(outcome.error, Rejected)
    assert message.partition(":")[0] in str(outcome.error)
    assert "file:0" not in str(outcome.error)  # the command names the video already


def test_publishing_waits_for_an_api_that_is_away(dify: DifyServer, tmp_path: Path) -> None:
    desk = desk_of(dify, tmp_path, 12, patience=30.0, concurrency=4)
    changes = desk.plan()
    dify.faults.queue("reset", times=1_000_000)
    timer = threading.Timer(1.0, dify.faults._next.clear)
    timer.start()
    outcomes = list(desk.work().carry_out(changes, force=False))
    timer.join()
    assert [outcome.error for outcome in outcomes] == [None] * 12
    assert len(names(dify)) == 12


def test_patience_has_an_end(dify: DifyServer, tmp_path: Path) -> None:
    desk = desk_of(dify, tmp_path, 30, patience=0.3, concurrency=2)
    changes = desk.plan()
    dify.faults.queue("reset", times=1_000_000)
    outcomes = list(desk.work().carry_out(changes, force=False))
    assert all(isinstance(outcome.error, Unavailable) for outcome in outcomes)
    assert sum("not tried" in str(outcome.error) for outcome in outcomes) >= 25
    assert not any("file:" in str(outcome.error) for outcome in outcomes)


# Dify's own queue


def test_a_document_that_waits_its_turn_is_not_stuck(tmp_path: Path) -> None:
    """The 40 s of `slow-embedding-false-alarm.txt`, made short: a document takes longer than half
    the patience, and six others are before ours."""
    with server(index_seconds=0.6, workers=1) as dify:
        base = base_of(dify, tmp_path, "high-quality", wait_seconds=1.2)
        body = rules.indexing(base.options, "high_quality")
        for number in range(6):
            text = f"Somebody's lecture, number {number}."
            other_client(dify).post(base.dataset_id, f"other {number}.md", text, **body)
        desk = Desk(base, tmp_path)
        for number in range(4):
            desk.put(number)
        assert [outcome.error for outcome in desk.publish()] == [None] * 4


def test_no_more_is_posted_than_dify_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with server(index_seconds=0.1, workers=1) as dify:
        desk = desk_of(dify, tmp_path, 6, concurrency=8)
        post, waiting = Datasets.post, []

        def count(self: Datasets, *given: Any, **more: Any) -> Any:
            rows = dataset_of(dify).documents.values()
            waiting.append(sum(row.status == "waiting" for row in rows))
            return post(self, *given, **more)

        monkeypatch.setattr(Datasets, "post", count)
        assert [outcome.error for outcome in desk.publish()] == [None] * 6
        assert waiting == [0] * 6


# what the dataset is


def test_an_external_dataset_is_refused(dify: DifyServer, tmp_path: Path) -> None:
    base_of(dify, tmp_path)
    dataset_of(dify).settings |= {"provider": "external", "indexing_technique": None}
    dataset_of(dify).external = {"id": "all", "api_id": "", "retrieval_model": {}}
    base = base_of(dify, tmp_path, "", dataset_id=dataset_of(dify).id)
    for call in (
        lambda: give(base, lecture()),
        lambda: base.search(Query(text="sharks")),
        base.prepare,
    ):
        with pytest.raises(UsageError, match="no app reads") as caught:
            call()
        assert "dify create" in caught.value.hint
    assert names(dify) == []


@pytest.mark.parametrize("technique", ["economy", "high-quality"])
def test_without_the_plugin_daemon_nothing_is_guessed(
    dify: DifyServer, tmp_path: Path, technique: str
) -> None:
    one = base_of(dify, tmp_path / "one", technique)
    give(one, lecture())
    dify.has_plugin_daemon = False
    stranger = base_of(dify, tmp_path / "other", "", dataset_id=one.dataset_id)
    for call in (lambda: give(stranger, lecture()), lambda: stranger.search(Query(text="shark"))):
        with pytest.raises(Unavailable, match="plugin daemon is not running"):
            call()
    known = base_of(dify, tmp_path / "one", "", dataset_id=one.dataset_id)
    if technique == "economy":
        assert found(known, "skeleton of cartilage") == ["file:1"]
    else:
        with pytest.raises(Rejected, match="plugin daemon"):
            known.search(Query(text="shark"))
    desk = Desk(known, tmp_path)
    desk.put(1)
    assert [change.reason for change in desk.plan()] == ["the receipt is missing"]


def test_how_apps_search_is_brought_in_line(dify: DifyServer, tmp_path: Path) -> None:
    """Over one dataset 1.16.1 goes by the dataset's own setting, whatever the node says."""
    dify.rerank_models = [("x/y/z", "ranker")]
    base = base_of(dify, tmp_path, "high-quality")
    options = {"rerank_provider": "x/y/z", "rerank_model": "ranker"}
    ranking = again(base, tmp_path, **options)
    assert ranking.prepare().endswith("unranked")
    stored = dataset_of(dify).settings["retrieval_model_dict"]
    assert stored["reranking_enable"]
    assert stored["reranking_model"]["reranking_model_name"] == "ranker"
    assert again(base, tmp_path, **options).prepare() == ""
    give(base, lecture())
    assert not dataset_of(dify).settings["retrieval_model_dict"]["reranking_enable"]


def parent_child(dify: DifyServer, home: Path) -> Dify:
    base = base_of(dify, home, "high-quality", segmentation="parent-child")
    give(base, lecture())
    return base


def test_a_segmentation_that_was_dropped_from_the_settings_is_kept(
    dify: DifyServer, tmp_path: Path
) -> None:
    base = parent_child(dify, tmp_path)
    desk = Desk(base, tmp_path)
    desk.put(1)
    desk.publish()
    dropped = base_of(dify, tmp_path, "high-quality", dataset_id=base.dataset_id)
    other = Desk(dropped, tmp_path)
    other.put(1)
    assert other.actions() == [("unchanged", "file:1")]
    other.put(2)
    assert [outcome.error for outcome in other.publish()] == [None, None]
    assert all(segment.children for segment in dify.named("file:2.md")[0].segments)


def test_a_segmentation_that_the_dataset_cannot_have_is_told(
    dify: DifyServer, tmp_path: Path
) -> None:
    base = parent_child(dify, tmp_path)
    wrong = base_of(dify, tmp_path, "", dataset_id=base.dataset_id, segmentation="passages")
    with pytest.raises(BadSettings, match="parent-child") as caught:
        give(wrong, lecture())
    assert 'segmentation = "parent-child"' in caught.value.hint


# dify check


def findings(base: Dify) -> dict[str, str]:
    told = {}
    for name, look in base.looks():
        try:
            told[name] = look()
        except (Rejected, Unavailable) as error:
            told[name] = f"wrong: {error}"
    return told


def test_check_on_a_parent_child_dataset(dify: DifyServer, tmp_path: Path) -> None:
    base = parent_child(dify, tmp_path)
    told = findings(base_of(dify, tmp_path, "", dataset_id=base.dataset_id))
    assert "parent-child" in told["dataset"]
    assert told["worker"].startswith("indexed")


def test_check_with_the_embedding_model_down(dify: DifyServer, tmp_path: Path) -> None:
    """Dify keeps embeddings by text, so that a probe that it knows proves nothing."""
    base = base_of(dify, tmp_path, "high-quality")
    assert findings(base)["worker"].startswith("indexed")
    dify.embedding_alive, dify.embedding_error = False, AWAY
    assert AWAY in findings(base)["worker"]
    assert names(dify) == []


def test_check_says_what_it_brings_in_line(dify: DifyServer, tmp_path: Path) -> None:
    base = base_of(dify, tmp_path, "high-quality")
    model = {**rules.retrieval(base.options, "high_quality", 3), "search_method": "semantic_search"}
    base.datasets.change(base.dataset_id, retrieval_model=model)
    told = findings(again(base, tmp_path))
    assert "it was semantic_search" in told["dataset"]
    stored = dataset_of(dify).settings["retrieval_model_dict"]
    assert (stored["search_method"], stored["top_k"]) == ("hybrid_search", 3)
    assert "it was" not in findings(again(base, tmp_path))["dataset"]


def test_the_queue_lets_the_next_one_in_after_a_failure(dify: DifyServer, tmp_path: Path) -> None:
    base = base_of(dify, tmp_path, "high-quality", wait_seconds=0.3)
    dify.worker_alive = False
    began = time.monotonic()
    for number in range(2):
        with suppress(Unavailable):
            give(base, lecture(video_id=f"file:{number}"))
    dify.worker_alive = True
    give(base, lecture(video_id="file:2"))
    assert time.monotonic() - began < 60
