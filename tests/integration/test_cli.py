"""The command as people and programs use it, in this process, on real files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from shell import Shell
from talks import SHEEP, STARS, write_talk


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(capsys)


@pytest.fixture
def sheep(shell: Shell, tmp_path: Path) -> Path:
    path = write_talk(tmp_path / "sheep.srt", SHEEP)
    shell("add", path)
    return path


def test_words_between_colons_are_shown_as_they_are(shell: Shell, tmp_path: Path) -> None:
    talk = tmp_path / "a:b.srt"
    write_talk(talk, ["Dilute it 1:100:1000 in brine, said Foo:x:bar and :smile: too."])
    assert "a:b" in shell("add", talk)
    for command in (["search", "brine"], ["ask", "what is diluted in brine"], ["list"]):
        assert "💯" not in shell(*command)
    shell("search", "brine")
    assert "1:100:1000" in shell.out
    assert "Foo:x:bar and :smile:" in shell.out
    shell("add", "no:b:file.mp4", code=2)
    assert "no:b:file.mp4" in shell.err


@pytest.mark.parametrize(
    ("command", "option"),
    [(["search", "x", "--limit", "0"], "--limit"), (["serve", "--port", "99999"], "--port"),
     (["search", "x", "--limit", "abc"], "--limit"),
     (["add", "x", "--from", "none.txt"], "none.txt")],
)  # fmt: skip
def test_a_value_that_cannot_be_is_told_with_its_option(
    shell: Shell, command: list[str], option: str
) -> None:
    shell(*command, code=2)
    assert option in shell.err


@pytest.mark.parametrize("command", ["show", "retry", "search", "ask", "remove", "add"])
def test_arguments_that_are_not_utf_8_are_an_error_of_the_user(
    shell: Shell, sheep: Path, command: str
) -> None:
    shell(command, os.fsdecode(b"\xb2\xe2"), code=2)
    assert "not UTF-8" in shell.err
    assert "hint:" in shell.err


@pytest.mark.parametrize("place", ["file", "file/below", "/proc/none"])
def test_exporting_to_what_is_no_folder_is_an_error_of_the_user(
    shell: Shell, sheep: Path, tmp_path: Path, place: str
) -> None:
    (tmp_path / "file").write_text("mine")
    shell("export", "sheep", "--to", tmp_path / place, code=2)
    assert "cannot write into" in shell.err
    assert (tmp_path / "file").read_text() == "mine"


def test_a_full_disk_behind_the_output_is_no_bug(sheep: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "video_rag", "list"],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert (done.returncode, "bug" in done.stderr) == (4, False)
    assert "hint:" in done.stderr


def test_list_json_has_the_promised_fields(shell: Shell, sheep: Path) -> None:
    assert shell.json("list") == [
        {
            "video_id": shell.json("list")[0]["video_id"],
            "title": "sheep",
            "source": str(sheep),
            "state": "ready",
            "language": "en",
            "collection": "default",
            "collections": ["default"],
            "duration": 15.8,
        }
    ]


def test_a_list_is_chosen_sorted_and_cut(shell: Shell, tmp_path: Path) -> None:
    for number, title in enumerate(("b", "c", "a")):
        write_talk(tmp_path / f"{title}.srt", (f"Sheep {number} eat grass.",))
        collection = "animals" if title != "c" else "others"
        shell("add", tmp_path / f"{title}.srt", "--collection", collection)
    (tmp_path / "bad.srt").write_text("no cues here")
    shell("add", tmp_path / "bad.srt", code=3)

    def titles(*options: str) -> list[str]:
        return [row["title"] for row in shell.json("list", *options)]

    assert titles() == ["b", "c", "a", "bad"]
    assert titles("--sort", "title", "--state", "ready") == ["a", "b", "c"]
    assert titles("--sort", "-title", "--collection", "animals") == ["b", "a"]
    assert titles("--state", "failed") == ["bad"]
    assert titles("--limit", "2") == ["b", "c"]
    assert "without options" in shell("list", "--collection", "nowhere")
    shown = shell("list", "--limit", "1", "--state", "ready").splitlines()
    assert shown[0].split() == ["id", "state", "lang", "length", "collection", "title"]
    assert shown[1].endswith("  animals     b")
    shell("list", "--state", "soon", code=2)
    assert "'soon' is not one of 'ready'" in shell.err
    assert "video-rag list --help" in shell.err


def test_search_json_has_the_promised_fields(shell: Shell, sheep: Path) -> None:
    hit = shell.json("search", "wool", "--limit", "1")[0]
    assert set(hit) == {
        "video_id", "title", "source", "start", "end", "text", "score", "url", "language",
        "collection", "collections", "origin", "speakers",
    }  # fmt: skip
    assert hit["origin"] == "sidecar"
    assert "Wool is shorn" in hit["text"]


def test_ask_json_has_the_promised_fields(shell: Shell, sheep: Path) -> None:
    answer = shell.json("ask", "When is wool shorn?")
    assert set(answer) == {"answer", "citations", "refused", "model"}
    citation = answer["citations"][0]
    assert set(citation) == {"number", "video_id", "title", "start", "end", "quote", "url"}
    assert (citation["start"], citation["end"]) == (12.0, 15.8)
    assert answer["refused"] is False
    assert answer["model"] is None


def test_an_answer_for_people_shows_title_and_time(shell: Shell, sheep: Path) -> None:
    text = shell("ask", "When is wool shorn?")
    assert "Wool is shorn once a year" in text
    assert "sheep" in text
    assert "0:12–0:15" in text


def test_eval_measures_with_the_files_stem(shell: Shell, sheep: Path, tmp_path: Path) -> None:
    questions = tmp_path / "questions.jsonl"
    right = {"question": "When is wool shorn?", "language": "en", "video": "sheep", "start": 12}
    wrong = {"question": "Tell me of wool", "language": "en", "video": "sheep", "start": 900}
    rows = [{**right, "end": 15}, {**wrong, "end": None}]
    questions.write_text("\n".join(json.dumps(row) for row in rows))
    score = shell.json("eval", questions)
    assert {"n", "hit@1", "hit@5", "hit@10", "mrr", "by_language"} == set(score)
    assert (score["n"], score["hit@1"], score["mrr"]) == (2, 0.5, 0.5)
    assert score["by_language"]["en"]["n"] == 2
    assert "0.500" in shell("eval", questions)


def test_show_tells_all_about_a_video(shell: Shell, sheep: Path) -> None:
    row = shell.json("show", "sheep")
    assert row["tracks"] == [{"language": "en", "origin": "sidecar", "lines": 4}]
    assert row["sections"][0]["start"] == 0
    assert Path(row["document"]).is_file()
    assert "sidecar" in shell("show", "sheep")


def test_remove_forgets_and_says_so(shell: Shell, sheep: Path) -> None:
    assert "removed sheep" in shell("remove", "sheep")
    assert shell.json("list") == []
    assert "empty" in shell("list")
    shell("remove", "sheep", code=2)
    assert "no video 'sheep'" in shell.err
    assert sheep.is_file()


def test_retry_has_nothing_to_do_when_all_is_well(shell: Shell, sheep: Path) -> None:
    assert "nothing to retry" in shell("retry")


def test_export_writes_markdown(shell: Shell, sheep: Path, tmp_path: Path) -> None:
    path = Path(shell("export", "sheep", "--format", "md", "--to", tmp_path / "out").strip())
    assert path.read_text(encoding="utf-8").startswith("# sheep")
    shell("export", "sheep", "--format", "papyrus", "--to", tmp_path, code=2)
    assert "markdown" in shell.err


def test_errors_are_one_line_of_what_and_one_of_what_to_do(shell: Shell, tmp_path: Path) -> None:
    shell("add", tmp_path / "missing.mp4", code=2)
    lines = shell.err.strip().splitlines()
    assert lines[0].startswith("error: ")
    assert lines[1].startswith("hint: ")
    assert len(lines) == 2


@pytest.mark.parametrize(
    "arguments",
    [["frobnicate"], ["add"], ["search"], ["--colour"], ["list", "--limit"], ["ask", "x", "-q"]],
)
def test_a_wrong_command_is_a_usage_error(shell: Shell, arguments: list[str]) -> None:
    shell(*arguments, code=2)
    assert "error:" in shell.err
    assert "hint:" in shell.err


def test_an_unknown_base_or_answerer_lists_the_known_ones(shell: Shell, sheep: Path) -> None:
    shell("search", "wool", "--knowledge", "nowhere", code=2)
    assert "embedded" in shell.err
    shell("ask", "wool?", "--answerer", "oracle", code=2)
    assert "extractive" in shell.err


def test_a_name_with_a_leading_dash_goes_after_two_dashes(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_talk(tmp_path / "-x.srt", SHEEP)
    monkeypatch.chdir(tmp_path)
    shell("add", "-x.srt", code=2)
    assert "--" in shell.err
    shell("add", "--", "-x.srt")
    assert shell.json("list")[0]["title"] == "-x"


def test_one_bad_video_gives_3_and_the_others_are_taken(shell: Shell, tmp_path: Path) -> None:
    write_talk(tmp_path / "v" / "good.srt", STARS)
    (tmp_path / "v" / "bad.srt").write_text("no cues here")
    rows = shell.json("add", tmp_path / "v", code=3)
    assert sorted(row["state"] for row in rows) == ["failed", "ready"]
    bad = next(row for row in rows if row["state"] == "failed")
    assert bad["failures"][0]["hint"]
    states = {row["title"]: row["state"] for row in shell.json("list")}
    assert states.get("good") == "ready"


def test_settings_show_value_and_origin(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIFY_API_KEY", "dataset-very-secret")
    monkeypatch.setenv("DOC_SAVE_PATH", str(tmp_path / "docs"))
    found = {row["name"]: row for row in shell.json("settings")}
    assert found["library.documents"]["value"] == str(tmp_path / "docs")
    assert "DOC_SAVE_PATH" in found["library.documents"]["origin"]
    assert "very-secret" not in shell("settings")


def test_plugins_are_listed_with_their_options(shell: Shell) -> None:
    rows = shell.json("plugins")
    assert {"family": "knowledge", "name": "embedded"}.items() <= next(
        row for row in rows if row["name"] == "embedded"
    ).items()
    assert any(
        option["name"] == "model" for option in shell.json("plugins", "transcribers.whisper")
    )
    shell("plugins", "nonsense", code=2)


def test_doctor_finds_this_machine_fit(shell: Shell) -> None:
    findings = {row["name"]: row for row in shell.json("doctor")}
    assert findings["home"]["state"] == "ok"
    assert findings["search"]["state"] == "ok"


def test_keys_are_made_listed_and_revoked(shell: Shell) -> None:
    made = shell.json("keys", "add", "alice", "--role", "admin")
    assert made["key"].startswith("vr_")
    listed = shell("keys", "list")
    assert "alice" in listed
    assert made["key"] not in listed
    shell("keys", "revoke", made["key_id"])
    assert shell.json("keys", "list")[0]["revoked"] is True
    shell("keys", "add", "bob", "--role", "king", code=2)


def test_serve_refuses_the_world_without_keys(shell: Shell) -> None:
    shell("serve", "--host", "0.0.0.0", "--port", "0", code=2)
    assert "keys add" in shell.err


def test_files_of_other_kinds_in_a_folder_are_counted_by_suffix(
    shell: Shell, tmp_path: Path
) -> None:
    folder = tmp_path / "talks"
    folder.mkdir()
    write_talk(folder / "sheep.srt", SHEEP)
    for name in ("a.pdf", "b.PDF", "LICENSE"):
        (folder / name).write_text("x")
    told = shell("add", folder)
    assert "passed over, as no video, sound or subtitles: 2 .pdf, 1 without suffix" in told
    assert "passed over" not in shell("add", folder / "sheep.srt")


def test_programs_get_the_same_counts_in_a_row_for_each_folder(
    shell: Shell, tmp_path: Path
) -> None:
    one, two, three = (tmp_path / name for name in ("one", "two", "three"))
    for folder in (one, two, three):
        write_talk(folder / "talk.srt", [*SHEEP, folder.name])
    for path in (one / "a.pdf", one / "deep" / "b.PDF", two / "LICENSE"):
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
    rows = shell.json("add", one, two, three)
    assert [row["state"] for row in rows] == ["ready"] * 3 + ["passed-over"] * 2
    assert [(row["source"], row["passed_over"], row["failures"]) for row in rows[3:]] == [
        (str(one), {".pdf": 2}, []),
        (str(two), {"": 1}, []),
    ]
    assert len(shell.json("add", one / "talk.srt")) == 1
