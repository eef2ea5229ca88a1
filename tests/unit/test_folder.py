"""Files and folders of this machine as lectures."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from video_rag import digest
from video_rag.errors import ContentError, NotFound, UnsupportedUrl, UsageError
from video_rag.model import Video
from video_rag.sources.folder import Folder
from video_rag.testing import clips

SRT = "1\n00:00:00,000 --> 00:00:01,000\n{}\n"


@dataclass
class Places:
    media: Path
    allow_private: bool = False

    def digest(self, path: Path) -> str:
        return digest.of_file(path)


@pytest.fixture
def source(tmp_path: Path) -> Folder:
    return Folder(Folder.Options(), places=Places(tmp_path / "downloads"))


@pytest.fixture
def talks(tmp_path: Path) -> Path:
    """An empty folder for lectures."""
    folder = tmp_path / "talks"
    folder.mkdir()
    return folder


def fill(folder: Path, *names: str) -> None:
    """Files with content of their own; no media, since discovery opens none."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(SRT.format(name), encoding="utf-8")


def videos(source: Folder, url: str | Path) -> list[Video]:
    found = list(source.discover(str(url)))
    assert all(isinstance(video, Video) for video in found), found
    return [video for video in found if isinstance(video, Video)]


def titles(source: Folder, url: str | Path) -> list[str]:
    return [video.title for video in videos(source, url)]


@pytest.mark.parametrize(
    "url",
    [
        "/nowhere/talk.mp4",
        "./x",
        "../x",
        "~/x",
        ".",
        "talk.mp4",
        "-x.MP4",
        "讲座 1.mkv",
        "notes.zh.srt",
        "file:///a%20b.mp4",
        "a:b.mp4",
    ],
)
def test_what_looks_like_a_path_is_claimed(source: Folder, url: str) -> None:
    assert source.claims(url)


@pytest.mark.parametrize(
    "url", ["https://example.com/talk.mp4", "http://x/", "rtmp://x/y.flv", "talk", "BV1xx", ""]
)
def test_urls_and_bare_words_are_not_claimed(
    source: Folder, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert not source.claims(url)


def test_an_existing_folder_is_claimed_by_its_bare_name(
    source: Folder, talks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(talks.parent)
    assert source.claims("talks")
    assert not source.claims("x" * 5000)
    assert not source.claims("a\x00b")


def test_a_folder_is_read_with_all_below_it_in_natural_order(source: Folder, talks: Path) -> None:
    fill(talks, "talk 10.mp4", "talk 2.mp4", "Talk 1.mp3", "b/x.webm", "a/y/z.srt", "notes.txt")
    assert titles(source, talks) == ["Talk 1", "talk 2", "talk 10", "z", "x"]


def test_hidden_and_unfinished_files_are_passed_over(source: Folder, talks: Path) -> None:
    fill(talks, "a.mp4", ".b.mp4", "._a.mp4", "~c.mp4", "d.mp4.part", "e.mp4~", ".git/f.mp4")
    fill(talks, "__MACOSX/g.mp4", "h.srt~")
    assert titles(source, talks) == ["a"]


def test_a_loop_of_links_ends_and_a_link_to_a_file_is_followed(
    source: Folder, talks: Path, tmp_path: Path
) -> None:
    fill(tmp_path, "elsewhere.mp4")
    fill(talks, "sub/a.mp4")
    (talks / "sub" / "up").symlink_to(talks)
    (talks / "b.mp4").symlink_to(tmp_path / "elsewhere.mp4")
    (talks / "broken.mp4").symlink_to(tmp_path / "nothing.mp4")
    assert titles(source, talks) == ["b", "a"]


@pytest.mark.parametrize(
    "name", ["a b.mp4", "讲座 第一讲.mp4", "😀.mp4", "-x.mp4", "two\nlines.mp4", "50% #1?.mp4"]
)
def test_every_name_works(
    source: Folder, talks: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(talks, name)
    monkeypatch.chdir(talks)
    [video] = videos(source, name)
    assert (video.title, video.stem) == (name[:-4].replace("\n", " "), name[:-4])
    assert video.url == str(talks / name)
    [again] = videos(source, source.link(video, 3))
    assert again == video


def test_a_name_that_is_no_utf8_is_an_error_and_the_others_go_on(
    source: Folder, talks: Path
) -> None:
    fill(talks, "z.mp4")
    try:
        (talks / os.fsdecode(b"a\xff.mp4")).write_bytes(b"x")
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    error, video = source.discover(str(talks))
    assert isinstance(error, ContentError)
    assert "a\\udcff.mp4: its name is not UTF-8" in str(error)
    assert isinstance(video, Video)


def test_an_empty_file_is_an_error_and_the_others_go_on(source: Folder, talks: Path) -> None:
    fill(talks, "b.mp4")
    (talks / "a.mp4").touch()
    error, video = source.discover(str(talks))
    assert isinstance(error, ContentError)
    assert "a.mp4 is empty" in str(error)
    assert isinstance(video, Video)


def test_one_empty_file_alone_is_raised(source: Folder, talks: Path) -> None:
    (talks / "a.mp4").touch()
    with pytest.raises(ContentError, match="is empty"):
        list(source.discover(str(talks / "a.mp4")))


def test_a_missing_file_is_not_found(source: Folder, talks: Path) -> None:
    for name in (str(talks / "nothing.mp4"), "~nobody-here/nothing.mp4", "file:///nothing.mp4"):
        with pytest.raises(NotFound, match=r"nothing\.mp4 does not exist"):
            list(source.discover(name))


def test_a_file_of_another_kind_is_refused_with_the_kinds_we_take(
    source: Folder, talks: Path
) -> None:
    fill(talks, "notes.txt")
    with pytest.raises(UnsupportedUrl) as caught:
        list(source.discover(str(talks / "notes.txt")))
    assert ".mp4" in caught.value.hint


def test_a_folder_without_lectures_is_an_error(source: Folder, talks: Path) -> None:
    fill(talks, "notes.txt", "sub/readme.md")
    with pytest.raises(UsageError, match="no video, sound or subtitle file"):
        list(source.discover(str(talks)))


def test_subtitles_beside_a_video_are_no_lectures(source: Folder, talks: Path) -> None:
    fill(talks, "talk.mp4", "talk.srt", "talk.zh.vtt", "talk.en.ass", "talk.zh-Hans.forced.srt")
    assert titles(source, talks) == ["talk"]


def test_a_suffix_that_is_no_language_makes_another_lecture(source: Folder, talks: Path) -> None:
    fill(talks, "talk.mp4", "talk.part2.srt", "talks.zh.srt")
    assert titles(source, talks) == ["talk", "talk.part2", "talks"]


def test_a_stem_with_dots_keeps_its_subtitles(source: Folder, talks: Path) -> None:
    fill(talks, "talk.en.mp4", "talk.en.srt", "talk.en.zh.srt")
    assert titles(source, talks) == ["talk.en"]


def test_both_spellings_of_an_accent_belong_together(source: Folder, talks: Path) -> None:
    fill(talks, "caf\u00e9.mp4", "cafe\u0301.srt")
    assert len(videos(source, talks)) == 1


def test_subtitle_files_of_one_stem_are_one_lecture(
    source: Folder, talks: Path, tmp_path: Path
) -> None:
    fill(talks, "talk.en.srt", "talk.zh.srt", "other.zh.vtt", "sub/talk.srt")
    other, talk, below = videos(source, talks)
    assert [(video.stem, video.language) for video in (other, talk, below)] == [
        ("other", "zh"),
        ("talk", None),
        ("talk", None),
    ]
    files = source.fetch(talk, tmp_path).files
    assert [(file.kind, file.language, file.origin) for file in files] == [
        ("subtitles", "en", "sidecar"),
        ("subtitles", "zh", "sidecar"),
    ]


def test_a_folder_named_after_a_language_decides_nothing(source: Folder, talks: Path) -> None:
    fill(talks, "zh/talk.srt")
    [video] = videos(source, talks / "zh")
    assert video.language is None


def test_subtitles_given_by_themselves_lead_to_their_video(source: Folder, talks: Path) -> None:
    fill(talks, "talk.mp4", "talk.zh.srt")
    assert videos(source, talks / "talk.zh.srt") == videos(source, talks)


def test_the_same_file_under_two_names_is_one_video(source: Folder, talks: Path) -> None:
    fill(talks, "a.mp4")
    shutil.copy(talks / "a.mp4", talks / "b.mp4")
    [first] = videos(source, talks)
    [second] = videos(source, talks / "b.mp4")
    assert first.title == "a"
    assert second.video_id == first.video_id
    assert first.video_id == f"file:{digest.of_file(talks / 'a.mp4')[:16]}"


def test_the_fingerprint_follows_the_sidecars(source: Folder, talks: Path) -> None:
    fill(talks, "talk.mp4")
    [bare] = videos(source, talks)
    fill(talks, "talk.srt")
    [with_one] = videos(source, talks)
    (talks / "talk.srt").write_text(SRT.format("changed"))
    [changed] = videos(source, talks)
    fill(talks, "unrelated.mp4", "unrelated.srt")
    same = videos(source, talks)[0]
    assert len({bare.fingerprint, with_one.fingerprint, changed.fingerprint}) == 3
    assert same == changed
    assert bare.video_id == changed.video_id


def test_fetch_looks_inside_and_copies_nothing(source: Folder, talks: Path, tmp_path: Path) -> None:
    clips.silent_video(talks / "talk.mp4")
    fill(talks, "talk.zh-Hant.srt")
    [video] = videos(source, talks)
    found = source.fetch(video, tmp_path / "scratch")
    assert [(file.kind, file.path, file.language) for file in found.files] == [
        ("video", str(talks / "talk.mp4"), None),
        ("subtitles", str(talks / "talk.zh-Hant.srt"), "zh"),
    ]
    assert (found.has_picture, found.has_speech_track) == (True, False)
    assert found.duration == pytest.approx(2.0, abs=0.11)
    assert found == source.fetch(video, tmp_path / "scratch")
    assert not (tmp_path / "downloads").exists()


def test_sound_alone_is_audio(source: Folder, talks: Path, tmp_path: Path) -> None:
    clips.tone(talks / "talk.m4a")
    [video] = videos(source, talks / "talk.m4a")
    found = source.fetch(video, tmp_path)
    assert found.of("audio")
    assert (found.has_picture, found.has_speech_track) == (False, True)


def test_text_named_mp4_is_added_and_refused_when_fetched(
    source: Folder, talks: Path, tmp_path: Path
) -> None:
    fill(talks, "talk.mp4")
    [video] = videos(source, talks)
    with pytest.raises(ContentError, match="not a video or sound file"):
        source.fetch(video, tmp_path)


def test_an_empty_sidecar_is_left_out_with_a_note(
    source: Folder, talks: Path, tmp_path: Path
) -> None:
    clips.tone(talks / "talk.wav")
    (talks / "talk.srt").touch()
    [video] = videos(source, talks)
    found = source.fetch(video, tmp_path)
    assert not found.of("subtitles")
    assert "talk.srt is empty" in found.notes[0]


def test_a_file_that_changed_or_went_is_told(source: Folder, talks: Path, tmp_path: Path) -> None:
    fill(talks, "talk.srt")
    [video] = videos(source, talks)
    (talks / "talk.srt").write_text(SRT.format("other words"))
    with pytest.raises(ContentError, match="changed since it was added"):
        source.fetch(video, tmp_path)
    (talks / "talk.srt").unlink()
    with pytest.raises(NotFound, match="is gone"):
        source.fetch(video, tmp_path)


def test_links_open_the_second_and_are_percent_encoded(source: Folder) -> None:
    video = Video(video_id="file:0", source="folder", url="/a/讲 #1?.mp4", title="x")
    assert source.link(video, 4.3) == "file:///a/%E8%AE%B2%20%231%3F.mp4#t=4.3"
    assert source.link(video, 0) == "file:///a/%E8%AE%B2%20%231%3F.mp4#t=0"
    lone = video.model_copy(update={"url": "/a/talk.srt"})
    assert source.link(lone, 4.3) == "file:///a/talk.srt"


@pytest.mark.shared
def test_a_real_video_has_its_subtitles(source: Folder, shared: Path, tmp_path: Path) -> None:
    [video] = videos(source, shared / "media" / "friday.mp4")
    found = source.fetch(video, tmp_path)
    assert [Path(file.path).name for file in found.files] == ["friday.mp4", "friday.vtt"]
    assert (found.duration, found.has_picture, found.has_speech_track) == (6.166, True, True)


@pytest.mark.shared
def test_the_whole_corpus_is_found(source: Folder, shared: Path) -> None:
    english, chinese = (videos(source, shared / "corpus" / name) for name in ("en", "zh"))
    assert len({video.video_id for video in english + chinese}) == 131
    assert all(video.stem == Path(video.url).stem for video in english + chinese)


@pytest.mark.parametrize("name", ["p.srt", "p.mp4", ".p.json", "p.txt"])
def test_a_fifo_given_by_name_is_refused_as_what_it_is(
    source: Folder, talks: Path, name: str
) -> None:
    fill(talks, "p.mkv")
    os.mkfifo(talks / name)
    with pytest.raises(ContentError, match=r"is a FIFO, no file") as caught:
        videos(source, talks / name)
    assert caught.value.hint


def test_a_device_given_by_name_is_refused_as_what_it_is(source: Folder, talks: Path) -> None:
    (talks / "talk.mp4").symlink_to("/dev/zero")
    for path in (talks / "talk.mp4", Path("/dev/null")):
        with pytest.raises(ContentError, match="is a device, no file"):
            videos(source, path)


def test_a_link_to_nothing_given_by_name_is_called_so(source: Folder, talks: Path) -> None:
    (talks / "talk.mp4").symlink_to(talks / "gone.mp4")
    with pytest.raises(NotFound, match="is a link to nothing"):
        videos(source, talks / "talk.mp4")


def test_what_is_no_file_is_counted_among_what_was_passed_over(source: Folder, talks: Path) -> None:
    fill(talks, "talk.mp4", "deep/talk.mp4")
    for name in ("a.mp4", "deep/b.srt"):
        (talks / name).symlink_to(talks / "gone")
    (talks / "turn.srt").symlink_to(talks / "turn.srt")
    os.mkfifo(talks / "p.srt")
    (talks / "zero.mp4").symlink_to("/dev/zero")
    assert source.passed_over(str(talks)) == {"dangling link": 3, "FIFO": 1, "device": 1}


def test_a_folder_of_nothing_but_links_to_nothing_is_an_error(source: Folder, talks: Path) -> None:
    (talks / "talk.mp4").symlink_to(talks / "gone")
    with pytest.raises(UsageError, match="no video"):
        videos(source, talks)
    assert source.passed_over(str(talks)) == {"dangling link": 1}
