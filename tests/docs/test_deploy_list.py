"""deploy/README.md says of everything in deploy/ how it is proved, and by tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in (DEPLOY / "README.md").read_text("utf-8").splitlines()
    if line.startswith("| ") and not line.startswith("| what |")
]


def test_everything_has_a_row() -> None:
    named = "\n".join(row[0] for row in ROWS)
    there = {one.name for one in DEPLOY.iterdir()} - {"README.md", "__pycache__"}
    # what a deployment on this machine leaves there is no part of the project
    there -= {name for name in there if name.startswith(".") and name != ".env.example"}
    there -= {name for name in there if name.endswith(".log")} | {"backups"}
    assert {name for name in there if f"`{name}" not in named} == set()


def exists(name: str) -> bool:
    """A file of tests, or a target of the Makefile."""
    if name.startswith("make "):
        return f"\n{name.removeprefix('make ')}: " in (ROOT / "Makefile").read_text("utf-8")
    return (ROOT / name).exists()


def test_every_row_names_a_test_that_exists() -> None:
    for what, proof, tests in ROWS:
        assert proof, what
        paths = re.findall(r"`([^`]+)`", tests)
        assert paths or tests == "as above", what
        assert [path for path in paths if not exists(path)] == [], what
