"""A library whose ledger is a real PostgreSQL: away, started anew, moved to and back, by many."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

import postgres
from video_rag.errors import BadSettings, Rejected, Unavailable, UsageError
from video_rag.library import Library
from video_rag.model import Query
from video_rag.operations import ledgers
from video_rag.settings import Settings, load_settings
from video_rag.stores import Result, migrating, owner
from video_rag.stores.agenda import Judged, Step, Verdict
from video_rag.stores.forward import SCHEMA_VERSION
from video_rag.stores.sql import Sql

TALK = "1\n00:00:01,000 --> 00:00:04,000\nSheep eat grass on Monday.\n"


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Server]:
    with postgres.running() as one:
        yield one


@pytest.fixture
def url(server: postgres.Server) -> Iterator[str]:
    with server.database() as one:
        yield one


def settings(home: Path, url: str = "") -> Settings:
    return load_settings({"home": str(home), "ledger": {"url": url}}, env={}, cwd=home)


def talks(folder: Path, many: int) -> list[str]:
    folder.mkdir(exist_ok=True)
    for number in range(many):
        (folder / f"talk {number}.srt").write_text(TALK.replace("Monday", f"day {number}"))
    return [str(path) for path in sorted(folder.iterdir())]


def test_a_library_works_with_its_ledger_in_postgresql(tmp_path: Path, url: str) -> None:
    library = Library(settings(tmp_path, url))
    added = list(library.add(talks(tmp_path / "talks", 3)))
    assert [one.status and one.status.state for one in added] == ["ready"] * 3
    assert list(library.run()) == []
    library.close()
    assert not (tmp_path / "library.db").exists()
    again = Library(settings(tmp_path, url))
    assert [one.video.title for one in again.videos()] == ["talk 0", "talk 1", "talk 2"]
    assert again.find("talk 1") == again.videos()[1].video.video_id
    again.remove(again.videos()[0].video.video_id)
    assert again.ledger.collections() == {"default": 2}
    assert "2 videos, PostgreSQL" in again.ledger.check(thorough=True)
    again.close()


def test_a_ledger_moves_to_postgresql_and_back_and_nothing_is_made_again(
    tmp_path: Path, url: str
) -> None:
    library = Library(settings(tmp_path))
    list(library.add(talks(tmp_path / "talks", 2)))
    library.close()
    copied = ledgers.copy(settings(tmp_path), url)
    assert (copied["videos"], copied["results"] > 10, copied["receipts"]) == (2, True, 2)
    with pytest.raises(UsageError, match="has videos already"):
        ledgers.copy(settings(tmp_path), url)
    moved = Library(settings(tmp_path, url))
    assert list(moved.run()) == []
    (added,) = moved.add(talks(tmp_path / "more", 3)[2:])
    assert added.status
    assert added.status.state == "ready"
    moved.close()
    back = tmp_path / "back.db"
    assert ledgers.copy(settings(tmp_path, url), str(back))["videos"] == 3
    (tmp_path / "library.db").unlink()
    back.rename(tmp_path / "library.db")
    home = Library(settings(tmp_path))
    assert list(home.run()) == []
    assert [one.state for one in home.videos()] == ["ready"] * 3
    home.close()


def test_a_server_that_starts_anew_is_waited_for(
    tmp_path: Path, server: postgres.Server, url: str
) -> None:
    ledger = Sql(url)
    ledger.commit("v:1", "give", {"video": Result("d", "")})
    server.stop("immediate")
    begin = threading.Timer(1.5, server.start)
    begin.start()
    began = time.monotonic()
    assert ledger.results("v:1") == {"video": Result("d", "")}
    assert time.monotonic() - began > 0.5
    begin.join()
    ledger.close()


@pytest.mark.parametrize(
    ("wrong", "error", "said"),
    [
        ("postgresql://postgres@127.0.0.1:1/x", Unavailable, "is away"),
        ("postgresql://nobody@{host}/{name}", BadSettings, "lets nobody in"),
        ("postgresql://postgres@{host}/nothere", BadSettings, "lets nobody in"),
        ("mysql://root@localhost/x", BadSettings, "cannot hold a ledger"),
        ("postgres", BadSettings, "no address"),
    ],
)
def test_a_ledger_that_cannot_be_opened_is_told_in_one_line(
    url: str, wrong: str, error: type[Exception], said: str
) -> None:
    host, name = url.partition("@")[2].split("/")
    with pytest.raises(error, match=said) as caught:
        Sql(wrong.format(host=host, name=name))
    assert "\n" not in str(caught.value)
    assert caught.value.hint  # type: ignore[attr-defined] # both have one


def test_a_password_is_never_shown(tmp_path: Path, url: str) -> None:
    host, name = url.partition("@")[2].split("/")
    secret = f"postgresql://nobody:Tr0ub4dor-3@{host}/{name}"
    done = subprocess.run(
        [sys.executable, "-m", "video_rag", "list"],
        env={"VIDEO_RAG_HOME": str(tmp_path), "VIDEO_RAG_LEDGER__URL": secret},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "Tr0ub4dor" not in done.stdout + done.stderr
    assert len(done.stderr.strip().splitlines()) <= 3, done.stderr


def test_a_newer_schema_is_left_alone_and_an_older_one_brought_forward(
    url: str, server: postgres.Server
) -> None:
    Sql(url).close()
    name = url.rpartition("/")[2]
    server.sql("update schema set version = 99", name)
    with pytest.raises(Rejected, match="99"):
        Sql(url)
    server.sql(f"update schema set version = {SCHEMA_VERSION}", name)
    engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as db:
        migrating.downgrade(db, 5)
    engine.dispose()
    ledger = Sql(url)
    ledger.commit("v:1", "give", {"video": Result("d", "")})
    assert [seen.video_id for seen in ledger.agenda.unjudged("p", 9)] == ["v:1"]
    ledger.close()


TAKER = """
import sys
from video_rag.stores import owner
from video_rag.stores.sql import Sql
ledger = Sql(sys.argv[1])
print("up", flush=True)
sys.stdin.readline()
while job := ledger.agenda.take(None, owner.me(), 60):
    print(job.video_id, flush=True)
"""


def test_many_processes_share_what_is_due_and_none_gets_it_twice(url: str) -> None:
    ledger = Sql(url)
    for number in range(120):
        step = Judged("5", "queued", (Step("fetch", "net"),), str(number), str(number))
        rows = {"video": Result("d", "", "{}")}
        ledger.commit(f"v:{number}", "give", rows, verdict=Verdict(0, step))
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", TAKER, url],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for _ in range(3)
    ]  # fmt: skip
    for worker in workers:
        assert worker.stdout
        assert worker.stdout.readline() == "up\n"
    got = []
    for worker in workers:
        assert worker.stdin
        worker.stdin.write("go\n")
        worker.stdin.flush()
    for worker in workers:
        got += worker.communicate(timeout=120)[0].split()
    assert sorted(got) == sorted(f"v:{number}" for number in range(120))
    ledger.close()


def test_what_this_machine_thinks_the_time_is_does_not_matter(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    right, wrong = Sql(url), Sql(url)
    assert right.claim("v:1", "look", "elsewhere|1|1|a|1", 60)
    here = time.time()
    monkeypatch.setattr(time, "time", lambda: here + 3600)
    assert abs(wrong.now() - here) < 30
    assert not wrong.claim("v:1", "look", owner.me(), 60)
    monkeypatch.setattr(time, "time", lambda: here - 3600)
    assert wrong.claim("v:2", "look", "elsewhere|1|1|a|1", 0.2)
    threading.Event().wait(0.4)
    assert right.claim("v:2", "look", owner.me(), 60)
    for ledger in (right, wrong):
        ledger.close()


def test_the_command_tells_what_it_copied_and_what_to_set(tmp_path: Path, url: str) -> None:
    env = {"VIDEO_RAG_HOME": str(tmp_path / "home"), "PATH": "/usr/bin:/bin"}

    def run(*command: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "video_rag", *command],
            env=env | more, capture_output=True, text=True, check=False,
        )  # fmt: skip

    assert run("migrate-ledger", "--to", url).returncode == 2  # there is none yet
    assert run("add", *talks(tmp_path / "talks", 1)).returncode == 0
    done = run("migrate-ledger", "--to", url)
    assert done.returncode == 0, done.stderr
    assert "1 video" in done.stdout
    assert "VIDEO_RAG_LEDGER__URL=postgresql://" in done.stdout
    rows = json.loads(run("list", "--json", VIDEO_RAG_LEDGER__URL=url).stdout)
    assert [row["state"] for row in rows] == ["ready"]


def test_another_machine_knows_the_embedded_base_and_leaves_it_to_its_host(
    tmp_path: Path, url: str
) -> None:
    def opened(host: str) -> Library:
        given = {
            "home": str(tmp_path / host),
            "ledger": {"url": url},
            "library": {"host": "box1", "documents": str(tmp_path / host / "documents")},
            "blobs": {"url": str(tmp_path / "results")},
            "pipeline": {"host": host},
        }
        return Library(load_settings(given, env={}, cwd=tmp_path))

    box1 = opened("box1")
    list(box1.add(talks(tmp_path / "talks", 2)))
    box2 = opened("box2")
    assert [one.state for one in box2.videos()] == ["ready", "ready"]
    assert list(box2.run()) == []
    assert box1.ledger.agenda.unjudged(box1.intake._engine.judge.digest, 9) == []
    with pytest.raises(Unavailable, match="lies on box1") as caught:
        list(box2.search(Query(text="sheep")))
    assert "[search] knowledge" in caught.value.hint
    assert list(box1.search(Query(text="sheep")))
    assert not (tmp_path / "box2" / "knowledge.db").exists()
    for library in (box1, box2):
        library.close()
