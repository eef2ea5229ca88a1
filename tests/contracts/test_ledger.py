from __future__ import annotations

import multiprocessing
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest

import postgres
from video_rag.errors import Rejected
from video_rag.stores import Ledger, Result, owner
from video_rag.stores.sql import Sql
from video_rag.testing.agenda_contract import AgendaTests
from video_rag.testing.clock_contract import ClockTests
from video_rag.testing.ledger_contract import LedgerTests


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    sql = Sql(tmp_path / "library.db")
    yield sql
    sql.close()


class TestSqlite(LedgerTests, AgendaTests, ClockTests):
    pass


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Server]:
    with postgres.running() as one:
        yield one


class TestPostgres(LedgerTests, AgendaTests, ClockTests):
    @pytest.fixture
    def ledger(self, server: postgres.Server) -> Iterator[Ledger]:
        with server.database() as url:
            sql = Sql(url)
            yield sql
            sql.close()


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
    place = owner.me().partition("|")[0]
    assert ledger.claim("v:1", "look", f"{place}|{os.getppid()}||aa|1", 3600)
    assert not ledger.claim("v:1", "look", owner.me(), 60)


def test_a_process_that_had_the_same_id_before_is_dead(ledger: Ledger) -> None:
    place, pid, started, _process, thread = owner.me().split("|")
    for earlier in (f"{place}|{pid}|{started}|aaaa|{thread}", f"{place}|{os.getppid()}|1|aaaa|1"):
        assert owner.is_dead(earlier)
    assert not owner.is_dead(owner.me())


@pytest.mark.parametrize(
    "elsewhere",
    [
        "{host}|999999|1|1",  # as earlier versions named owners
        "{boot}:pid:[1]|999999|1|aaaa|1",  # another container, of whatever name
        "00000000-0000:{namespace}|999999|1|aaaa|1",  # another host, or this one before it was off
        "",
        "|||||||",
    ],
)
def test_only_neighbours_are_ever_called_dead(elsewhere: str) -> None:
    boot, _, namespace = owner.me().partition("|")[0].partition(":")
    named = elsewhere.format(host=socket.gethostname(), boot=boot, namespace=namespace)
    assert not owner.is_dead(named)


def test_a_fork_is_another_process() -> None:
    mine = owner.me()
    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.apply(owner.me).split("|")[3] != mine.split("|")[3]


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


def test_a_container_of_the_same_name_is_no_neighbour(ledger: Ledger) -> None:
    say = [sys.executable, "-c", "from video_rag.stores.owner import me; print(me())"]
    apart = subprocess.run(
        ["unshare", "--pid", "--fork", "--mount-proc", *say],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if apart.returncode:
        pytest.skip("needs the right to make a namespace of process ids")
    there = apart.stdout.strip()
    assert not owner.is_dead(there)  # its process is gone, which nobody here can see
    assert ledger.claim("v:1", "look", there, 3600)
    assert not ledger.claim("v:1", "look", owner.me(), 60)
