"""Files that are replaced, deleted and named by people: through the real command line."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shell import Shell, reading_shell
from talks import MOON, SHEEP, STARS, write_talk
from video_rag.testing import clips

MOMENTS = itertools.count(1_700_000_010, 10)


@pytest.fixture
def shell(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Shell:
    return reading_shell(capsys, monkeypatch, tmp_path)


def settled(path: Path) -> Path:
    """As if nobody had written to it for long; each call a little later than before."""
    os.utime(path, (next(MOMENTS),) * 2)
    return path


def film(path: Path, seconds: float = 16.0, title: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pictures = [clips.slide_image("slide", (320, 180))] * int(seconds)
    extras = clips.Extras(title=title, sound=clips.sine(seconds))
    clips.write_video(path, map(np.asarray, pictures), fps=1, extras=extras)
    return settled(path)


def by_adding(shell: Shell, folder: Path) -> None:
    shell("add", folder, code=None)


def by_a_run(shell: Shell, folder: Path) -> None:
    shell("watch", "add", folder)
    shell("run", code=None)


def by_a_check_and_a_later_run(shell: Shell, folder: Path) -> None:
    shell("watch", "add", folder)
    shell("watch", "check", "--now")
    shell("run", code=None)


WAYS = pytest.mark.parametrize("look", [by_adding, by_a_run, by_a_check_and_a_later_run])


@WAYS
def test_a_file_that_was_replaced_replaces_its_video(
    shell: Shell, tmp_path: Path, look: Any
) -> None:
    folder = tmp_path / "inbox"
    for words in (SHEEP, STARS, MOON):
        settled(write_talk(folder / "talk.srt", words))
        look(shell, folder)
        for _ in range(2):
            shell("watch", "check", "--now", code=None)
            shell("run", code=None)
    assert shell.titles() == ["talk"]
    assert not any("sheep" in text for text in shell.found("sheep"))
    assert shell.found("moon")


@WAYS
def test_a_video_file_that_was_replaced_replaces_its_video(
    shell: Shell, tmp_path: Path, look: Any
) -> None:
    folder = tmp_path / "inbox"
    for seconds in (16, 17, 18):
        film(folder / "talk.mp4", seconds)
        settled(write_talk(folder / "talk.srt", SHEEP))
        look(shell, folder)
        shell("watch", "check", "--now", code=None)
        shell("run", code=None)
    assert shell.titles() == ["talk"]


@WAYS
def test_words_of_a_deleted_subtitle_are_found_no_longer(
    shell: Shell, tmp_path: Path, look: Any
) -> None:
    folder = tmp_path / "inbox"
    film(folder / "talk.mp4")
    settled(write_talk(folder / "talk.srt", SHEEP))
    look(shell, folder)
    assert shell.found("sheep")
    (folder / "talk.srt").unlink()
    look(shell, folder)
    shell("watch", "check", "--now", code=None)
    shell("run", code=None)
    assert not any("sheep" in text for text in shell.found("sheep"))
    settled(write_talk(folder / "talk.srt", SHEEP))
    look(shell, folder)
    shell("watch", "check", "--now", code=None)
    shell("run", code=None)
    assert shell.found("sheep"), "it is found again once it is back"


@WAYS
@pytest.mark.parametrize("deleted", ["talk.en.srt", "talk.zh.srt"])
def test_one_of_two_languages_that_is_deleted_is_found_no_longer(
    shell: Shell, tmp_path: Path, look: Any, deleted: str
) -> None:
    folder = tmp_path / "inbox"
    settled(write_talk(folder / "talk.en.srt", SHEEP))
    settled(write_talk(folder / "talk.zh.srt", STARS))
    look(shell, folder)
    assert shell.found("sheep")
    assert shell.found("恒星")
    (folder / deleted).unlink()
    look(shell, folder)
    shell("watch", "check", "--now", code=None)
    shell("run", code=None)
    assert shell.titles() == ["talk"]
    gone, stays = ("sheep", "恒星") if "en" in deleted else ("恒星", "sheep")
    assert not any(gone in text for text in shell.found(gone))
    assert any(stays in text for text in shell.found(stays))


def test_a_title_for_two_is_refused_and_nothing_is_taken(shell: Shell, tmp_path: Path) -> None:
    one, two = (write_talk(tmp_path / "in" / f"{n}.srt", (*SHEEP, n)) for n in ("a", "b"))
    listed = tmp_path / "list.txt"
    listed.write_text(f"{one}\n{two}\n")
    for given in ([one, two], [tmp_path / "in"], ["--from", listed]):
        shell("add", *given, "--title", "T", code=2)
        assert "one video" in shell.err
        assert "one by one" in shell.err
        assert shell.titles() == []
    shell("add", one, "--title", "T")
    assert shell.titles() == ["T"]


def test_a_title_that_was_given_can_be_taken_back(shell: Shell, tmp_path: Path) -> None:
    talk = write_talk(tmp_path / "talk.srt", SHEEP)
    shell("add", talk, "--title", "My  talk")
    assert shell.titles() == ["My talk"]
    shell("add", talk)
    assert shell.titles() == ["My talk"]
    shell("add", talk, "--title", "")
    assert shell.titles() == ["talk"]
    copy = tmp_path / "copy.srt"
    copy.write_bytes(talk.read_bytes())
    shell("add", talk, "--title", "Mine")
    shell("add", copy, "--title", " ")
    assert shell.titles() == ["talk"]


@WAYS
def test_a_file_that_is_as_it_was_before_is_found_again(
    shell: Shell, tmp_path: Path, look: Any
) -> None:
    folder = tmp_path / "inbox"
    for words, said in ((SHEEP, "sheep"), (MOON, "moon")) * 2 + ((SHEEP, "sheep"),):
        settled(write_talk(folder / "talk.srt", words))
        look(shell, folder)
        shell("watch", "check", "--now", code=None)
        shell("run", code=None)
        assert shell.titles() == ["talk"]
        assert all(said in text.lower() for text in shell.found("sheep moon"))
        assert shell.found(said)


@WAYS
def test_a_version_that_could_not_be_read_leaves_nothing_when_the_one_before_is_back(
    shell: Shell, tmp_path: Path, look: Any
) -> None:
    folder = tmp_path / "inbox"
    write_talk(folder / "talk.srt", SHEEP)
    good = (folder / "talk.srt").read_bytes()
    for content in (good, b"no subtitles at all", good):
        (folder / "talk.srt").write_bytes(content)
        settled(folder / "talk.srt")
        look(shell, folder)
        shell("watch", "check", "--now", code=None)
        shell("run", code=None)
        assert shell.found("sheep"), "nothing is lost for what cannot be read"
    assert [row["state"] for row in shell.json("list")] == ["ready"]


def test_a_file_that_a_person_removed_stays_removed_when_it_is_back(
    shell: Shell, tmp_path: Path
) -> None:
    folder = tmp_path / "inbox"
    talk = settled(write_talk(folder / "talk.srt", SHEEP))
    settled(write_talk(folder / "other.srt", STARS))
    by_a_run(shell, folder)
    shell("remove", "talk")
    content = talk.read_bytes()
    talk.unlink()
    shell("watch", "check", "--now")
    talk.write_bytes(content)
    settled(talk)
    shell("watch", "check", "--now")
    assert shell.titles() == ["other"]


@pytest.mark.parametrize("name", ["talk.srt", "talk.mp4"])
def test_a_lecture_whose_file_was_deleted_is_kept_and_told(
    shell: Shell, tmp_path: Path, name: str
) -> None:
    folder = tmp_path / "inbox"
    settled(write_talk(folder / "other.srt", STARS))
    settled(write_talk(folder / "talk.srt", SHEEP))
    if name.endswith("mp4"):
        film(folder / "talk.mp4")
    by_a_run(shell, folder)
    for path in folder.glob("talk.*"):
        path.unlink()
    [checked] = shell.json("watch", "check", "--now")
    assert [(news["kind"], news["title"]) for news in checked["news"]] == [("gone", "talk")]
    shell("run")
    assert "kept, though their files are gone: 1 (talk)" in shell("add", folder)
    assert [row["state"] for row in shell.json("add", folder)] == ["ready", "missing"]
    assert shell.found("sheep"), "what is stored is not lost with its file"
    assert "gone" not in shell("add", folder / "other.srt")
    shell("remove", "talk")
    assert not any("sheep" in text for text in shell.found("sheep"))
    assert "gone" not in shell("add", folder)


def copies(folder: Path) -> tuple[Path, Path]:
    """Two files of the same bytes, each with words of its own beside it."""
    one = film(folder / "a" / "talk.mp4")
    other = folder / "b" / "lecture.mp4"
    other.parent.mkdir()
    other.write_bytes(one.read_bytes())
    settled(other)
    settled(write_talk(folder / "a" / "talk.en.srt", SHEEP))
    settled(write_talk(folder / "b" / "lecture.zh.srt", STARS))
    return one, other


@WAYS
def test_two_files_of_one_content_give_the_subtitles_of_both(
    shell: Shell, tmp_path: Path, look: Any
) -> None:
    folder = tmp_path / "inbox"
    _, other = copies(folder)
    look(shell, folder)
    assert shell.titles() == ["talk"]
    assert shell.found("sheep")
    assert shell.found("恒星")
    settled(write_talk(other.with_suffix(".zh.srt"), ("月亮绕着地球转。", "一个月转一圈。")))
    look(shell, folder)
    shell("watch", "check", "--now", code=None)
    shell("run", code=None)
    assert any("月亮" in text for text in shell.found("月亮"))


def test_a_copy_that_is_added_later_brings_its_subtitles(shell: Shell, tmp_path: Path) -> None:
    one, other = copies(tmp_path)
    shell("add", one)
    assert not shell.found("恒星")
    shell("add", other)
    assert shell.titles() == ["talk"]
    assert shell.found("sheep")
    assert shell.found("恒星")
    other.unlink()
    shell("add", one)
    assert not any("恒星" in text for text in shell.found("恒星"))


@WAYS
def test_the_first_of_two_copies_may_go_or_become_another_video(
    shell: Shell, tmp_path: Path, look: Any
) -> None:
    folder = tmp_path / "inbox"
    one, _ = copies(folder)
    look(shell, folder)
    film(one, seconds=17)
    look(shell, folder)
    shell("watch", "check", "--now", code=None)
    shell("run", code=None)
    assert len(shell.titles()) == 2
    assert shell.found("恒星"), "the other copy is still there"
    one.unlink()
    look(shell, folder)
    assert shell.found("恒星")


def test_a_video_whose_file_became_another_moves_on_to_its_copy(
    shell: Shell, tmp_path: Path
) -> None:
    one, other = copies(tmp_path)
    shell("add", one)
    shell("add", other)
    film(one, seconds=17)
    shell("add", one)
    assert {row["source"] for row in shell.json("list")} == {str(one), str(other)}
    assert shell.found("恒星")
    shell("add", other)
    assert len(shell.titles()) == 2


def test_an_edited_subtitle_is_said_to_be_read_anew(shell: Shell, tmp_path: Path) -> None:
    film(tmp_path / "in" / "talk.mp4")
    settled(write_talk(tmp_path / "in" / "talk.srt", SHEEP))
    assert "talk: ready" in shell("add", tmp_path / "in")
    assert "talk: up to date" in shell("add", tmp_path / "in")
    settled(write_talk(tmp_path / "in" / "talk.srt", STARS))
    assert "talk: read anew" in shell("add", tmp_path / "in")
    assert "talk: up to date" in shell("add", tmp_path / "in")
    assert "talk: up to date" in shell("add", tmp_path / "in", "--collection", "farm")


def test_a_video_that_failed_and_is_ready_now_is_said_to_be_read_anew(
    shell: Shell, tmp_path: Path
) -> None:
    film(tmp_path / "in" / "talk.mp4")
    shell("add", tmp_path / "in", code=3)
    write_talk(tmp_path / "in" / "talk.srt", SHEEP)
    assert "talk: read anew" in shell("add", tmp_path / "in")


def test_after_a_subtitle_was_deleted_every_command_says_failed(
    shell: Shell, tmp_path: Path
) -> None:
    film(tmp_path / "in" / "talk.mp4")
    write_talk(tmp_path / "in" / "talk.srt", SHEEP)
    shell("add", tmp_path / "in")
    (tmp_path / "in" / "talk.srt").unlink()
    for _ in range(2):
        shell("add", tmp_path / "in", code=3)
        assert "talk: failed" in shell.err
        assert [row["state"] for row in shell.json("list")] == ["failed"]
        assert shell.json("show", "talk")["failures"]
        assert shell.found("sheep") == []
