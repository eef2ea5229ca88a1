from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_rag.errors import Lost
from video_rag.stores.local import Local


@given(data=st.binary(max_size=200))
def test_what_is_put_is_got_under_one_name(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    blobs = Local(tmp_path_factory.mktemp("blobs"))
    digest = blobs.put(data)
    assert blobs.put(data) == digest
    assert blobs.get(digest) == data


def test_a_missing_blob_names_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(Lost) as caught:
        Local(tmp_path).get("0" * 64)
    assert "run" in caught.value.hint
    assert caught.value.digest == "0" * 64


DAMAGES = {
    "emptied": lambda path: path.write_bytes(b""),
    "flipped": lambda path: path.write_bytes(b"Xhole"),
    "deleted": lambda path: path.unlink(),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_blob_is_never_given_is_told_of_and_can_be_put_again(
    tmp_path: Path, damage: str
) -> None:
    blobs = Local(tmp_path)
    digest, other = blobs.put(b"whole"), blobs.put(b"other")
    assert list(blobs.lost([digest, other])) == []
    DAMAGES[damage](tmp_path / digest[:2] / digest[2:])
    assert list(blobs.lost([digest, other])) == [digest]
    with pytest.raises(Lost):
        blobs.get(digest)
    assert not blobs.exists(digest)
    assert blobs.put(b"whole") == digest
    assert blobs.get(digest) == b"whole"
    assert list(blobs.lost([digest, other])) == []


def test_putting_over_an_empty_file_makes_it_whole(tmp_path: Path) -> None:
    """As a power cut leaves it on some file systems."""
    blobs = Local(tmp_path)
    digest = blobs.put(b"whole")
    (tmp_path / digest[:2] / digest[2:]).write_bytes(b"")
    blobs.put(b"whole")
    assert blobs.get(digest) == b"whole"


def test_a_thorough_look_sees_what_changed_without_its_time(tmp_path: Path) -> None:
    blobs = Local(tmp_path)
    digest = blobs.put(b"whole")
    list(blobs.lost([digest]))
    (tmp_path / digest[:2] / digest[2:]).write_bytes(b"Xhole")
    (tmp_path / ".looked").write_text(str(time.time()))  # after the change: a disk that forgets
    assert list(blobs.lost([digest])) == []
    assert list(blobs.lost([digest], thorough=True)) == [digest]


def test_a_look_in_a_wrong_future_hides_nothing(tmp_path: Path) -> None:
    blobs = Local(tmp_path)
    digest = blobs.put(b"whole")
    (tmp_path / ".looked").write_text(str(time.time() + 9e8))
    (tmp_path / digest[:2] / digest[2:]).write_bytes(b"Xhole")
    assert list(blobs.lost([digest])) == [digest]


def test_a_sweep_takes_what_nobody_names_and_leaves_what_is_young(tmp_path: Path) -> None:
    blobs = Local(tmp_path)
    kept, young, old = blobs.put(b"kept"), blobs.put(b"young"), blobs.put(b"old")
    for digest in (kept, old):
        os.utime(tmp_path / digest[:2] / digest[2:], (1, 1))
    assert blobs.sweep({kept}) == 1
    assert blobs.exists(kept)
    assert blobs.exists(young)
    assert not blobs.exists(old)


def test_putting_an_old_blob_again_saves_it_from_the_sweep(tmp_path: Path) -> None:
    blobs = Local(tmp_path)
    digest = blobs.put(b"again")
    os.utime(tmp_path / digest[:2] / digest[2:], (1, 1))
    blobs.put(b"again")
    assert blobs.sweep(set()) == 0


def test_half_written_files_of_killed_processes_are_swept(tmp_path: Path) -> None:
    blobs = Local(tmp_path)
    digest = blobs.put(b"whole")
    half = tmp_path / digest[:2] / ".half.0a1b"
    half.write_bytes(b"ha")
    os.utime(half, (1, 1))
    assert blobs.sweep({digest}) == 1
    assert not half.exists()
