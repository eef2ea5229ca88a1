"""Databases that are deleted, emptied, damaged or replaced: noticed, told with a remedy, mended."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from video_rag.api.server import must_have_keys
from video_rag.cli import main
from video_rag.errors import DiskError, Unavailable, UsageError
from video_rag.library import Library
from video_rag.model import Query
from video_rag.operations import keys
from video_rag.settings import load_settings
from video_rag.stores.forward import KEYS_MARK
from video_rag.stores.sql import Sql

WORDS = ["otter", "lynx", "heron"]


def talk(folder: Path, word: str) -> Path:
    path = folder / f"{word}.srt"
    path.write_text(f"1\n00:00:01,000 --> 00:00:04,000\nThe {word} sleeps by the river.\n")
    return path


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A library of three talks, at rest."""
    talks = tmp_path / "talks"
    talks.mkdir()
    for word in WORDS:
        talk(talks, word)
    library = Library(load_settings())
    assert all(item.status for item in library.add([str(talks)]))
    library.close()
    return library.settings.home


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Runs a command; gives its exit code and all that it printed."""

    def run(*arguments: str) -> tuple[int, str]:
        code = main(arguments)
        printed = capsys.readouterr()
        text = printed.out + printed.err
        assert "bug" not in text, text
        return code, text

    return run


def files(path: Path) -> Iterator[Path]:
    yield from path.parent.glob(f"{path.name}*")


def deleted(path: Path) -> None:
    for file in files(path):
        file.unlink()


def emptied(path: Path) -> None:
    deleted(path)
    path.touch()


def replaced(path: Path) -> None:
    """By the empty base of another library."""
    deleted(path)
    with tempfile.TemporaryDirectory() as other:
        Library(load_settings({"home": other})).close()
        shutil.copy(Path(other) / "knowledge.db", path)


def without(*tables: str) -> Callable[[Path], None]:
    """Rows that somebody deleted."""

    def change(path: Path) -> None:
        with closing(sqlite3.connect(path)) as db:
            for table in tables:
                db.execute(f"delete from {table}")
            db.commit()

    return change


LOSSES = {
    "deleted": deleted,
    "emptied": emptied,
    "replaced": replaced,
    "without all rows": without("passages", "documents", "passage_terms", "document_terms", "meta"),
    "without passages": without("passages"),
    "without documents": without("documents"),
    "without what finds them": without("passage_terms"),
}


@pytest.mark.parametrize("loss", LOSSES)
def test_a_base_that_lost_what_it_held_is_noticed_and_run_fills_it_again(
    home: Path, said: Callable[..., tuple[int, str]], loss: str
) -> None:
    LOSSES[loss](home / "knowledge.db")
    for command in (["search", "otter"], ["ask", "what does the otter do?"], ["doctor"]):
        code, text = said(*command)
        assert code == 4 or "The otter sleeps" in text, text
        assert "has lost 3 videos of 3" in text, text
        assert "video-rag run" in text
    code, text = said("run")
    assert (code, "3 ready" in text) == (0, True), text
    for word in WORDS:
        code, text = said("search", word)
        assert f"The {word} sleeps" in text
        assert "has lost" not in text
    assert said("run")[1].strip() == "nothing is due"


def test_one_lost_video_is_told_beside_what_is_found(
    home: Path, said: Callable[..., tuple[int, str]]
) -> None:
    library = Library(load_settings())
    lynx = library.find("lynx")
    library.parts.knowledge("embedded").withdraw(lynx, None)
    assert library.search(Query(text="otter"))
    with pytest.raises(Unavailable, match="has lost 1 video of 3"):
        library.search(Query(text="lynx lynxes"))
    library.close()
    code, text = said("search", "otter")
    assert code == 0
    assert "The otter sleeps" in text
    assert "has lost 1 video of 3" in text
    said("run")
    assert "The lynx sleeps" in said("search", "lynx")[1]


def test_an_older_copy_of_a_base_is_seen_by_a_thorough_look(
    home: Path, said: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    older = (home / "knowledge.db").read_bytes()
    path = tmp_path / "talks" / "otter.srt"
    assert said("add", str(path), "--title", "Sea otters")[0] == 0
    deleted(home / "knowledge.db")
    (home / "knowledge.db").write_bytes(older)
    assert "has lost 1 video of 3" in said("doctor", "--thorough")[1]


def test_a_video_without_words_is_not_missed(home: Path, tmp_path: Path) -> None:
    silent = tmp_path / "silent.srt"
    silent.write_text("1\n00:00:01,000 --> 00:00:04,000\n[music]\n")
    library = Library(load_settings())
    list(library.add([str(silent)]))
    library.refuse_lost()
    library.close()


def test_a_damaged_base_is_deleted_and_run_makes_it_again(
    home: Path, said: Callable[..., tuple[int, str]]
) -> None:
    path = home / "knowledge.db"
    deleted(path)
    path.write_bytes(b"no database at all" * 500)
    for command in (["list"], ["search", "otter"], ["doctor"], ["run"]):
        code, text = said(*command)
        assert code == 4
        assert "knowledge.db is damaged" in text
        assert "video-rag run" in text
    deleted(path)
    assert said("run")[0] == 0
    assert "The otter sleeps" in said("search", "otter")[1]


def test_a_base_with_a_passage_that_cannot_be_read_is_damaged_and_made_again(
    home: Path, said: Callable[..., tuple[int, str]]
) -> None:
    with closing(sqlite3.connect(home / "knowledge.db")) as db:
        db.execute("update passages set chunk = replace(chunk, '\"text\"', '\"tfxt\"')")
        db.commit()
    for command in (["search", "otter"], ["doctor", "--thorough"]):
        code, text = said(*command)
        assert code == 4
        assert "knowledge.db is damaged" in text
    deleted(home / "knowledge.db")
    assert said("run")[0] == 0
    assert "The otter sleeps" in said("search", "otter")[1]


def test_a_ledger_whose_texts_are_no_texts_is_damaged(
    home: Path, said: Callable[..., tuple[int, str]]
) -> None:
    with closing(sqlite3.connect(home / "library.db")) as db:
        db.execute("update results set key = cast(x'ff' as text)")
        db.commit()
    for command in (
        ["list"],
        ["run"],
        ["add", str(home.parent / "talks" / "otter.srt")],
        ["remove", "otter"],
    ):
        code, text = said(*command)
        assert (code, "library.db is damaged" in text) == (4, True), (command, text)


def test_an_index_that_lost_a_video_keeps_no_command_working_for_ever(
    home: Path, said: Callable[..., tuple[int, str]]
) -> None:
    path = home / "library.db"
    library = Library(load_settings())
    lynx = library.find("lynx").encode()
    library.close()
    with closing(sqlite3.connect(path)) as db:
        where = "select rootpage from sqlite_master where name = 'sqlite_autoindex_videos_1'"
        page = db.execute(where).fetchone()[0] - 1
        size = db.execute("pragma page_size").fetchone()[0]
        db.execute("update results set key = 'of before' where stage = 'save'")
        db.commit()
    data = bytearray(path.read_bytes())
    data[data.index(lynx, page * size, (page + 1) * size) + len(lynx) - 1] ^= 1
    path.write_bytes(data)
    said("run")
    assert said("add", str(home.parent / "talks"))[0] == 0
    assert "library.db is damaged" in said("doctor", "--thorough")[1]


def torn(path: Path) -> None:
    """Whole at its beginning, so that it opens."""
    deleted_wal = [file for file in files(path) if file != path]
    for file in deleted_wal:
        file.unlink()
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (size - 4096))


@pytest.mark.parametrize("damage", [torn, lambda path: path.write_bytes(b"rubbish" * 1000)])
def test_a_damaged_ledger_is_no_bug_and_doctor_says_it(
    home: Path, said: Callable[..., tuple[int, str]], damage: Callable[[Path], None]
) -> None:
    damage(home / "library.db")
    for command in (["list"], ["search", "otter"], ["run"], ["doctor"], ["doctor", "--thorough"]):
        code, text = said(*command)
        assert code == 4, text
        assert "library.db is damaged" in text, text
        assert "add your sources again" in text


@pytest.mark.parametrize("kept", ["blobs", "knowledge.db", KEYS_MARK])
def test_an_emptied_ledger_is_not_taken_for_a_new_library(
    home: Path, said: Callable[..., tuple[int, str]], kept: str
) -> None:
    keys.make(Sql(home / "library.db"), "me", "admin")
    emptied(home / "library.db")
    for name in {"blobs", "knowledge.db", KEYS_MARK} - {kept}:
        shutil.rmtree(home / name) if (home / name).is_dir() else deleted(home / name)
    for command in ("list", "run", "doctor"):
        code, text = said(command)
        assert code == 4
        assert f"it is empty, but {kept} beside it" in text
    deleted(home / "library.db")  # the remedy
    assert said("list")[0] == 0


def test_a_ledger_that_another_process_holds_is_locked(
    home: Path, said: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    from video_rag.stores import sqlite

    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.1)
    with closing(sqlite3.connect(home / "library.db", isolation_level=None)) as other:
        other.execute("begin immediate")
        code, text = said("retry", "otter")
        assert code == 4
        assert "another process holds" in text
        other.execute("rollback")
    assert said("retry", "otter")[0] == 0


def test_a_library_that_had_keys_is_never_served_without_one(home: Path) -> None:
    library = Library(load_settings())
    key, _plain = keys.make(library.ledger, "me", "admin")
    keys.revoke(library.ledger, key.key_id)
    library.close()
    for lose in (lambda path: None, deleted):
        lose(home / "library.db")
        library = Library(load_settings())
        assert must_have_keys(library, "127.0.0.1")
        assert not keys.living(library.ledger)
        with pytest.raises(UsageError, match="no API key exists"):
            must_have_keys(library, "0.0.0.0")
        library.close()
    library = Library(load_settings())
    keys.make(library.ledger, "me", "admin")
    assert must_have_keys(library, "127.0.0.1")
    library.close()


def test_keys_from_before_there_was_a_mark_are_remembered(home: Path) -> None:
    ledger = Sql(home / "library.db")
    keys.make(ledger, "me", "admin")
    ledger.close()
    (home / KEYS_MARK).unlink()
    Sql(home / "library.db").close()
    deleted(home / "library.db")
    ledger = Sql(home / "library.db")
    assert ledger.api_keys() == []
    assert ledger.had_api_keys()
    ledger.close()


@pytest.mark.parametrize("name", ["", "blobs", "documents", "scratch", "library.db/"])
def test_a_file_in_the_place_of_a_folder_is_an_error_of_the_user(
    tmp_path: Path, said: Callable[..., tuple[int, str]], name: str
) -> None:
    home = tmp_path / "home"
    wrong = home / name
    if name.endswith("/"):
        wrong.mkdir(parents=True)
    else:
        wrong.parent.mkdir(exist_ok=True)
        wrong.write_text("a file")
    path = talk(tmp_path, "otter")
    code, text = said("add", str(path))
    assert code == 2, text
    assert str(wrong) in text
    assert "move it away" in text
    wrong.rmdir() if wrong.is_dir() else wrong.unlink()
    code, text = said(
        "run" if name in {"documents", "scratch"} else "add",
        *(() if name in {"documents", "scratch"} else [str(path)]),
    )
    assert code == 0, text
    assert "The otter sleeps" in said("search", "otter")[1]


@pytest.fixture
def another_user() -> Iterator[Path]:
    """A home that belongs to somebody without the rights of root, as whom the test goes on."""
    place = Path(tempfile.mkdtemp(prefix="video-rag-", dir="/tmp"))
    is_root = os.geteuid() == 0
    if is_root:
        os.chown(place, 65_534, 65_534)
        os.seteuid(65_534)
    try:
        yield place
    finally:
        if is_root:
            os.seteuid(0)
        shutil.rmtree(place)


@pytest.mark.parametrize("folder", ["", "blobs", "documents"])
@pytest.mark.parametrize("mode", [0o500, 0o000])
def test_a_folder_of_the_home_that_is_closed_is_named_with_its_remedy(
    another_user: Path, folder: str, mode: int
) -> None:
    settings = load_settings({"home": str(another_user / "home")})
    path = talk(another_user, "otter")
    library = Library(settings)
    (item,) = library.add([str(path)])
    assert item.status
    assert item.status.state == "ready", item.status.failures
    library.close()
    closed = settings.home / folder
    closed.chmod(mode)
    lynx = talk(another_user, "lynx")
    try:
        if folder or mode:
            library = Library(settings)
            assert [status.state for status in library.videos()] == ["ready"]
            assert library.search(Query(text="otter"))
            errors = [
                item.error or (item.status and item.status.failures)
                for item in library.add([str(lynx)])
            ]
            assert str(closed) in str(errors)
            assert "may not be read or written" in str(errors)
            library.close()
        else:
            with pytest.raises(DiskError, match="may not be read or written") as caught:
                Library(settings)
            assert str(closed) in str(caught.value)
    finally:
        closed.chmod(0o700)
    library = Library(settings)
    (item,) = library.add([str(lynx)])
    assert item.status
    assert item.status.state == "ready"
    library.close()
