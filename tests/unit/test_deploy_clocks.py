"""What calls `tick` from outside: functions of clouds, systemd's timers, cron's file."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from loading import loaded
from talks import SHEEP, STARS, write_talk
from video_rag.library import Library
from video_rag.library.watching.watch import Changes
from video_rag.settings import load_settings
from video_rag.text import cron

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
UNITS = sorted((DEPLOY / "systemd").iterdir())
SCHEDULED = {  # as EventBridge Scheduler and its rules send it
    "version": "0",
    "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
    "detail-type": "Scheduled Event",
    "source": "aws.events",
    "account": "123456789012",
    "time": "2026-11-27T16:25:00Z",
    "region": "us-east-1",
    "resources": ["arn:aws:events:us-east-1:123456789012:rule/video-rag-tick"],
    "detail": {},
}
TIMED = {"triggerTime": "2026-11-27T16:25:00Z", "triggerName": "video-rag-tick", "payload": ""}


class LambdaContext:
    aws_request_id = "1e2d3c"

    def __init__(self, seconds: float = 60.0) -> None:
        self.seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds * 1000)


def fc_context(seconds: int = 60) -> SimpleNamespace:
    return SimpleNamespace(request_id="r-1", function=SimpleNamespace(name="tick", timeout=seconds))


@pytest.fixture
def function(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(DEPLOY / "function"))
    return loaded(DEPLOY / "function" / "ticking.py", "ticking")


@pytest.fixture
def lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    """A library that watches three folders with a talk each, and its settings in variables."""
    monkeypatch.setenv("VIDEO_RAG_HOME", str(tmp_path / "home"))
    library = Library(load_settings())
    for name in ("a", "b", "c"):
        folder = tmp_path / name
        folder.mkdir()
        talk = write_talk(folder / "talk.srt", [f"{name}: {line}" for line in (*SHEEP, *STARS)])
        os.utime(talk, (1_700_000_000, 1_700_000_000))  # else it may be written to still
        library.watch.add(str(folder), Changes())
    yield library
    library.close()


def test_aws_lambda_looks_at_lists_and_leaves_the_work_to_others(
    function: ModuleType, lists: Library, capsys: pytest.CaptureFixture[str]
) -> None:
    aws = loaded(DEPLOY / "function" / "aws_lambda.py", "aws_lambda")
    told = aws.handler(SCHEDULED, LambdaContext())
    assert (told["checked"], told["new"], told["code"]) == (3, 3, 0)
    assert told["summary"] == "3 lists looked at, 3 new"
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(told))
    assert [status.state for status in lists.videos()] == ["queued"] * 3
    assert aws.handler(SCHEDULED, LambdaContext())["summary"] == "nothing is due"


def test_function_compute_is_told_the_same_as_json(function: ModuleType, lists: Library) -> None:
    alibaba = loaded(DEPLOY / "function" / "alibaba_fc.py", "alibaba_fc")
    told = json.loads(alibaba.handler(json.dumps(TIMED).encode(), fc_context()))
    assert (told["checked"], told["new"], told["is_cut_short"]) == (3, 3, False)


def test_a_function_whose_time_is_over_leaves_the_rest_to_the_next(
    function: ModuleType, lists: Library
) -> None:
    aws = loaded(DEPLOY / "function" / "aws_lambda.py", "aws_lambda")
    first = aws.handler(SCHEDULED, LambdaContext(seconds=1.0))
    assert (first["checked"], first["is_cut_short"]) == (1, True)
    rest = aws.handler(SCHEDULED, LambdaContext())
    assert (rest["checked"], rest["new"]) == (2, 2)


def test_a_function_that_cannot_work_says_why_in_a_line(
    function: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("VIDEO_RAG_HOME", str(tmp_path / "file"))
    aws = loaded(DEPLOY / "function" / "aws_lambda.py", "aws_lambda")
    with pytest.raises(function.Failed) as caught:
        aws.handler(SCHEDULED, LambdaContext())
    assert str(tmp_path / "file") in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_systemd_understands_the_units(unit: Path, tmp_path: Path) -> None:
    for one in UNITS:  # a timer is looked at with its service
        here = one.read_text(encoding="utf-8").replace("/usr/local/bin/video-rag", sys.executable)
        (tmp_path / one.name).write_text(here, encoding="utf-8")
    command = ["systemd-analyze", "verify", "--man=no", str(tmp_path / unit.name)]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (told.returncode, told.stderr) == (0, "")


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
@pytest.mark.parametrize(
    "unit", [unit for unit in UNITS if unit.suffix == ".service"], ids=lambda path: path.name
)
def test_a_service_runs_without_rights_it_does_not_need(unit: Path) -> None:
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=20", str(unit)]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout
    assert "User=video-rag" in unit.read_text(encoding="utf-8").splitlines()


def test_the_lines_for_cron_name_times_a_user_and_commands_that_there_are() -> None:
    from video_rag.cli.commands import COMMANDS

    text = (DEPLOY / "cron" / "video-rag").read_text(encoding="utf-8")
    lines = [line.split(maxsplit=6) for line in text.splitlines() if line[:1] in "*0123456789"]
    lines = [line for line in lines if line]
    assert len(lines) == 2
    for *times, user, command in lines:
        assert cron.check(" ".join(times))
        assert user == "video-rag"
        name = command.split("video-rag ")[1].split()[0]
        assert name in COMMANDS
