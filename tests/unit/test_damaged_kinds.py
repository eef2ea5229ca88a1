"""Files that do not begin as their kind does, and lines that have lost their ends."""

from __future__ import annotations

from pathlib import Path

import pytest
from fuzz import kinds

from video_rag.processors.subtitles.reading import read_subtitles

SAID = ["the lake is deep", "we measure it", "nobody knew", "look at this"]


@pytest.mark.parametrize("kind", ["ttml", "json", "json3"])
@pytest.mark.parametrize(
    "junk", ["www.example.org\n", "NOTE", "0:0:0 --> \n", "{}\n", "\x1a", "1\n"]
)
def test_what_stands_before_a_file_does_not_hide_its_kind(
    tmp_path: Path, kind: str, junk: str
) -> None:
    path = tmp_path / f"talk.{kind}"
    path.write_text(junk + kinds.plain(kind, SAID))
    assert [one.text for one in read_subtitles(path).segments] == SAID


@pytest.mark.parametrize("kind", ["ttml", "json", "json3"])
def test_the_rest_of_a_file_whose_beginning_is_missing_is_read(tmp_path: Path, kind: str) -> None:
    text = kinds.plain(kind, SAID)
    path = tmp_path / f"talk.{kind}"
    path.write_text(text[text.index(SAID[0]) + 5 :])
    assert [one.text for one in read_subtitles(path).segments] == SAID[1:]


def test_a_line_of_speech_behind_a_lost_line_break_is_read(tmp_path: Path) -> None:
    text = kinds.plain("ass", SAID)
    path = tmp_path / "talk.ass"
    path.write_text(text.replace("\nDialogue", "Dialogue"))
    assert [one.text for one in read_subtitles(path).segments] == SAID


def test_a_damaged_microdvd_file_is_no_json(tmp_path: Path) -> None:
    path = tmp_path / "talk.sub"
    path.write_text('{"' + kinds.plain("sub", SAID)[1:])
    assert [one.text for one in read_subtitles(path).segments] == SAID


@pytest.mark.parametrize(("kind", "name"), [("json", "body"), ("json3", "events")])
def test_json_whose_list_has_a_damaged_name_is_read(tmp_path: Path, kind: str, name: str) -> None:
    path = tmp_path / f"talk.{kind}"
    path.write_text(kinds.plain(kind, SAID).replace(f'"{name}"', f'"{name[:2]}x"'))
    assert [one.text for one in read_subtitles(path).segments] == SAID
