from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests import s3

from video_rag.errors import BadSettings, DiskError, UsageError
from video_rag.settings import load_settings
from video_rag.stores.bucket import Bucket, name_of
from video_rag.stores.local import Local
from video_rag.stores.objects import OWNER, Objects
from video_rag.testing.blobs_contract import BlobsPlace, BlobsTests


class TestLocal(BlobsTests):
    @pytest.fixture
    def place(self, tmp_path: Path) -> BlobsPlace:
        def damage(digest: str, data: bytes | None) -> None:
            path = tmp_path / digest[:2] / digest[2:]
            path.unlink() if data is None else path.write_bytes(data)

        def age(digest: str) -> None:
            os.utime(tmp_path / digest[:2] / digest[2:], (0, time.time() - 60))

        return BlobsPlace(Local(tmp_path), damage, age)


@pytest.fixture(params=list(s3.SERVERS))
def server(request: pytest.FixtureRequest) -> s3.Server:
    return s3.SERVERS[request.param]()


@pytest.fixture
def url(server: s3.Server) -> str:
    return f"s3://{server.new_bucket()}/library one/blobs"


class TestBucket(BlobsTests):
    @pytest.fixture
    def place(self, server: s3.Server, url: str) -> Iterator[BlobsPlace]:
        client = server.client()
        bucket, _, prefix = url.removeprefix("s3://").partition("/")

        def damage(digest: str, data: bytes | None) -> None:
            where = {"Bucket": bucket, "Key": f"{prefix}/{name_of(digest)}"}
            if data is None:
                client.delete_object(**where)
            else:
                client.put_object(**where, Body=data)

        def age(_digest: str) -> None:
            time.sleep(2.1)  # the bucket's clock cannot be set, and tells whole seconds

        yield BlobsPlace(Bucket(Objects(url, server.settings(url))), damage, age)
        client.close()


def test_a_sweep_leaves_what_is_no_blob(server: s3.Server, url: str) -> None:
    objects = Objects(url, server.settings(url))
    objects.write("notes/of mine.txt", b"words")
    blobs = Bucket(objects)
    blobs.put(b"nobody's")
    time.sleep(1.1)
    assert blobs.sweep(set(), older_than=0.0) == 1
    assert objects.read("notes/of mine.txt") == b"words"


def test_a_bucket_belongs_to_one_library(server: s3.Server, url: str) -> None:
    """What another library names would be swept away as nobody's."""
    first = Bucket(Objects(url, server.settings(url), owner=lambda: "a" * 32))
    digest = first.put(b"words")
    again = Bucket(Objects(url, server.settings(url), owner=lambda: "a" * 32))
    assert again.get(digest) == b"words"
    other = Bucket(Objects(url, server.settings(url), owner=lambda: "b" * 32))
    for change in (lambda: other.put(b"x"), lambda: other.sweep(set()), lambda: other.put(b"x")):
        with pytest.raises(UsageError) as caught:
            change()
        assert "another library" in str(caught.value)
        assert OWNER in caught.value.hint
    assert again.get(digest) == b"words"


def test_a_bucket_that_is_not_there_is_told_and_nothing_is_taken_for_lost(
    server: s3.Server,
) -> None:
    url = "s3://no-such-bucket-here/blobs"
    blobs = Bucket(Objects(url, server.settings(url)))
    for ask in (
        lambda: blobs.put(b"x"),
        lambda: blobs.get("ab" * 32),
        lambda: list(blobs.lost(["ab" * 32])),
        lambda: blobs.sweep(set()),
    ):
        with pytest.raises(DiskError) as caught:
            ask()
        assert "no bucket s3://no-such-bucket-here" in str(caught.value)
        assert "[blobs]" in caught.value.hint


def test_an_unknown_key_is_told_without_it(url: str) -> None:
    server = s3.s3rver()
    settings = server.settings(url, access_key_id="AKNOBODY0", secret_access_key="geheim-geheim")
    with pytest.raises(DiskError) as caught:
        Bucket(Objects(url, settings)).put(b"x")
    assert "refuses the key (InvalidAccessKeyId)" in str(caught.value)
    assert "AKNOBODY0" not in f"{caught.value!r}{caught.value.hint}{caught.value.__cause__}"


@pytest.mark.parametrize("endpoint", ["http://[::1]:x y", "127.0.0.1:9000", "ftp://x", "http://"])
def test_an_endpoint_that_cannot_be_is_told(endpoint: str) -> None:
    with pytest.raises(BadSettings) as caught:
        load_settings({"blobs": {"endpoint": endpoint}}, env={})
    assert "blobs.endpoint" in str(caught.value)


def test_a_process_that_was_forked_after_a_bucket_was_used_is_told_and_does_not_hang() -> None:
    script = """
import os
from tests import s3
from video_rag.errors import Unavailable
from video_rag.stores.objects import Objects
server = s3.moto()
url = f"s3://{server.new_bucket()}/x"
objects = Objects(url, server.settings(url))
objects.write("a", b"1")
if child := os.fork():
    server.stop()
    raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
try:
    objects.read("a")
except Unavailable as error:
    os._exit(0 if "forked" in str(error) else 1)
os._exit(1)
"""
    done = subprocess.run([sys.executable, "-c", script], check=False, cwd=s3.ROOT, timeout=60)
    assert done.returncode == 0
