"""The small inputs that real use brought (../shared/cases), through a whole library."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from video_rag.answerers import Done
from video_rag.library import Library
from video_rag.model import Answer, Question, Transcript
from video_rag.settings import load_settings

pytestmark = pytest.mark.shared
FOUR_CUES = ["蛋白质有很多作用。", "水是冷的。", "灯是亮的。", "矿山很深。"]


@pytest.fixture
def cases(shared: Path) -> Path:
    return shared / "cases"


@pytest.fixture
def library() -> Iterator[Library]:
    overrides = {"pipeline": {"transcribers": ["subtitles"]}}
    library = Library(load_settings(overrides))
    yield library
    library.close()


def added(library: Library, folder: Path, place: Path) -> list[Transcript]:
    """Add a copy of a file or folder; the main track of each lecture that is ready."""
    copy = place / "copy" / folder.name
    copy.parent.mkdir(exist_ok=True)
    (shutil.copytree if folder.is_dir() else shutil.copy)(folder, copy)
    tracks = []
    for item in library.add([str(copy)]):
        assert item.status, item.error
        assert item.status.state == "ready", item.status.failures
        main = library.transcripts(item.status.video.video_id).main
        assert main
        tracks.append(main)
    return tracks


def texts(track: Transcript) -> list[str]:
    return [segment.text for segment in track.segments]


def notes(library: Library) -> str:
    every = [library.document(status.video.video_id).notes for status in library.videos()]
    return "\n".join(note for some in every for note in some)


def ask(library: Library, question: str) -> Answer:
    *_, last = library.ask(Question(text=question))
    assert isinstance(last, Done)
    return last.answer


@pytest.mark.parametrize(("name", "reading"), [("n01", 2), ("n02", 5), ("n06", 16), ("n07", 18)])
def test_a_folder_of_one_lecture_is_one_lecture_with_its_full_track(
    cases: Path, library: Library, tmp_path: Path, name: str, reading: int
) -> None:
    (track,) = added(library, cases / "naming" / name, tmp_path)
    assert track.language == "en"
    assert texts(track)[-1] == f"Reading number {reading} of the series."


def test_a_forced_track_beside_a_full_one_is_left_out(
    cases: Path, library: Library, tmp_path: Path
) -> None:
    (track,) = added(library, cases / "naming" / "n03", tmp_path)
    assert texts(track)[-1] == "Reading number 9 of the series."
    assert "forced" in notes(library)


def test_a_hearing_impaired_track_is_not_hindi(
    cases: Path, library: Library, tmp_path: Path
) -> None:
    added(library, cases / "naming" / "n01", tmp_path)
    (status,) = library.videos()
    languages = {track.language for track in library.transcripts(status.video.video_id).tracks}
    assert languages == {"en"}


def test_a_forced_track_alone_is_no_transcript(
    cases: Path, library: Library, tmp_path: Path
) -> None:
    copy = shutil.copytree(cases / "naming" / "n04", tmp_path / "n04")
    (item,) = library.add([str(copy)])
    assert item.status
    said = [failure.message for failure in item.status.failures]
    if item.status.state == "ready":  # its slides were read
        assert library.transcripts(item.status.video.video_id).main is None
        said = list(library.document(item.status.video.video_id).notes)
    assert "forced" in " ".join(said)


def test_one_lecture_in_two_languages(cases: Path, library: Library, tmp_path: Path) -> None:
    added(library, cases / "naming" / "n12", tmp_path)
    (status,) = library.videos()
    tracks = library.transcripts(status.video.video_id).tracks
    assert {track.language for track in tracks} == {"en", "zh"}


def test_words_that_could_be_languages_are_not(
    cases: Path, library: Library, tmp_path: Path
) -> None:
    tracks = added(library, cases / "naming" / "n27", tmp_path)
    assert len(tracks) == 2
    assert {track.language for track in tracks} == {"en"}


@pytest.mark.parametrize(
    ("name", "starts"),
    [
        ("u1-fullcolon", [0.52, 2.52, 4.52, 6.52]),
        ("u2-fullcolon-comma", [0.52, 2.52, 4.52, 6.52]),
        ("u4-onedash-some", [0.52, 2.52, 4.52, 6.52]),
        ("u5-onedash-all", [0.52, 2.52, 4.52, 6.52]),
        ("u6-fullwidth-arrow", [0.52, 2.52, 4.52, 6.52]),
    ],
)
def test_damaged_timing_lines_keep_every_cue_at_its_time(
    cases: Path, library: Library, tmp_path: Path, name: str, starts: list[float]
) -> None:
    (track,) = added(library, cases / "subtitles" / f"{name}.srt", tmp_path)
    assert texts(track) == FOUR_CUES
    assert [segment.start for segment in track.segments] == pytest.approx(starts)


def test_short_and_spaceless_times(cases: Path, library: Library, tmp_path: Path) -> None:
    (track,) = added(library, cases / "subtitles" / "t09-nospace.srt", tmp_path)
    assert [segment.start for segment in track.segments] == pytest.approx([1, 5, 9, 12])
    assert texts(track)[-1] == "全角冒号的时间。"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("s40-cp1250", "Rzeka płynie wśród gęstych łąk."),
        ("s43-arabic", "مرحبا"),
        ("s44-hebrew", "שלום"),
        ("s50-mixed", "今天我们讲水和空气。"),
        ("s33-tags", "If a<b then b>a <obviously> #include <vector>"),
        ("s33-tags", "std::vector<int>"),
        ("t04-ruby", "鉱山は深いです。"),
        ("t04-ruby", "漢字を読みます。"),
    ],
)
def test_words_are_as_written(
    cases: Path, library: Library, tmp_path: Path, name: str, words: str
) -> None:
    (path,) = (cases / "subtitles").glob(f"{name}.*")
    (track,) = added(library, path, tmp_path)
    found = "\n".join(texts(track))
    if name not in ("s43-arabic", "s44-hebrew"):
        assert words in found
    else:
        block = "\u0600-\u06ff" if "arabic" in name else "\u0590-\u05ff"
        letters = re.findall(r"\w", found)
        assert len(re.findall(f"[{block}]", found)) > 0.9 * len(letters)


def test_a_cue_in_another_encoding_is_read_alone_or_reported(
    cases: Path, library: Library, tmp_path: Path
) -> None:
    (track,) = added(library, cases / "subtitles" / "s50-mixed.srt", tmp_path)
    assert texts(track) == ["今天我们讲水和空气。", "河水在春天上涨，字幕组感谢您的观看与支持。"]
    assert "gb18030" in notes(library)


def test_segments_of_a_stream_go_on_in_time(cases: Path, library: Library, tmp_path: Path) -> None:
    (track,) = added(library, cases / "subtitles" / "s22-hls.vtt", tmp_path)
    first, second = track.segments
    assert second.start - first.start == pytest.approx(6.0)


def test_karaoke_is_one_line_and_drawings_are_none(
    cases: Path, library: Library, tmp_path: Path
) -> None:
    (track,) = added(library, cases / "subtitles" / "s09-karaoke.ass", tmp_path)
    found = texts(track)
    assert len([text for text in found if "ko" in text]) == 1
    assert not any(text.startswith("m 0 0") for text in found)
    assert any("observatory" in text for text in found)
    assert [s.speaker for s in track.segments if "observatory" in s.text] == ["Anna"]


def test_what_a_speaker_said_is_quoted_with_the_name(
    cases: Path, library: Library, tmp_path: Path
) -> None:
    added(library, cases / "speakers" / "s11-teams.vtt", tmp_path)
    added(library, cases / "speakers" / "s10-zoom.vtt", tmp_path)
    answer = ask(library, "What did Grace Lee say about the release?")
    assert "The release was moved to March." in answer.citations[0].quote
    assert "Grace Lee" in answer.citations[0].quote
    tracks = [library.transcripts(s.video.video_id).main for s in library.videos()]
    speakers = {s.speaker for track in tracks if track for s in track.segments}
    assert not any(speaker and "Lunch" in speaker for speaker in speakers)


def test_a_book_with_its_words_is_one_lecture(
    cases: Path, library: Library, tmp_path: Path
) -> None:
    folder = tmp_path / "books"
    folder.mkdir()
    shutil.copy(cases / "media" / "m10-book.m4b", folder)
    (folder / "m10-book.srt").write_text("1\n00:00:01,000 --> 00:00:03,000\nThe mine is deep.\n")
    (track,) = added(library, folder, tmp_path)
    assert texts(track) == ["The mine is deep."]
    (status,) = library.videos()
    assert status.video.url.endswith(".m4b")


def test_the_full_track_of_a_file_leads(cases: Path, library: Library, tmp_path: Path) -> None:
    (track,) = added(library, cases / "media" / "m12-forced-full.mkv", tmp_path)
    assert len(track.segments) > 1
    assert "forced" in notes(library)


@pytest.mark.slow
def test_the_film_is_looked_at_and_not_its_cover(
    cases: Path, library: Library, tmp_path: Path
) -> None:
    copy = shutil.copy(cases / "media" / "p04-cover-first-video-second.mkv", tmp_path)
    (item,) = library.add([str(copy)])
    assert item.status
    document = library.document(item.status.video.video_id)
    assert len(document.slides) > 1


@pytest.mark.slow
@pytest.mark.parametrize(("name", "least"), [("q1", 60), ("q3", 10), ("q4", 5)])
def test_questions_of_real_use_are_answered(
    cases: Path, library: Library, name: str, least: int
) -> None:
    files = [str(cases / "questions" / file) for file in ("facts.srt", "units.srt")]
    list(library.add(files))
    rows = (cases / "questions" / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    pairs = [row.split("\t") for row in rows if "\t" in row]
    wrong = []
    for question, words in pairs:
        answer = ask(library, question)
        first = answer.citations[0].quote if answer.citations else ""
        if words.casefold() not in first.casefold():
            wrong.append((question, words, first))
    assert len(pairs) - len(wrong) >= least, wrong
