from __future__ import annotations

import fcntl
import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pytest

from video_rag.digest import of_bytes
from video_rag.errors import DiskError, Unavailable
from video_rag.stores.copies import Copies
from video_rag.stores.sql import Sql


class User:
    """Works on a copy for as long as it lives."""


class Source:
    """A bucket of one file, that counts how often it is read."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.digest = of_bytes(data)
        self.reads = 0

    def load(self, file: BinaryIO) -> str:
        self.reads += 1
        file.write(self.data)
        return hashlib.sha256(self.data).hexdigest()


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Sql]:
    sql = Sql(tmp_path / "library.db")
    yield sql
    sql.close()


@pytest.fixture
def copies(ledger: Sql, tmp_path: Path) -> Copies:
    return Copies(tmp_path / "copies", 1000, ledger)


def bring(copies: Copies, name: str, source: Source, user: object) -> Path | None:
    return copies.bring(name, source.digest, len(source.data), source.load, user)


def taken(copies: Copies) -> int:
    files = [path for path in copies.folder.rglob("*") if path.is_file()]
    return sum(path.stat().st_size for path in files if ".locks" not in path.parts)


def test_a_copy_is_made_once_and_is_read_only(copies: Copies) -> None:
    source, user = Source(b"film" * 50), User()
    path = bring(copies, "site/one/video.mp4", source, user)
    assert path is not None
    assert path.read_bytes() == source.data
    assert bring(copies, "site/one/video.mp4", source, User()) == path
    assert source.reads == 1
    assert not path.stat().st_mode & 0o222


def test_a_copy_that_was_changed_is_made_again(copies: Copies) -> None:
    source = Source(b"film" * 50)
    path = bring(copies, "a/video.mp4", source, User())
    assert path is not None
    path.chmod(0o644)
    path.write_bytes(b"Xilm" * 50)
    assert bring(copies, "a/video.mp4", source, User()) == path
    assert path.read_bytes() == source.data


def test_what_comes_otherwise_than_it_was_is_no_copy(copies: Copies) -> None:
    source = Source(b"film" * 50)
    source.digest = of_bytes(b"another")
    assert bring(copies, "a/video.mp4", source, User()) is None
    assert taken(copies) == 0


def test_those_used_longest_ago_make_room(copies: Copies) -> None:
    sources = [Source(bytes([number]) * 400) for number in range(3)]
    for number in (0, 1):
        bring(copies, f"{number}/video.mp4", sources[number], User())
        os.utime(copies.path(f"{number}/video.mp4"), (number, time.time()))
        time.sleep(0.01)
    bring(copies, "0/video.mp4", sources[0], User())  # used again
    bring(copies, "2/video.mp4", sources[2], User())
    there = [number for number in range(3) if copies.path(f"{number}/video.mp4").exists()]
    assert there == [0, 2]
    assert taken(copies) <= copies.most


def test_what_somebody_works_on_stays_and_the_next_one_waits(copies: Copies) -> None:
    user = User()
    bring(copies, "0/video.mp4", Source(b"0" * 700), user)
    other = Source(b"1" * 700)
    with pytest.raises(Unavailable) as caught:
        bring(copies, "1/video.mp4", other, User())
    assert caught.value.retry_after == 60.0
    assert copies.path("0/video.mp4").exists()
    del user
    assert bring(copies, "1/video.mp4", other, User())
    assert not copies.path("0/video.mp4").exists()


def test_a_file_larger_than_all_the_room_is_told_with_the_setting(copies: Copies) -> None:
    with pytest.raises(DiskError) as caught:
        bring(copies, "a/video.mp4", Source(b"x" * 1001), User())
    assert "scratch_bytes" in caught.value.hint
    assert taken(copies) == 0


KILLED = """
import os, signal, sys
from pathlib import Path
from video_rag.stores.copies import Copies
from video_rag.stores.sql import Sql
home = Path(sys.argv[1])
def load(file):
    file.write(b"half")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
Copies(home / "copies", 1000, Sql(home / "library.db")).bring("a/v.mp4", "0" * 64, 900, load, load)
"""


def test_what_a_killed_process_left_goes_when_room_is_needed(
    copies: Copies, tmp_path: Path
) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert taken(copies) == 900
    source = Source(b"film" * 200)
    assert bring(copies, "b/v.mp4", source, User())
    assert taken(copies) == 800


def test_room_for_downloads_counts_what_cannot_go(copies: Copies) -> None:
    assert copies.room() == 1000
    bring(copies, "0/video.mp4", Source(b"0" * 300), User())
    assert copies.room() == 1000  # it would make room
    fetched = copies.path("site/one/video.mp4")
    fetched.parent.mkdir(parents=True)
    fetched.write_bytes(b"x" * 400)  # by a source, not in the bucket yet
    assert copies.room() == 600
    copies.settled("site/one/video.mp4")
    assert copies.room() == 1000
    half = copies.path("site/one/partial/video.f1.mp4")
    half.parent.mkdir(parents=True)
    half.write_bytes(b"x" * 900)
    assert copies.room() == 100
    assert taken(copies) <= 1000
    os.utime(half, (0, time.time() - 2 * 86_400))
    assert copies.room() == 1000
    assert not half.exists()


def test_several_threads_that_need_one_file_bring_it_once(copies: Copies) -> None:
    source, users = Source(b"film" * 50), [User() for _ in range(6)]
    found: list[Path | None] = []
    threads = [
        threading.Thread(target=lambda u=user: found.append(bring(copies, "a/v.mp4", source, u)))
        for user in users
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [copies.path("a/v.mp4")] * 6
    assert source.reads == 1


def test_a_lock_ends_with_its_user(copies: Copies) -> None:
    user = User()
    path = bring(copies, "a/v.mp4", Source(b"film"), user)
    assert path is not None
    with path.open("rb") as file:
        with pytest.raises(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        del user
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
