"""What every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def shared() -> Path:
    """The folder of real material beside the project; the test skips without it."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("needs the files in ../shared, which lie beside the project, not in it")
    return folder


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of the person who runs the tests reaches them."""
    for name in list(os.environ):
        if name.startswith(("VIDEO_RAG_", "DIFY_")) or name in {
            "VIDEO_SAVE_PATH",
            "DOC_SAVE_PATH",
            "COOKIE_FILE_PATH",
        }:
            monkeypatch.delenv(name)
    monkeypatch.setenv("VIDEO_RAG_HOME", str(tmp_path / "home"))
