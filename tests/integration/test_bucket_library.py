"""A library that keeps everything in a bucket, and what happens when the bucket fails it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from tests import s3
from tests.serving import HERE
from tests.talks import SHEEP, write_talk
from tests.web import Page, Site, serve

from video_rag.api.app import create_app
from video_rag.errors import UsageError
from video_rag.library import Library
from video_rag.settings import load_settings
from video_rag.stores import objects
from video_rag.testing import clips

LOCAL = "http://127.0.0.1:8420"
VTT = "WEBVTT\n\n00:00.000 --> 00:04.000\nThe shepherd counts the sheep in the evening.\n"


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("clips") / "clip.mp4"
    clips.silent_video(path)
    return path.read_bytes()


@pytest.fixture
def site(clip: bytes) -> Iterator[Site]:
    with serve() as running:
        body = '<title>sheep</title><video src="/0.mp4">'
        body += '<track src="/en.vtt" kind="subtitles" srclang="en"></video>'
        running.pages["/0"] = Page(body.encode())
        running.pages["/0.mp4"] = Page(clip, "video/mp4")
        running.pages["/en.vtt"] = Page(VTT.encode(), "text/vtt")
        yield running


@pytest.fixture
def talk(clip: bytes, tmp_path: Path) -> Path:
    """A file of this machine with its subtitles."""
    write_talk(tmp_path / "talks" / "farm.srt", SHEEP)
    (tmp_path / "talks" / "farm.mp4").write_bytes(clip + b"farm")
    return tmp_path / "talks" / "farm.mp4"


def library_in(server: s3.Server, bucket: str, home: Path, **more: Any) -> Library:
    """A library wholly in a bucket."""
    given: dict[str, Any] = {
        "home": str(home),
        "blobs": {"url": f"s3://{bucket}/one/blobs", **server.table()},
        "library": {
            "media": f"s3://{bucket}/one/media",
            "documents": f"s3://{bucket}/one/documents",
            "copy_local": True,
        },
        "guard": {"allow_private": True},
        "sources": {"ytdlp": {"retries": 0, "sleep_subtitles": 0, "timeout": 5}},
        "pipeline": {"reader": "none"},
    }
    for table, values in more.items():
        given[table] = {**given.get(table, {}), **values}
    return Library(load_settings(given))


def keys(server: s3.Server, bucket: str) -> set[str]:
    found = server.client().list_objects_v2(Bucket=bucket).get("Contents", [])
    return {one["Key"] for one in found}


def states(library: Library) -> list[str]:
    return [status.state for status in library.videos()]


@pytest.mark.parametrize("kind", list(s3.SERVERS))
def test_a_library_lives_in_a_bucket_and_leaves_nothing_there(
    kind: str, site: Site, talk: Path, tmp_path: Path
) -> None:
    server = s3.SERVERS[kind]()
    bucket = server.new_bucket()
    library = library_in(server, bucket, tmp_path / "home")
    list(library.add([f"{site.url}/0", str(talk)]))
    assert states(library) == ["ready", "ready"]

    there = keys(server, bucket)
    assert {key.split("/")[1] for key in there} == {"blobs", "media", "documents"}
    assert sum(key.endswith(".mp4") for key in there) == 2
    assert sum(key.endswith(".md") for key in there) == 2
    assert not any((tmp_path / "home" / "blobs").iterdir())
    assert not (tmp_path / "home" / "documents").exists()
    page = library.page(library.find("sheep"))
    assert str(page).startswith(f"s3://{bucket}/one/documents/sheep [")
    assert str(page).removeprefix(f"s3://{bucket}/") in there
    exported = library.export(library.find("farm"), "md", tmp_path / "out")
    assert "A flock of sheep" in exported.read_text("utf-8")

    asked = site.gets["/0.mp4"]
    list(library.run())
    assert states(library) == ["ready", "ready"]
    assert site.gets["/0.mp4"] == asked

    for status in library.videos():
        library.remove(status.video.video_id)
    left = {key for key in keys(server, bucket) if "/blobs/" not in key}
    assert {key.split("/")[-1] for key in left} == {"library.id"}
    assert talk.exists()


def test_another_machine_works_on_what_lies_in_the_bucket(
    site: Site, talk: Path, tmp_path: Path
) -> None:
    """It has the ledger, and neither downloads nor the owner's files."""
    server = s3.moto()
    bucket = server.new_bucket()
    first = library_in(server, bucket, tmp_path / "home")
    list(first.add([f"{site.url}/0", str(talk)]))
    first.close()
    (tmp_path / "second").mkdir()
    for name in ("library.db", "library.id"):
        shutil.copy(tmp_path / "home" / name, tmp_path / "second")
    talk.rename(talk.with_suffix(".away"))

    asked = site.gets["/0.mp4"]
    other = {"samplers": {"slides": {"gap": 7.0}}}
    second = library_in(server, bucket, tmp_path / "second", **other)
    assert "ready" not in states(second)
    list(second.run())
    assert states(second) == ["ready", "ready"]
    assert site.gets["/0.mp4"] == asked
    copies = list((tmp_path / "second" / "copies").rglob("*.mp4"))
    assert len(copies) == 2
    assert not any(path.stat().st_mode & 0o200 for path in copies)


def test_another_library_is_refused_in_the_same_place(talk: Path, tmp_path: Path) -> None:
    server = s3.moto()
    bucket = server.new_bucket()
    first = library_in(server, bucket, tmp_path / "home")
    list(first.add([str(talk)]))
    before = keys(server, bucket)
    second = library_in(server, bucket, tmp_path / "second")
    [added] = second.add([str(talk)])
    assert added.status is not None
    assert "belongs to another library" in added.status.failures[0].message
    assert "prefix of its own" in added.status.failures[0].hint
    with pytest.raises(UsageError):
        second.remove(added.status.video.video_id)
    assert keys(server, bucket) == before
    list(first.run())
    assert states(first) == ["ready"]


def test_what_was_lost_or_damaged_in_the_bucket_is_made_again(site: Site, tmp_path: Path) -> None:
    server = s3.moto()
    bucket, client = server.new_bucket(), server.client()
    library = library_in(server, bucket, tmp_path / "home")
    list(library.add([f"{site.url}/0"]))
    time.sleep(1.1)  # the bucket's clock tells whole seconds
    list(library.run())
    before = {
        key: client.get_object(Bucket=bucket, Key=key)["Body"].read()
        for key in keys(server, bucket)
        if key.split("/")[-1][0] != "."
    }
    blobs = sorted(key for key in before if "/blobs/" in key and "library.id" not in key)
    for key in (*blobs, *(key for key in before if "/documents/" in key)):
        if key.endswith("library.id"):
            continue
        client.delete_object(Bucket=bucket, Key=key)
        list(library.run())
        assert states(library) == ["ready"], key
        assert client.get_object(Bucket=bucket, Key=key)["Body"].read() == before[key]
    for key in blobs:
        client.put_object(Bucket=bucket, Key=key, Body=b"flipped")
        list(library.run())
        assert states(library) == ["ready"], key
        assert client.get_object(Bucket=bucket, Key=key)["Body"].read() == before[key]
    # a film that is needed again, and is another one in the bucket
    film = next(key for key in before if key.endswith(".mp4"))
    shutil.rmtree(tmp_path / "home" / "copies")
    size = len(before[film])
    client.put_object(Bucket=bucket, Key=film, Body=b"x" * size)
    library.close()
    library = library_in(server, bucket, tmp_path / "home", samplers={"slides": {"gap": 7.0}})
    list(library.run())
    assert states(library) == ["ready"]
    assert client.get_object(Bucket=bucket, Key=film)["Body"].read() == before[film]


def test_a_bucket_that_is_away_for_a_while_in_the_middle_of_a_pass_is_waited_for(
    talk: Path, tmp_path: Path
) -> None:
    server = s3.new_s3rver()
    library = library_in(server, server.new_bucket(), tmp_path / "home")
    server.stop()
    back = threading.Timer(4.0, server.start)
    back.start()
    list(library.add([str(talk)]))
    back.join()
    assert states(library) == ["ready"]
    server.stop()


def test_a_bucket_that_stays_away_is_told_once_and_the_stage_is_tried_again(
    talk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "PATIENCE", 0.5)
    server = s3.new_s3rver()
    library = library_in(server, server.new_bucket(), tmp_path / "home")
    server.stop()
    [added] = library.add([str(talk)])
    assert added.status is not None
    [failure] = added.status.failures
    assert failure.error == "Unavailable"
    assert "does not answer" in failure.message
    assert failure.due is not None
    assert s3.KEY not in failure.message.removeprefix("the bucket s3://")
    assert states(library) == ["waiting"] or states(library) == ["failed"]
    server.start()
    list(library.add([str(talk)]))
    assert states(library) == ["ready"]
    server.stop()
    library.close()
    # nothing of the bucket is needed to see what there is
    again = library_in(server, "videos-nowhere", tmp_path / "home")
    assert len(again.videos()) == 1


def test_a_wrong_key_is_told_and_once_it_is_mended_everything_goes_on(
    talk: Path, tmp_path: Path
) -> None:
    server = s3.s3rver()
    bucket = server.new_bucket()
    wrong = {"blobs": {"access_key_id": "NOBODYATALL", "secret_access_key": "falsch-falsch"}}
    library = library_in(server, bucket, tmp_path / "home", **wrong)
    [added] = library.add([str(talk)])
    assert added.status is not None
    assert "refuses the key (InvalidAccessKeyId)" in added.status.failures[0].message
    assert "secret_access_key" in added.status.failures[0].hint
    library.close()
    library = library_in(server, bucket, tmp_path / "home")
    list(library.run())
    assert states(library) == ["ready"]


REFUSALS = {
    (403, "QuotaExceeded"): "no space left in the bucket",
    (507, "XMinioStorageFull"): "no space left in the bucket",
    (403, "SignatureDoesNotMatch"): "refuses the key (SignatureDoesNotMatch)",
    (403, "AccessDenied"): "may not read, write, list and delete",
    (404, "NoSuchBucket"): "there is no bucket",
    (503, "SlowDown"): "answers with an error",
}


@pytest.mark.parametrize("answer", REFUSALS, ids=lambda answer: answer[1])
def test_whatever_the_bucket_refuses_is_one_line_and_once_it_is_mended_everything_goes_on(
    answer: tuple[int, str], talk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "PATIENCE", 0.5)
    server = s3.moto()
    bucket = server.new_bucket()
    with s3.refusing(*answer) as endpoint:
        library = library_in(server, bucket, tmp_path / "home", blobs={"endpoint": endpoint})
        [added] = library.add([str(talk)])
        assert added.status is not None
        [failure] = added.status.failures
        assert REFUSALS[answer] in failure.message
        assert failure.hint
        assert failure.due is not None
        assert "AWS4" not in failure.message + failure.hint
        library.close()
    library = library_in(server, bucket, tmp_path / "home")
    list(library.add([str(talk)]))
    assert states(library) == ["ready"]


def test_media_that_are_not_kept_leave_the_bucket_and_come_again_when_they_are_needed(
    site: Site, tmp_path: Path
) -> None:
    server = s3.moto()
    bucket = server.new_bucket()
    library = library_in(server, bucket, tmp_path / "home", library={"keep_media": False})
    list(library.add([f"{site.url}/0"]))
    assert states(library) == ["ready"]
    assert not any(key.endswith(".mp4") for key in keys(server, bucket))
    assert list((tmp_path / "home" / "copies").rglob("*.mp4")) == []
    assert library.playable(library.find("sheep")) is None
    library.close()
    other = {"library": {"keep_media": False}, "samplers": {"slides": {"gap": 7.0}}}
    library = library_in(server, bucket, tmp_path / "home", **other)
    list(library.run())
    assert states(library) == ["ready"]
    assert not any(key.endswith(".mp4") for key in keys(server, bucket))


RANGES = {
    "bytes=0-": (206, 0, None),
    "bytes=0-0": (206, 0, 1),
    "bytes=100-199": (206, 100, 200),
    "bytes=-50": (206, -50, None),
    "bytes=5-999999999": (206, 5, None),
    "bytes=999999999-": (416, 0, 0),
    "bytes=-0": (416, 0, 0),
    "bytes=7-3": (200, 0, None),
    "bytes=0-1,5-6": (200, 0, None),
    "pages=1-2": (200, 0, None),
    "nonsense": (200, 0, None),
}


def test_the_player_reads_ranges_of_the_bucket(site: Site, clip: bytes, tmp_path: Path) -> None:
    server = s3.moto()
    bucket = server.new_bucket()
    library = library_in(server, bucket, tmp_path / "home")
    list(library.add([f"{site.url}/0"]))
    shutil.rmtree(tmp_path / "home" / "copies")
    video_id = library.find("sheep")
    url = f"/api/videos/{video_id}/media"
    with TestClient(
        create_app(library, keys_required=False), base_url=LOCAL, client=HERE
    ) as client:
        whole = client.get(url)
        assert whole.status_code == 200
        assert whole.content == clip
        assert whole.headers["accept-ranges"] == "bytes"
        assert whole.headers["content-type"] == "video/mp4"
        tag = whole.headers["etag"]
        for asked, (status, start, end) in RANGES.items():
            got = client.get(url, headers={"Range": asked})
            assert got.status_code == status, asked
            wanted = b"" if status == 416 else clip[start:end]
            assert got.content == wanted, asked
            assert int(got.headers["content-length"]) == len(wanted), asked
            if status == 206:
                first = start % len(clip)
                place = f"bytes {first}-{first + len(wanted) - 1}/{len(clip)}"
                assert got.headers["content-range"] == place, asked
        assert client.get(url, headers={"If-None-Match": tag}).status_code == 304
        same = client.get(url, headers={"Range": "bytes=1-2", "If-Range": tag})
        assert same.status_code == 206
        other = client.get(url, headers={"Range": "bytes=1-2", "If-Range": '"other"'})
        assert other.content == clip
        look = client.head(url)
        assert (look.status_code, look.content) == (200, b"")
        assert int(look.headers["content-length"]) == len(clip)
        film = next(key for key in keys(server, bucket) if key.endswith(".mp4"))
        server.client().delete_object(Bucket=bucket, Key=film)
        assert client.get(url).status_code == 404


KILLED = """
import os, signal, sys, threading
from tests.integration.test_bucket_library import library_in
from tests import s3
from pathlib import Path
server = s3.Server(lambda port: [], port=int(sys.argv[1]))
library = library_in(server, sys.argv[2], Path(sys.argv[3]))
threading.Timer(float(sys.argv[5]), lambda: os.kill(os.getpid(), signal.SIGKILL)).start()
list(library.add([sys.argv[4]]))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_killed_in_an_upload_nothing_is_half_there_and_the_next_pass_makes_it_whole(
    talk: Path, clip: bytes, tmp_path: Path
) -> None:
    server = s3.moto()  # s3rver shows what it is still putting together
    bucket = server.new_bucket()
    talk.write_bytes(clip + os.urandom(30_000_000))  # several parts
    whole = talk.stat().st_size
    for seconds in (1.8, 2.4):
        done = subprocess.run(
            [
                *(sys.executable, "-c", KILLED, str(server.port), bucket),
                *(str(tmp_path / "home"), str(talk), str(seconds)),
            ],
            check=False,
            cwd=s3.ROOT,
        )
        assert done.returncode == -signal.SIGKILL
        found = server.client().list_objects_v2(Bucket=bucket).get("Contents", [])
        films = [one for one in found if one["Key"].endswith(".mp4")]
        assert [one["Size"] for one in films] in ([], [whole])
    library = library_in(server, bucket, tmp_path / "home")
    list(library.run())
    list(library.add([str(talk)]))
    assert states(library) == ["ready"]
    found = server.client().list_objects_v2(Bucket=bucket)["Contents"]
    assert [one["Size"] for one in found if one["Key"].endswith(".mp4")] == [whole]


def snapshot(library: Library) -> dict[str, dict[str, str]]:
    """What each result of each video is."""
    return {
        video_id: {name: one.digest for name, one in library.ledger.results(video_id).items()}
        for video_id in library.ledger.video_ids()
    }


def test_a_library_moves_into_a_bucket_and_back_and_nothing_is_made_again(
    site: Site, talk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = s3.moto()
    bucket = server.new_bucket()
    (tmp_path / "home").mkdir()
    config = tmp_path / "home" / "video-rag.toml"
    table = "".join(f'{name} = "{value}"\n' for name, value in server.table().items())
    settings = '[guard]\nallow_private = true\n[pipeline]\nreader = "none"\n[blobs]\n' + table
    config.write_text(settings)
    library = Library(load_settings())
    list(library.add([f"{site.url}/0", str(talk)]))
    assert states(library) == ["ready", "ready"]
    page = Path(library.page(library.find("sheep")))
    page.write_text(page.read_text("utf-8") + "\nMy own note.\n", "utf-8")
    made, asked = snapshot(library), site.gets["/0.mp4"]
    library.close()

    def moved(to: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "video_rag", "migrate-blobs", "--to", to],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    for again in (False, True):
        said = moved(f"s3://{bucket}/moved")
        assert said.count("0 copied now") == (3 if again else 0), said
    assert f'url = "s3://{bucket}/moved/blobs"' in said
    lines = said.partition(":\n\n")[2]
    media, rest = lines.partition("[library]")[0::2]
    config.write_text(settings + media.partition("[blobs]")[2] + "\n[library]" + rest)
    assert config.read_text().count("s3://") == 3

    for name in ("blobs", "media", "documents"):
        shutil.rmtree(tmp_path / "home" / name)
    library = Library(load_settings())
    assert states(library) == ["ready", "ready"]
    list(library.run())
    assert states(library) == ["ready", "ready"]
    assert snapshot(library) == made
    assert site.gets["/0.mp4"] == asked
    assert library.document(library.find("farm")).sections
    note = str(library.page(library.find("sheep"))).removeprefix(f"s3://{bucket}/")
    body = server.client().get_object(Bucket=bucket, Key=note)["Body"].read()
    assert "My own note." in body.decode()
    library.close()

    said = moved(str(tmp_path / "home"))
    assert "take url out of [blobs]" in said
    config.write_text(settings)
    client = server.client()
    for key in keys(server, bucket):
        client.delete_object(Bucket=bucket, Key=key)
    library = Library(load_settings())
    assert states(library) == ["ready", "ready"]
    list(library.run())
    assert snapshot(library) == made
    assert site.gets["/0.mp4"] == asked
    assert "My own note." in page.read_text("utf-8")


def test_a_move_that_meets_no_bucket_says_so_and_changes_nothing(
    talk: Path, tmp_path: Path
) -> None:
    server = s3.moto()
    (tmp_path / "home").mkdir()
    table = "".join(f'{name} = "{value}"\n' for name, value in server.table().items())
    (tmp_path / "home" / "video-rag.toml").write_text(f"[blobs]\n{table}")
    library = Library(load_settings())
    list(library.add([str(talk)]))
    for to, code, said in (
        ("s3://no-such-bucket-here/x", 4, "there is no bucket s3://no-such-bucket-here"),
        ("oss://bucket/x", 2, "oss:// is written s3://bucket/prefix"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "video_rag", "migrate-blobs", "--to", to],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code
        assert said in done.stderr
    assert states(library) == ["ready"]


MOVED_AND_KILLED = """
import os, signal, sys, threading
from video_rag.library import Library
from video_rag.operations import moving
from video_rag.settings import load_settings
steps = int(sys.argv[2])
def tell(what, done, of):
    global steps
    steps -= 1
    if steps < 0:
        os.kill(os.getpid(), signal.SIGKILL)
for moved in moving.move(Library(load_settings()), sys.argv[1], tell):
    assert moved.missing == ()
"""


def test_a_move_that_is_killed_goes_on_and_the_library_is_whole_all_the_time(
    talk: Path, site: Site, tmp_path: Path
) -> None:
    server = s3.s3rver()
    bucket = server.new_bucket()
    (tmp_path / "home").mkdir()
    table = "".join(f'{name} = "{value}"\n' for name, value in server.table().items())
    (tmp_path / "home" / "video-rag.toml").write_text(
        f'[guard]\nallow_private = true\n[pipeline]\nreader = "none"\n[blobs]\n{table}'
    )
    library = Library(load_settings())
    list(library.add([f"{site.url}/0", str(talk)]))
    assert states(library) == ["ready", "ready"]
    made = snapshot(library)
    library.close()
    to, kills = f"s3://{bucket}/x", 0
    for steps in range(0, 40, 3):
        done = subprocess.run([sys.executable, "-c", MOVED_AND_KILLED, to, str(steps)], check=False)
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL
        kills += 1
    assert kills > 1
    assert done.returncode == 0
    moved_to = {"media": f"{to}/media", "documents": f"{to}/documents"}
    moved = Library(load_settings({"blobs": {"url": f"{to}/blobs"}, "library": moved_to}))
    assert states(moved) == ["ready", "ready"]
    list(moved.run())
    assert snapshot(moved) == made
