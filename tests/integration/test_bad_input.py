"""What people really hand in: each gives a clear error or a correct result, and nothing is lost."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from talks import SHEEP, write_talk
from video_rag.errors import ContentError, NotFound, UnsupportedUrl, VideoRagError
from video_rag.library import Added, Library
from video_rag.model import Query
from video_rag.settings import load_settings
from video_rag.testing.clips import Extras, Shown, Track, silent_video, sine, slide_lecture, tone


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    """A library that holds one good talk, which must be there at the end as it was."""
    library = Library(load_settings())
    good = write_talk(tmp_path / "good" / "sheep.srt", SHEEP)
    assert [item.error for item in library.add([str(good)])] == [None]
    before = _texts(library, "wool")
    assert len(before) == 1
    yield library
    assert _texts(library, "wool") == before
    library.close()


def _texts(library: Library, words: str) -> list[str]:
    return [hit.chunk.text for hit in library.search(Query(text=words))]


def _add(library: Library, path: Path | str) -> Added:
    added = list(library.add([str(path)]))
    assert len(added) == 1, added
    return added[0]


def _error(item: Added) -> tuple[str, str, str]:
    """Class, message and hint, whether it failed at the door or in a stage."""
    if item.error:
        return type(item.error).__name__, str(item.error), item.error.hint
    assert item.status is not None
    assert item.status.state == "failed", item.status
    failure = item.status.failures[0]
    return failure.error, failure.message, failure.hint


def _lecture(path: Path, **more: object) -> Path:
    slide_lecture(path, ["Queues\nat least once", "Ledgers\nare the truth"], seconds_each=2.0)
    return path


def test_a_missing_file(library: Library, tmp_path: Path) -> None:
    kind, message, hint = _error(_add(library, tmp_path / "nowhere.mp4"))
    assert kind == NotFound.__name__
    assert "nowhere.mp4" in message
    assert hint


@pytest.mark.parametrize("url", ["gopher://example.org/x", "notes.docx", "mailto:a@b.c", ""])
def test_what_nothing_can_read(library: Library, url: str) -> None:
    kind, _message, hint = _error(_add(library, url))
    assert kind in {UnsupportedUrl.__name__, NotFound.__name__}
    assert hint


def test_an_empty_file(library: Library, tmp_path: Path) -> None:
    empty = tmp_path / "empty.mp4"
    empty.touch()
    kind, message, hint = _error(_add(library, empty))
    assert kind == ContentError.__name__
    assert "empty" in message
    assert hint


def test_a_text_file_named_mp4(library: Library, tmp_path: Path) -> None:
    text = tmp_path / "text.mp4"
    text.write_text("I am not a video.\n" * 100)
    kind, message, _hint = _error(_add(library, text))
    assert kind == ContentError.__name__
    assert "text.mp4" in message


def test_an_mp4_that_is_cut_off(library: Library, tmp_path: Path) -> None:
    whole = _lecture(tmp_path / "whole.mp4")
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    kind, message, hint = _error(_add(library, cut))
    assert kind == ContentError.__name__
    assert "cut.mp4" in message
    assert "again" in hint


def test_a_video_without_sound_is_its_slides(library: Library, tmp_path: Path) -> None:
    item = _add(library, _lecture(tmp_path / "silent.mp4"))
    assert item.status is not None
    assert item.status.state == "ready", item
    hit = library.search(Query(text="ledgers truth"))[0]
    assert hit.chunk.origin == "slides"
    assert hit.chunk.start == pytest.approx(2.0, abs=1.1)


def test_a_picture_without_words_and_sound_says_that_there_is_nothing(
    library: Library, tmp_path: Path
) -> None:
    slide_lecture(tmp_path / "blank.mp4", [" "], seconds_each=2.0)
    kind, message, hint = _error(_add(library, tmp_path / "blank.mp4"))
    assert kind == ContentError.__name__
    assert "nothing to read" in message
    assert hint


def test_sound_without_speech_says_so_and_needs_no_model(library: Library, tmp_path: Path) -> None:
    tone(tmp_path / "tone.mp3", 3.0)
    kind, message, _hint = _error(_add(library, tmp_path / "tone.mp3"))
    assert kind == ContentError.__name__
    assert "nothing to read" in message


def test_audio_with_a_sidecar_is_a_talk(library: Library, tmp_path: Path) -> None:
    tone(tmp_path / "radio.m4a", 16.0)
    write_talk(tmp_path / "radio.en.srt", ["Tonight we speak of volcanoes.", "They erupt."])
    item = _add(library, tmp_path / "radio.m4a")
    assert item.status is not None
    assert item.status.state == "ready", item
    assert _texts(library, "volcanoes")


def test_a_subtitle_of_another_video_is_refused_with_the_reason(
    library: Library, tmp_path: Path
) -> None:
    _lecture(tmp_path / "short.mp4")
    write_talk(tmp_path / "short.srt", SHEEP * 20)
    item = _add(library, tmp_path / "short.mp4")
    assert item.status is not None
    assert item.status.state == "ready", item
    document = library.document(item.status.video.video_id)
    assert any("short.srt" in note for note in document.notes)
    assert all(hit.chunk.title != "short" for hit in library.search(Query(text="wool")))


@pytest.mark.parametrize("name", ["my talk.mp4", "讲座：第一讲.mp4", "🎬 clip.mp4", "-dash.mp4"])
def test_odd_names(library: Library, tmp_path: Path, name: str) -> None:
    _lecture(tmp_path / name)
    item = _add(library, tmp_path / name)
    assert item.status is not None
    assert item.status.state == "ready", item
    media = library.playable(item.status.video.video_id)
    assert media is not None
    assert library.locate(media) == tmp_path / name


def test_the_same_video_under_two_names(library: Library, tmp_path: Path) -> None:
    one = _lecture(tmp_path / "one.mp4")
    _add(library, one)
    two = Path(shutil.copy(one, tmp_path / "two.mp4"))
    assert _add(library, two).same_as == str(one)
    assert len(library.videos()) == 2


def test_embedded_subtitles_of_two_languages_are_both_found(
    library: Library, tmp_path: Path
) -> None:
    extras = Extras(
        sound=sine(4.0),
        subtitles=[
            Track("eng", [Shown(0.5, 1.8, "Penguins live in the south.")]),
            Track("zho", [Shown(0.5, 1.8, "企鹅住在南方。")]),
        ],
    )
    slide_lecture(tmp_path / "penguins.mkv", ["Penguins", "More"], seconds_each=2.0, extras=extras)
    item = _add(library, tmp_path / "penguins.mkv")
    assert item.status is not None
    assert item.status.state == "ready", item
    english = library.search(Query(text="penguins south"))[0].chunk
    chinese = library.search(Query(text="企鹅"))[0].chunk
    assert (english.language, chinese.language) == ("en", "zh")
    assert english.origin == chinese.origin == "embedded"


def test_a_faulty_file_in_a_folder_does_not_keep_the_others(
    library: Library, tmp_path: Path
) -> None:
    folder = tmp_path / "mixed"
    folder.mkdir()
    (folder / "a empty.mp4").touch()
    (folder / "b text.mkv").write_text("no video")
    silent_video(folder / "c fine.mp4")
    added = list(library.add([str(folder)]))
    states = [item.status.state if item.status else "error" for item in added]
    assert states.count("ready") == 1
    assert len(states) == 3
    errors: list[VideoRagError] = [item.error for item in added if item.error]
    assert all(error.hint for error in errors)
