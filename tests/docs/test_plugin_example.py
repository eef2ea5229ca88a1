"""The example plug-in works as a package of its own, found through its entry point."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
EXAMPLE = ROOT / "examples" / "plugin-renderer"

TALK = """\
1
00:00:00,000 --> 00:00:30,000
Everything has a name made from its content.

2
00:00:30,000 --> 00:01:00,000
Equal things have equal names, so nothing is kept twice.
"""


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder with what an installation of the example puts there; no network is needed."""
    site = tmp_path / "site"
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    info = site / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    groups = project["entry-points"].items()
    lines = [
        line
        for group, points in groups
        for line in (f"[{group}]", *(f"{name} = {target}" for name, target in points.items()))
    ]
    (info / "entry_points.txt").write_text("\n".join(lines))
    shutil.copy(EXAMPLE / "video_rag_chapters.py", site)
    return site


def run(site: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(site), "COLUMNS": "100"}
    return subprocess.run(
        [sys.executable, "-m", "video_rag", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_is_listed_with_its_option(installed: Path, tmp_path: Path) -> None:
    assert "chapters" in run(installed, tmp_path, "plugins", "renderers").stdout
    assert "shortest" in run(installed, tmp_path, "plugins", "renderers.chapters").stdout


def test_it_writes_chapter_marks(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "talk.srt").write_text(TALK)
    added = run(installed, tmp_path, "add", "talk.srt")
    assert added.returncode == 0, added.stderr
    done = run(installed, tmp_path, "export", "talk", "--format", "chapters", "--to", "out")
    assert done.returncode == 0, done.stderr
    (written,) = (tmp_path / "out").glob("*.chapters.txt")
    assert written.read_text(encoding="utf-8").startswith("0:00 ")


def test_a_wrong_option_is_refused_by_name(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "talk.srt").write_text(TALK)
    (tmp_path / "video-rag.toml").write_text("[renderers.chapters]\nshort = 1\n")
    run(installed, tmp_path, "add", "talk.srt")
    done = run(installed, tmp_path, "export", "talk", "--format", "chapters", "--to", "out")
    assert done.returncode == 2
    assert "short" in done.stderr
