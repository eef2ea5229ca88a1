from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Iterator
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest

from video_rag.errors import Rejected
from video_rag.stores import Ledger, Result, owner
from video_rag.stores.sql import Sql
from video_rag.testing.ledger_contract import LedgerTests


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    sql = Sql(tmp_path / "library.db")
    yield sql
    sql.close()


class TestSql(LedgerTests):
    pass


def test_a_file_that_is_no_database_is_refused_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "library.db").write_bytes(b"not a database at all" * 100)
    with pytest.raises(Rejected) as caught:
        Sql(tmp_path / "library.db")
    assert "move library.db" in caught.value.hint
    assert "add your sources again" in caught.value.hint


def test_the_claim_of_a_dead_process_is_taken_over_at_once(ledger: Ledger) -> None:
    dead = subprocess.run(
        [sys.executable, "-c", "from video_rag.stores.owner import me; print(me())"],
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    assert ledger.claim("v:1", "look", dead, 3600)
    assert ledger.claimed() == set()
    assert ledger.claim("v:1", "look", owner.me(), 60)


def test_a_living_process_of_this_machine_keeps_its_claim(ledger: Ledger) -> None:
    parent = owner.me().replace(f"|{os.getpid()}|", f"|{os.getppid()}|").rpartition("|")[0] + "|"
    assert ledger.claim("v:1", "look", parent, 3600)
    assert not ledger.claim("v:1", "look", owner.me(), 60)


def _claim_all(path: Path, won: multiprocessing.Queue[int], both: Barrier) -> None:
    ledger = Sql(path)
    both.wait(60)
    for number in range(50):
        if ledger.claim("v", str(number), owner.me(), 60):
            won.put(number)
    both.wait(60)  # a dead owner's claims are free, so neither may leave before the other is done


def test_two_processes_never_get_the_same_claim(tmp_path: Path) -> None:
    path = tmp_path / "library.db"
    Sql(path).close()
    spawn = multiprocessing.get_context("spawn")
    won: multiprocessing.Queue[int] = spawn.Queue()
    both = spawn.Barrier(2)
    workers = [spawn.Process(target=_claim_all, args=(path, won, both)) for _ in range(2)]
    for worker in workers:
        worker.start()
    got = [won.get(timeout=60) for _ in range(50)]
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    assert sorted(got) == list(range(50))
    assert won.empty()


def test_a_library_of_another_schema_is_refused(tmp_path: Path) -> None:
    import sqlite3

    Sql(tmp_path / "library.db").close()
    db = sqlite3.connect(tmp_path / "library.db")
    db.execute("update schema set version = 99")
    db.commit()
    db.close()
    with pytest.raises(Rejected, match="99"):
        Sql(tmp_path / "library.db")


def test_results_survive_a_restart(tmp_path: Path) -> None:
    first = Sql(tmp_path / "library.db")
    first.commit("v:1", "give", {"video": Result("d", "")})
    first.close()
    again = Sql(tmp_path / "library.db")
    assert again.results("v:1") == {"video": Result("d", "")}
    again.close()
