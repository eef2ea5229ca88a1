"""Cues: times, layout, markup and rolling captions as they are found in the wild."""

from __future__ import annotations

from pathlib import Path

import pytest

from subtitle_files import SRT, cues, read, said
from video_rag.processors.subtitles.cues import Cue, Parsed
from video_rag.processors.subtitles.tidy import reading_time, tidy

# --- times ---------------------------------------------------------------------------------------


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


# --- layout --------------------------------------------------------------------------------------


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


# --- markup --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("marked", "plain"),
    [
        ("<i>Hello</i> <b.loud>there</b>", "Hello there"),
        ('<font color="#fff">Hello</font>', "Hello"),
        ("Hello<00:00:01.200><c> there</c>", "Hello there"),
        ("<ruby>漢<rt>かん</rt></ruby>", "漢"),
        ("Hello<br/>there", "Hello there"),
        ("{\\an8}Hello", "Hello"),
        ("a &lt; b &amp;&nbsp;c &#233; Q&A &para", "a < b & c é Q&A &para"),
        ("if a <b and c> d or <x, y>", "if a <b and c> d or <x, y>"),
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


# --- rolling captions ----------------------------------------------------------------------------

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


def test_captions_that_grow_for_ever_become_cues_of_some_lines_with_every_word_once() -> None:
    rolling = [Cue(n, n, n + 1.0, (f"line {n} more", f"line {n + 1}")) for n in range(200)]
    kept = tidy(Parsed(cues=rolling))
    assert max(len(cue.lines) for cue in kept) < 20
    assert [line for cue in kept for line in cue.lines] == [
        f"line {n} more" for n in range(200)
    ] + ["line 200"]
