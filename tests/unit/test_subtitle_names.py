"""Which subtitle belongs to which video, as people, players, recorders and tools name them."""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_folder import Places, fill

from video_rag.model import MediaSet, Video
from video_rag.sources.folder import Folder
from video_rag.sources.folder import listing as listings
from video_rag.sources.folder.names import numbered
from video_rag.text import labels


@pytest.fixture
def source(tmp_path: Path) -> Folder:
    return Folder(Folder.Options(), places=Places(tmp_path / "downloads"))


@pytest.fixture
def talks(tmp_path: Path) -> Path:
    """An empty folder for lectures."""
    folder = tmp_path / "talks"
    folder.mkdir()
    return folder


Label = tuple[str | None, tuple[str, ...]]


def lectures(source: Folder, folder: Path) -> dict[str, dict[str, Label]]:
    """From the name of each main file to the language and roles of each of its subtitles."""
    found = {}
    for lecture in source._walk(folder):
        assert not isinstance(lecture, Exception), lecture
        beside = {
            str(one.path.relative_to(folder)): (one.language, one.roles)
            for one in lecture.subtitles
        }
        found[str(lecture.main.relative_to(folder))] = beside
        for one in lecture.subtitles:  # each file by itself leads to the same lecture
            assert one in source._shelves.lecture_of(one.path).subtitles
        assert lecture == source._shelves.lecture_of(lecture.main)
    return found


def notes(source: Folder, folder: Path) -> str:
    """What the lectures of a folder tell in doubt."""
    found = source._walk(folder)
    return "; ".join(n for one in found if not isinstance(one, Exception) for n in one.notes)


FORCED = ("forced",)
IMPAIRED = ("hearing-impaired",)


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("tides.srt", (None, ())),
        ("tides.en.hi.srt", ("en", IMPAIRED)),
        ("tides.hi.en.srt", ("en", IMPAIRED)),
        ("tides.hi.srt", ("hi", ())),
        ("tides.hi.forced.srt", ("hi", FORCED)),
        ("tides.hin.hi.srt", ("hi", IMPAIRED)),
        ("tides.en.sdh.srt", ("en", IMPAIRED)),
        ("tides.sdh.en.srt", ("en", IMPAIRED)),
        ("tides.en.cc.vtt", ("en", IMPAIRED)),
        ("tides.forced.en.srt", ("en", FORCED)),
        ("tides.en.forced.srt", ("en", FORCED)),
        ("tides.foreign.srt", (None, FORCED)),
        ("tides.en.forced.default.srt", ("en", ("default", "forced"))),
        ("tides.default.en.srt", ("en", ("default",))),
        ("tides.commentary.en.srt", ("en", ("commentary",))),
        ("tides.en.Director Commentary.srt", ("en", ("commentary",))),
        ("tides.full.en.srt", ("en", ())),
        ("tides.transcript.vtt", (None, ())),
        ("tides_en.srt", ("en", ())),
        ("tides-zh.srt", ("zh", ())),
        ("tides (en).srt", ("en", ())),
        ("tides(en).srt", ("en", ())),
        ("tides [English].srt", ("en", ())),
        ("tides（中文）.srt", ("zh", ())),
        ("tides.mp4.srt", (None, ())),
        ("tides.mp4.en.srt", ("en", ())),
        ("TIDES.EN.SRT", ("en", ())),
        ("Tides.En.Forced.Srt", ("en", FORCED)),
        ("tides.eng.srt", ("en", ())),
        ("tides.English.srt", ("en", ())),
        ("tides.Chinese.ass", ("zh", ())),
        ("tides.中文.srt", ("zh", ())),
        ("tides.简体.srt", ("zh", ())),
        ("tides.简体中文字幕.srt", ("zh", ())),
        ("tides.chs.srt", ("zh", ())),
        ("tides.cht.srt", ("zh", ())),
        ("tides.chs&eng.ass", ("zh", ())),
        ("tides.zh-Hans.srt", ("zh", ())),
        ("tides.zh-Hans-CN.srt", ("zh", ())),
        ("tides.pt-BR.srt", ("pt", ())),
        ("tides.Brazilian Portuguese.srt", ("pt", ())),
        ("tides.es-419.srt", ("es", ())),
        ("tides_zh_CN.srt", ("zh", ())),
        ("tides.en-orig.vtt", ("en", ())),
        ("tides.ai-zh.srt", ("zh", ())),
        ("tides.subgen.medium.eng.srt", ("en", ())),
        ("tides.whisper.large-v3.en.srt", ("en", ())),
        ("tides.en.2.srt", ("en", ())),
        ("tides (1).srt", (None, ())),
        ("Subs/tides.en.srt", ("en", ())),
        ("Subtitles/tides.srt", (None, ())),
        ("subs/Tides_FR.srt", ("fr", ())),
        ("Subs/tides/2_English.srt", ("en", ())),
        ("Subs/tides/3_English [SDH].srt", ("en", IMPAIRED)),
        ("Subs/2_English.srt", ("en", ())),
        ("Subs/English/tides.srt", ("en", ())),
        ("English.srt", ("en", ())),
        ("subtitles.srt", (None, ())),
    ],
)
def test_a_subtitle_is_taken_by_the_video_it_is_named_after(
    source: Folder, talks: Path, name: str, label: Label
) -> None:
    fill(talks, "tides.mp4", name)
    assert lectures(source, talks) == {"tides.mp4": {name: label}}
    assert not notes(source, talks)


@pytest.mark.parametrize(
    ("video", "subtitle"),
    [
        (
            "GMT20260105-090000_Recording_1280x720.mp4",
            "GMT20260105-090000_Recording.transcript.vtt",
        ),
        (
            "GMT20260105-090000_Recording_gallery_1280x720.mp4",
            "GMT20260105-090000_Recording.cc.vtt",
        ),
        (
            "Weekly sync-20260105_090000-Meeting Recording.mp4",
            "Weekly sync-20260105_090000-Meeting Transcript.vtt",
        ),
        ("Weekly sync-20260105_090000-Meeting Recording.mp4", "Weekly sync.vtt"),
        ("Tides.2019.1080p.WEBRip.x264-GRP.mp4", "Tides.2019.en.srt"),
        ("Tides.2019.1080p.WEBRip.x264-GRP.mp4", "Tides.2019.720p.BluRay.en.srt"),
        ("Tides (2019).mkv", "Tides.srt"),
        ("Tides and moons [dQw4w9WgXcQ].webm", "Tides and moons.en.vtt"),
        ("Tides_and_moons.mp4", "tides and moons.srt"),
        ("潮汐 第一讲.mp4", "潮汐_第一讲.简体中文.srt"),
        ("caf\u00e9 \u00dcber.mp4", unicodedata.normalize("NFD", "CAF\u00c9 \u00dcber.de.srt")),
    ],
)
def test_what_recorders_and_releases_add_is_no_part_of_the_name(
    source: Folder, talks: Path, video: str, subtitle: str
) -> None:
    fill(talks, video, subtitle)
    assert list(lectures(source, talks)) == [video]
    assert list(lectures(source, talks)[video]) == [subtitle]


def test_one_transcript_goes_with_picture_and_sound_of_a_meeting(
    source: Folder, talks: Path
) -> None:
    stem = "GMT20260105-090000_Recording"
    fill(talks, f"{stem}_1280x720.mp4", f"{stem}.m4a", f"{stem}.transcript.vtt")
    assert [list(files) for files in lectures(source, talks).values()] == [
        [f"{stem}.transcript.vtt"]
    ] * 2


def test_two_meetings_of_one_series_share_no_transcript(source: Folder, talks: Path) -> None:
    fill(talks, "Weekly sync-20260105_090000-Meeting Recording.mp4", "Weekly sync.vtt")
    fill(talks, "Weekly sync-20260112_090000-Meeting Recording.mp4")
    assert lectures(source, talks)["Weekly sync.vtt"] == {"Weekly sync.vtt": (None, ())}
    assert "Weekly sync.vtt may belong to" in notes(source, talks)


@pytest.mark.parametrize(
    "name", ["tides.part2.srt", "tides 2.srt", "tides - workshop 3.srt", "tides.s01e02.en.srt"]
)
def test_what_may_belong_and_is_taken_by_itself_says_so(
    source: Folder, talks: Path, tmp_path: Path, name: str
) -> None:
    fill(talks, "tides.mp4", name)
    assert set(lectures(source, talks)) == {"tides.mp4", name}
    [lone] = [video for video in source.discover(str(talks)) if video.url.endswith(name)]  # type: ignore[union-attr]
    assert isinstance(lone, Video)
    assert f"{name} may belong to tides.mp4" in source.fetch(lone, tmp_path).notes[0]


def test_words_that_say_nothing_known_are_a_title_and_told(source: Folder, talks: Path) -> None:
    fill(talks, "tides.mp4", "tides.Grace Lee.srt")
    assert list(lectures(source, talks)["tides.mp4"]) == ["tides.Grace Lee.srt"]
    assert "also says 'grace lee'" in notes(source, talks)


def test_a_title_takes_no_place_beside_a_better_subtitle(source: Folder, talks: Path) -> None:
    fill(talks, "tides.mp4", "tides.en.srt", "tides.lists.srt", "tides.dicts.srt")
    assert list(lectures(source, talks)) == ["tides.dicts.srt", "tides.lists.srt", "tides.mp4"]
    assert notes(source, talks).count("may belong to tides.mp4") == 2


def test_the_longest_and_the_nearest_name_wins(source: Folder, talks: Path) -> None:
    fill(talks, "talk.mp4", "talk.en.mp4", "talk.en.srt", "talk.zh.srt")
    fill(talks, "rock.1080p.mp4", "rock.720p.mp4", "rock.720p.en.srt")
    found = lectures(source, talks)
    assert list(found["talk.en.mp4"]) == ["talk.en.srt"]
    assert list(found["talk.mp4"]) == ["talk.zh.srt"]
    assert found["rock.1080p.mp4"] == {}
    assert list(found["rock.720p.mp4"]) == ["rock.720p.en.srt"]


def test_names_that_differ_in_case_alone_keep_their_own(source: Folder, talks: Path) -> None:
    fill(talks, "Talk.mp4", "talk.mp4", "Talk.srt", "talk.srt")
    if len(list(talks.iterdir())) < 4:
        pytest.skip("this file system takes both for one")
    assert {name: list(files) for name, files in lectures(source, talks).items()} == {
        "Talk.mp4": ["Talk.srt"],
        "talk.mp4": ["talk.srt"],
    }


def test_a_nameless_subtitle_beside_many_videos_says_so(source: Folder, talks: Path) -> None:
    fill(talks, "a.mp4", "b.mp4", "Subs/English.srt")
    assert set(lectures(source, talks)) == {"a.mp4", "b.mp4", "Subs/English.srt"}
    assert "does not tell to which of the 2 videos" in notes(source, talks)
    assert "does not tell" in notes(source, talks / "Subs")


@pytest.mark.parametrize(
    "names",
    [
        ["module.is.srt", "module.so.srt"],
        ["dept.hr.srt", "dept.it.srt"],
        ["course.cs.srt", "course.ms.srt"],
        ["how-to.srt", "how-so.srt"],
        ["log.mar.srt", "log.may.srt"],
        ["talk.final.srt", "talk.edited.srt"],
    ],
)
def test_words_that_may_be_no_languages_make_lectures_of_their_own(
    source: Folder, talks: Path, names: list[str]
) -> None:
    fill(talks, *names)
    assert set(lectures(source, talks)) == set(names)


def test_without_a_video_languages_of_one_name_are_one_lecture(source: Folder, talks: Path) -> None:
    fill(talks, "a_en.srt", "a_zh.srt", "b.en.srt", "b.is.srt", "b.en.forced.srt", "c.en.hi.srt")
    assert list(lectures(source, talks).values()) == [
        {"a_en.srt": ("en", ()), "a_zh.srt": ("zh", ())},
        {"b.en.forced.srt": ("en", FORCED), "b.en.srt": ("en", ()), "b.is.srt": ("is", ())},
        {"c.en.hi.srt": ("en", IMPAIRED)},
    ]


def test_files_of_other_kinds_are_counted_by_suffix(source: Folder, talks: Path) -> None:
    fill(talks, "a.mp4", "b.pdf", "sub/c.PDF", "sub/d.txt", "README", ".hidden.pdf")
    assert source.passed_over(str(talks)) == Counter({".pdf": 2, ".txt": 1, "": 1})
    assert not source.passed_over(str(talks / "a.mp4"))


def test_roles_reach_the_media_and_none_leaves_its_stored_form_alone(
    source: Folder, talks: Path, tmp_path: Path
) -> None:
    fill(talks, "a.en.forced.srt", "a.en.srt")
    [video] = source.discover(str(talks))
    assert isinstance(video, Video)
    forced, full = source.fetch(video, tmp_path).of("subtitles")
    assert (forced.roles, full.roles) == (FORCED, ())
    assert '"roles"' in forced.model_dump_json()
    assert '"roles"' not in full.model_dump_json()
    assert MediaSet.model_validate_json(MediaSet(files=(forced, full)).model_dump_json())


class Counted:
    """How often folders were listed, and files asked for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: Counter[str] = Counter()
        scandir, stat, claimed = os.scandir, Path.stat, labels.words

        def listed(path: Path) -> object:
            self.calls["listed"] += 1
            return scandir(path)

        def asked(path: Path, **how: bool) -> os.stat_result:
            self.calls["stat"] += 1
            return stat(path, **how)

        def read(name: str) -> tuple[str, ...]:
            self.calls["names"] += 1
            return claimed(name)

        monkeypatch.setattr(os, "scandir", listed)
        monkeypatch.setattr(Path, "stat", asked)
        monkeypatch.setattr(listings, "words", read)


def work(
    source: Folder, folder: Path, many: int, suffixes: tuple[str, ...], counted: Counted
) -> Counter[str]:
    folder.mkdir()
    for number in range(many):
        for suffix in suffixes:
            (folder / f"lecture {number}{suffix}").write_text(f"{number}{suffix}")
    os.utime(folder, (1e9, 1e9))
    counted.calls.clear()
    for video in source.discover(str(folder)):
        assert isinstance(video, Video)
        source._shelves.lecture_of(Path(video.url))
    return Counter(counted.calls)


@pytest.mark.parametrize("suffixes", [(".srt",), (".mp4", ".en.srt"), (" 1080p x.mp4", ".srt")])
def test_ten_times_the_files_of_a_flat_folder_are_ten_times_the_work(
    source: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffixes: tuple[str, ...]
) -> None:
    counted = Counted(monkeypatch)
    few = work(source, tmp_path / "few", 30, suffixes, counted)
    many = work(source, tmp_path / "many", 300, suffixes, counted)
    assert few["listed"] == many["listed"]
    assert many["stat"] <= 10 * few["stat"]
    assert many["names"] <= 10 * few["names"]


def test_one_file_in_a_full_folder_is_looked_at_alone(
    source: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = Counted(monkeypatch)
    work(source, tmp_path / "full", 300, (".srt",), counted)
    fresh = Folder(Folder.Options(), places=Places(tmp_path))
    counted.calls.clear()
    [video] = fresh.discover(str(tmp_path / "full" / "lecture 17.srt"))
    assert isinstance(video, Video)
    fresh.fetch(video, tmp_path)
    assert counted.calls["listed"] == 1
    assert counted.calls["stat"] < 20


def test_a_subtitle_that_comes_or_goes_is_seen_at_once(source: Folder, talks: Path) -> None:
    fill(talks, "a.mp4", "Subs/b.srt")
    os.utime(talks, (1e9, 1e9))
    os.utime(talks / "Subs", (1e9, 1e9))
    assert lectures(source, talks)["a.mp4"] == {}
    fill(talks, "a.srt", "Subs/a.en.srt")
    assert len(lectures(source, talks)["a.mp4"]) == 2
    (talks / "Subs" / "a.en.srt").unlink()
    assert list(lectures(source, talks)["a.mp4"]) == ["a.srt"]


@given(st.text(max_size=40), st.sampled_from(["en", "zh-Hans", "eng", "pt-BR", "hi"]))
def test_a_language_behind_any_name_is_read(name: str, language: str) -> None:
    said = labels.words(f"{name}.{language}")
    assert labels.words(name) == said[: len(labels.words(name))]
    assert labels.read(said[len(labels.words(name)) :]).language == language[:2]


@pytest.mark.parametrize(
    ("video", "own", "other"),
    [
        ("meeting_01.mp4", "meeting_01_transcript_en.vtt", "audio_transcript.vtt"),
        ("meeting_01.mp4", "meeting_01.srt", "captions.srt"),
        ("talk.mp4", "talk.en.srt", "English.srt"),
        ("talk.mp4", "Subs/talk/2_English.srt", "Subs/1_English.srt"),
        ("zoo.mkv", "zoo.zh.srt", "字幕.srt"),
        ("GMT2026_Recording_1280x720.mp4", "GMT2026_Recording_1280x720.en.srt", "cc.vtt"),
        ("GMT2026_Recording_1280x720.mp4", "GMT2026_Recording.transcript.vtt", "auto.vtt"),
        ("talk_1280x720.mp4", "talk_1280x720.srt", "talk.srt"),
    ],
)
def test_a_subtitle_named_after_the_video_comes_before_one_with_a_name_for_any(
    source: Folder, talks: Path, video: str, own: str, other: str
) -> None:
    fill(talks, video, own, other)
    [lecture] = source._shelves.lectures(talks)
    assert [str(one.path.relative_to(talks)) for one in lecture.subtitles] == [own, other]


@pytest.mark.parametrize(
    ("video", "subtitle"),
    [
        ("第2讲 极限.mp4", "第02讲 极限.srt"),
        ("第02讲 极限.mp4", "第2讲 极限.zh.srt"),
        ("第十二讲 极限.mp4", "第12讲 极限.srt"),
        ("第12讲.mp4", "第十二讲.en.srt"),
        ("第２讲.mp4", "第2讲.srt"),
        ("Lecture 3.mp4", "lecture_03.srt"),
        ("Show S01E02.mkv", "show.s1e2.en.forced.srt"),
        ("week 07 part 2.mp4", "week 7 part 02.srt"),
    ],
)
def test_a_number_is_the_same_however_it_is_written(
    source: Folder, talks: Path, video: str, subtitle: str
) -> None:
    fill(talks, video, subtitle, "第9讲 其他.mp4")
    assert set(lectures(source, talks)[video]) == {subtitle}


@pytest.mark.parametrize(
    ("videos", "subtitle"),
    [
        (["第2讲 极限.mp4"], "第12讲 极限.srt"),
        (["第2讲 极限.mp4"], "第二十讲 极限.srt"),
        (["第2讲 极限.mp4"], "第02讲 导数.srt"),
        (["lecture 1.mp4"], "lecture 10.srt"),
        (["lecture 2 part 1.mp4"], "lecture 02 part 2.srt"),
        (["S01E02.mp4"], "S01E20.srt"),
        (["第2讲.mp4", "第02讲.mp4"], "第二讲.srt"),  # which of the two nobody can tell
    ],
)
def test_another_number_is_another_lecture(
    source: Folder, talks: Path, videos: list[str], subtitle: str
) -> None:
    fill(talks, *videos, subtitle)
    assert set(lectures(source, talks)) == {*videos, subtitle}


def test_the_very_name_comes_before_another_way_to_write_its_number(
    source: Folder, talks: Path
) -> None:
    fill(talks, "第2讲.mp4", "第02讲.mp4", "第2讲.srt", "第02讲.srt")
    assert {main: set(own) for main, own in lectures(source, talks).items()} == {
        "第2讲.mp4": {"第2讲.srt"},
        "第02讲.mp4": {"第02讲.srt"},
    }


@given(st.text(alphabet="〇零一二两三四五六七八九十百千万亿0123456789２第讲 a", max_size=40))
def test_any_name_has_its_numbers_written_one_way(name: str) -> None:
    once = numbered(labels.words(name))
    assert numbered(once) == once


@pytest.mark.parametrize("stem", ["e06-big5", "e16-mixed-utf8-gb", "notes_sc", "plan-tc"])
def test_what_may_be_a_label_stays_in_the_title_where_no_video_has_the_rest(
    source: Folder, talks: Path, stem: str
) -> None:
    fill(talks, f"{stem}.srt", "e06.en.srt")
    titles = [one.title for one in source.discover(str(talks)) if isinstance(one, Video)]
    assert set(titles) == {stem, "e06"}


def test_the_same_label_is_one_beside_its_video(source: Folder, talks: Path) -> None:
    fill(talks, "e06.mp4", "e06-big5.srt")
    assert lectures(source, talks) == {"e06.mp4": {"e06-big5.srt": ("zh", ())}}
