"""A few hundred of the damaged subtitles that `make fuzz` tries by the thousand, and its check."""

from __future__ import annotations

from pathlib import Path

import pytest
from fuzz import kinds, subtitles

from video_rag.model import Segment, Transcript


def test_no_damaged_subtitle_crashes_or_loses_an_untouched_cue_in_silence(tmp_path: Path) -> None:
    cases = [subtitles.made(f"0:{number}") for number in range(300)]
    faults = {case.number: subtitles.fault(case, tmp_path / f"talk.{case.kind}") for case in cases}
    assert {number: wrong for number, wrong in faults.items() if wrong} == {}


def test_a_damaged_file_is_made_again_by_its_number() -> None:
    assert subtitles.made("7:3").file.data() == subtitles.made("7:3").file.data()


@pytest.mark.parametrize("kind", list(kinds.KINDS))
def test_undamaged_files_of_every_kind_are_read_cue_by_cue(kind: str, tmp_path: Path) -> None:
    said = [f"word{number} is said" for number in range(5)]
    (tmp_path / f"talk.{kind}").write_text(kinds.plain(kind, said))
    track = subtitles.read_subtitles(tmp_path / f"talk.{kind}")
    assert [(one.start, one.text) for one in track.segments] == [
        (kinds.start_of(cue), words) for cue, words in enumerate(said)
    ]


@pytest.mark.parametrize(
    ("notes", "wrong"),
    [
        ((), True),
        (("1 cue out of order: sorted by time (line 3)",), True),
        (("1 cue dropped: unreadable time (line 3)",), True),
        (("2 cues dropped: unreadable time (lines 3, 9)",), False),
        (("1 cue dropped: no text (line 3)", "1 line left out: no time (line 9)"), False),
    ],
    ids=["nothing", "no loss", "too few", "enough", "enough in two"],
)
def test_a_lost_cue_is_forgiven_only_by_a_count_that_covers_it(
    notes: tuple[str, ...], wrong: bool
) -> None:
    case = subtitles.Case("0:0", "srt", said=[("k1", "one"), ("k2", "two"), ("k3", "three")])
    kept = (Segment(start=0, end=1, text="k1 one"),)
    track = Transcript(language="en", origin="sidecar", segments=kept, notes=notes)
    assert bool(subtitles._lost(case, track)) is wrong
