"""Libraries of earlier schemas: copied, then brought forward; newer ones are left alone."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from video_rag.errors import Rejected
from video_rag.stores import Result
from video_rag.stores.forward import SCHEMA_VERSION
from video_rag.stores.sql import Sql
from video_rag.stores.tables import metadata

SCHEMA_1 = Path(__file__).parent.parent / "fixtures" / "library-1" / "schema.sql"
"""What the first version wrote."""
FACTS = json.dumps({"video_id": "file:1"}).encode()
VIDEO = hashlib.sha256(FACTS).hexdigest()
ORIGINS = json.dumps({"source": "folder"}).encode()
DIGEST = hashlib.sha256(ORIGINS).hexdigest()


def library_1(folder: Path) -> Path:
    """A library of schema 1 with one video; its last write is in the WAL alone."""
    path = folder / "library.db"
    write = f"""
import os, sqlite3
db = sqlite3.connect({str(path)!r})
db.executescript(open({str(SCHEMA_1)!r}).read())
db.execute("pragma journal_mode=wal")
rows = [("origins", {DIGEST!r}), ("video", {VIDEO!r}), ("media", "m"), ("frames", "f")]
db.execute("insert into videos values (1, 'file:1')")
db.executemany("insert into results values ('file:1', ?, 'give', ?, '')", rows)
db.commit()
os._exit(0)
"""
    subprocess.run([sys.executable, "-c", write], check=True)
    assert path.with_name("library.db-wal").stat().st_size > 0
    for blob in (ORIGINS, FACTS):
        put(folder, blob)
    return path


def put(folder: Path, data: bytes) -> str:
    """Lay a blob into a library; returns its digest."""
    digest = hashlib.sha256(data).hexdigest()
    blob = folder / "blobs" / digest[:2] / digest[2:]
    blob.parent.mkdir(parents=True, exist_ok=True)
    blob.write_bytes(data)
    return digest


def shape(path: Path) -> dict[str, list[object]]:
    """Tables, columns and indexes."""
    engine = sa.create_engine(f"sqlite:///{path}")
    found = sa.inspect(engine)
    names = sorted({*found.get_table_names()} - {"alembic_version"})
    described = {
        name: [
            *((c["name"], str(c["type"]), c["nullable"]) for c in found.get_columns(name)),
            *found.get_pk_constraint(name)["constrained_columns"],
            *((i["name"], tuple(i["column_names"])) for i in found.get_indexes(name)),
            *(("unique", tuple(u["column_names"])) for u in found.get_unique_constraints(name)),
        ]
        for name in names
    }  # fmt: skip
    engine.dispose()
    return described


def test_migrations_make_the_tables_that_a_new_library_has(tmp_path: Path) -> None:
    Sql(library_1(tmp_path)).close()
    (tmp_path / "new").mkdir()
    Sql(tmp_path / "new" / "library.db").close()
    assert shape(tmp_path / "library.db") == shape(tmp_path / "new" / "library.db")
    assert set(metadata.tables) == set(shape(tmp_path / "library.db"))


def test_the_number_of_the_schema_is_that_of_the_last_step() -> None:
    from video_rag.stores import migrating

    assert migrating.script().get_current_head() == str(SCHEMA_VERSION)


def test_a_migrated_library_has_what_it_had_and_what_it_was_made_from(tmp_path: Path) -> None:
    ledger = Sql(library_1(tmp_path))
    found = ledger.results("file:1")
    assert found["media"] == found["media@1"] == Result("m", "")
    assert found["talk@1"].digest == found["video"].digest == VIDEO
    assert found["frames@1"] == Result("f", "")
    assert found["origins"] == Result(DIGEST, "folder", ORIGINS.decode())
    ledger.close()


@pytest.mark.parametrize("how", ["kept", "of its document", "gone"])
def test_facts_come_into_the_ledger_though_their_files_be_lost(tmp_path: Path, how: str) -> None:
    path = library_1(tmp_path)
    facts = tmp_path / "blobs" / VIDEO[:2] / VIDEO[2:]
    if how != "kept":
        facts.unlink()
    if how == "of its document":
        document = json.dumps({"video": {"video_id": "file:1"}, "sections": []}).encode()
        digest = put(tmp_path, document)
        with closing(sqlite3.connect(path)) as db:
            row = ("file:1", "document", "compose", digest, "k")
            db.execute("insert into results values (?, ?, ?, ?, ?)", row)
            db.commit()
    ledger = Sql(path)
    found = ledger.results("file:1").get("video")
    if how == "gone":
        assert found is None
    else:
        assert found
        assert json.loads(found.value or "")["video_id"] == "file:1"
        assert hashlib.sha256((found.value or "").encode()).hexdigest() == found.digest
    ledger.close()


def test_a_copy_of_the_library_as_it_was_lies_beside_it(tmp_path: Path) -> None:
    path = library_1(tmp_path)
    Sql(path).close()
    with closing(sqlite3.connect(path.with_name(f"library.db.before-{SCHEMA_VERSION}"))) as copy:
        assert copy.execute("select version from schema").fetchall() == [(1,)]
        assert copy.execute("select count(*) from results").fetchall() == [(4,)]


def test_a_library_that_is_up_to_date_is_neither_copied_nor_migrated_again(tmp_path: Path) -> None:
    path = library_1(tmp_path)
    Sql(path).close()
    copy = path.with_name(f"library.db.before-{SCHEMA_VERSION}")
    copy.unlink()
    Sql(path).close()
    assert not copy.exists()


def test_opening_a_library_that_is_up_to_date_does_not_load_alembic(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from video_rag.stores.sql import Sql;"
        "Sql(Path(sys.argv[1])).close(); assert 'alembic' not in sys.modules"
    )
    for _ in ("new", "there"):
        subprocess.run([sys.executable, "-c", program, str(tmp_path / "library.db")], check=True)


def test_a_newer_library_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "library.db"
    Sql(path).close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("update schema set version = 99")
        db.commit()
        db.execute("pragma wal_checkpoint(truncate)")
    before = path.read_bytes()
    with pytest.raises(Rejected, match="newer version of video-rag") as caught:
        Sql(path)
    assert "update video-rag" in caught.value.hint
    assert path.read_bytes() == before
    assert not list(tmp_path.glob("*.before-*"))


@pytest.mark.parametrize("where", ["copy", "middle", "end"])
def test_killed_while_it_migrates_a_library_is_as_it_was(tmp_path: Path, where: str) -> None:
    path = library_1(tmp_path)
    program = f"""
import os, signal, sys
from pathlib import Path
from video_rag import backups
from video_rag.stores import migrating, sql
def die(*args, **more):
    os.kill(os.getpid(), signal.SIGKILL)
if {where!r} == "copy":
    Path.replace = die  # the copy is written, not yet named
elif {where!r} == "middle":
    migrating.upgrade = die
else:
    whole = migrating.upgrade
    migrating.upgrade = lambda *args: (whole(*args), die())
sql.Sql(Path(sys.argv[1]))
"""
    done = subprocess.run([sys.executable, "-c", program, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("select version from schema").fetchall() == [(1,)]
        assert db.execute("select count(*) from results").fetchall() == [(4,)]
    ledger = Sql(path)
    assert ledger.results("file:1")["media@1"] == Result("m", "")
    ledger.close()


def _open(path: Path, found: multiprocessing.Queue[int]) -> None:
    ledger = Sql(path)
    found.put(len(ledger.results("file:1")))
    ledger.close()


def test_several_processes_open_one_old_library_at_once(tmp_path: Path) -> None:
    path = library_1(tmp_path)
    spawn = multiprocessing.get_context("spawn")
    found: multiprocessing.Queue[int] = spawn.Queue()
    workers = [spawn.Process(target=_open, args=(path, found)) for _ in range(3)]
    for worker in workers:
        worker.start()
    assert [found.get(timeout=120) for _ in workers] == [7, 7, 7]
    for worker in workers:
        worker.join()


def test_a_step_may_change_a_table_in_batch_mode(tmp_path: Path) -> None:
    from video_rag.stores import migrating

    path = tmp_path / "library.db"
    Sql(path).close()
    steps = tmp_path / "steps"
    steps.mkdir()
    (steps / "v2_here.py").write_text("revision = '2'\ndown_revision = None\n")
    (steps / "v3_lanes.py").write_text(
        "import sqlalchemy as sa\nfrom alembic import op\n"
        "revision = '3'\ndown_revision = '2'\n"
        "def upgrade():\n"
        "    with op.batch_alter_table('claims') as table:\n"
        "        table.add_column(sa.Column('lane', sa.Text, nullable=False, server_default=''))\n"
        "        table.alter_column('owner', new_column_name='holder')\n"
    )
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.begin() as db:
        db.exec_driver_sql(
            "insert into claims (video_id, stage, owner, until) values ('v', 'look', 'me', 1.0)"
        )
        migrating.upgrade(db, 2, steps)
    with engine.begin() as db:
        assert db.exec_driver_sql("select holder, lane from claims").fetchall() == [("me", "")]
        assert db.exec_driver_sql("select version from schema").fetchall() == [(3,)]
    engine.dispose()


@pytest.mark.parametrize("to", [3, 4, 5])
def test_a_ledger_goes_back_to_an_earlier_schema_and_forward_again(tmp_path: Path, to: int) -> None:
    from video_rag.stores import migrating

    path = library_1(tmp_path)
    ledger = Sql(path)
    before = ledger.results("file:1")
    ledger.close()
    latest = shape(path)
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.begin() as db:
        migrating.downgrade(db, to)
        assert db.scalar(sa.text("select version from schema")) == to
    engine.dispose()
    assert "due" not in shape(path)
    assert ("requests" in shape(path)) == (to == 5)
    again = Sql(path)
    assert again.results("file:1") == before
    assert [seen.video_id for seen in again.agenda.unjudged("p", 9)] == ["file:1"]
    again.close()
    assert shape(path) == latest
