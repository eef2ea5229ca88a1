"""Subtitle files as a whole: encodings, refusals, and the transcriber that reads them."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from subtitle_files import SRT, cues, read, said
from video_rag.errors import ContentError, NotFound
from video_rag.model import Media, MediaSet, Transcript, Video
from video_rag.processors.subtitles import Subtitles
from video_rag.processors.subtitles.encoding import decode
from video_rag.processors.subtitles.formats import parse
from video_rag.processors.subtitles.reading import read_subtitles
from video_rag.processors.subtitles.tidy import tidy

# --- encodings -----------------------------------------------------------------------------------

CHINESE = "今天我们来讲一讲线性变换，它和矩阵是什么关系。你会看到这个想法很有用。"
TRADITIONAL = "今天我們來講一講線性變換，它和矩陣是什麼關係。你會看到這個想法很有用。"
JAPANESE = "今日は線形変換について話します。行列とはどんな関係があるのでしょうか。"
KOREAN = "오늘은 선형 변환에 대해 이야기해 보겠습니다. 아주 재미있습니다."
RUSSIAN = "Сегодня мы поговорим о том, что такое линейное преобразование."
FRENCH = "Aujourd'hui, nous parlerons de l'été où l'élève a réussi son école."


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (CHINESE, "utf-8-sig"),
        (CHINESE, "utf-16"),
        (CHINESE, "utf-16-le"),
        (CHINESE, "utf-16-be"),
        (CHINESE, "utf-32"),
        (CHINESE, "gb18030"),
        (CHINESE, "gbk"),
        (TRADITIONAL, "big5"),
        (JAPANESE, "shift_jis"),
        (KOREAN, "euc-kr"),
        (RUSSIAN, "cp1251"),
        (FRENCH, "cp1252"),
    ],
)
def test_every_encoding_gives_the_same_words(tmp_path: Path, text: str, encoding: str) -> None:
    data = f"1\n00:00:01,000 --> 00:00:02,000\n{text}\n".encode(encoding)
    track = read(tmp_path, data)
    assert said(track) == [(1.0, 2.0, text)]
    assert bool(track.notes) == (not encoding.startswith("utf"))


@pytest.mark.shared
@pytest.mark.parametrize("encoding", ["gb18030", "utf-16-le", "utf-16-be"])
def test_the_whole_corpus_survives_a_change_of_encoding(shared: Path, encoding: str) -> None:
    for path in sorted((shared / "corpus" / "zh").glob("*.srt"))[::6]:
        text = path.read_text(encoding="utf-8")
        assert decode(text.encode(encoding))[0] == text, path.name


def test_utf8_that_was_cut_off_keeps_all_but_its_last_character(tmp_path: Path) -> None:
    track = read(tmp_path, f"00:00:01,000 --> 00:00:02,000\n{CHINESE}".encode()[:-1])
    assert track.segments[0].text.startswith(CHINESE[:-1])
    assert track.notes == ("1 character is not utf-8 and replaced by \ufffd",)


# --- properties ----------------------------------------------------------------------------------

WORDS = st.lists(st.text("abcdefgh中文字幕éü", min_size=1, max_size=8), min_size=1, max_size=6).map(
    " ".join
)
MILLISECONDS = st.integers(1, 200_000)
CUES = st.lists(st.tuples(MILLISECONDS, MILLISECONDS, WORDS), min_size=1, max_size=12)


def srt_time(milliseconds: int, mark: str = ",") -> str:
    seconds, rest = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{mark}{rest:03}"


def as_srt(timed: list[tuple[int, int, str]]) -> str:
    return "\n".join(
        f"{n}\n{srt_time(start)} --> {srt_time(end)}\n{text}\n"
        for n, (start, end, text) in enumerate(timed, start=1)
    )


def as_vtt(timed: list[tuple[int, int, str]]) -> str:
    return "WEBVTT\n\n" + "\n".join(
        f"{srt_time(start, '.')} --> {srt_time(end, '.')} line:80%\n{text}\n"
        for start, end, text in timed
    )


def as_ass(timed: list[tuple[int, int, str]]) -> str:
    return "[Events]\n" + "\n".join(
        f"Dialogue: 0,{srt_time(start, '.')},{srt_time(end, '.')},Default,,0,0,0,,{{\\i1}}{text}"
        for start, end, text in timed
    )


@given(
    spans=CUES,
    render=st.sampled_from([as_srt, as_vtt, as_ass]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"]),
    newline=st.sampled_from(["\n", "\r\n", "\r", "\r\r\n"]),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_what_was_written_is_read_again(tmp_path, spans, render, encoding, newline) -> None:
    timed = []
    clock = 0
    for gap, length, text in spans:  # cues apart from one another: nothing to repair
        start = clock + gap + 200
        timed.append((start, start + length, text))
        clock = start + length
    data = render(timed).replace("\n", newline).encode(encoding)
    track = read(tmp_path, data, "talk.sub")
    assert said(track) == [(start / 1000, end / 1000, text) for start, end, text in timed]
    assert track.notes == ()


LINE = st.one_of(
    WORDS,
    st.text(max_size=20),
    st.builds(
        "{}{}:{}:{}{}{} --> {}:{}".format,
        st.sampled_from(["", "-", "1 "]),
        *[st.integers(0, 120)] * 3,
        st.sampled_from([",", ".", ""]),
        *[st.integers(0, 10**13)] * 3,
    ),
    st.sampled_from(
        ["", "1", "WEBVTT", "NOTE", "<v Ann>", "{\\p1}", "[Events]", "Dialogue: 0,0:1"]
    ),
)


@given(st.lists(LINE, max_size=30).map("\n".join))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_lines_give_times_in_order_or_a_refusal(tmp_path: Path, text: str) -> None:
    data = text.encode("utf-8", "replace")
    if not tidy(parse(decode(data)[0])):
        with pytest.raises(ContentError, match="no cues found"):
            read(tmp_path, data)
        return
    track = read(tmp_path, data)
    starts = [segment.start for segment in track.segments]
    assert starts == sorted(starts)
    for segment in track.segments:
        assert math.isfinite(segment.end)
        assert 0 <= segment.start <= segment.end
        assert segment.text.strip()


@given(st.binary(max_size=300))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_bytes_that_are_no_subtitles_are_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(ContentError, match="no cues found"):
        read(tmp_path, data)


@given(CUES)
def test_tidying_loses_no_word_of_ordinary_cues(spans: list[tuple[int, int, str]]) -> None:
    parsed = parse(as_srt(spans))
    noted = sum(len(lines) for lines in parsed.problems.values())
    kept = [" ".join(cue.lines) for cue in tidy(parsed)]
    assert set(kept) <= {text for _, _, text in spans}
    if len(kept) < len(spans):
        assert sum(len(lines) for lines in parsed.problems.values()) > noted


# --- files ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [b"", b"\n\n", b"just some text", b"\x00\x01\x02" * 100, b"\xff"])
def test_what_is_no_subtitle_file_is_refused_with_a_hint(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(ContentError, match=r"talk\.srt: no cues found") as caught:
        read(tmp_path, data)
    assert "SubRip" in caught.value.hint


def test_a_file_without_one_good_cue_says_which_lines_are_bad(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match=r"1 cue dropped: unreadable time \(line 2\)"):
        read(tmp_path, "1\n00:00:xx --> 00:00:02,000\nHello\n")


def test_a_missing_file_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="does not exist"):
        read_subtitles(tmp_path / "gone.srt")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match="cannot be read"):
        read_subtitles(tmp_path)


@pytest.mark.parametrize(
    ("given_tag", "header", "expected"),
    [("zh-Hans", "en", "zh"), (None, "de", "de"), (None, "", "en"), ("und", "", "en")],
)
def test_the_language_is_given_or_in_the_header_or_guessed(
    tmp_path: Path, given_tag: str | None, header: str, expected: str
) -> None:
    path = tmp_path / "talk.vtt"
    words = "This is what the speaker said and you heard."
    path.write_text(f"WEBVTT\nLanguage: {header}\n\n00:01.000 --> 00:02.000\n{words}\n")
    assert read_subtitles(path, language=given_tag).language == expected


# --- the transcriber -----------------------------------------------------------------------------

VIDEO = Video(video_id="file:1", source="folder", url="/talk.mp4", title="talk")


def media_of(*paths: Path, duration: float | None = None, with_sound: bool = True) -> MediaSet:
    files = [Media(kind="subtitles", path=path.name, digest="", size=1) for path in paths]
    if with_sound:
        files.append(Media(kind="audio", path="talk.mp3", digest="", size=1))
    return MediaSet(files=tuple(files), duration=duration)


def transcribe(folder: Path, media: MediaSet) -> list[Transcript]:
    reader = Subtitles(Subtitles.Options())
    return reader.transcribe(VIDEO, media, lambda path: folder / path, lambda share, text: None)


def file_with(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_every_file_gives_one_transcript(tmp_path: Path) -> None:
    english = file_with(tmp_path, "talk.en.srt", SRT)
    chinese = file_with(tmp_path, "talk.zh.srt", SRT.replace("Hello there", CHINESE))
    tracks = transcribe(tmp_path, media_of(english, chinese))
    assert [(track.language, track.origin) for track in tracks] == [
        ("und", "sidecar"),
        ("zh", "sidecar"),
    ]


def test_language_and_origin_of_the_file_are_kept(tmp_path: Path) -> None:
    path = file_with(tmp_path, "talk.vtt", SRT)
    file = Media(
        kind="subtitles",
        path=path.name,
        digest="",
        size=1,
        language="en-US",
        origin="platform-auto",
    )
    (track,) = transcribe(tmp_path, MediaSet(files=(file,)))
    assert (track.language, track.origin) == ("en", "platform-auto")


def test_no_subtitles_give_no_transcripts(tmp_path: Path) -> None:
    assert transcribe(tmp_path, media_of()) == []


def test_a_bad_file_beside_a_good_one_is_a_note(tmp_path: Path) -> None:
    good = file_with(tmp_path, "talk.srt", SRT)
    bad = file_with(tmp_path, "talk.zh.srt", "nothing")
    (track,) = transcribe(tmp_path, media_of(bad, good))
    assert any("talk.zh.srt: no cues found" in note for note in track.notes)


def test_bad_files_alone_are_an_error(tmp_path: Path) -> None:
    bad = file_with(tmp_path, "talk.srt", "nothing")
    with pytest.raises(ContentError, match="no cues found"):
        transcribe(tmp_path, media_of(bad))


LONG = "\n".join(cues(f"line {n}").replace("00:00:", f"00:{n:02}:") for n in range(60))


def test_subtitles_far_longer_than_the_video_are_refused(tmp_path: Path) -> None:
    path = file_with(tmp_path, "talk.srt", LONG)
    with pytest.raises(ContentError, match=r"another video: it goes on until 59:00.* ends at 1:00"):
        transcribe(tmp_path, media_of(path, duration=60.0))


@pytest.mark.parametrize("duration", [None, 3600.0, 3300.0])
def test_subtitles_that_may_fit_are_taken(tmp_path: Path, duration: float | None) -> None:
    path = file_with(tmp_path, "talk.srt", LONG)
    (track,) = transcribe(tmp_path, media_of(path, duration=duration))
    assert len(track.segments) == 60
    assert track.notes == ()


def test_a_stray_cue_after_the_end_is_cut_off_and_said(tmp_path: Path) -> None:
    path = file_with(tmp_path, "talk.srt", LONG + "\n99:59:58,000 --> 99:59:59,000\nby Ann\n")
    (track,) = transcribe(tmp_path, media_of(path, duration=3600.0))
    assert len(track.segments) == 60
    assert track.notes == ("1 cue dropped: after the end of the video (the last at 99:59:58)",)


def test_subtitles_alone_decide_how_long_they_are(tmp_path: Path) -> None:
    path = file_with(tmp_path, "talk.srt", LONG)
    (track,) = transcribe(tmp_path, media_of(path, duration=1.0, with_sound=False))
    assert len(track.segments) == 60


# --- real files ----------------------------------------------------------------------------------


@pytest.mark.shared
def test_every_cue_of_the_corpus_is_a_segment_or_an_empty_cue_in_a_note(shared: Path) -> None:
    for path in sorted((shared / "corpus").glob("*/*.srt")):
        track = read_subtitles(path)
        times = path.read_text(encoding="utf-8").count("-->")
        empty = [note for note in track.notes if "dropped: no text" in note]
        left_out = int(empty[0].split()[0]) if empty else 0
        assert len(track.segments) + left_out == times, path.name
        assert track.language == path.parent.name, path.name
        changed = [note for note in track.notes if "merged" in note or "cut" in note]
        assert not changed, path.name


@pytest.mark.shared
def test_the_line_at_four_seconds_is_its_own_segment(shared: Path) -> None:
    track = read_subtitles(shared / "media" / "friday.vtt")
    assert len(track.segments) == 5
    assert said(track)[-1] == (4.3, 6.0, "Somebody must've stolen the crown jewels")
    assert track.language == "en"
