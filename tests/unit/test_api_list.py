"""The list of videos in parts, HEAD, Allow, and answers that are sent once."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from serving import HERE
from talks import SHEEP, write_talk
from video_rag.api import create_app
from video_rag.api.caching import is_known
from video_rag.library import Library, Wishes
from video_rag.settings import load_settings
from video_rag.stores import Failure, owner
from video_rag.testing.clips import tone


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of eight talks: `Zebra`, `apple`, `星` …, one in two collections, one with sound."""
    folder = tmp_path_factory.mktemp("list")
    library = Library(load_settings({"home": str(folder / "home")}))
    for number, title in enumerate(["Zebra", "apple", "星", "Éclair", "beta", "Gamma", "delta"]):
        path = write_talk(folder / f"talk{number}.srt", [*SHEEP, f"Talk number {number}."])
        list(library.add([str(path)], Wishes("fruit" if title == "apple" else None, title)))
    last = str(folder / "talk6.srt")
    list(library.add([last], Wishes("greek")))
    list(library.add([last], Wishes("also|odd")))
    write_talk(folder / "tone" / "beep.srt", SHEEP)
    tone(folder / "tone" / "beep.wav", 20.0)
    list(library.add([str(folder / "tone" / "beep.wav")]))
    library.close()
    shutil.copytree(folder / "home", folder / "as it was")
    return folder


@pytest.fixture
def library(made: Path) -> Iterator[Library]:
    shutil.rmtree(made / "home")
    shutil.copytree(made / "as it was", made / "home")
    library = Library(load_settings({"home": str(made / "home")}))
    yield library
    library.close()


@pytest.fixture
def client(library: Library) -> Iterator[TestClient]:
    app = create_app(library, keys_required=False)
    with TestClient(app, base_url="http://127.0.0.1", client=HERE) as client:
        yield client


def titles(client: TestClient, **wanted: str | int) -> list[str]:
    answer = client.get("/api/videos", params=wanted)
    assert answer.status_code == 200, answer.text
    return [row["title"] for row in answer.json()]


def test_the_parts_make_up_the_whole(client: TestClient, library: Library) -> None:
    whole = [status.video.title for status in library.videos()]
    assert titles(client) == whole
    for size in (1, 3, 100):
        url, found = f"/api/videos?limit={size}", list[str]()
        while url:
            answer = client.get(url)
            assert answer.headers["x-total-count"] == str(len(whole))
            found += [row["title"] for row in answer.json()]
            url = answer.links["next"]["url"] if "next" in answer.links else ""
            url = f"/api/videos{url}" if url else ""
        assert found == whole, size
    assert titles(client, offset=10_000) == []


def test_they_are_sorted(client: TestClient) -> None:
    assert titles(client, sort="-added") == titles(client)[::-1]
    latin = [name for name in titles(client, sort="title") if name.isascii()]
    assert latin == sorted(latin, key=str.lower)
    assert titles(client, sort="-duration", limit=1) == titles(client, sort="duration")[-1:]
    assert set(titles(client, sort="-published")) == set(titles(client, sort="published"))


def test_they_are_chosen_by_words_collection_and_state(client: TestClient) -> None:
    assert titles(client, text="ZEBRA") == ["Zebra"]
    assert titles(client, text="talk3.srt") == ["Éclair"]
    assert titles(client, text="星") == ["星"]
    assert titles(client, text="%") == titles(client, text="_") == []
    assert titles(client, collection="fruit") == ["apple"]
    assert titles(client, collection="greek") == titles(client, collection="also|odd") == ["delta"]
    assert titles(client, collection="gree") == titles(client, collection="Fruit") == []
    assert client.get("/api/collections").json() == {
        "also|odd": 1,
        "default": 6,
        "fruit": 1,
        "greek": 1,
    }


def test_states_are_those_of_the_list(client: TestClient, library: Library) -> None:
    ids = [status.video.video_id for status in library.videos()]

    def spoil(video_id: str) -> str:
        """Let its last stage be due, and say its key."""
        page = library.ledger.results(video_id)["document"]
        library.ledger.lose(page.digest)
        return page.key

    for video_id in ids[:4]:
        key = spoil(video_id)
        if video_id != ids[3]:
            due = None if video_id == ids[0] else time.time() + 1000
            failure = Failure("compose", key, "X", "broke", "mend it", 1, due)
            library.ledger.fail(video_id, failure)
    library.ledger.claim(ids[2], "compose", owner.me(), 100.0)
    states = {status.video.video_id: status.state for status in library.videos()}
    for state in ("ready", "working", "waiting", "failed", "queued"):
        for _ in range(2):
            rows = client.get("/api/videos", params={"state": state}).json()
            expected = [name for name in ids if states[name] == state]
            assert [row["video_id"] for row in rows] == expected, state
    assert set(states.values()) == {"ready", "working", "waiting", "failed", "queued"}


@pytest.mark.parametrize(
    "wanted",
    [
        *("limit=0", "limit=1001", "limit=x", "offset=-1", "sort=size", "state=lost", "page=2"),
        "offset=99999999999999999999",
    ],
)
def test_what_no_list_has_is_refused(client: TestClient, wanted: str) -> None:
    assert client.get(f"/api/videos?{wanted}").status_code == 400


# sent once


def test_what_did_not_change_is_not_sent_again(client: TestClient, library: Library) -> None:
    first = client.get("/api/videos")
    tag = {"If-None-Match": first.headers["etag"]}
    again = client.get("/api/videos", headers=tag)
    assert (again.status_code, again.content) == (304, b"")
    assert client.get("/api/videos?limit=1", headers=tag).status_code == 200
    library.remove(first.json()[0]["video_id"])
    changed = client.get("/api/videos", headers=tag)
    assert changed.status_code == 200
    assert len(changed.json()) == len(first.json()) - 1


def test_the_list_is_compressed_for_who_reads_that(client: TestClient) -> None:
    packed = client.get("/api/videos", headers={"Accept-Encoding": "br, gzip"})
    plain = client.get("/api/videos", headers={"Accept-Encoding": "gzip;q=0"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.json() == plain.json()
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"])


def test_media_and_what_is_beside_them_are_not_sent_again(
    client: TestClient, library: Library
) -> None:
    [beep] = client.get("/api/videos?text=beep").json()
    at = f"/api/videos/{beep['video_id']}"
    picture = library.blobs.put(b"\xff\xd8\xff\xe0 a picture")
    for path in (f"{at}/media", f"{at}/subtitles/0.vtt", f"/api/images/{picture}", "/app.js"):
        first = client.get(path)
        tag = first.headers["etag"]
        for known in (tag, f'"x", {tag}', f"W/{tag.removeprefix('W/')}", "*"):
            again = client.get(path, headers={"If-None-Match": known})
            assert (again.status_code, again.content) == (304, b""), (path, known)
            if path == "/app.js":
                break  # the framework's own, which knows this form
        assert client.get(path, headers={"If-None-Match": '"x"'}).content == first.content
    part = {"Range": "bytes=0-9", "If-Range": client.get(f"{at}/media").headers["etag"]}
    assert client.get(f"{at}/media", headers=part).status_code == 206


def test_tags_are_compared_weakly() -> None:
    assert is_known('W/"a", "b"', '"a"')
    assert is_known('"b"', 'W/"b"')
    assert is_known(" * ", '"b"')
    assert not is_known(None, '"b"')
    assert not is_known('"ab"', '"b"')
    assert not is_known("b", '"b"')


# methods


def test_head_is_answered_wherever_get_is(client: TestClient, library: Library) -> None:
    [beep] = client.get("/api/videos?text=beep").json()
    picture = library.blobs.put(b"\xff\xd8\xff\xe0 a picture")
    client.post(f"/api/videos/{beep['video_id']}/retry")
    [request] = client.get("/api/requests").json()
    asked = request["request_id"]
    client.get(f"/api/requests/{asked}?wait=60")
    values = {
        "video_id": beep["video_id"],
        "number": 0,
        "digest": picture,
        "request_id": asked,
    }
    paths = [
        path.format(**values)
        for path, methods in client.get("/api/openapi.json").json()["paths"].items()
        if "get" in methods
    ]
    assert len(paths) >= 10
    for path in [*paths, "/", "/app.js", "/api/openapi.json"]:
        query = "?q=wool" if path == "/api/search" else ""
        got, looked = client.get(path + query), client.head(path + query)
        assert got.status_code == 200, path
        assert (looked.status_code, looked.content) == (200, b""), path
        lengths = () if path == "/metrics" else ("content-length",)  # it counts what was just asked
        for name in ("content-type", "etag", *lengths):
            assert looked.headers.get(name) == got.headers.get(name), (path, name)
    assert client.head("/api/videos/none").status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/api/videos", "GET, HEAD, POST"),
        ("PATCH", "/api/videos/x", "DELETE, GET, HEAD"),
        ("DELETE", "/api/search", "GET, HEAD"),
        ("GET", "/api/ask", "POST"),
        ("HEAD", "/api/ask", "POST"),
        ("PUT", "/api/session", "DELETE, GET, HEAD, POST"),
        ("GET", "/retrieval", "POST"),
        ("POST", "/health/live", "GET, HEAD"),
        ("POST", "/", "GET, HEAD"),
        ("DELETE", "/app.js", "GET, HEAD"),
    ],
)
def test_another_method_is_told_which_there_are(
    client: TestClient, method: str, path: str, allowed: str
) -> None:
    answer = client.request(method, path)
    assert answer.status_code == 405
    assert answer.headers["allow"] == allowed


def test_a_path_that_is_none_has_no_methods(client: TestClient) -> None:
    for method in ("GET", "POST", "PUT", "DELETE"):
        assert client.request(method, "/api/nothing").status_code == 404, method
