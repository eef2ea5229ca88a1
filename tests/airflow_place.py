"""Airflow for tests: an environment of its own for 3 and for 2.11, made as their locks say.

They lie beside `.venv` as `.airflow3` and `.airflow2`, and are made once; a test that needs one
skips where it cannot be made: no uv, no way to the package index, a Python that is too new for it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "deploy" / "airflow"
DAGS = DEPLOY / "dags"
NEWEST = {2: (3, 12), 3: (3, 14)}
"""The newest Python that each Airflow is made for."""
FAB = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"


@dataclass(frozen=True)
class Airflow:
    """One version of Airflow, and a home for it."""

    python: Path
    home: Path

    def environment(self, **more: str) -> dict[str, str]:
        """What its commands are run with: nothing of the person who runs the tests."""
        return {
            "PATH": f"{self.python.parent}:/usr/bin:/bin",
            "HOME": str(self.home),
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__PARALLELISM": "2",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONWARNINGS": "ignore",
            "NO_PROXY": "127.0.0.1",
            **more,
        }

    def run(self, *command: str, seconds: float = 240, **more: str) -> str:
        """What a command of this environment writes; fails the test when the command fails."""
        ended = subprocess.run(
            [str(self.python), *command],
            env=self.environment(**more),
            cwd=self.home,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout + ended.stderr


def environment(version: int) -> Path:
    """The Python of `.airflow<version>`, which is made when its lock has changed; else skips."""
    if sys.version_info[:2] > NEWEST[version]:
        pytest.skip(f"Airflow {version} is not made for this Python")
    folder = ROOT / f".airflow{version}"
    lock = DEPLOY / f"requirements-{version}.lock"
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    stamp = folder / ".lock-done"
    with (ROOT / f".airflow{version}.making").open("w") as making:
        fcntl.flock(making, fcntl.LOCK_EX)  # another worker of the tests makes the same
        if not stamp.is_file() or stamp.read_text() != wanted:
            _make(folder, lock)
            stamp.write_text(wanted)
    return folder / "bin" / "python"


def _make(folder: Path, lock: Path) -> None:
    uv = shutil.which("uv") or str(ROOT / ".boot" / "bin" / "uv")
    shutil.rmtree(folder, ignore_errors=True)
    python = str(folder / "bin" / "python")
    for command in (
        ["venv", "--quiet", "--python", sys.executable, str(folder)],
        ["pip", "install", "--quiet", "--python", python, "-r", str(lock)],
    ):
        env = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
        try:
            ended = subprocess.run(
                [uv, *command], env=env, capture_output=True, text=True, check=False, timeout=280
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            pytest.skip(f"Airflow's environment cannot be made: {error}")
        if ended.returncode:
            last = (ended.stderr.strip().splitlines() or ["?"])[-1]
            pytest.skip(f"Airflow's environment cannot be made: {last}")
