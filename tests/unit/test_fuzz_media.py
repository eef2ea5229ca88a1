"""A short run of the fuzz of media files; the long one is `fuzz/media.py`."""

from __future__ import annotations

from pathlib import Path

from loading import loaded

FUZZ = Path(__file__).resolve().parents[2] / "fuzz" / "media.py"


def test_mutated_media_files_are_read_or_refused() -> None:
    assert loaded(FUZZ, "fuzz_media").main(30, 1_000) == 0
