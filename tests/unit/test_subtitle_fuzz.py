"""A few hundred of the damaged subtitles that `make fuzz` tries by the thousand."""

from __future__ import annotations

import importlib.util
from pathlib import Path

FUZZ = Path(__file__).parents[2] / "fuzz" / "subtitles.py"


def test_no_damaged_subtitle_crashes_or_loses_an_untouched_cue_in_silence(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("fuzz_subtitles", FUZZ)
    assert spec is not None
    assert spec.loader is not None
    fuzz = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fuzz)
    assert [fault for seed in range(300) if (fault := fuzz.one(seed, tmp_path))] == []
