"""Publishing to a Dify that behaves as a real one: what it loses, breaks and lets others change.

Tests named `rule_…` keep a rule of the contract's client rules: without the code for it they fail.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dify_bases import (
    again,
    base_of,
    dataset_of,
    documents,
    names,
    other_client,
    server,
    texts,
)
from video_rag.dify.datasets import Datasets, Posted
from video_rag.errors import Conflict, Rejected, Unavailable
from video_rag.knowledge import INDEXED, Holding
from video_rag.knowledge.dify import Dify, rules
from video_rag.knowledge.dify import publish as publishing
from video_rag.testing.dify import DifyServer, Faults
from video_rag.testing.knowledge_contract import (
    SHARK,
    VOLCANO,
    found,
    give,
    lecture,
)

NAME = "file:1.md"


@pytest.fixture
def dify() -> Iterator[DifyServer]:
    with server() as dify:
        yield dify


@pytest.fixture
def base(dify: DifyServer, tmp_path: Path) -> Dify:
    return base_of(dify, tmp_path)


def state(base: Dify, video_id: str = "file:1") -> Holding:
    """What the base says of a video, after reading all of it."""
    (held,) = [row for row in base.holdings(thorough=True) if row.document_id == video_id]
    return held


def sent(dify: DifyServer) -> int:
    """How often a document was sent."""
    return sum("create-by" in seen.path for seen in dify.requests)


def is_right(base: Dify, dify: DifyServer) -> bool:
    """Whether the lecture on sharks is there once, whole, and found."""
    (document,) = dify.named(NAME)
    held = [segment.content.partition("\n")[0] for segment in document.segments]
    fits = held == list(SHARK) and state(base).state == INDEXED
    return fits and found(base, "skeleton of cartilage") == ["file:1"]


# one document of one name


def test_rule_1_a_video_keeps_its_document(base: Dify, dify: DifyServer) -> None:
    """Rule 1: posted again under its name, it is replaced in place."""
    first = give(base, lecture())
    assert give(base, lecture(VOLCANO)) == first
    assert names(dify) == [NAME]
    assert give(base, lecture()) == first
    assert is_right(base, dify)


def test_rule_1_a_batch_that_another_post_superseded_is_no_error(
    base: Dify, dify: DifyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rules 1 and 5: the loser's batch turns into 404, and the document itself is asked."""
    other = other_client(dify)
    post = Datasets.post
    rivals: list[Posted] = []

    def post_twice(self: Datasets, dataset_id: str, name: str, text: str, **more: Any) -> Posted:
        posted = post(self, dataset_id, name, text, **more)
        rivals.append(post(other, dataset_id, name, text, **more))
        return posted

    monkeypatch.setattr(Datasets, "post", post_twice)
    remote_id = give(base, lecture())
    assert remote_id == rivals[0].document_id
    assert other.progress(base.dataset_id, Posted(remote_id, "20261123202009612923")) is None
    assert is_right(base, dify)


@pytest.mark.parametrize("mode", ["economy", "high-quality"])
def test_rule_2_every_post_says_how_to_index(dify: DifyServer, tmp_path: Path, mode: str) -> None:
    """Rule 2: what is not sent is refused, or inherited from whoever posted last."""
    base = base_of(dify, tmp_path, mode)
    cut = {"separator": "o", "max_tokens": 50}
    wrong = {"mode": "custom", "rules": {"pre_processing_rules": [], "segmentation": cut}}
    other = {"indexing_technique": mode.replace("-", "_"), "process_rule": wrong}
    other_client(dify).post(base.dataset_id, "other.md", "foo bar foo", **other)
    dify.wait()
    give(base, lecture())
    (document,) = dify.named(NAME)
    assert document.rule.rules
    assert document.rule.rules["segmentation"]["max_tokens"] == 4000
    assert len(document.segments) == 2
    assert state(base).state == INDEXED


def test_rule_4_passing_faults_are_tried_again(dify: DifyServer, tmp_path: Path) -> None:
    """Rule 4: network errors, 429, 5xx and the cloud's rate limit."""
    base = base_of(dify, tmp_path)
    kinds = ("500", "502", "503", "429", "rate-limit", "timeout", "reset", "after")
    for number, kind in enumerate(kinds):
        dify.faults.queue(kind, "create-by")  # type: ignore[arg-type]
        dify.faults.queue(kind, "documents/metadata")  # type: ignore[arg-type]
        give(base, lecture(video_id=f"file:{number}"))
    assert names(dify) == [f"file:{number}.md" for number in range(len(kinds))]
    assert {row.state for row in base.holdings(thorough=True)} == {INDEXED}


def test_rule_4_what_dify_refuses_is_asked_once(dify: DifyServer, tmp_path: Path) -> None:
    """Rule 4: never retry other 4xx."""
    base = base_of(dify, tmp_path)
    dify.limits.documents = 0
    with pytest.raises(Rejected, match="limit of your subscription"):
        give(base, lecture())
    assert sent(dify) == 1


def test_rule_5_a_failed_indexing_is_posted_again(base: Dify, dify: DifyServer) -> None:
    """Rule 5: on `error` re-post the same name; the document keeps its id."""
    first = give(base, lecture())
    (document,) = documents(dify)
    document.status, document.error = "error", "[Errno 111] Connection refused"
    held = state(base)
    assert (held.state, held.problem) == (
        "error",
        "Dify could not index it: [Errno 111] Connection refused; publish again",
    )
    assert give(base, lecture()) == first
    assert is_right(base, dify)


def test_rule_5_an_embedding_model_that_is_down_is_told(dify: DifyServer, tmp_path: Path) -> None:
    """Rule 5: it comes as an indexing that ends in `error`."""
    base = base_of(dify, tmp_path, "high-quality")
    dify.embedding_alive = False
    with pytest.raises(Unavailable, match="Connection refused") as caught:
        give(base, lecture())
    assert "embedding model" in caught.value.hint
    assert sent(dify) == publishing.ATTEMPTS
    dify.embedding_alive = True
    give(base, lecture())
    assert state(base).state == INDEXED


def test_rule_5_waiting_has_an_end(dify: DifyServer, base: Dify, tmp_path: Path) -> None:
    """Rule 5: without a worker a document waits for ever, without any error."""
    dify.worker_alive = False
    impatient = again(base, tmp_path, wait_seconds=0.2)
    with pytest.raises(Unavailable, match=r"does not get on with it: waiting") as caught:
        give(impatient, lecture())
    assert "dify check" in caught.value.hint
    held = state(base)
    assert held.state == "indexing"
    assert "is Dify's worker running?" in held.problem
    dify.worker_alive = True
    give(base, lecture())
    assert is_right(base, dify)


def test_a_document_that_a_dead_worker_left_is_sent_again(
    base: Dify, dify: DifyServer, tmp_path: Path
) -> None:
    give(base, lecture())
    (document,) = documents(dify)
    document.status = "indexing"
    give(again(base, tmp_path, wait_seconds=0.2), lecture())
    assert is_right(base, dify)


def test_rule_6_completed_without_segments_is_not_done(base: Dify, dify: DifyServer) -> None:
    """Rule 6: Dify says `completed` of a document in which it found nothing."""
    give(base, lecture())
    (document,) = documents(dify)
    other_client(dify).post(base.dataset_id, NAME, " ", **rules.indexing(base.options, "economy"))
    dify.wait()
    assert (document.status, document.segments) == ("completed", [])
    held = state(base)
    assert (held.state, held.segments) == ("empty", 0)
    assert "no segments" in held.problem
    give(base, lecture(), force=True)
    assert is_right(base, dify)


def test_rule_6_segments_that_are_missing_are_noticed_at_once(
    base: Dify, dify: DifyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rule 6: what Dify holds is compared with what was sent, and sent again."""
    post = Datasets.post
    cut = iter(["⟦file:1@0-9⟧ half of it"])

    def post_half(self: Datasets, dataset_id: str, name: str, text: str, **more: Any) -> Posted:
        return post(self, dataset_id, name, next(cut, text), **more)

    monkeypatch.setattr(Datasets, "post", post_half)
    give(base, lecture())
    assert sent(dify) == 2
    assert is_right(base, dify)


def test_rule_8_an_economy_dataset_is_asked_for_keywords_and_for_many(
    base: Dify, dify: DifyServer
) -> None:
    """Rule 8: its stored default is no keyword search; the cut comes before the filters."""
    for number in range(30):
        give(base, lecture(video_id=f"file:{number}", collection=f"c{number % 3}"))
    dataset_of(dify).settings["retrieval_model_dict"]["search_method"] = "semantic_search"
    hits = found(base, "skeleton of cartilage", collection="c1", limit=10)
    assert len(hits) == 10
    assert {int(video_id.removeprefix("file:")) % 3 for video_id in hits} == {1}
    asked = [json.loads(seen.body) for seen in dify.requests if seen.path.endswith("/retrieve")]
    assert {one["retrieval_model"]["search_method"] for one in asked} == {"keyword_search"}


def test_rule_8_times_do_not_take_the_place_of_keywords(base: Dify, dify: DifyServer) -> None:
    """Rule 8: an economy segment has ten keywords, and a clock would be some of them."""
    give(base, lecture(title="A title of many words that nobody would ever search for here"))
    for text in texts(dify, NAME):
        body, mark = text.split("\n")
        assert mark.startswith("⟦file:1@")
        assert not any(sign.isdigit() for sign in body)


def test_rule_8_words_are_found_whatever_their_case(base: Dify) -> None:
    """Rule 8: the keyword table compares letter by letter."""
    give(base, lecture(("Photosynthesis feeds every leaf.", "Sharks smell blood.")))
    assert found(base, "what is photosynthesis") == ["file:1"]
    assert found(base, "SHARK") == ["file:1"]


# states that others leave


@pytest.mark.parametrize("technique", ["economy", "high-quality"])
@pytest.mark.parametrize(
    ("action", "name", "words"),
    [("disable", "disabled", "switched off"), ("archive", "archived", "archive")],
)
def test_a_document_that_was_put_away_is_told_and_brought_back(
    dify: DifyServer, tmp_path: Path, technique: str, action: Any, name: str, words: str
) -> None:
    """In place: a post would make a second one beside a disabled, or change an archived unseen."""
    base = base_of(dify, tmp_path, technique)
    first = give(base, lecture())
    other_client(dify).set_status(base.dataset_id, action, [first])
    held = state(base)
    assert held.state == name
    assert words in held.problem
    assert give(base, lecture()) == first
    assert names(dify) == [NAME]
    assert state(base).state == INDEXED
    other_client(dify).set_status(base.dataset_id, action, [first])
    assert give(base, lecture(VOLCANO)) == first
    assert names(dify) == [NAME]
    assert state(base).state == INDEXED


def test_a_status_that_was_changed_just_now_is_waited_for(base: Dify, dify: DifyServer) -> None:
    first = give(base, lecture())
    dify.status_seconds = 0.5
    other_client(dify).set_status(base.dataset_id, "disable", [first])
    assert give(base, lecture()) == first
    assert is_right(base, dify)


def test_of_duplicates_the_best_one_stays(base: Dify, dify: DifyServer) -> None:
    """Posting while the document is disabled makes Dify keep two of one name."""
    first = give(base, lecture())
    other = other_client(dify)
    other.set_status(base.dataset_id, "disable", [first])
    other.post(base.dataset_id, NAME, "another text", **rules.indexing(base.options, "economy"))
    dify.wait()
    assert names(dify) == [NAME, NAME]
    held = state(base)
    assert (held.state, len(held.remote_ids)) == ("duplicate", 2)
    assert "2 times" in held.problem
    assert give(base, lecture()) == first
    assert is_right(base, dify)


def test_a_paused_document_is_told(base: Dify, dify: DifyServer) -> None:
    give(base, lecture())
    (document,) = documents(dify)
    document.status = "paused"
    assert state(base).state == "paused"
    assert "resume it there" in state(base).problem


def test_segments_that_were_switched_off_are_told_and_repaired(
    base: Dify, dify: DifyServer
) -> None:
    remote_id = give(base, lecture())
    (document,) = documents(dify)
    path = f"/datasets/{base.dataset_id}/documents/{remote_id}/segments/{document.segments[0].id}"
    other_client(dify).client.call("POST", path, json={"segment": {"enabled": False}})
    held = state(base)
    assert (held.state, held.problem) == (
        "disabled",
        "some of its segments are switched off in Dify",
    )
    give(base, lecture(), force=True)
    assert is_right(base, dify)


def test_documents_that_were_deleted_in_dify_are_sent_again(base: Dify, dify: DifyServer) -> None:
    first = give(base, lecture())
    other_client(dify).delete_document(base.dataset_id, first)
    assert base.holdings() == []
    give(base, lecture())
    assert is_right(base, dify)


# changes by hand


@pytest.mark.parametrize("mode", ["economy", "high-quality"])
@pytest.mark.parametrize("text", ["A person wrote this.", "Sharks have a skeleton of cartilagX."])
def test_a_change_by_hand_is_not_overwritten(
    dify: DifyServer, tmp_path: Path, mode: str, text: str
) -> None:
    """Also one of the same length, which only the segments tell."""
    base = base_of(dify, tmp_path, mode)
    give(base, lecture())
    mark = texts(dify, NAME)[0].partition("\n")[2]
    dify.edit_segment(NAME, 1, f"{text}\n{mark}")
    held = state(base)
    assert held.state == "edited"
    assert "publish --force overwrites it" in held.problem
    for document in (lecture(VOLCANO), lecture(("Other words.",))):
        with pytest.raises(Conflict, match="changed by hand") as caught:
            give(base, document)
        assert "--force" in caught.value.hint
    assert texts(dify, NAME)[0].startswith(text)
    give(base, lecture(), force=True)
    assert texts(dify, NAME)[0].startswith(SHARK[0])
    assert state(base).state == INDEXED


def test_a_change_of_some_other_segment_counts_too(base: Dify, dify: DifyServer) -> None:
    give(base, lecture())
    dify.edit_segment(NAME, 2, "Only blanks   and signs … differ")
    with pytest.raises(Conflict):
        give(base, lecture(VOLCANO))


def test_blanks_alone_are_no_change(base: Dify, dify: DifyServer) -> None:
    give(base, lecture())
    dify.edit_segment(NAME, 1, texts(dify, NAME)[0].replace(" ", "  "))
    give(base, lecture(VOLCANO))
    assert texts(dify, NAME)[0].startswith(VOLCANO[0])


# parallel work


def test_rule_of_economy_documents_of_one_home_are_indexed_one_after_the_other(
    dify: DifyServer, tmp_path: Path
) -> None:
    """Measured (contract §9): two at once, and the segments of one never reach the index."""
    dify.index_seconds = 0.02
    bases = [base_of(dify, tmp_path) for _ in range(3)]
    threads = [
        threading.Thread(target=give, args=(base, lecture(video_id=f"file:{number}")))
        for number, base in enumerate(bases)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sent(dify) == 3
    assert len(found(bases[0], "skeleton of cartilage")) == 3


def test_a_document_that_another_client_pushed_out_of_the_index_is_sent_again(
    base: Dify, dify: DifyServer, tmp_path: Path
) -> None:
    """Each is proven by a retrieve of a keyword of its own, and repaired."""
    dify.index_seconds = 0.2
    body = rules.indexing(base.options, "economy")
    rival = other_client(dify)
    posted = threading.Event()

    def disturb() -> None:
        for number in range(2):
            rival.post(base.dataset_id, f"other{number}.txt", "Rivers run to the sea.", **body)
            posted.set()
            dify.wait()

    thread = threading.Thread(target=disturb)
    thread.start()
    posted.wait()
    give(base, lecture())
    thread.join()
    lost = state(base).state == "lost"
    if lost:  # the rival ended last: its table has won after our proof
        give(base, lecture(), force=True)
    assert is_right(base, dify)


def test_a_worker_that_finds_no_keywords_is_told(
    base: Dify, dify: DifyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Contract §2.5: with jieba missing Dify says `completed`, and nothing is found."""
    monkeypatch.setattr("video_rag.testing.dify.keywords.keywords", lambda _text: [])
    with pytest.raises(Rejected, match="cannot be found by its own words"):
        give(base, lecture())
    assert state(base).state != INDEXED
    monkeypatch.undo()
    give(base, lecture())
    assert is_right(base, dify)


def test_a_document_without_any_word_needs_no_keywords(base: Dify) -> None:
    give(base, lecture(("…", "!!!")))
    assert state(base).state == INDEXED


def test_a_document_that_was_lost_from_the_index_later_is_told_and_repaired(
    base: Dify, dify: DifyServer
) -> None:
    give(base, lecture())
    dataset_of(dify).table = {}
    held = state(base)
    assert held.state == "lost"
    assert "publish --force repairs it" in held.problem
    give(base, lecture(), force=True)
    assert is_right(base, dify)


# parts


def test_parts_come_and_go_with_the_length(dify: DifyServer, tmp_path: Path) -> None:
    base = base_of(dify, tmp_path, part_bytes=16_000)
    long = lecture(tuple(f"Line{number} {'shark ' * 200}" for number in range(40)))
    ids = give(base, long).split(",")
    wanted = ["file:1.md", *(f"file:1.part{number}.md" for number in range(2, len(ids) + 1))]
    assert len(ids) > 2
    assert names(dify) == sorted(wanted)
    held = state(base)
    assert (held.segments, len(held.remote_ids), held.state) == (40, len(ids), INDEXED)
    shorter = lecture(tuple(f"Line{number} {'shark ' * 200}" for number in range(20)))
    assert give(base, shorter).split(",") == ids[: len(names(dify))]
    assert give(base, lecture()) == ids[0]
    assert is_right(base, dify)
    assert len(give(base, long).split(",")) == len(ids)
    base.withdraw("file:1", None)
    assert names(dify) == []


def test_only_the_parts_that_changed_are_sent(dify: DifyServer, tmp_path: Path) -> None:
    base = base_of(dify, tmp_path, part_bytes=16_000)
    lines = [f"Line{number} {'shark ' * 200}" for number in range(40)]
    count = len(give(base, lecture(tuple(lines))).split(","))
    before = sent(dify)
    lines[-1] = "Another end."
    give(base, lecture(tuple(lines)))
    assert sent(dify) == before + 1
    assert count > 2
    assert state(base).state == INDEXED


# what belongs to others


@pytest.fixture
def foreign(base: Dify, dify: DifyServer) -> list[str]:
    """Documents that people put into the same dataset."""
    wanted = ["notes.md", "file:1.md.txt", "file:1 notes.md", "a.part2.md", "old-file:1.md"]
    body = rules.indexing(base.options, "economy")
    for name in wanted:
        other_client(dify).post(base.dataset_id, name, "Sharks in somebody's words.", **body)
        dify.wait()
    return sorted(wanted)


def test_documents_of_others_are_never_touched(
    base: Dify, dify: DifyServer, foreign: list[str]
) -> None:
    give(base, lecture())
    client = other_client(dify)
    (linked,) = dify.named("notes.md")  # people may use our field for their own documents
    known = client.fields(base.dataset_id)
    client.set_metadata(base.dataset_id, {linked.id: {"video_id": "file:1"}}, known)
    before = {one.id: (one.batch, one.metadata) for one in documents(dify) if one.name in foreign}
    give(base, lecture(VOLCANO), force=True)
    assert [held.document_id for held in base.holdings(thorough=True)] == ["file:1"]
    assert set(found(base, "sharks", limit=50)) <= {"file:1"}
    base.withdraw("file:1", None)
    base.withdraw("file:2", None)
    assert names(dify) == foreign
    assert {one.id: (one.batch, one.metadata) for one in documents(dify)} == before


def test_withdrawing_takes_documents_in_any_state(base: Dify, dify: DifyServer) -> None:
    for number, action in enumerate(["archive", "disable"]):
        remote_id = give(base, lecture(video_id=f"file:{number}"))
        other_client(dify).set_status(base.dataset_id, action, [remote_id])  # type: ignore[arg-type]
    give(base, lecture(video_id="file:2"))
    broken, waiting = dify.named("file:2.md")[0], give(base, lecture(video_id="file:3"))
    broken.status = "error"
    dataset_of(dify).documents[waiting].status = "waiting"
    for number in range(4):
        base.withdraw(f"file:{number}", None)
    assert names(dify) == []


def test_faults_all_the_time_leave_each_video_once(dify: DifyServer, tmp_path: Path) -> None:
    base = base_of(dify, tmp_path)
    dify.faults = Faults(rate=0.1, seed=7, silence=0.01)
    for number in range(10):
        while True:
            try:
                give(base, lecture(video_id=f"file:{number}"))
                break
            except Unavailable:
                continue
    dify.faults = Faults()
    assert names(dify) == [f"file:{number}.md" for number in range(10)]
    assert {row.state for row in base.holdings(thorough=True)} == {INDEXED}
