"""What the how-to on sources tells people to write down is what programs take."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cronsim import CronSim
from typer.main import get_command

from video_rag.cli import app
from video_rag.plugins import read_options
from video_rag.settings import load_settings
from video_rag.sources.walls import COOLING, STATUSES, WALLS

FOLDER = Path(__file__).resolve().parent.parent.parent / "docs" / "how-to"
PROGRAM = "/home/you/video-rag/.venv/bin/video-rag"
each_page = pytest.mark.parametrize("name", ["sources.md", "sources.zh-CN.md"])


def text_of(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def blocks(name: str, language: str) -> list[str]:
    """The code blocks of a language; there is one at least."""
    found = re.findall(rf"^```{language}\n(.*?)^```", text_of(name), re.DOTALL | re.MULTILINE)
    assert found
    return found


def options_of(command: list[str]) -> tuple[list[str], set[str]]:
    """The command that words name, and the options that it has."""
    here: Any = get_command(app)
    path = []
    for word in command:
        if word not in getattr(here, "commands", {}):
            break
        here = here.commands[word]
        path.append(word)
    return path, {option for parameter in here.params for option in parameter.opts}


@each_page
def test_every_toml_block_is_read_by_the_settings(name: str, tmp_path: Path) -> None:
    for block in blocks(name, "toml"):
        (tmp_path / "video-rag.toml").write_text(block, encoding="utf-8")
        settings = load_settings(env={"HOME": str(tmp_path)}, cwd=tmp_path)
        read_options("sources", "ytdlp", settings.sources.get("ytdlp", {}))
        assert str(tmp_path / "video-rag.toml") in settings.origins.values()


@each_page
def test_every_command_has_the_options_that_are_named(name: str) -> None:
    shown = re.findall(r"^\$ (.*)$", "".join(blocks(name, "console")), re.MULTILINE)
    inline = re.findall(r"`(video-rag [^`\n]+)`", text_of(name))
    lines = "\n".join([*blocks(name, "sh"), *shown, *inline])
    commands = re.findall(r"\bvideo-rag ([a-z][^|#\n]*)", lines)
    assert len(commands) > 20
    for command in commands:
        words = shlex.split(command)
        path, options = options_of(words)
        assert path, command
        named = {word for word in words if word.startswith("--")}
        assert named <= options | {"--help"}, command


@each_page
def test_cron_lines_are_times_and_a_command(name: str) -> None:
    lines = "".join(blocks(name, "cron")).splitlines()
    for line in lines:
        *fields, command = line.split(maxsplit=5)
        next(CronSim(" ".join(fields), datetime(2026, 1, 1, tzinfo=UTC)))
        assert command.startswith(f"{PROGRAM} ")
        assert options_of(command.split()[1:])[0]
    assert len(lines) == 2


@each_page
@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
def test_systemd_takes_the_units(name: str, tmp_path: Path) -> None:
    service, timer = blocks(name, "ini")
    assert f"ExecStart={PROGRAM} run\n" in service
    # The program and the user of the example are not on this machine.
    service = service.replace(PROGRAM, sys.executable).replace("User=you", "User=root")
    (tmp_path / "video-rag.service").write_text(service, encoding="utf-8")
    (tmp_path / "video-rag.timer").write_text(timer, encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", "./video-rag.service", "./video-rag.timer"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@each_page
def test_every_wall_is_told_and_those_that_cool_a_site_down_are_marked(name: str) -> None:
    rows = re.findall(r"^\|[^|]+\| (● )?((?:`[a-z-]+`(?:, |、)?)+) \|", text_of(name), re.MULTILINE)
    told = {reason: bool(mark) for mark, cell in rows for reason in re.findall(r"[a-z-]+", cell)}
    walls = {wall.reason for wall in (*WALLS, *STATUSES.values())}
    assert walls - set(told) == set()
    assert {reason for reason, marked in told.items() if marked} == COOLING


def test_both_pages_show_the_same_commands_and_settings() -> None:
    english, chinese = (
        [
            re.sub(r" *#.*", "", line)
            for language in ("toml", "console", "cron")
            for line in "".join(blocks(name, language)).splitlines()
            if not re.match(r"#", line)
        ]
        for name in ("sources.md", "sources.zh-CN.md")
    )
    assert english == chinese
