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
