from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_rag.errors import NotFound
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
    with pytest.raises(NotFound) as caught:
        Local(tmp_path).get("0" * 64)
    assert "retry" in caught.value.hint


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
