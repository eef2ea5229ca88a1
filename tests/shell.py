"""The command line as people use it, run in the test's own process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from video_rag.cli import main


class Shell:
    """Runs `video-rag …` and keeps what it printed."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.out = ""
        self.err = ""

    def __call__(self, *arguments: str | Path, code: int | None = 0) -> str:
        """What it prints; it must end with `code`, where that is not None."""
        got = main([str(argument) for argument in arguments])
        self.out, self.err = self._capsys.readouterr()
        assert code in {got, None}, self.out + self.err
        return self.out

    def json(self, *arguments: str | Path, code: int | None = 0) -> Any:
        """What it prints for programs."""
        return json.loads(self(*arguments, "--json", code=code))

    def titles(self) -> list[str]:
        """The titles of all videos."""
        return [row["title"] for row in self.json("list")]

    def found(self, words: str) -> list[str]:
        """The texts that a search gives."""
        return [hit["text"] for hit in self.json("search", words)]

    @property
    def complaint(self) -> str:
        """What is said on the error stream, on one line."""
        return " ".join(self.err.split())


def reading_shell(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Shell:
    """A shell whose settings take words from subtitles alone, and no pictures."""
    settings = tmp_path / "settings.toml"
    settings.write_text('[pipeline]\ntranscribers = ["subtitles"]\nsampler = "none"\n')
    monkeypatch.setenv("VIDEO_RAG_CONFIG", str(settings))
    return Shell(capsys)
