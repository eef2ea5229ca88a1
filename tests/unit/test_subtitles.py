"""Subtitle files, clean and dirty."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from video_rag.errors import ContentError, NotFound
from video_rag.model import Media, MediaSet, Transcript, Video
from video_rag.processors._cues import parse
from video_rag.processors._encoding import decode
from video_rag.processors._tidy import reading_time, tidy
from video_rag.processors.subtitles import Subtitles, read_subtitles

SRT = "1\n00:00:01,000 --> 00:00:02,500\nHello there.\n\n2\n00:00:03,000 --> 00:00:04,000\nBye.\n"


def read(tmp_path: Path, text: str | bytes, name: str = "talk.srt") -> Transcript:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_subtitles(path)


def said(track: Transcript) -> list[tuple[float, float, str]]:
    return [(segment.start, segment.end, segment.text) for segment in track.segments]


# --- times -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("times", "start", "end"),
    [
        ("00:00:01,500 --> 00:00:02,000", 1.5, 2.0),
        ("00:00:01.500 --> 00:00:02.000", 1.5, 2.0),
        ("00:01.500 --> 00:02.000", 1.5, 2.0),
        ("0:0:1,5-->0:0:2,0", 1.5, 2.0),
        ("00:00:01 --> 00:00:02", 1.0, 2.0),
        ("00:00:01:500 --> 00:00:02:000", 1.5, 2.0),
        ("123:00:01,500 --> 123:00:02,000", 442801.5, 442802.0),
        ("00:00:01,0000000000001 --> 00:00:02,9999999999999", 1.0, 3.0),
        ("00:00:04,560.0000000000009 --> 00:01:04,777.74609375", 4.56, 64.777746),
        ("00 : 00 : 01 , 500 --> 00 : 00 : 02 , 000", 1.5, 2.0),
        ("00:00:01,500 –> 00:00:02,000", 1.5, 2.0),
        ("7 00:00:01,500 --> 00:00:02,000", 1.5, 2.0),
        ("00:00:01.500 --> 00:00:02.000 line:80% position:10%,line-left align:start", 1.5, 2.0),
        ("00:00:01,500 --> 00:00:02,000  X1:40 X2:600 Y1:20 Y2:50", 1.5, 2.0),
    ],
)
def test_every_way_to_write_a_time_is_read(
    tmp_path: Path, times: str, start: float, end: float
) -> None:
    assert said(read(tmp_path, f"1\n{times}\nHello\n")) == [(start, end, "Hello")]


def test_words_on_the_line_of_the_times_are_kept(tmp_path: Path) -> None:
    track = read(tmp_path, "00:00:01,000 --> 00:00:02,000 Hello\nthere\n")
    assert said(track) == [(1.0, 2.0, "Hello there")]


def test_an_arrow_in_the_words_is_not_a_time(tmp_path: Path) -> None:
    track = read(tmp_path, "00:00:01,000 --> 00:00:02,000\nf: x --> y\n1 --> 2\n")
    assert said(track) == [(1.0, 2.0, "f: x --> y 1 --> 2")]


def test_a_time_nobody_can_read_is_named_with_its_line(tmp_path: Path) -> None:
    track = read(tmp_path, SRT + "\n3\n00:00:xx --> 00:00:09,000\nlost\n")
    assert [text for _, _, text in said(track)] == ["Hello there.", "Bye."]
    assert track.notes == ("1 cue dropped: unreadable time (line 10)",)


def test_a_missing_end_is_estimated_and_said(tmp_path: Path) -> None:
    track = read(tmp_path, "00:00:01,000 -->\nHello\n\n00:00:05,000 --> ??:?0\nBye\n")
    assert said(track) == [(1.0, 2.0, "Hello"), (5.0, 6.0, "Bye")]
    assert track.notes == ("2 cues with no end: end estimated (lines 1, 4)",)


def test_reversed_times_are_swapped_when_the_neighbours_agree(tmp_path: Path) -> None:
    times = ["01,000 --> 00:00:02,000", "04,000 --> 00:00:03,000", "05,000 --> 00:00:06,000"]
    track = read(tmp_path, "\n\n".join(f"00:00:{time}\nword" for time in times))
    assert [(start, end) for start, end, _ in said(track)] == [(1, 2), (3, 4), (5, 6)]
    assert track.notes == ("1 cue with end before start: swapped (line 4)",)


def test_a_wrong_end_is_estimated_when_swapping_would_not_fit(tmp_path: Path) -> None:
    times = ["10,000 --> 00:00:12,000", "13,000 --> 00:00:02,000", "13,600 --> 00:00:16,000"]
    track = read(tmp_path, "\n\n".join(f"00:00:{time}\nword" for time in times))
    assert [(start, end) for start, end, _ in said(track)] == [(10, 12), (13, 13.6), (13.6, 16)]
    assert track.notes == ("1 cue with end before start: end estimated (line 4)",)


def test_negative_times_become_the_start_of_the_video(tmp_path: Path) -> None:
    track = read(tmp_path, "-00:00:01,000 --> 00:00:02,000\nHello\n")
    assert said(track) == [(0.0, 2.0, "Hello")]
    assert track.notes == ("1 cue moved to 0:00: negative time (line 1)",)


def test_cues_out_of_order_are_sorted_and_said(tmp_path: Path) -> None:
    text = "00:00:05,000 --> 00:00:06,000\nsecond\n\n00:00:01,000 --> 00:00:02,000\nfirst\n"
    track = read(tmp_path, text)
    assert [text for _, _, text in said(track)] == ["first", "second"]
    assert track.notes == ("1 cue out of order: sorted by time (line 4)",)


def test_a_chinese_character_takes_longer_to_read_than_a_letter() -> None:
    assert reading_time("a" * 60) == pytest.approx(4.0)
    assert reading_time("字" * 60) == pytest.approx(12.0)
    assert reading_time("a") == 1.0


# --- layout ------------------------------------------------------------------------------------


def test_missing_blank_lines_and_numbers_do_not_matter(tmp_path: Path) -> None:
    text = (
        "1\n00:00:01,000 --> 00:00:02,000\none\n2\n00:00:02,000 --> 00:00:03,000\ntwo\n"
        "00:00:03,000 --> 00:00:04,000\nthree\n4\n00:00:04,000 --> 00:00:05,000\n\nfour\n\nmore\n"
    )
    assert [words for _, _, words in said(read(tmp_path, text))] == [
        "one",
        "two",
        "three",
        "four more",
    ]


def test_a_number_that_is_said_is_kept(tmp_path: Path) -> None:
    unnumbered = "00:00:01,000 --> 00:00:02,000\n1984\n00:00:02,000 --> 00:00:03,000\n42\n"
    assert [words for _, _, words in said(read(tmp_path, unnumbered))] == ["1984", "42"]
    numbered = "1\n00:00:01,000 --> 00:00:02,000\n1984\n\n2\n00:00:02,000 --> 00:00:03,000\n42\n"
    assert [words for _, _, words in said(read(tmp_path, numbered))] == ["1984", "42"]


def test_empty_cues_are_counted(tmp_path: Path) -> None:
    track = read(tmp_path, SRT + "\n3\n00:00:05,000 --> 00:00:06,000\n<i> </i>\n")
    assert len(track.segments) == 2
    assert track.notes == ("1 cue dropped: no text (line 10)",)


def test_webvtt_comments_styles_and_names_are_no_words(tmp_path: Path) -> None:
    text = (
        "WEBVTT - a title\nKind: captions\nLanguage: en-GB\nX-TIMESTAMP-MAP=LOCAL:0,MPEGTS:900000\n"
        "\nSTYLE\n::cue { color: red }\n\nREGION\nid:fred\n\nNOTE nobody reads this\n\n"
        "intro\n00:01.000 --> 00:02.000 region:fred\nHello\n\nNOTE\nnor this\n\n"
        "second cue\n00:02.000 --> 00:03.000\nNOTE is a word here\n"
    )
    track = read(tmp_path, text, "talk.vtt")
    assert said(track) == [(1.0, 2.0, "Hello"), (2.0, 3.0, "NOTE is a word here")]
    assert track.language == "en"
    assert track.notes == ("1 line not applied: X-TIMESTAMP-MAP (line 4)",)


def test_words_before_the_first_time_are_named(tmp_path: Path) -> None:
    track = read(tmp_path, "stray words\n\n" + SRT)
    assert track.notes == ("1 line left out: words before the first time (line 1)",)


# --- markup ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("marked", "plain"),
    [
        ("<i>Hello</i> <b.loud>there</b>", "Hello there"),
        ('<font color="#fff">Hello</font>', "Hello"),
        ("Hello<00:00:01.200><c> there</c>", "Hello there"),
        ("<ruby>漢<rt>かん</rt></ruby>", "漢かん"),
        ("Hello<br/>there", "Hello there"),
        ("{\\an8}Hello", "Hello"),
        ("a &lt; b &amp;&nbsp;c &#233; Q&A &para", "a < b & c é Q&A &para"),
        ("if a <b and c> d or <x, y>", "if a d or <x, y>"),
        ("if x < y and y > z", "if x < y and y > z"),
        ("the set {1, 2}", "the set {1, 2}"),
        ("♪ la la ♪", "♪ la la ♪"),
        ("\u200bHel\u00adlo\u200f", "Hello"),
        ("你好\n世界", "你好世界"),
    ],
)
def test_markup_is_taken_out_and_words_stay(tmp_path: Path, marked: str, plain: str) -> None:
    assert said(read(tmp_path, f"00:00:01,000 --> 00:00:02,000\n{marked}\n"))[0][2] == plain


def test_speakers_are_kept(tmp_path: Path) -> None:
    text = "WEBVTT\n\n00:01.000 --> 00:02.000\n<v.first Ann Lee>Hi</v>\n<v Bob>Hello\n"
    segments = read(tmp_path, text, "talk.vtt").segments
    assert [(segment.speaker, segment.text) for segment in segments] == [
        ("Ann Lee", "Hi"),
        ("Bob", "Hello"),
    ]


ASS = """[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname
Style: Default,Arial

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Comment: 0,0:00:00.00,0:00:01.00,Default,,0,0,0,,not shown
Dialogue: 0,0:00:01.50,0:00:03.00,Default,Bob,0,0,0,,{\\an8\\i1}Hello, {\\i0}world\\Nagain
Dialogue: 0,0:00:04.00,0:00:05.00,Sign,,0,0,0,,{\\p1}m 0 0 l 100 0{\\p0}
Dialogue: 0,0:00:05.00,0:00:06.00,Sign,,0,0,0,,{\\pos(1,2)\\k20}after\\hall
Dialogue: 1,0:00:05.00,0:00:06.00,Sign,,0,0,0,,after all
Dialogue: 0,soon,0:00:06.00,Sign,,0,0,0,,lost
"""


def test_substation_alpha_is_read_without_its_codes(tmp_path: Path) -> None:
    track = read(tmp_path, ASS, "talk.ass")
    assert said(track) == [(1.5, 3.0, "Hello, world again"), (5.0, 6.0, "after all")]
    assert track.segments[0].speaker == "Bob"
    assert track.notes == (
        "1 cue dropped: no text (line 12)",
        "1 cue dropped: unreadable time (line 15)",
        "1 cue merged: the same at the same time (line 14)",
    )


def test_old_substation_alpha_is_read(tmp_path: Path) -> None:
    text = (
        "[Events]\nFormat: Marked, Start, End, Style, Name, Text\n"
        "Dialogue: Marked=0,0:00:01.00,0:00:02.00,*Default,,Hello, you\n"
    )
    assert said(read(tmp_path, text, "talk.ssa")) == [(1.0, 2.0, "Hello, you")]


# --- rolling captions --------------------------------------------------------------------------

ROLLING = """WEBVTT

00:00:00.160 --> 00:00:02.389 align:start position:0%
~
hello<00:00:00.320><c> and</c><00:00:00.600><c> welcome</c>

00:00:02.389 --> 00:00:02.399 align:start position:0%
hello and welcome
~

00:00:02.399 --> 00:00:04.550 align:start position:0%
hello and welcome
to<00:00:02.560><c> the</c><00:00:02.900><c> show</c>

00:00:04.550 --> 00:00:04.560 align:start position:0%
to the show
~

00:00:04.560 --> 00:00:06.000 align:start position:0%
to the show
[Music]
""".replace("~", " ")


def test_captions_that_repeat_the_line_above_say_each_line_once(tmp_path: Path) -> None:
    track = read(tmp_path, ROLLING, "talk.vtt")
    assert said(track) == [
        (0.16, 2.399, "hello and welcome"),
        (2.399, 4.56, "to the show"),
        (4.56, 6.0, "[Music]"),
    ]
    assert track.notes == (
        "2 cues merged: they only showed earlier lines again (lines 7, 15)",
        "2 cues cut: they began with lines shown before (lines 11, 19)",
    )


def cues(*lines: str) -> str:
    """One cue per second."""
    return "\n".join(
        f"00:00:{n:02},000 --> 00:00:{n + 1:02},000\n{text}\n" for n, text in enumerate(lines)
    )


def test_three_rolling_lines_say_each_line_once(tmp_path: Path) -> None:
    track = read(tmp_path, cues("one", "one\ntwo", "one\ntwo\nthree", "two\nthree\nfour"))
    assert said(track) == [(0, 1, "one"), (1, 2, "two"), (2, 3, "three"), (3, 4, "four")]


def test_a_line_that_grows_word_by_word_is_one_segment(tmp_path: Path) -> None:
    track = read(tmp_path, cues("so", "so let", "so let us", "so let us\nbegin", "begin now"))
    assert said(track) == [(0, 3, "so let us"), (3, 5, "begin now")]


def test_what_people_say_twice_stays_twice(tmp_path: Path) -> None:
    track = read(tmp_path, cues("No!", "No!", "I", "I think so", "Right."))
    assert [text for _, _, text in said(track)] == ["No!", "No!", "I", "I think so", "Right."]


def test_overlapping_cues_of_two_speakers_both_stay(tmp_path: Path) -> None:
    text = "00:00:01,000 --> 00:00:04,000\nWait.\n\n00:00:02,000 --> 00:00:03,000\nWhy?\n"
    assert said(read(tmp_path, text)) == [(1.0, 4.0, "Wait."), (2.0, 3.0, "Why?")]


# --- encodings ---------------------------------------------------------------------------------

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


# --- properties --------------------------------------------------------------------------------

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


# --- files -------------------------------------------------------------------------------------


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


# --- the transcriber ---------------------------------------------------------------------------

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


# --- real files --------------------------------------------------------------------------------


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
