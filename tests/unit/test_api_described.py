"""The description for machines: each route has one, and real answers are as it says."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute
from jsonschema import Draft202012Validator
from starlette.testclient import TestClient

from serving import HERE
from talks import SHEEP, write_talk
from video_rag.api import create_app
from video_rag.api.app import PARTS
from video_rag.library import Library
from video_rag.operations import keys
from video_rag.settings import load_settings
from video_rag.testing.clips import tone

NO_JSON = {
    "GET /metrics",
    "GET /api/videos/{video_id}/media",
    "GET /api/videos/{video_id}/subtitles/{number}.vtt",
    "GET /api/images/{digest}",
    "POST /api/ask",
    "GET /api/requests/{request_id}/events",
}
NOTHING = {"DELETE /api/session", "DELETE /api/videos/{video_id}"}
OPEN = {"GET /health/live", "GET /health/ready", "POST /api/session", "DELETE /api/session"}


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    write_talk(tmp_path / "talks" / "sheep.srt", SHEEP)
    tone(tmp_path / "talks" / "sheep.wav", seconds=1)
    library = Library(load_settings())
    assert [item.error for item in library.add([str(tmp_path / "talks")])] == [None]
    yield library
    library.close()


@pytest.fixture
def client(library: Library) -> Iterator[TestClient]:
    app = create_app(library, keys_required=False)
    with TestClient(app, base_url="http://127.0.0.1", client=HERE) as client:
        yield client


@pytest.fixture
def described(client: TestClient) -> dict[str, Any]:
    """The description, in which objects have no field that it does not name."""
    whole: dict[str, Any] = client.get("/api/openapi.json").json()
    for model in whole["components"]["schemas"].values():
        model.setdefault("additionalProperties", False)
    return whole


def operations(described: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{method.upper()} {path}": operation
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
    }


def told(described: dict[str, Any], name: str, status: int) -> dict[str, Any]:
    """Media type → schema of an answer."""
    answers = operations(described)[name]["responses"]
    found = answers.get(str(status)) or answers["default"]
    return {kind: one["schema"] for kind, one in found.get("content", {}).items()}


def test_every_route_is_described(described: dict[str, Any]) -> None:
    routes = {
        f"{method} {route.path_format}"
        for part in PARTS
        for route in part.router.routes
        if isinstance(route, APIRoute) and route.include_in_schema
        for method in route.methods
    }
    assert routes == set(operations(described))


def test_every_route_says_what_it_gives(described: dict[str, Any]) -> None:
    for name, operation in operations(described).items():
        [status] = [code for code in operation["responses"] if code in {"200", "202", "204"}]
        given = told(described, name, int(status))
        if name in NOTHING:
            assert not given, name
        elif name in NO_JSON:
            assert given, name
            assert "application/json" not in given, name
        else:
            assert list(given) == ["application/json"], name
            schema = given["application/json"]
            assert "$ref" in (schema.get("items") or schema) or name == "GET /api/collections"
        assert operation["tags"], name
        assert operation["summary"], name
        assert operation["description"], name
        assert "422" not in operation["responses"], name  # ours are 400


def test_who_needs_a_key_is_told_how_to_send_one(
    described: dict[str, Any], library: Library
) -> None:
    schemes = described["components"]["securitySchemes"]
    assert (schemes["key"]["type"], schemes["key"]["scheme"]) == ("http", "bearer")
    assert (schemes["session"]["in"], schemes["session"]["name"]) == ("cookie", "video_rag_session")
    _, plain = keys.make(library.ledger, "alice", "admin")
    app = create_app(library, keys_required=True)
    with TestClient(app, base_url="http://127.0.0.1") as stranger:
        for name, operation in operations(described).items():
            method, path = name.split(" ")
            url = path.format(video_id="x", number=0, digest="x", request_id="x")
            is_open = stranger.request(method, url).status_code not in {401, 403}
            said = [] if is_open or name in OPEN else [{"key": []}, {"session": []}]
            assert operation.get("security", []) == said, name
        stranger.headers["Authorization"] = f"Bearer {plain}"
        assert stranger.get("/api/session").status_code == 200
        del stranger.headers["Authorization"]
        stranger.post("/api/session", json={"key": plain})
        assert stranger.get("/api/videos").status_code == 200


def requests(client: TestClient, url: str) -> Iterator[tuple[str, str, int, dict[str, Any]]]:
    """The routes of requests."""
    end(client)
    wish = {"json": {"kind": "add", "urls": [url]}, "headers": {"Idempotency-Key": "k"}}
    other = {"json": {"kind": "check"}, "headers": {"Idempotency-Key": "k"}}
    named, last = "/api/requests/{request_id}", client.get("/api/requests").json()[0]
    request = f"/api/requests/{last['request_id']}"
    yield "POST /api/requests", "/api/requests", 202, wish
    yield "POST /api/requests", "/api/requests", 409, other
    yield "POST /api/requests", "/api/requests", 400, {"json": {"kind": "sing"}}
    yield "GET /api/requests", "/api/requests", 200, {}
    yield "GET /api/requests", "/api/requests?limit=0", 400, {}
    yield f"GET {named}", f"{request}?wait=1", 200, {}
    yield f"GET {named}", "/api/requests/none", 404, {}
    yield f"GET {named}/events", f"{request}/events", 200, {}
    yield f"GET {named}/events", "/api/requests/none/events", 404, {}
    yield f"POST {named}/cancel", f"{request}/cancel", 200, {}
    yield f"POST {named}/retry", f"{request}/retry", 202, {}
    end(client)


def end(client: TestClient) -> None:
    """Wait until nothing is worked on."""
    while any(row["state"] in {"queued", "working"} for row in client.get("/api/requests").json()):
        time.sleep(0.05)


def calls(client: TestClient, library: Library) -> Iterator[tuple[str, str, int, dict[str, Any]]]:
    """Every route, well and badly called: its name, the path, the status, what is sent."""
    [sheep] = client.get("/api/videos").json()
    one = f"/api/videos/{sheep['video_id']}"
    picture = library.blobs.put(b"\xff\xd8\xff\xe0 a picture")
    page, asked = "/api/videos/{video_id}", {"question": "How often is the wool shorn?"}
    yield "GET /health/live", "/health/live", 200, {}
    yield "GET /metrics", "/metrics", 200, {}
    yield "GET /health/ready", "/health/ready", 200, {}
    yield "GET /api/session", "/api/session", 200, {}
    yield "POST /api/session", "/api/session", 401, {"json": {"key": "vr_x"}}
    yield "POST /api/session", "/api/session", 400, {"json": {}}
    yield "GET /api/videos", "/api/videos", 200, {}
    yield "GET /api/videos", "/api/videos?limit=0", 400, {}
    yield "GET /api/status", "/api/status", 200, {}
    yield "GET /api/collections", "/api/collections", 200, {}
    yield f"GET {page}", one, 200, {}
    yield f"GET {page}", "/api/videos/none", 404, {}
    yield f"GET {page}/media", f"{one}/media", 200, {}
    yield f"GET {page}/media", f"{one}/media", 206, {"headers": {"Range": "bytes=0-9"}}
    yield f"GET {page}/media", "/api/videos/none/media", 404, {}
    yield f"GET {page}/subtitles/{{number}}.vtt", f"{one}/subtitles/0.vtt", 200, {}
    yield f"GET {page}/subtitles/{{number}}.vtt", f"{one}/subtitles/9.vtt", 404, {}
    yield f"GET {page}/subtitles/{{number}}.vtt", f"{one}/subtitles/x.vtt", 400, {}
    yield "GET /api/images/{digest}", f"/api/images/{picture}", 200, {}
    yield "GET /api/images/{digest}", "/api/images/none", 404, {}
    yield "GET /api/search", "/api/search?q=wool", 200, {}
    yield "GET /api/search", "/api/search", 400, {}
    yield "POST /api/ask", "/api/ask", 200, {"json": asked}
    yield "POST /api/ask", "/api/ask", 400, {"json": {}}
    yield "POST /api/ask", "/api/ask", 413, {"content": b" " * 1_000_001}
    yield "POST /retrieval", "/retrieval", 200, {"json": {"query": "wool", "knowledge_id": "all"}}
    yield "POST /retrieval", "/retrieval", 404, {"json": {"query": "wool", "knowledge_id": "no"}}
    yield "POST /retrieval", "/retrieval", 400, {"json": {"query": 5}}
    elsewhere = {"headers": {"Sec-Fetch-Site": "cross-site"}}
    yield "POST /retrieval", "/retrieval", 403, elsewhere | {"json": {"query": "wool"}}
    yield "POST /api/videos", "/api/videos", 202, {"json": {"url": sheep["source"]}}
    yield "POST /api/videos", "/api/videos", 202, {"json": {"url": "http://127.0.0.1:9/x.mp4"}}
    yield "POST /api/videos", "/api/videos", 400, {"json": {"url": "javascript:1"}}
    yield f"POST {page}/retry", f"{one}/retry", 202, {}
    yield f"POST {page}/retry", "/api/videos/none/retry", 404, {}
    yield from requests(client, sheep["source"])
    yield f"DELETE {page}", one, 204, {}
    yield f"DELETE {page}", one, 404, {}
    yield "DELETE /api/session", "/api/session", 204, {}
    _, plain = keys.make(library.ledger, "reader", "read")
    yield "POST /api/session", "/api/session", 200, {"json": {"key": plain}}
    yield f"DELETE {page}", one, 403, {}
    yield "POST /api/videos", "/api/videos", 403, {"json": {"url": "https://example.org/x.mp4"}}


def test_real_answers_are_as_described(
    client: TestClient, library: Library, described: dict[str, Any]
) -> None:
    tried = set()
    for name, url, status, sent in calls(client, library):
        answer = client.request(name.split(" ")[0], url, **sent)
        assert answer.status_code == status, (name, url, answer.text)
        given = told(described, name, status)
        kind = answer.headers.get("content-type", "").partition(";")[0]
        if not given:
            assert answer.content == b"", name
        elif kind == "application/json":
            schema = given[kind] | {"components": described["components"]}
            Draft202012Validator(schema).validate(answer.json())
        else:
            assert {kind, f"{kind.partition('/')[0]}/*"} & set(given), (name, kind)
        if status < 300:
            tried.add(name)
    assert tried == set(operations(described))
