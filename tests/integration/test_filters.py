"""Languages and collections as people type them: through the real command line, API, settings."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("fastapi")

from starlette.testclient import TestClient

from serving import HERE
from shell import Shell
from talks import SHEEP, STARS, write_talk
from video_rag.api import create_app
from video_rag.errors import BadSettings
from video_rag.library import Library
from video_rag.settings import load_settings
from video_rag.sources.ytdlp.options import Options

LOCAL = "http://127.0.0.1:8420"


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Shell:
    shell = Shell(capsys)
    shell("add", write_talk(tmp_path / "sheep.en.srt", SHEEP), "--collection", "farm")
    shell("add", write_talk(tmp_path / "stars.zh.srt", STARS), "--collection", "sky")
    return shell


@pytest.mark.parametrize("name", ["en", "eng", "English", "en-US", "en_GB", " EN "])
def test_every_way_to_write_a_language_finds_its_passages(shell: Shell, name: str) -> None:
    assert shell.json("search", "sheep", "--language", name)
    assert "sheep" in shell("ask", "what do sheep eat?", "--language", name)


@pytest.mark.parametrize("name", ["中文", "zho", "chi", "zh-Hans", "Chinese", "cmn"])
def test_chinese_has_many_names(shell: Shell, name: str) -> None:
    assert shell.json("search", "恒星", "--language", name)


def test_a_language_given_to_add_is_kept_by_its_tag(shell: Shell, tmp_path: Path) -> None:
    shell("add", write_talk(tmp_path / "wool.srt", SHEEP[::-1]), "--language", "English")
    assert [row["language"] for row in shell.json("list")] == ["en", "zh", "en"]
    shell("add", tmp_path / "wool.srt", "--language", "klingonese", code=2)
    assert "klingonese" in shell.err
    assert "known: ar" in shell.err


@pytest.mark.parametrize("command", ["search", "ask"])
def test_what_no_video_has_is_said_with_what_is_there(shell: Shell, command: str) -> None:
    shell(command, "sheep", "--collection", "frm", code=2)
    assert "'frm'" in shell.err
    assert "farm, sky" in shell.err
    shell(command, "sheep", "--language", "fr", code=2)
    assert "'fr'" in shell.err
    assert "en, zh" in shell.err
    shell(command, "sheep", "--language", "xyzzy", code=2)
    assert "'xyzzy'" in shell.err


def test_a_known_collection_without_the_words_is_no_error(shell: Shell) -> None:
    assert shell.json("search", "zygote", "--collection", "farm") == []
    assert shell.json("search", "zygote", "--language", "zh") == []


def test_the_api_says_the_same(shell: Shell, tmp_path: Path) -> None:
    library = Library(load_settings())
    with TestClient(
        create_app(library, keys_required=False), base_url=LOCAL, client=HERE
    ) as client:
        found = client.get("/api/search", params={"q": "sheep", "language": "English"})
        assert found.status_code == 200
        assert found.json()
        unknown = [({"collection": "frm"}, 404), ({"language": "fr"}, 404)]
        for params, status in [*unknown, ({"language": "xyzzy"}, 400)]:
            refused = client.get("/api/search", params={"q": "sheep", **params})
            assert refused.status_code == status
            assert "known" in refused.text
        asked = client.post("/api/ask", json={"question": "sheep?", "language": "xyzzy"})
        assert asked.status_code == 400
        added = client.post("/api/videos", json={"url": "https://a.example/", "language": "xyzzy"})
        assert added.status_code == 400
    library.close()


def test_settings_take_languages_in_every_spelling(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDEO_RAG_LIBRARY__LANGUAGES", "English, 中文, eng")
    assert load_settings().library.languages == ("en", "zh")
    monkeypatch.setenv("VIDEO_RAG_LIBRARY__LANGUAGES", "en, klingonese")
    with pytest.raises(BadSettings, match="klingonese"):
        load_settings()
    options = Options.model_validate({"subtitle_languages": ["English", "all", "中文"]})
    assert options.subtitle_languages == ("en", "all", "zh")
    with pytest.raises(ValueError, match="klingonese"):
        Options.model_validate({"subtitle_languages": ["klingonese"]})


def test_a_search_in_an_empty_library_says_that_it_is_empty(
    capsys: pytest.CaptureFixture[str],
) -> None:
    empty = Shell(capsys)
    empty("search", "sheep", "--collection", "farm", code=2)
    assert "empty" in empty.err
