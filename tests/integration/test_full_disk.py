"""A disk without room, or one that may only be read: told in words, searched, and gone on with."""

from __future__ import annotations

import contextlib
import gc
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from video_rag.api.sessions import Sessions
from video_rag.cli import main

LECTURE = Path(__file__).parents[2] / "examples" / "lecture.mp4"
WORDS = ["otter", "lynx", "heron"]
SIZES = (8, 24, 48, 96, 160, 256, 384, 512)
"""KiB, each too small for the talks below."""

Mount = Callable[..., Path]


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Mount]:
    """Mounts a tmpfs of so many KiB, again with another size or for reading only."""
    place = tmp_path / "disk"
    place.mkdir()

    def change(kib: int, *more: str) -> Path:
        gc.collect()  # of commands that ended: no file may be open for writing
        first = not os.path.ismount(place)
        options = ",".join([f"size={kib}k", *([] if first else ["remount"]), *more])
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode and first:
            pytest.skip("needs the right to mount a tmpfs: root, and no closed container")
        assert not done.returncode, done.stderr
        return place

    yield change
    if os.path.ismount(place):
        subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.fixture
def talks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lecture with slides, and three files of subtitles of some length."""
    monkeypatch.setenv("VIDEO_RAG_PIPELINE__READER", "none")
    folder = tmp_path / "talks"
    folder.mkdir()
    shutil.copy(LECTURE, folder)
    for word in WORDS:
        lines = (
            f"{n}\n00:{n // 60:02}:{n % 60:02},000 --> 00:{n // 60:02}:{n % 60:02},900\n"
            f"The {word} says the {n}th of its many things by the river.\n"
            for n in range(200)
        )
        (folder / f"{word}.srt").write_text("\n".join(lines))
    return folder


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Runs a command; gives its exit code and all that it printed."""

    def run(*arguments: str) -> tuple[int, str]:
        code = main(arguments)
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    return run


def fill(folder: Path) -> None:
    """Leave no byte."""
    for size in (65_536, 4096, 1):
        with contextlib.suppress(OSError), (folder / "filler").open("ab", 0) as file:
            while True:
                file.write(b"x" * size)


@pytest.mark.slow
@pytest.mark.parametrize("kib", SIZES)
def test_a_home_that_is_too_small_is_told_and_all_is_ready_once_there_is_room(
    mount: Mount,
    talks: Path,
    said: Callable[..., tuple[int, str]],
    monkeypatch: pytest.MonkeyPatch,
    kib: int,
) -> None:
    home = mount(kib)
    monkeypatch.setenv("VIDEO_RAG_HOME", str(home))
    for command in (["add", str(talks)], ["list"], ["run"], ["search", "otter"], ["doctor"]):
        code, text = said(*command)
        assert "bug" not in text, (command, text)
        assert "Traceback" not in text, (command, text)
        if command[0] == "add":
            assert code == 4, text
            assert "no space left" in text
            assert "free some" in text
    mount(40_000)
    code, text = said("run")
    assert code == 0, text
    given = {word for word in WORDS if word in said("list")[1]}
    for word in given:  # what was taken in is ready now, and not in some minutes
        assert said("search", word)[0] == 0
    code, text = said("add", str(talks))
    assert code == 0, text
    assert "4 of 4 ready" in text
    assert said("list")[1].count("ready") == 4
    for word in [*WORDS, "inverted index"]:
        assert "nothing found" not in said("search", word)[1]


def reads(said: Callable[..., tuple[int, str]]) -> None:
    """Whatever changes nothing works."""
    assert said("list")[1].count("ready") == 4
    for word in WORDS:
        code, text = said("search", word)
        assert code == 0, text
        assert f"The {word} says" in text
    for command in (["show", "otter"], ["ask", "What does the otter say?"]):
        code, text = said(*command)
        assert code == 0, text
        assert "otter" in text


@pytest.fixture
def home(
    mount: Mount,
    talks: Path,
    said: Callable[..., tuple[int, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """A disk with a library of all talks."""
    folder = mount(40_000)
    monkeypatch.setenv("VIDEO_RAG_HOME", str(folder))
    assert said("add", str(talks))[0] == 0
    return folder


@pytest.mark.slow
def test_a_full_disk_and_one_that_is_read_only_are_searched_and_changed_when_they_can_be(
    mount: Mount, talks: Path, said: Callable[..., tuple[int, str]], home: Path
) -> None:
    new = talks / "plover.srt"
    new.write_text("1\n00:00:01,000 --> 00:00:04,000\nThe plover sleeps by the river.\n")

    fill(home)
    reads(said)
    code, text = said("add", str(new))
    assert (code, "no space left" in text, "bug" in text) == (4, True, False), text
    assert "no space left" in said("doctor")[1]
    (home / "filler").unlink()

    mount(40_000, "ro")
    reads(said)
    for command in (["add", str(new)], ["remove", "otter"]):
        code, text = said(*command)
        assert (code, "bug" in text) == (4, False), text
        assert f"{home} is on a read-only disk" in text
    assert "read-only" in said("doctor")[1]
    sessions = Sessions(home / "session.key")  # a page is served all the same
    assert sessions.read(sessions.issue("a key")) == "a key"
    assert Sessions(home / "session.key").read(sessions.issue("a key")) is None
    mount(40_000, "rw")
    assert said("add", str(new))[0] == 0
    assert "The plover sleeps" in said("search", "plover")[1]


@pytest.mark.slow
def test_what_a_killed_process_left_in_the_wal_is_read_on_a_disk_that_is_read_only_or_full(
    mount: Mount, said: Callable[..., tuple[int, str]], home: Path
) -> None:
    program = (
        "import os, sys; from video_rag.cli import main; from video_rag.stores.sql import Sql;"
        "Sql.close = lambda self: None; main(['remove', 'lynx']); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, env=os.environ)
    assert (home / "library.db-wal").stat().st_size
    for how in ("ro", "ro, copied", "full"):
        if how != "ro":
            mount(40_000, "rw")
            (home / "library.db-shm").unlink(missing_ok=True)  # as nobody copies it
        if how == "full":
            fill(home)
        else:
            mount(40_000, "ro")
        code, text = said("list")
        assert code == 0, text
        assert text.count("ready") == 3
        assert "lynx" not in text
