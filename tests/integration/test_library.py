"""The whole pipeline on subtitle files: real plug-ins, a real library in a folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from talks import SHEEP, STARS, write_talk
from video_rag.answerers import Done
from video_rag.errors import BadSettings, NotFound, UnsupportedUrl, UsageError
from video_rag.library import Library, Wishes
from video_rag.model import Answer, Query, Question
from video_rag.settings import load_settings


@pytest.fixture
def library() -> Iterator[Library]:
    library = Library(load_settings())
    yield library
    library.close()


def _add(library: Library, *urls: Path | str, wishes: Wishes | None = None) -> list[str]:
    added = list(library.add([str(url) for url in urls], wishes))
    assert all(item.status and item.status.state == "ready" for item in added), added
    return [item.status.video.video_id for item in added if item.status]


def _ask(library: Library, question: str) -> Answer:
    events = list(library.ask(Question(text=question)))
    assert isinstance(events[-1], Done)
    return events[-1].answer


def _texts(library: Library, words: str) -> list[str]:
    return [hit.chunk.text for hit in library.search(Query(text=words))]


def test_one_path_may_be_given_alone(library: Library, tmp_path: Path) -> None:
    added = list(library.add(str(write_talk(tmp_path / "sheep.srt", SHEEP))))
    assert [item.status.state for item in added if item.status] == ["ready"]


def test_a_talk_is_found_and_quoted_to_the_second(library: Library, tmp_path: Path) -> None:
    _add(library, write_talk(tmp_path / "sheep.srt", SHEEP), write_talk(tmp_path / "星.srt", STARS))
    answer = _ask(library, "How often is the wool shorn?")
    assert not answer.refused
    first = answer.citations[0]
    assert (first.start, first.end) == (12.0, 15.8)
    assert "once a year" in first.quote
    chinese = _ask(library, "太阳最后会变成什么？")
    assert chinese.citations[0].title == "星"
    assert (chinese.citations[0].start, chinese.citations[0].end) == (8.0, 11.8)


def test_what_the_library_does_not_know_is_refused(library: Library, tmp_path: Path) -> None:
    _add(library, write_talk(tmp_path / "sheep.srt", SHEEP))
    answer = _ask(library, "Which bank raised its interest rates?")
    assert answer.refused
    assert answer.citations == ()


def test_adding_twice_works_once(library: Library, tmp_path: Path) -> None:
    talk = write_talk(tmp_path / "sheep.srt", SHEEP)
    first = list(library.add([str(talk)]))
    second = list(library.add([str(talk)]))
    assert (first[0].is_new, second[0].is_new) == (True, False)
    assert len(library.videos()) == 1


def test_a_folder_is_taken_with_its_subfolders_and_grows(library: Library, tmp_path: Path) -> None:
    write_talk(tmp_path / "a" / "sheep.srt", SHEEP)
    assert len(_add(library, tmp_path / "a")) == 1
    write_talk(tmp_path / "a" / "deep" / "stars.srt", STARS)
    assert len(_add(library, tmp_path / "a")) == 2
    assert len(library.videos()) == 2


def test_a_changed_subtitle_replaces_its_document(library: Library, tmp_path: Path) -> None:
    talk = write_talk(tmp_path / "talk.srt", SHEEP)
    _add(library, talk)
    write_talk(talk, STARS)
    _add(library, talk)
    assert len(library.videos()) == 1
    assert _texts(library, "sheep wool") == []
    assert len(_texts(library, "恒星")) >= 1


def test_a_change_for_the_worse_loses_nothing(library: Library, tmp_path: Path) -> None:
    talk = write_talk(tmp_path / "talk.srt", SHEEP)
    _add(library, talk)
    talk.write_text("this is no subtitle file at all")
    added = list(library.add([str(talk)]))
    assert all(not (item.status and item.status.state == "ready") for item in added)
    assert len(_texts(library, "sheep wool")) >= 1


def test_the_same_file_under_two_names_is_one_video(library: Library, tmp_path: Path) -> None:
    one = write_talk(tmp_path / "one.srt", SHEEP)
    two = Path(shutil.copy(one, tmp_path / "two.srt"))
    _add(library, one)
    added = list(library.add([str(two)]))
    assert added[0].same_as == str(one)
    assert [status.video.title for status in library.videos()] == ["one"]
    one.unlink()
    _add(library, two)
    assert [status.video.url for status in library.videos()] == [str(two)]


def test_wishes_are_kept_until_other_wishes_come(library: Library, tmp_path: Path) -> None:
    talk = write_talk(tmp_path / "talk.srt", SHEEP)
    _add(library, talk, wishes=Wishes(collection="farm", title="On sheep", language="en"))
    _add(library, talk)
    video = library.videos()[0].video
    assert (video.collection, video.title, video.language) == ("farm", "On sheep", "en")
    assert library.search(Query(text="wool", collection="farm"))[0].chunk.title == "On sheep"
    _add(library, talk, wishes=Wishes(title="On wool"))
    assert library.search(Query(text="wool", collection="farm"))[0].chunk.title == "On wool"


@pytest.mark.parametrize(
    "name", ["a talk.srt", "讲座 一.srt", "🎬.srt", "-dash.srt", "what's [this]?.srt", "#1 50%.srt"]
)
def test_any_name_that_a_file_can_have_works(library: Library, tmp_path: Path, name: str) -> None:
    video_id = _add(library, write_talk(tmp_path / name, SHEEP))[0]
    page = Path(library.page(video_id))
    assert page.is_file()
    assert page.parent == library.settings.library.documents
    assert library.find(name) == video_id


def test_one_bad_source_does_not_keep_the_others(library: Library, tmp_path: Path) -> None:
    good = write_talk(tmp_path / "good.srt", SHEEP)
    empty = tmp_path / "empty.srt"
    empty.touch()
    added = list(library.add([str(tmp_path / "missing.mp4"), str(empty), "gopher://x", str(good)]))
    errors = [type(item.error) for item in added if item.error]
    assert NotFound in errors
    assert UnsupportedUrl in errors
    assert all(item.error.hint for item in added if item.error)
    ready = [item for item in added if item.status and item.status.state == "ready"]
    assert [item.url for item in ready] == [str(good)]


def test_a_removed_video_leaves_nothing_of_ours_and_all_of_yours(
    library: Library, tmp_path: Path
) -> None:
    talk = write_talk(tmp_path / "sheep.srt", SHEEP)
    video_id = _add(library, talk)[0]
    page = Path(library.page(video_id))
    for blob in (library.settings.home / "blobs").glob("??/*"):
        os.utime(blob, (1, 1))
    library.remove(video_id)
    assert library.videos() == []
    assert _texts(library, "sheep") == []
    assert not page.exists()
    assert list((library.settings.home / "blobs").glob("??/*")) == []
    assert talk.is_file()
    with pytest.raises(NotFound):
        library.remove(video_id)


def test_a_video_is_found_by_whatever_a_person_calls_it(library: Library, tmp_path: Path) -> None:
    talk = write_talk(tmp_path / "sheep.srt", SHEEP)
    video_id = _add(library, talk)[0]
    for name in (video_id, video_id[:10], "sheep", "sheep.srt", str(talk)):
        assert library.find(name) == video_id
    with pytest.raises(NotFound):
        library.find("goats")
    _add(library, write_talk(tmp_path / "other" / "sheep.srt", STARS))
    with pytest.raises(UsageError, match="2 videos"):
        library.find("sheep")


def test_a_page_deleted_by_hand_comes_back_with_the_next_change(
    library: Library, tmp_path: Path
) -> None:
    talk = write_talk(tmp_path / "sheep.srt", SHEEP)
    video_id = _add(library, talk)[0]
    old = Path(library.page(video_id))
    _add(library, talk, wishes=Wishes(title="Renamed"))
    new = Path(library.page(video_id))
    assert new != old
    assert new.is_file()
    assert not old.exists()
    assert new.read_text(encoding="utf-8").startswith("# Renamed")


def test_export_writes_what_was_asked_for(library: Library, tmp_path: Path) -> None:
    video_id = _add(library, write_talk(tmp_path / "sheep.srt", SHEEP))[0]
    markdown = library.export(video_id, "md", tmp_path / "out")
    subtitles = library.export(video_id, "vtt", tmp_path / "out")
    assert "Wool is shorn" in markdown.read_text(encoding="utf-8")
    assert subtitles.read_text(encoding="utf-8").startswith("WEBVTT")


def test_shorter_passages_are_published_again_without_reading_again(
    library: Library, tmp_path: Path
) -> None:
    talk = write_talk(tmp_path / "sheep.srt", SHEEP * 8)
    _add(library, talk)
    whole = len(library.search(Query(text="wool", limit=50)))
    library.close()
    finer = Library(load_settings({"pipeline": {"passage_seconds": 10}}))
    assert finer.videos()[0].state == "queued"
    _add(finer, talk)
    assert len(finer.search(Query(text="wool", limit=50))) > whole
    finer.close()


def test_a_mistyped_plugin_table_is_refused_with_the_known_names() -> None:
    with pytest.raises(BadSettings) as caught:
        Library(load_settings({"transcribers": {"wisper": {"model": "small"}}}))
    assert "whisper" in caught.value.hint


def test_the_names_of_the_first_plan_do_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIFY_API_KEY", "dataset-x")
    Library(load_settings()).close()


def test_a_lost_knowledge_base_is_filled_again(library: Library, tmp_path: Path) -> None:
    talk = write_talk(tmp_path / "sheep.srt", SHEEP)
    _add(library, talk)
    library.close()
    for file in library.settings.home.glob("knowledge.db*"):
        file.unlink()
    again = Library(load_settings())
    assert again.videos()[0].state == "queued"
    _add(again, talk)
    assert len(_texts(again, "wool")) == 1
    again.close()
