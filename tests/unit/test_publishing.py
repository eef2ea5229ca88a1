"""What would change in a knowledge base, and making it so: on the embedded base and on Dify."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dify_bases import base_of, documents, names, server
from publishing_desk import Desk
from video_rag.errors import Conflict, Unavailable
from video_rag.knowledge import Knowledge
from video_rag.knowledge.embedded import Embedded
from video_rag.model import Receipt
from video_rag.pipeline.publishing import GIVE_UP
from video_rag.testing.dify import DifyServer
from video_rag.testing.knowledge_contract import VOLCANO


@pytest.fixture
def dify() -> Iterator[DifyServer]:
    with server() as dify:
        yield dify


@pytest.fixture(params=["embedded", "economy", "high-quality"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    if request.param == "embedded":
        base: Knowledge = Embedded(Embedded.Options(), home=tmp_path)
    else:
        base = base_of(request.getfixturevalue("dify"), tmp_path, request.param)
    made = Desk(base, tmp_path)
    yield made
    made.ledger.close()


def test_what_is_new_changed_and_gone_is_told_and_made_so(desk: Desk) -> None:
    for number in range(3):
        desk.put(number)
    assert desk.actions() == [("create", f"file:{number}") for number in range(3)]
    assert [outcome.error for outcome in desk.publish()] == [None] * 3
    assert desk.actions() == [("unchanged", f"file:{number}") for number in range(3)]
    desk.put(1, VOLCANO)
    desk.ledger.remove("file:2")
    del desk.documents["file:2"]
    wanted = [("unchanged", "file:0"), ("update", "file:1")]
    assert desk.actions() == wanted
    assert desk.actions(prune=True) == [*wanted, ("remove", "file:2")]
    desk.publish(prune=True)
    assert desk.actions(prune=True) == [("unchanged", "file:0"), ("unchanged", "file:1")]
    assert {held.document_id for held in desk.base.holdings()} == {"file:0", "file:1"}
    assert desk.ledger.receipt("base", "file:2") is None


def test_receipts_are_proof_of_what_is_there(desk: Desk) -> None:
    video_id = desk.put(0)
    desk.publish()
    receipt = desk.ledger.receipt("base", video_id)
    assert receipt
    assert receipt.state == "done"
    assert receipt.revision == desk.base.revision(*desk.passages(video_id))
    (held,) = desk.base.holdings()
    assert receipt.remote_id == ",".join(held.remote_ids)


def test_forcing_sends_what_is_unchanged(desk: Desk) -> None:
    desk.put(0)
    desk.publish()
    assert desk.actions(force=True) == [("update", "file:0")]
    assert [outcome.error for outcome in desk.publish(force=True)] == [None]
    assert desk.actions() == [("unchanged", "file:0")]


@pytest.mark.parametrize("receipt", ["none", "sent", "of another revision"])
def test_a_kill_between_base_and_ledger_is_seen(desk: Desk, receipt: str) -> None:
    video_id = desk.put(0)
    desk.publish()
    known = desk.ledger.receipt("base", video_id)
    assert known
    if receipt == "none":
        desk.ledger.drop("base", video_id)
    elif receipt == "sent":
        desk.ledger.keep(known.model_copy(update={"state": "sent"}))
    else:
        desk.ledger.keep(known.model_copy(update={"revision": "other"}))
    assert desk.actions() == [("update", video_id)]
    desk.publish()
    assert desk.actions() == [("unchanged", video_id)]


def test_a_video_that_another_process_publishes_is_left_to_it(desk: Desk) -> None:
    desk.put(0)
    desk.put(1)
    desk.busy.add("file:0")
    errors = {outcome.change.document_id: outcome.error for outcome in desk.publish()}
    assert isinstance(errors["file:0"], Unavailable)
    assert "another process is publishing it" in str(errors["file:0"])
    assert errors["file:1"] is None


def test_a_video_removed_meanwhile_is_withdrawn(desk: Desk) -> None:
    desk.put(0)
    changes = desk.plan()
    desk.ledger.remove("file:0")
    list(desk.work().carry_out(changes, force=False))
    assert desk.base.holdings() == []
    assert desk.ledger.receipt("base", "file:0") is None


def test_finding_the_changes_writes_nothing(tmp_path: Path, dify: DifyServer) -> None:
    desk = Desk(base_of(dify, tmp_path), tmp_path)
    desk.put(0)
    desk.put(1)
    desk.publish()
    desk.put(1, VOLCANO)
    before = dify.writes()
    desk.plan(prune=True, force=True)
    assert dify.writes() == before
    receipt = desk.ledger.receipt("base", "file:1")
    assert receipt
    assert receipt.state == "done"


def test_publishing_again_sends_nothing(tmp_path: Path, dify: DifyServer) -> None:
    desk = Desk(base_of(dify, tmp_path), tmp_path)
    for number in range(3):
        desk.put(number)
    desk.publish()
    before = dify.writes()
    assert {outcome.change.action for outcome in desk.publish()} == {"unchanged"}
    assert dify.writes() == before


def test_another_library_adopts_what_is_there(tmp_path: Path, dify: DifyServer) -> None:
    """The receipt is made up for without sending the document again."""
    one = Desk(base_of(dify, tmp_path / "one"), tmp_path / "one")
    one.put(0)
    one.publish()
    before = dify.writes()
    other = Desk(base_of(dify, tmp_path / "other"), tmp_path / "other")
    other.put(0)
    assert other.actions() == [("update", "file:0")]
    assert [outcome.error for outcome in other.publish()] == [None]
    assert [seen for seen in dify.writes() if seen not in before and "document" in seen.path] == []
    assert other.actions() == [("unchanged", "file:0")]


def test_a_change_by_hand_is_a_conflict_unless_forced(tmp_path: Path, dify: DifyServer) -> None:
    desk = Desk(base_of(dify, tmp_path), tmp_path)
    desk.put(0)
    desk.put(1)
    desk.publish()
    dify.edit_segment("file:0.md", 1, "A person corrected this.")
    assert desk.actions() == [("conflict", "file:0"), ("unchanged", "file:1")]
    first, second = desk.publish()
    assert isinstance(first.error, Conflict)
    assert "publish --force" in first.error.hint
    assert second.error is None
    assert desk.actions(force=True)[0] == ("update", "file:0")
    desk.publish(force=True)
    assert desk.actions() == [("unchanged", "file:0"), ("unchanged", "file:1")]


def test_a_base_that_is_away_ends_a_bulk(tmp_path: Path, dify: DifyServer) -> None:
    desk = Desk(base_of(dify, tmp_path), tmp_path)
    for number in range(GIVE_UP + 6):
        desk.put(number)
    changes = desk.plan()
    dify.faults.queue("reset", times=10_000)
    outcomes = list(desk.work().carry_out(changes, force=False))
    assert all(isinstance(outcome.error, Unavailable) for outcome in outcomes)
    untried = ["not tried" in str(outcome.error) for outcome in outcomes]
    assert GIVE_UP <= untried.count(False) < len(outcomes)
    last = next(outcome.error for outcome in outcomes if "not tried" in str(outcome.error))
    assert last
    assert "publish again" in last.hint


def test_what_met_a_bad_moment_is_tried_once_more(tmp_path: Path, dify: DifyServer) -> None:
    desk = Desk(base_of(dify, tmp_path), tmp_path)
    for number in range(3):
        desk.put(number)
    changes = desk.plan()
    dify.faults.queue("500", path="create-by-text", times=4)  # all tries of one call
    outcomes = list(desk.work().carry_out(changes, force=False))
    assert [outcome.error for outcome in outcomes] == [None, None, None]
    assert names(dify) == ["file:0.md", "file:1.md", "file:2.md"]


def test_one_bad_document_does_not_keep_the_others(tmp_path: Path, dify: DifyServer) -> None:
    desk = Desk(base_of(dify, tmp_path), tmp_path)
    for number in range(4):
        desk.put(number)
    desk.documents["file:1"] = desk.documents["file:1"].model_copy(update={"sections": ()})
    errors = [outcome.error for outcome in desk.publish()]
    assert [error is None for error in errors] == [True, False, True, True]
    assert "no passages" in str(errors[1])
    assert names(dify) == ["file:0.md", "file:2.md", "file:3.md"]


def test_outcomes_come_in_the_order_of_the_changes(tmp_path: Path, dify: DifyServer) -> None:
    desk = Desk(base_of(dify, tmp_path, "high-quality", concurrency=4), tmp_path)
    ids = [desk.put(number) for number in range(12)]
    assert [outcome.change.document_id for outcome in desk.publish()] == ids
    assert len(documents(dify)) == 12


def test_a_receipt_of_the_past_does_not_hide_a_lost_document(
    tmp_path: Path, dify: DifyServer
) -> None:
    desk = Desk(base_of(dify, tmp_path), tmp_path)
    desk.put(0)
    desk.publish()
    (document,) = documents(dify)
    base = base_of(dify, tmp_path)
    base.datasets.delete_document(base.dataset_id, document.id)
    assert desk.actions() == [("create", "file:0")]
    assert isinstance(desk.ledger.receipt("base", "file:0"), Receipt)
    desk.publish()
    assert names(dify) == ["file:0.md"]
