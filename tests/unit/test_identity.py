"""The library's id is in the home and in the ledger: who loses one still has the other."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from video_rag import identity
from video_rag.library.wiring import Parts
from video_rag.settings import Settings
from video_rag.stores.sql import Sql


def identified(home: Path) -> str:
    """What the next command that publishes has as its id."""
    ledger = Sql(home / "library.db")
    Parts(Settings(home=home), ledger).identify()
    found = ledger.library_id()
    ledger.close()
    assert found == identity.known(home)
    return found


@pytest.mark.parametrize("lost", ["library.db", identity.FILE])
def test_a_loss_of_one_costs_nothing(tmp_path: Path, lost: str) -> None:
    first = identified(tmp_path)
    assert first == identified(tmp_path)
    (tmp_path / lost).unlink()
    assert identified(tmp_path) == first
    (tmp_path / lost).unlink()
    assert identified(tmp_path) == first


@pytest.mark.parametrize("content", ["", "\n", "no id", "\udcff" * 40])
def test_a_file_that_holds_no_id_is_made_anew(tmp_path: Path, content: str) -> None:
    first = identified(tmp_path)
    (tmp_path / identity.FILE).write_bytes(content.encode("utf-8", "surrogateescape"))
    assert identified(tmp_path) == first
    (tmp_path / identity.FILE).write_text(content, "utf-8", errors="surrogateescape")
    (tmp_path / "library.db").unlink()
    assert identified(tmp_path) not in {"", first}


def test_two_homes_have_two_ids_and_leave_no_drafts(tmp_path: Path) -> None:
    homes = [tmp_path / "a", tmp_path / "b"]
    assert len({identity.make(home) for home in homes}) == 2
    assert [path.name for home in homes for path in home.iterdir()] == [identity.FILE] * 2


def of_shared(home: Path, ledger: Sql) -> str:
    """The id that a machine with a home of its own has of a ledger that several share."""
    found = Parts(Settings(home=home), ledger).identify()
    assert identity.known(home) == found
    return found


def test_machines_that_share_a_ledger_are_one_library_whatever_they_were_before(
    tmp_path: Path,
) -> None:
    """Else each would take the other's documents and its place in a bucket for a stranger's."""
    ledger = Sql(tmp_path / "shared.db")
    homes = [tmp_path / name for name in "abc"]
    before = identity.make(homes[1])  # it published by itself once
    first = of_shared(homes[0], ledger)
    assert first != before
    assert [of_shared(home, ledger) for home in homes * 2] == [first] * 6
    assert ledger.library_id() == first
    ledger.close()


def test_machines_that_begin_at_once_agree_on_one_id(tmp_path: Path) -> None:
    ledger = Sql(tmp_path / "shared.db")
    with ThreadPoolExecutor(6) as pool:
        found = set(pool.map(lambda n: of_shared(tmp_path / str(n), ledger), range(6)))
    assert found == {ledger.library_id()}
    ledger.close()
