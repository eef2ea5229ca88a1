"""Files that a newcomer tried: readings above words, encodings, times, ends that are missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from subtitle_files import read, said
from video_rag import media
from video_rag.testing import clips

TTML = (
    '<tt xmlns="http://www.w3.org/ns/ttml" xmlns:tts="http://www.w3.org/ns/ttml#styling" '
    'xml:lang="ja"><head><styling><style xml:id="r" tts:ruby="text"/></styling></head><body><div>'
    '<p begin="00:00:01.000" end="00:00:02.000">{}</p></div></body></tt>'
)


def ruby(kind: str, *inside: str) -> str:
    return f'<span tts:ruby="{kind}">{"".join(inside)}</span>'


BASE, READING = ruby("base", "漢字"), ruby("text", "かんじ")


@pytest.mark.parametrize(
    "word",
    [
        ruby("container", BASE, READING),
        ruby("container", BASE, ruby("delimiter", "("), READING, ruby("delimiter", ")")),
        ruby(
            "container", ruby("baseContainer", BASE), ruby("textContainer", "<span>かんじ</span>")
        ),
        '漢字<span style="r">かんじ</span>',
        "<ruby>漢字<rp>(</rp><rt>かんじ</rt><rp>)</rp></ruby>",
    ],
)
def test_the_reading_above_a_word_is_dropped_in_ttml_too(tmp_path: Path, word: str) -> None:
    track = read(tmp_path, TTML.format(f"この{word}は難しい"), "a.ttml")
    assert said(track) == [(1, 2, "この漢字は難しい")]


TURKISH = (
    "Bugün özdeğerleri öğreneceğiz, çok güzel bir şey.",
    "Işık ve ağaç için İstanbul'da yağış var.",
    "Teşekkürler, yarın görüşürüz.",
)


def vtt(lines: tuple[str, ...], head: str = "") -> str:
    cues = [f"00:0{n}.000 --> 00:0{n + 1}.000\n{line}\n" for n, line in enumerate(lines)]
    return f"WEBVTT\n{head}\n\n" + "\n".join(cues)


@pytest.mark.parametrize("many", [1, 2, 3])
@pytest.mark.parametrize("head", ["Language: tr", "language:tr-TR", "Language: Turkish"])
def test_a_language_that_the_file_names_helps_the_choice_of_encoding(
    tmp_path: Path, many: int, head: str
) -> None:
    lines = TURKISH[:many]
    track = read(tmp_path, vtt(lines, head).encode("cp1254"), "a.vtt")
    assert [text for _, _, text in said(track)] == list(lines)
    assert track.language == "tr"


def test_the_language_of_ttml_helps_too(tmp_path: Path) -> None:
    text = TTML.replace('"ja"', '"tr"').format(TURKISH[0])
    track = read(tmp_path, text.encode("cp1254"), "a.ttml")
    assert said(track)[0][2] == TURKISH[0]


def test_words_that_show_their_language_settle_the_encoding(tmp_path: Path) -> None:
    lines = (
        "Bugün özdeğerleri öğreneceğiz, çok güzel bir şey zqx",
        "Işık ve ağaç için İstanbul'da yağış qxz",
        "Teşekkürler xzq",
    )
    track = read(tmp_path, vtt(lines).replace(".000", ",000")[8:].encode("cp1254"))
    assert [text for _, _, text in said(track)] == list(lines)


def test_a_file_that_names_a_language_it_is_not_in_is_still_read(tmp_path: Path) -> None:
    lines = ("Сегодня мы говорим о собственных значениях.", "Это очень красивая тема.")
    track = read(tmp_path, vtt(lines, "Language: tr").encode("cp1251"), "a.vtt")
    assert [text for _, _, text in said(track)] == list(lines)


@pytest.mark.parametrize("suffix", [".mkv", ".webm"])
@pytest.mark.parametrize("seconds", [5, 12, 40])
def test_a_matroska_file_that_breaks_off_says_how_much_is_there(
    tmp_path: Path, suffix: str, seconds: int
) -> None:
    path = tmp_path / f"talk{suffix}"
    extras = clips.Extras(codec="libvpx", options={}) if suffix == ".webm" else clips.Extras()
    clips.slide_lecture(path, ["One", "Two"], seconds_each=seconds // 2, extras=extras)
    assert media.probe(path).notes == ()
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert "the file may be cut off" in "".join(media.probe(path).notes)


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".avi", ".ts"])
def test_whole_files_are_not_called_cut_off(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"talk{suffix}"
    sound = clips.sine(6.4)
    clips.slide_lecture(path, ["One"], seconds_each=6, extras=clips.Extras(sound=sound))
    assert media.probe(path).notes == ()


@pytest.mark.parametrize(
    "times",
    [
        "00h01m13s000 --> 00h01m15s500",
        "0h1m13s --> 0h1m15.5s",
        "01m13s000 --> 01m15s500",
        "00h01m13.000s --> 00h01m15,500s",
        "00h01m13s000, 00h01m15s500",
        "00h01m13s000 → 00h01m15s500",
    ],
)
@pytest.mark.parametrize("others", [True, False])
def test_times_with_letters_for_colons_are_read(tmp_path: Path, times: str, others: bool) -> None:
    first = "1\n00:01:00,000 --> 00:01:02,000\nA pear.\n\n" if others else ""
    track = read(tmp_path, f"{first}2\n{times}\nAn apple, after 1h02m03s.\n")
    assert said(track)[-1] == (73, 75.5, "An apple, after 1h02m03s.")
    assert len(track.segments) == 1 + others


def test_words_about_hours_and_minutes_are_no_times(tmp_path: Path) -> None:
    words = "It took 1h02m03s and then 2h00m00s more."
    track = read(tmp_path, f"1\n00:00:01,000 --> 00:00:02,000\n{words}\n")
    assert said(track) == [(1, 2, words)]


MAP = "X-TIMESTAMP-MAP=MPEGTS:900000,LOCAL:00:00:00.000"


@pytest.mark.parametrize("name", ["a.vtt", "a.srt"])
@pytest.mark.parametrize("place", ["Hello.\n{}", "{}\nHello.", "Hello.\n\n{}"])
def test_a_clock_of_segments_in_the_wrong_place_is_no_words_and_told(
    tmp_path: Path, name: str, place: str
) -> None:
    head = "WEBVTT\n\n" if name.endswith("vtt") else "1\n"
    times = "00:00:01.000 --> 00:00:02.000\n"
    more = "\n\n00:00:03.000 --> 00:00:04.000\nBye.\n"
    track = read(tmp_path, head + times + place.format(MAP) + more, name)
    assert [text for _, _, text in said(track)] == ["Hello.", "Bye."]
    assert "X-TIMESTAMP-MAP" in "".join(track.notes)


def test_a_line_with_too_few_fields_is_told_as_such(tmp_path: Path) -> None:
    text = (
        "[Events]\n"
        "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
        "Dialogue: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,Good.\n"
        "Dialogue: 0,0:00:03.00,0:00:04.00,Default\n"
        "Dialogue: 0,never,0:00:04.00,Default,,0,0,0,,Bad.\n"
    )
    track = read(tmp_path, text, "a.ass")
    assert "1 cue dropped: too few fields (line 4)" in track.notes
    assert "1 cue dropped: unreadable time (line 5)" in track.notes
