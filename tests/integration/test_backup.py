"""Backups: made while others write, listed, restored; cut ones, wrong keys, kills."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import postgres
import s3
from shell import Shell, reading_shell
from talks import MOON, SHEEP, STARS, write_talk
from video_rag.digest import of_bytes
from video_rag.errors import UsageError
from video_rag.library import Library
from video_rag.operations import ledgers
from video_rag.operations.backing import place as places
from video_rag.operations.backing.backup import back_up
from video_rag.operations.backing.restore import into_home, restore
from video_rag.settings import Settings, load_settings
from video_rag.stores.forward import SCHEMA_VERSION

SECRET = "dataset-Zk3jP0rT9qLw7xYb2mNc"
WRITER = """
import os, sys, time
from itertools import cycle
from pathlib import Path
from video_rag.library import Library
from video_rag.settings import Settings, load_settings
folder, stop = Path(sys.argv[1]), Path(sys.argv[2])
library = Library(load_settings())
turn = 0
while not stop.exists():
    turn += 1
    for number in range(4):
        lines = [f"Line {line} of talk {number} in turn {turn}, told anew" for line in range(3)]
        times = [f"00:00:0{n},000 --> 00:00:0{n},900" for n in range(3)]
        text = [f"{one}\\n{line}\\n" for one, line in zip(times, lines, strict=True)]
        (folder / f"talk{number}.srt").write_text("\\n".join(text))
    for _ in library.add([str(folder)]):
        pass
    past = time.time() - 3600
    for path in (library.settings.home / "blobs").glob("??/*"):
        try:
            os.utime(path, (past, past))  # so that every removal sweeps them
        except FileNotFoundError:
            pass
    for video_id in library.ledger.video_ids()[1::2]:
        library.remove(video_id)
    Path(f"{stop}.turns").write_text(str(turn))
"""


@pytest.fixture
def run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Shell:
    shell = reading_shell(capsys, monkeypatch, tmp_path)
    for name, lines in {"sheep": SHEEP, "stars": STARS}.items():
        write_talk(tmp_path / "talks" / f"{name}.srt", lines)
    shell("add", tmp_path / "talks")
    library = Library(load_settings())
    library.parts.identify()  # a first backup would
    library.close()
    return shell


def state(home: Path) -> dict[str, Any]:
    """All that makes a library: its rows, passages, results and documents."""
    found: dict[str, Any] = {}
    for name, tables in {
        "library.db": ("videos", "results", "receipts", "identity", "api_keys", "subscriptions"),
        "knowledge.db": ("meta", "passages", "documents"),
    }.items():
        db = sqlite3.connect(home / name)
        assert db.execute("pragma integrity_check").fetchone() == ("ok",)
        for table in tables:
            found[table] = sorted(map(repr, db.execute(f"select * from {table}")))
        db.close()
    for folder in ("blobs", "documents"):
        files = (one for one in (home / folder).rglob("*") if one.is_file())
        found[folder] = {
            one.relative_to(home).as_posix(): one.read_bytes()
            for one in files
            if not one.name.startswith(".")  # of a killed process, and when it was looked at
        }
    return found


def test_a_wiped_library_is_restored_as_it_was(run: Shell, tmp_path: Path) -> None:
    home = tmp_path / "home"
    run("keys", "add", "alice")
    run("watch", "add", tmp_path / "talks")
    before, found = state(home), run.json("search", "a flock of sheep")
    made = run.json("backup", "--to", tmp_path / "kept")
    assert made["counts"] == {
        "videos": 2, "results": made["counts"]["results"], "document files": 2,
        "subscriptions": 1, "keys": 1,
    }  # fmt: skip
    shutil.rmtree(home)
    run("restore", tmp_path / "kept")
    assert state(home) == before
    assert run.json("search", "a flock of sheep") == found
    run("doctor", "--thorough")
    assert "videos: none" in run("run")
    assert state(home)["receipts"] == before["receipts"]


def test_a_second_backup_copies_only_what_is_new(run: Shell, tmp_path: Path) -> None:
    run("backup", "--to", tmp_path / "kept")
    assert run.json("backup", "--to", tmp_path / "kept")["copied"] == 0
    write_talk(tmp_path / "talks" / "moon.srt", MOON)
    run("add", tmp_path / "talks")
    there = len(list((tmp_path / "kept" / "objects").rglob("*")))
    copied = run.json("backup", "--to", tmp_path / "kept")["copied"]
    assert 0 < copied < there / 2
    assert [one["counts"]["videos"] for one in run.json("backups", tmp_path / "kept")] == [3, 2, 2]
    assert all(one["is_whole"] for one in run.json("backups", tmp_path / "kept"))


def test_an_earlier_backup_is_chosen_by_its_time(run: Shell, tmp_path: Path) -> None:
    first = run.json("backup", "--to", tmp_path / "kept")
    write_talk(tmp_path / "talks" / "moon.srt", MOON)
    run("add", tmp_path / "talks")
    run("backup", "--to", tmp_path / "kept")
    for at, videos in ((first["backup_id"], 2), ("2999-01-01", 3), (first["made"], 2)):
        into = tmp_path / f"into{videos}{len(at)}"
        assert run.json("restore", tmp_path / "kept", "--at", at, "--into", into)["home"]
        assert (
            len(sqlite3.connect(into / "library.db").execute("select * from videos").fetchall())
            == videos
        )
    run("restore", tmp_path / "kept", "--at", "2001-01-01", "--into", tmp_path / "x", code=2)
    assert "as old as 2001-01-01" in run.complaint
    run("restore", tmp_path / "kept", "--at", "yesterday", "--into", tmp_path / "x", code=2)
    assert "is no date" in run.complaint
    assert not (tmp_path / "x").exists()


def test_elsewhere_nothing_is_made_again_and_the_first_library_stays(
    run: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = state(tmp_path / "home")
    run("backup", "--to", tmp_path / "kept")
    run("restore", tmp_path / "kept", "--into", tmp_path / "other")
    assert state(tmp_path / "home") == before
    monkeypatch.setenv("VIDEO_RAG_HOME", str(tmp_path / "other"))
    there = {**state(tmp_path / "other")}
    assert there["passages"] == before["passages"]
    assert there["receipts"] == before["receipts"]
    assert there["documents"] == before["documents"]
    assert run("run").strip() == "nothing is due"


def test_a_library_is_replaced_only_by_force_and_kept(run: Shell, tmp_path: Path) -> None:
    run("backup", "--to", tmp_path / "kept")
    before = state(tmp_path / "home")
    write_talk(tmp_path / "talks" / "moon.srt", MOON)
    run("add", tmp_path / "talks")
    more = state(tmp_path / "home")
    run("restore", tmp_path / "kept", code=2)
    assert "has a library: 3 videos" in run.complaint
    assert "--force" in run.complaint
    assert state(tmp_path / "home") == more
    saved = run.json("restore", tmp_path / "kept", "--force")["before"]
    now = state(tmp_path / "home")
    assert now["receipts"] == before["receipts"]
    assert now["documents"] == before["documents"]
    assert len(run.titles()) == 2
    run("restore", tmp_path / "home" / "backups", "--at", saved, "--force")
    assert state(tmp_path / "home") == more


@pytest.fixture
def kept(run: Shell, tmp_path: Path) -> Iterator[Path]:
    """A place with a backup; nothing that is restored from it may change the library."""
    run("backup", "--to", tmp_path / "kept")
    before = state(tmp_path / "home")
    yield tmp_path / "kept"
    assert state(tmp_path / "home") == before
    assert not (tmp_path / "new").exists()


def test_a_backup_that_lost_a_file_is_refused(run: Shell, tmp_path: Path, kept: Path) -> None:
    next(one for one in (kept / "objects").rglob("*") if one.is_file()).unlink()
    run("restore", kept, "--into", tmp_path / "new", code=4)
    assert "is cut: 1 of its" in run.complaint or "is cut or damaged" in run.complaint
    run("restore", kept, "--force", code=4)
    assert run.json("backups", kept)[0]["is_whole"] is False


def test_a_backup_with_damaged_bytes_is_refused(run: Shell, tmp_path: Path, kept: Path) -> None:
    for path in (one for one in (kept / "objects").rglob("*") if one.is_file()):
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
        run("restore", kept, "--into", tmp_path / "new", code=4)
        assert "is cut or damaged" in run.complaint, path
        assert "hint: restore another one" in run.complaint
        data[len(data) // 2] ^= 1
        path.write_bytes(data)


def test_a_list_that_was_cut_is_named_and_others_stay(
    run: Shell, tmp_path: Path, kept: Path
) -> None:
    (head,) = (kept / "backups").glob("*.json")
    text = head.read_text()
    head.write_text(text[:100])
    run("restore", kept, "--into", tmp_path / "new", code=4)
    assert "is cut or damaged" in run.complaint
    run("backups", kept)
    assert head.stem in run.complaint
    head.write_text(text.replace('"videos": 2', '"videos": 3'))
    run("restore", kept, "--into", tmp_path / "new", code=4)


@pytest.mark.parametrize("field", ["format", "schema"])
def test_a_backup_of_a_newer_version_is_refused(
    run: Shell, tmp_path: Path, kept: Path, field: str
) -> None:
    (head,) = (kept / "backups").glob("*.json")
    head.write_text(json.dumps({**json.loads(head.read_text()), field: 99, "video_rag": "9.9"}))
    run("restore", kept, "--into", tmp_path / "new", code=4)
    assert "made by a newer video-rag (9.9)" in run.complaint
    assert "hint: update video-rag" in run.complaint


def test_what_is_no_place_of_backups_is_named(run: Shell, tmp_path: Path, kept: Path) -> None:
    run("restore", tmp_path / "talks", "--into", tmp_path / "new", code=2)
    assert "there are no backups in" in run.complaint
    run("restore", "oss://bucket/x", "--into", tmp_path / "new", code=2)
    assert "oss:// is written s3://" in run.complaint
    (kept / "place.json").write_text("{")
    run("restore", kept, "--into", tmp_path / "new", code=4)
    assert "place.json" in run.complaint


def test_a_place_has_one_library(
    run: Shell, tmp_path: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIDEO_RAG_HOME", str(tmp_path / "second"))
    run("add", tmp_path / "talks")
    run("backup", "--to", kept, code=2)
    assert "holds backups of another library" in run.complaint


def test_secrets_are_only_in_encrypted_backups(
    run: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIDEO_RAG_KNOWLEDGE__DIFY__API_KEY", SECRET)
    (tmp_path / "home" / "session.key").write_bytes(b"k" * 32)
    passphrase = tmp_path / "passphrase"
    passphrase.write_text("correct horse battery\n")
    run("backup", "--to", tmp_path / "open", "--encrypt", code=2)
    assert "no passphrase was given" in run.complaint
    run("backup", "--to", tmp_path / "open")
    run("backup", "--to", tmp_path / "sealed", "--encrypt", "--key-file", passphrase)
    everything = {
        name: b"".join(one.read_bytes() for one in (tmp_path / name).rglob("*") if one.is_file())
        for name in ("open", "sealed")
    }
    assert b"flock of sheep" in everything["open"]
    assert b"flock of sheep" not in everything["sealed"]
    for name, data in everything.items():
        assert SECRET.encode() not in data
        assert b"k" * 32 not in data
        assert SECRET not in run("backups", tmp_path / name)
        assert SECRET not in run("backups", tmp_path / name, "--json")
    assert run.json("backups", tmp_path / "sealed")[0]["is_encrypted"]

    run("restore", tmp_path / "open", "--into", tmp_path / "one")
    settings = (tmp_path / "one" / "restored-settings.toml").read_text()
    assert SECRET not in settings
    assert "# knowledge.dify.api_key = …   a secret" in settings
    assert not (tmp_path / "one" / "session.key").exists()

    run("restore", tmp_path / "sealed", "--into", tmp_path / "two", code=2)
    assert "are encrypted, and no passphrase was given" in run.complaint
    wrong = tmp_path / "wrong"
    wrong.write_text("incorrect horse\n")
    run("restore", tmp_path / "sealed", "--into", tmp_path / "two", "--key-file", wrong, code=2)
    assert "this passphrase does not open" in run.complaint
    assert not (tmp_path / "two").exists()
    run("restore", tmp_path / "sealed", "--into", tmp_path / "two", "--key-file", passphrase)
    settings = (tmp_path / "two" / "restored-settings.toml").read_text()
    assert f'knowledge.dify.api_key = "{SECRET}"' in settings
    assert (tmp_path / "two" / "session.key").read_bytes() == b"k" * 32
    assert (tmp_path / "two" / "restored-settings.toml").stat().st_mode & 0o077 == 0


def test_a_key_of_age_encrypts_and_the_place_does_not_hold_it(
    run: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pyrage

    key = str(pyrage.x25519.Identity.generate())
    monkeypatch.setenv("VIDEO_RAG_BACKUP__PASSPHRASE", key)
    before = state(tmp_path / "home")
    run("backup", "--encrypt", "--to", tmp_path / "kept")
    assert run.json("backup", "--to", tmp_path / "kept")["copied"] == 0
    monkeypatch.setenv("VIDEO_RAG_BACKUP__PASSPHRASE", str(pyrage.x25519.Identity.generate()))
    run("restore", tmp_path / "kept", "--into", tmp_path / "new", code=2)
    assert "this key does not open" in run.complaint
    monkeypatch.setenv("VIDEO_RAG_BACKUP__PASSPHRASE", key)
    run("restore", tmp_path / "kept", "--into", tmp_path / "new")
    assert state(tmp_path / "new")["passages"] == before["passages"]
    some = next(one for one in (tmp_path / "kept" / "objects").rglob("*") if one.is_file())
    assert pyrage.decrypt(some.read_bytes(), [pyrage.x25519.Identity.from_str(key)])


def environment(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "VIDEO_RAG_HOME": str(tmp_path / "home")}


def test_ten_backups_during_heavy_writing_restore_clean(run: Shell, tmp_path: Path) -> None:
    folder, stop = tmp_path / "busy", tmp_path / "stop"
    folder.mkdir()
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder), str(stop)], env=environment(tmp_path)
    )
    library = Library(load_settings())
    turns = Path(f"{stop}.turns")
    try:
        place = places.open_place(
            library.settings, tmp_path / "kept", None, library=library.parts.identify()
        )
        while not turns.exists():
            assert writer.poll() is None
            time.sleep(0.1)
        begun = int(turns.read_text())
        made = [back_up(library, place).backup for _ in range(10)]
        assert writer.poll() is None
        while int(turns.read_text()) == begun:  # it went on writing
            time.sleep(0.1)
    finally:
        stop.touch()
        assert writer.wait(60) == 0
        library.close()
    for number, backup in enumerate(made):
        home = tmp_path / f"restored{number}"
        settings = into_home(load_settings(), home)
        restore(settings, place, backup, save=None, command="")
        _is_clean(settings)
        shutil.rmtree(home)


@contextmanager
def opened(settings: Settings) -> Iterator[Library]:
    library = Library(settings)
    try:
        yield library
    finally:
        library.close()


def _is_whole(library: Library) -> None:
    assert list(library.blobs.lost(list(library.ledger.digests()), thorough=True)) == []
    assert library.ledger.check(thorough=True)


def _is_clean(settings: Settings) -> None:
    """Nothing is missing, and what says it is published can be found as it is said to be."""
    with opened(settings) as library:
        _is_whole(library)
        ledger = library.ledger
        base = library.parts.knowledge("embedded")
        published = ledger.published("embedded")
        half = {
            video_id
            for video_id in published
            if [one for one in ledger.receipts(video_id) if one.state == "sent"]
        }
        assert base.absent(published, thorough=True) <= half  # type: ignore[attr-defined]
        assert {one.document_id for one in base.holdings()} <= {*ledger.video_ids()}
        for video_id, row in ledger.all_results(("page",)).items():
            if "page" in row:
                page = json.loads(row["page"].value or "")
                text = (settings.library.documents / page["path"]).read_bytes()
                told = library.document(video_id).sections[0].text.split()[0]
                assert told.encode() in text
        assert len(ledger.video_ids()) >= 2


def _killed_when(command: list[str], tmp_path: Path, is_there: Any) -> bool:
    """Start it, and kill it once something is there; false when it ended before."""
    process = subprocess.Popen(
        [sys.executable, "-m", "video_rag", *command],
        env=environment(tmp_path),
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    while process.poll() is None:
        if is_there():
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return True
    return False


def test_a_killed_backup_is_none_and_the_next_one_goes_on(run: Shell, tmp_path: Path) -> None:
    kept, home = tmp_path / "kept", tmp_path / "home"
    objects = kept / "objects"
    for many in (1, 6):
        _killed_when(
            ["backup", "--to", str(kept)],
            tmp_path,
            lambda m=many: len(list(objects.glob("??/*"))) >= m,
        )
    before = state(home)
    run("backup", "--to", kept)
    shutil.rmtree(home)
    run("restore", kept)
    assert state(home) == before


def test_a_killed_restore_is_told_and_done_again(run: Shell, tmp_path: Path) -> None:
    kept, home = tmp_path / "kept", tmp_path / "home"
    before = state(home)
    run("backup", "--to", kept)
    shutil.rmtree(home)
    moments = (
        lambda: any((home / "scratch").glob("backup-*/*")),
        (home / "restoring").exists,
        (home / "knowledge.db").exists,
    )
    for moment in moments:
        _killed_when(["restore", str(kept)], tmp_path, moment)
        if (home / "restoring").exists():
            run("list", code=4)
            assert "is half restored" in run.complaint
            assert f"video-rag restore {kept} --at" in run.complaint
    run("restore", kept, code=None)  # whole already, if the last was not killed in time
    assert state(home) == before
    run("doctor")


def test_an_earlier_library_is_restored_and_brought_forward(
    run: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("backup", "--to", tmp_path / "kept")
    packed = Path(__file__).parents[1] / "fixtures" / "library-1" / "library-1.tar.xz"
    with tarfile.open(packed) as tar:
        tar.extractall(tmp_path, filter="data")
    old = tmp_path / "video-rag-library-1" / "home"
    place = places.open_place(load_settings(), tmp_path / "kept", None)
    found = place.find()
    ledger = gzip.compress((old / "library.db").read_bytes(), mtime=0)
    entries = [places.Entry("database", "library.db.gz", of_bytes(ledger), place.put(ledger))]
    for path in (old / "blobs").glob("??/*"):
        data = path.read_bytes()
        digest = of_bytes(data)
        entries.append(places.Entry("result", digest, digest, place.put(data)))
    listed, _ = place.keep_list(entries)
    (tmp_path / "kept" / "backups" / f"{found.backup_id}.json").unlink()
    place.keep(replace(found, schema=1, listed=listed))
    monkeypatch.setenv("VIDEO_RAG_HOME", str(tmp_path / "new"))
    run("restore", tmp_path / "kept")
    assert run.titles()
    assert (tmp_path / "new" / f"library.db.before-{SCHEMA_VERSION}").exists()


def test_postgresql_and_a_bucket_are_backed_up_and_restored(
    run: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = s3.s3rver()
    for name, value in server.table().items():
        monkeypatch.setenv(f"VIDEO_RAG_BLOBS__{name.upper()}", value)
    to = places.locate(f"s3://{server.new_bucket()}/kept")
    before = state(tmp_path / "home")
    with postgres.running() as one, one.database() as first, one.database() as second:
        ledgers.copy(load_settings(), first)
        with opened(load_settings({"ledger": {"url": first}})) as library:
            place = places.open_place(library.settings, to, None, library=library.parts.identify())
            made = back_up(library, place)
            assert made.backup.ledger == "PostgreSQL"
            assert back_up(library, place).copied <= 1  # the copy of the ledger
            rows = library.ledger.all_results(("page",))
        assert run.json("backups", str(to))[0]["is_whole"]
        shutil.rmtree(tmp_path / "home")
        target = load_settings({"ledger": {"url": second}})
        restore(target, place, place.find(), save=None, command="")
        with opened(target) as library:
            assert library.ledger.all_results(("page",)) == rows
            assert list(library.finish()) == []
            _is_whole(library)
            library.remove(library.ledger.video_ids()[0])
        with pytest.raises(UsageError, match="has a library: 1 videos"):
            restore(target, place, place.find(), save=None, command="")
        restore(
            target, place, place.find(), save=lambda library: back_up(library, place), command=""
        )
        with opened(target) as library:
            assert library.ledger.all_results(("page",)) == rows
    into = into_home(load_settings(), tmp_path / "file")
    restore(into, place, place.find(made.backup.backup_id), save=None, command="")
    assert state(tmp_path / "file")["passages"] == before["passages"]
