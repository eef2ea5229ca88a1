"""report performance: where the time goes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from talks import SHEEP, write_talk
from video_rag.cli import app
from video_rag.library import Library
from video_rag.operations.performance import performance
from video_rag.settings import load_settings
from video_rag.stores.activity import Ended


def test_time_is_told_by_stage_site_and_length(tmp_path: Path) -> None:
    library = Library(load_settings({"home": str(tmp_path / "home")}, env={}))
    list(library.add([str(write_talk(tmp_path / "sheep.srt", SHEEP))]))
    slow = Ended("youtube:1", "listen", "whisper", "failed", 3600.0)
    library.ledger.activity.keep("gpu:1", [slow, slow], {})
    row = performance(library, 1)
    library.close()
    first = row["by_stage"][0]
    assert (first["name"], first["failed"], first["longest"]) == ("listen", 2, 3600.0)
    assert first["share"] > 0.99
    assert {one["name"] for one in row["by_site"]} == {"youtube", "file"}
    assert [one["name"] for one in row["by_length"]][-1] == "unknown"
    by_site = sum(one["seconds"] for one in row["by_site"])
    assert by_site == pytest.approx(sum(one["seconds"] for one in row["by_stage"]))


def test_the_command_draws_it(tmp_path: Path) -> None:
    home = {"VIDEO_RAG_HOME": str(tmp_path / "home"), "COLUMNS": "160"}
    run = CliRunner(env=home)
    assert "No stage ended" in run.invoke(app, ["report", "performance"]).output
    library = Library(load_settings({"home": str(tmp_path / "home")}, env={}))
    library.ledger.activity.keep(
        "host:1",
        [
            Ended("file:1", "listen", "whisper", "done", 900.0),
            Ended("file:1", "read", "rapidocr", "done", 450.0),
        ],
        {},
    )
    library.close()
    said = run.invoke(app, ["report", "performance"]).output
    assert "█" * 24 in said
    assert "67%" in said
    row = json.loads(run.invoke(app, ["report", "performance", "--json"]).output)
    assert [one["name"] for one in row["by_stage"]] == ["listen", "read"]
