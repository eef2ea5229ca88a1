"""A video that cannot be opened does not take the words beside it down with it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from shell import Shell, reading_shell
from talks import MOON, SHEEP, STARS, write_talk
from video_rag.testing import clips


@pytest.fixture
def shell(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Shell:
    return reading_shell(capsys, monkeypatch, tmp_path)


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


def empty(path: Path) -> None:
    path.touch()


def text(path: Path) -> None:
    path.write_text("this is no film\n")


def noise(path: Path) -> None:
    path.write_bytes(bytes(range(256)) * 40)


def cut(path: Path) -> None:
    clips.silent_video(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mp3"])
@pytest.mark.parametrize(
    ("damage", "why"), [(empty, "empty"), (text, "not a video"), (noise, "not a video")]
)
@pytest.mark.parametrize("name", ["talk{}", "talk.en{}", "talk.mp4{}"])
def test_the_words_beside_a_video_that_cannot_be_opened_are_kept_and_it_is_told(
    shell: Shell, inbox: Path, damage: object, why: str, suffix: str, name: str
) -> None:
    assert callable(damage)
    damage(inbox / f"talk{suffix}")
    write_talk(inbox / name.format(".srt"), SHEEP)
    told = shell("add", inbox)
    assert "talk: ready" in told
    assert f"talk{suffix}" in told
    assert why in told
    assert any("sheep" in found for found in shell.found("sheep"))
    assert "talk: up to date" in shell("add", inbox)


def test_the_words_beside_a_video_that_is_cut_off_are_kept(shell: Shell, inbox: Path) -> None:
    cut(inbox / "talk.mp4")
    write_talk(inbox / "talk.srt", SHEEP)
    assert "is cut off" in shell("add", inbox)
    assert shell.found("sheep")


def test_every_language_beside_a_damaged_video_is_kept(shell: Shell, inbox: Path) -> None:
    text(inbox / "talk.mp4")
    write_talk(inbox / "talk.en.srt", SHEEP)
    write_talk(inbox / "talk.de.srt", ["Die Giraffe frisst das Laub der Bäume."])
    assert "talk: ready" in shell("add", inbox)
    assert shell.found("sheep")
    assert shell.found("Giraffe")


def test_two_empty_videos_are_not_one_lecture(shell: Shell, inbox: Path) -> None:
    for name, words in (("one", SHEEP), ("two", STARS)):
        empty(inbox / f"{name}.mp4")
        write_talk(inbox / f"{name}.srt", words)
    shell("add", inbox)
    assert sorted(shell.titles()) == ["one", "two"]


def test_subtitles_of_an_empty_video_given_by_name_are_taken(shell: Shell, inbox: Path) -> None:
    empty(inbox / "talk.mp4")
    told = shell("add", write_talk(inbox / "talk.srt", SHEEP))
    assert "talk: ready" in told
    assert "talk.mp4 is empty" in told


def test_a_good_video_takes_the_place_of_the_damaged_one(shell: Shell, inbox: Path) -> None:
    for damage in (empty, text, cut):
        damage(inbox / "talk.mp4")
        os.utime(inbox / "talk.mp4", (1_700_000_000,) * 2)
        write_talk(inbox / "talk.srt", SHEEP)
        shell("add", inbox)
        clips.silent_video(inbox / "talk.mp4", seconds=20)
        shell("add", inbox)
        assert shell.titles() == ["talk"]
        assert "cannot be used" not in shell("show", "talk")


def test_a_damaged_video_without_words_beside_it_is_an_error(shell: Shell, inbox: Path) -> None:
    text(inbox / "talk.mp4")
    write_talk(inbox / "other.srt", SHEEP)
    assert "1 failed" in shell("add", inbox, code=3)
    assert "not a video" in shell.complaint


def test_a_damaged_video_with_damaged_subtitles_tells_of_both(shell: Shell, inbox: Path) -> None:
    text(inbox / "talk.mp4")
    (inbox / "talk.srt").write_text("no times here\n")
    shell("add", inbox, code=3)
    assert "no cues found" in shell.complaint
    assert "not a video" in shell.complaint


def test_an_empty_first_language_does_not_take_the_others_with_it(
    shell: Shell, inbox: Path
) -> None:
    empty(inbox / "talk.de.srt")
    write_talk(inbox / "talk.en.srt", MOON)
    told = shell("add", inbox)
    assert "talk: ready" in told
    assert "talk.de.srt is empty" in told
    assert shell.found("moon")


def test_the_subtitle_named_after_the_video_leads_and_the_other_is_named(
    shell: Shell, inbox: Path
) -> None:
    clips.silent_video(inbox / "meeting_01.mp4", seconds=20)
    write_talk(inbox / "meeting_01_transcript_en.vtt", SHEEP)
    write_talk(inbox / "audio_transcript.vtt", MOON)
    assert "audio_transcript.vtt" in shell("add", inbox)
    assert any("sheep" in text for text in shell.found("sheep"))
    shown = shell("show", "meeting_01")
    assert "en (sidecar meeting_01_transcript_en.vtt, 4 lines)" in shown
    assert "left out: en (sidecar audio_transcript.vtt)" in shown


def test_a_track_inside_that_was_left_out_is_named_by_number_and_title(
    shell: Shell, inbox: Path
) -> None:
    lines = [clips.Shown(float(n), n + 0.9, text) for n, text in enumerate(SHEEP)]
    tracks = [clips.Track("eng", lines, "Full"), clips.Track("eng", lines, "Dub titles")]
    clips.slide_lecture(inbox / "talk.mkv", ["One"], extras=clips.Extras(subtitles=tracks))
    assert 'left out: en (embedded track 2 "Dub titles")' in shell("add", inbox)
