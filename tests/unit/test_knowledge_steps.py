"""A knowledge base of an earlier schema is copied and brought forward, step by step."""

from __future__ import annotations

import multiprocessing
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from video_rag.knowledge.embedded.database import STEPS, Database

LATER = (
    *STEPS,
    (
        "create table synonyms (term text primary key, other text not null);\n"
        "insert into synonyms values ('Hanoi', '河内');\n"
    ),
    "alter table passages add column speaker text not null default '';\n",
)


def base_1(folder: Path) -> tuple[Path, str]:
    """A base of schema 1, and the name of its content."""
    path = folder / "knowledge.db"
    first = Database(path, STEPS[:1])
    with first.writing() as db:
        db.execute("insert into documents (document_id) values ('v:1')")
    return path, first.store()


def test_a_base_is_brought_forward_with_all_that_is_in_it(tmp_path: Path) -> None:
    path, store = base_1(tmp_path)
    later = Database(path, LATER)
    assert later.store() == store
    with later.reading() as db:
        assert db.execute("select document_id from documents").fetchall() == [("v:1",)]
        assert db.execute("select other from synonyms").fetchall() == [("河内",)]
        assert db.execute("select count(speaker) from passages").fetchall() == [(0,)]
        assert db.execute("pragma user_version").fetchone() == (3,)


def test_a_copy_of_the_base_as_it_was_lies_beside_it(tmp_path: Path) -> None:
    path, _ = base_1(tmp_path)
    Database(path, LATER).store()
    with closing(sqlite3.connect(tmp_path / "knowledge.db.before-3")) as copy:
        assert copy.execute("pragma user_version").fetchone() == (1,)
        assert copy.execute("select document_id from documents").fetchall() == [("v:1",)]


def test_a_new_base_is_not_copied(tmp_path: Path) -> None:
    Database(tmp_path / "knowledge.db", LATER).store()
    assert not list(tmp_path.glob("*.before-*"))


def test_migrated_or_made_anew_a_base_has_the_same_tables(tmp_path: Path) -> None:
    path, _ = base_1(tmp_path)
    Database(path, LATER).store()
    Database(tmp_path / "new.db", LATER).store()
    shapes = []
    for one in (path, tmp_path / "new.db"):
        with closing(sqlite3.connect(one)) as db:
            rows = db.execute("select type, name, sql from sqlite_master order by type, name")
            shapes.append(rows.fetchall())
    assert shapes[0] == shapes[1]


def test_killed_while_it_is_copied_a_base_is_as_it_was(tmp_path: Path) -> None:
    path, store = base_1(tmp_path)
    program = f"""
import os, signal, sys
from pathlib import Path
Path.replace = lambda *args: os.kill(os.getpid(), signal.SIGKILL)
from video_rag.knowledge.embedded.database import Database
Database(Path({str(path)!r}), {LATER!r}).store()
"""
    done = subprocess.run([sys.executable, "-c", program], check=False)
    assert done.returncode == -signal.SIGKILL
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("pragma user_version").fetchone() == (1,)
    assert Database(path, LATER).store() == store


def _open(path: Path, found: multiprocessing.Queue[str]) -> None:
    found.put(Database(path, LATER).store())


def test_several_processes_open_one_old_base_at_once(tmp_path: Path) -> None:
    path, store = base_1(tmp_path)
    spawn = multiprocessing.get_context("spawn")
    found: multiprocessing.Queue[str] = spawn.Queue()
    workers = [spawn.Process(target=_open, args=(path, found)) for _ in range(2)]
    for worker in workers:
        worker.start()
    assert [found.get(timeout=120) for _ in workers] == [store, store]
    for worker in workers:
        worker.join()
