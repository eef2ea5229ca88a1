"""What commands say where there is little to show, or where something is spelt wrong."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from shell import Shell, reading_shell
from talks import SHEEP, write_talk


@pytest.fixture
def shell(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Shell:
    return reading_shell(capsys, monkeypatch, tmp_path)


def test_where_there_are_no_keys_the_list_says_how_to_make_one(shell: Shell) -> None:
    assert "video-rag keys add" in shell("keys", "list")
    assert shell.json("keys", "list") == []


def test_where_no_site_was_visited_the_list_says_so(shell: Shell) -> None:
    assert shell("sites").strip() == "No site was visited yet."
    assert shell.json("sites") == []


def test_keys_are_listed_with_the_time_on_the_wall_and_without_true_and_false(
    shell: Shell,
) -> None:
    shell("keys", "add", "alice")
    shell("keys", "add", "bob")
    shell("keys", "revoke", "bob")
    _, alice, bob = shell("keys", "list").splitlines()
    assert re.fullmatch(r"\w{8}  alice  read  \d{4}-\d\d-\d\d \d\d:\d\d", alice)
    assert bob.endswith("  yes")


def test_settings_are_shown_as_they_are_written_into_the_file(shell: Shell) -> None:
    told = shell("settings")
    assert re.search(r'library\.languages +\["zh", "en"\] ', told)
    assert re.search(r"library\.keep_media +true ", told)
    assert re.search(r"pipeline\.sound_track +default", told)


def test_options_are_shown_as_they_are_written_into_the_file(shell: Shell) -> None:
    told = shell("plugins", "sources.ytdlp")
    assert re.search(r'subtitle_languages +\["en", "zh"\] ', told)
    assert re.search(r"write_back_cookies +false ", told)
    assert "None" not in told


def test_on_a_narrow_terminal_each_setting_stands_over_its_value(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    lines = shell("settings").splitlines()
    assert re.match(r"  \S", lines[lines.index("library.languages") + 1])
    assert lines[0] == "setting"


def test_an_option_that_a_plugin_does_not_have_is_called_so(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIDEO_RAG_TRANSCRIBERS__SUBTITLES__LONGEST", "3")
    shell("search", "x", code=2)
    assert "[transcribers.subtitles] longest: there is no such option" in shell.complaint


def test_questions_that_are_not_there_are_called_so_once(shell: Shell, tmp_path: Path) -> None:
    shell("eval", tmp_path / "none.jsonl", code=2)
    assert shell.complaint.count("none.jsonl") == 1
    assert "No such file or directory" in shell.err


def test_one_of_something_is_not_called_several(shell: Shell, tmp_path: Path) -> None:
    shell("add", write_talk(tmp_path / "one.srt", SHEEP[:1]))
    assert "(sidecar, 1 line)" in shell("show", "one")
    assert "1 passage of 1 video," in shell("doctor")


def test_what_a_retry_brought_is_called_ready(shell: Shell, tmp_path: Path) -> None:
    talk = tmp_path / "talk.srt"
    talk.write_text("no cues here")
    shell("add", talk, code=3)
    write_talk(talk, SHEEP)
    assert "talk: ready" in shell("retry")
    assert "talk: up to date" in shell("retry", "talk")


def test_the_rules_of_a_subscription_are_listed_with_it(shell: Shell, tmp_path: Path) -> None:
    shell("watch", "add", tmp_path, "--every", "6h", "--skip", "trailer")
    assert "--limit" not in shell("watch", "list")
    shell("watch", "add", tmp_path, "--limit", "20")
    assert f"{tmp_path}: 6h --skip trailer --limit 20" in " ".join(shell("watch", "list").split())


def test_a_second_dify_without_a_key_is_told_which_variable_to_set(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIDEO_RAG_KNOWLEDGE__SUPPORT__USE", "dify")
    monkeypatch.setenv("DIFY_API_KEY", "dataset-0123456789abcdef")
    shell("dify", "status", "--to", "support", code=2)
    assert "VIDEO_RAG_KNOWLEDGE__NAME__API_KEY" in shell.complaint
