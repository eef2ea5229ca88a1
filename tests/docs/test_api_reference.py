"""The page about the API names every path, and none that is not there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI

from video_rag.api import create_app
from video_rag.library import Library
from video_rag.settings import load_settings

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "api.md"
ROW = re.compile(r"^\| `(GET|POST|DELETE) ([^`?]+)[^`]*`[^|]*\| (\w+) \|", re.MULTILINE)


@pytest.fixture
def app() -> Iterator[FastAPI]:
    library = Library(load_settings())
    yield create_app(library, keys_required=True)
    library.close()


def described() -> dict[tuple[str, str], str]:
    """(method, path) → role."""
    text = PAGE.read_text(encoding="utf-8")
    return {(method, path): role for method, path, role in ROW.findall(text)}


def test_every_path_is_described_and_no_other(app: FastAPI) -> None:
    routes = {
        (method.upper(), path)
        for path, methods in app.openapi()["paths"].items()
        for method in methods
    }
    assert set(described()) == routes | {("GET", "/api/openapi.json")}


def test_the_roles_are_those_that_the_page_names(app: FastAPI) -> None:
    from starlette.testclient import TestClient

    with TestClient(app, base_url="http://127.0.0.1") as client:
        for (method, path), role in described().items():
            status = client.request(
                method, path.format(video_id="x", number=0, digest="x", request_id="x")
            )
            is_open = role == "none"
            refused = 403 if path == "/retrieval" else 401  # the one that Dify notices
            assert (status.status_code == refused) is not is_open, (method, path)


def test_the_fields_of_the_page_are_those_of_the_answers() -> None:
    text = PAGE.read_text(encoding="utf-8")
    rows = Path(__file__).resolve().parents[2] / "src" / "video_rag" / "operations" / "rows.py"
    for field in re.findall(
        r'^ +"(\w+)": (?:video|chunk|citation|answer)', rows.read_text(), re.MULTILINE
    ):
        assert field in text, field
