"""`video-rag selftest` against the real server: what works, and what it says where it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from serving import served
from shell import Shell, reading_shell
from video_rag.library import Library
from video_rag.operations import keys
from video_rag.settings import load_settings


@pytest.fixture
def run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Shell:
    return reading_shell(capsys, monkeypatch, tmp_path)


def test_the_sample_goes_all_the_way_and_leaves_nothing(run: Shell, tmp_path: Path) -> None:
    library = Library(load_settings())
    with served(library) as server:
        steps = run.json("selftest", "--url", server.url)
    assert [(one["name"], one["is_ok"]) for one in steps] == [
        ("ready", True),
        ("added", True),
        ("asked (en)", True),
        ("asked (zh)", True),
        ("published (embedded)", True),
        ("taken out", True),
    ]
    assert library.ledger.video_ids() == []
    assert not (tmp_path / "home" / "selftest").exists()
    assert list((tmp_path / "home" / "documents").glob("*")) == []
    library.close()


def test_what_fails_is_told_and_nothing_stays(run: Shell, tmp_path: Path) -> None:
    library = Library(load_settings())
    _, reader = keys.make(library.ledger, "reader", "read")
    _, admin = keys.make(library.ledger, "admin", "admin")
    with served(library, keys_required=True) as server:
        told = run("selftest", "--url", server.url, code=4)
        assert "✓ ready" in told
        assert "✗ added" in told
        assert "hint:" in told
        (tmp_path / "key").write_text(reader)
        told = run("selftest", "--url", server.url, "--key-file", tmp_path / "key", code=4)
        assert "✗ added" in told
        assert reader not in told
        run("selftest", "--url", server.url, "--key", admin)
    assert library.ledger.video_ids() == []
    assert not (tmp_path / "home" / "selftest").exists()
    library.close()
    told = run("selftest", "--url", "http://127.0.0.1:1", code=4)
    assert "✗ ready" in told
