"""Documents in Dify that people renamed or switched off, and datasets of several libraries."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dify_bases import base_of, documents, names, other_client, server
from publishing_desk import Desk
from video_rag import identity
from video_rag.knowledge import INDEXED
from video_rag.knowledge.dify import Dify
from video_rag.testing.dify import DifyServer
from video_rag.testing.knowledge_contract import SHARK, VOLCANO, found

MODES = ["economy", "high-quality"]


@pytest.fixture
def dify() -> Iterator[DifyServer]:
    with server() as dify:
        yield dify


@pytest.fixture(params=MODES)
def desk(request: pytest.FixtureRequest, dify: DifyServer, tmp_path: Path) -> Iterator[Desk]:
    made = Desk(base_of(dify, tmp_path, request.param), tmp_path)
    yield made
    made.ledger.close()


def rename(dify: DifyServer, name: str, wanted: str) -> None:
    """What a person does in Dify's list of documents."""
    (document,) = dify.named(name)
    document.name = wanted


def states(desk: Desk) -> dict[str, str]:
    return {held.document_id: held.state for held in desk.base.holdings(thorough=True)}


# renamed by hand


def test_a_renamed_document_is_found_by_its_metadata(desk: Desk, dify: DifyServer) -> None:
    desk.put(0)
    desk.publish()
    rename(dify, "file:0.md", "Lecture on sharks")
    assert states(desk) == {"file:0": INDEXED}
    assert desk.actions() == [("unchanged", "file:0")]
    before = dify.writes()
    desk.publish()
    assert dify.writes() == before
    assert names(dify) == ["Lecture on sharks"]


@pytest.mark.parametrize("knows", ["the receipt", "the list"])
def test_a_renamed_document_that_changed_is_there_once(
    desk: Desk, dify: DifyServer, knows: str
) -> None:
    desk.put(0)
    desk.publish()
    rename(dify, "file:0.md", "Lecture on sharks")
    desk.put(0, VOLCANO)
    changes = desk.plan()
    if knows == "the list":
        desk.ledger.drop("base", "file:0")
    assert [change.action for change in changes] == ["update"]
    assert [outcome.error for outcome in desk.work().carry_out(changes, force=False)] == [None]
    assert names(dify) == ["file:0.md"]
    assert found(desk.base, "lava") == ["file:0"]


def test_without_ledger_and_list_a_renamed_document_is_found_before_one_is_made(
    desk: Desk, dify: DifyServer
) -> None:
    desk.put(0)
    desk.publish()
    rename(dify, "file:0.md", "Lecture on sharks")
    document, chunks = desk.passages("file:0")
    assert isinstance(desk.base, Dify)
    desk.base._listed = None
    desk.base.publish(document, chunks, None)
    assert names(dify) == ["Lecture on sharks"]


@pytest.mark.parametrize("force", [False, True])
def test_the_copy_that_an_earlier_version_made_is_told_and_removed(
    desk: Desk, dify: DifyServer, force: bool
) -> None:
    desk.put(0)
    desk.publish()
    rename(dify, "file:0.md", "Lecture on sharks")
    (stray,) = documents(dify)
    kept, stray.metadata = stray.metadata, None  # an earlier version did not see it
    desk.ledger.drop("base", "file:0")
    desk.publish()
    stray.metadata = kept
    assert len(names(dify)) == 2
    assert states(desk) == {"file:0": "duplicate"}
    assert [outcome.error for outcome in desk.publish(force=force)] == [None]
    assert len(names(dify)) == 1
    assert states(desk) == {"file:0": INDEXED}


def test_a_renamed_document_is_withdrawn_and_pruned(desk: Desk, dify: DifyServer) -> None:
    for number in range(2):
        desk.put(number)
    desk.publish()
    rename(dify, "file:0.md", "one")
    rename(dify, "file:1.md", "two")
    desk.base.withdraw("file:0", desk.ledger.receipt("base", "file:0"))
    assert names(dify) == ["two"]
    for number in range(2):
        desk.ledger.remove(f"file:{number}")
    desk.documents.clear()
    desk.publish(prune=True)
    assert names(dify) == []


def test_parts_that_were_renamed_are_kept_apart(dify: DifyServer, tmp_path: Path) -> None:
    desk = Desk(base_of(dify, tmp_path, part_bytes=16_000), tmp_path)
    lines = tuple(f"{SHARK[0]} {number} " + "and so on " * 300 for number in range(8))
    desk.put(0, lines)
    desk.publish()
    parts = names(dify)
    assert len(parts) > 1
    for number, name in enumerate(parts):
        rename(dify, name, f"renamed {number}")
    assert desk.actions() == [("unchanged", "file:0")]
    desk.put(0, (*lines[:-1], VOLCANO[0]))
    assert [outcome.error for outcome in desk.publish()] == [None]
    assert len(names(dify)) == len(parts)
    assert states(desk) == {"file:0": INDEXED}


# segments switched off by hand


def test_a_segment_that_was_switched_off_is_repaired_by_publish(
    desk: Desk, dify: DifyServer
) -> None:
    for number in range(2):
        desk.put(number)
    desk.publish()
    (document,) = dify.named("file:0.md")
    path = f"{document.id}/segments/{document.segments[0].id}"
    base = desk.base
    assert isinstance(base, Dify)
    other_client(dify).client.call(
        "POST",
        f"/datasets/{base.dataset_id}/documents/{path}",
        json={"segment": {"enabled": False}},
    )
    assert desk.actions() == [("update", "file:0"), ("unchanged", "file:1")]
    assert [outcome.error for outcome in desk.publish()] == [None, None]
    assert all(segment.enabled for segment in dify.named("file:0.md")[0].segments)
    assert states(desk) == dict.fromkeys(["file:0", "file:1"], INDEXED)


# a ledger that was lost


def test_a_lost_ledger_says_unchanged_where_it_only_read(desk: Desk, dify: DifyServer) -> None:
    for number in range(3):
        desk.put(number)
    desk.publish()
    for number in range(3):
        desk.ledger.drop("base", f"file:{number}")
    dify.edit_segment("file:2.md", 1, "A person corrected this.")
    before = dify.writes()
    outcomes = desk.publish()
    assert [outcome.change.action for outcome in outcomes[:2]] == ["unchanged"] * 2
    assert outcomes[2].error
    assert dify.writes() == before
    updated = desk.publish(force=True)
    assert [outcome.change.action for outcome in updated] == ["update"] * 3


# several libraries on one dataset


def test_each_library_prunes_only_its_own(dify: DifyServer, tmp_path: Path) -> None:
    one = Desk(base_of(dify, tmp_path / "one"), tmp_path / "one")
    one.put(1)
    one.publish()
    other = Desk(base_of(dify, tmp_path / "other"), tmp_path / "other")
    other.put(2)
    assert other.actions(prune=True) == [("create", "file:2")]
    other.publish(prune=True)
    assert names(dify) == ["file:1.md", "file:2.md"]
    one.ledger.remove("file:1")
    del one.documents["file:1"]
    assert one.actions(prune=True) == [("remove", "file:1")]
    one.publish(prune=True)
    assert names(dify) == ["file:2.md"]


def test_documents_from_before_are_adopted_or_named_and_left(desk: Desk, dify: DifyServer) -> None:
    for number in range(2):
        desk.put(number)
    desk.publish()
    for document in documents(dify):
        assert document.metadata
        del document.metadata["library"]
    desk.ledger.remove("file:1")
    del desk.documents["file:1"]
    assert desk.actions(prune=True) == [("update", "file:0"), ("left", "file:1")]
    outcomes = desk.publish(prune=True)
    assert [outcome.error for outcome in outcomes] == [None, None]
    assert "which library" in outcomes[1].change.reason
    assert names(dify) == ["file:0.md", "file:1.md"]
    assert desk.actions(prune=True) == [("unchanged", "file:0"), ("left", "file:1")]
    (adopted,) = dify.named("file:0.md")
    assert adopted.metadata
    assert adopted.metadata["library"] == identity.known(desk.home)


def test_what_another_library_published_alike_is_left_to_it(
    dify: DifyServer, tmp_path: Path
) -> None:
    one = Desk(base_of(dify, tmp_path / "one"), tmp_path / "one")
    other = Desk(base_of(dify, tmp_path / "other"), tmp_path / "other")
    for desk in (one, other, one, other):
        desk.put(1)
        desk.publish()
    assert one.actions() == other.actions() == [("unchanged", "file:1")]
    (document,) = documents(dify)
    assert document.metadata
    assert document.metadata["library"] == identity.known(tmp_path / "one")
