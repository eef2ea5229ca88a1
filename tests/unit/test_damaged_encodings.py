"""UTF-16 with bytes lost or added, and files joined from several encodings."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest
from fuzz import kinds
from hypothesis import given
from hypothesis import strategies as st

from video_rag.processors.subtitles.encoding import decode
from video_rag.processors.subtitles.reading import read_subtitles

WORDS = {
    "en": ["the lake is deep", "we measure it", "nobody knew", "look at this"],
    "zh": ["湖水在这里有七米深", "我们每年测量两次", "没有人预料到这一点", "请看第二张图片"],
    "ja": ["湖の深さは七メートルです", "年に二回測ります", "誰も知りません", "図を見てください"],
    "ru": ["озеро глубокое", "мы измеряем его", "никто не знал", "посмотрите сюда"],
}
WIDE = ("utf-16-le", "utf-16-be")


def texts(path: Path) -> list[str]:
    return [segment.text for segment in read_subtitles(path).segments]


@pytest.mark.parametrize("kind", list(kinds.KINDS))
@pytest.mark.parametrize("encoding", WIDE)
@pytest.mark.parametrize("language", list(WORDS))
@pytest.mark.parametrize("what", ["lost", "added"])
def test_one_byte_out_of_step_costs_only_the_cue_it_stands_in(
    tmp_path: Path, kind: str, encoding: str, language: str, what: str
) -> None:
    said = WORDS[language]
    data = kinds.plain(kind, said).encode(encoding)
    place = data.index(said[1].encode(encoding)) + 3
    damaged = data[:place] + (b"" if what == "lost" else b"\x41") + data[place + (what == "lost") :]
    path = tmp_path / f"talk.{kind}"
    path.write_bytes(damaged)
    track = read_subtitles(path)
    found = [segment.text for segment in track.segments]
    assert [words for words in said if words in found] == [said[0], *said[2:]]
    assert "bytes lost or added at 1 place, read on behind" in track.notes[0]


@given(st.sampled_from(WIDE), st.sampled_from(list(WORDS)), st.integers(0, 10**6), st.booleans())
def test_a_byte_out_of_step_anywhere_leaves_all_lines_but_two(
    encoding: str, language: str, place: int, lost: bool
) -> None:
    text = kinds.plain("srt", WORDS[language] * 3)
    data = text.encode(encoding)
    place %= len(data)
    found, _ = decode(data[:place] + (b"" if lost else b"\x0d") + data[place + lost :])
    lines, kept = text.split("\n"), set(found.replace("\r", "\n").split("\n"))
    hit = len(data[: place // 2 * 2].decode(encoding).split("\n")) - 1
    apart = [line for number, line in enumerate(lines) if not hit - 3 <= number <= hit + 3]
    assert [line for line in apart if line not in kept] == []


@pytest.mark.parametrize("language", list(WORDS))
def test_utf_16_that_went_through_text_mode_is_put_right(tmp_path: Path, language: str) -> None:
    data = kinds.plain("srt", WORDS[language]).encode("utf-16-le")
    path = tmp_path / "talk.srt"
    path.write_bytes(codecs.BOM_UTF16_LE + data.replace(b"\n", b"\r\n"))
    assert texts(path) == WORDS[language]


@pytest.mark.parametrize("first", ["utf-8", "utf-16-le", "utf-16-be", "gb18030"])
@pytest.mark.parametrize("second", ["utf-8", "utf-16-le", "utf-16-be", "gb18030"])
@pytest.mark.parametrize("marked", [True, False], ids=["marks", "no marks"])
def test_files_of_two_encodings_joined_are_read_each_in_its_own(
    tmp_path: Path, first: str, second: str, marked: bool
) -> None:
    marks = {"utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}
    data = b""
    for encoding, language in ((first, "en"), (second, "zh")):
        mark = marks.get(encoding, b"") if marked else b""
        data += mark + kinds.plain("srt", WORDS[language]).encode(encoding)
    path = tmp_path / "talk.srt"
    path.write_bytes(data)
    assert sorted(texts(path)) == sorted(WORDS["en"] + WORDS["zh"])


def test_zero_bytes_do_not_hide_an_older_encoding(tmp_path: Path) -> None:
    path = tmp_path / "talk.ru.srt"
    data = kinds.plain("srt", WORDS["ru"] * 4).encode("cp1251")
    path.write_bytes(data.replace(b"\n\n", b"\n\n" + bytes(512), 2))
    assert set(texts(path)) == set(WORDS["ru"])


@given(st.binary(max_size=400), st.sampled_from([b"", b"\xff\xfe", b"\xfe\xff", b"1\0\n\0"]))
def test_any_bytes_are_read_to_the_end(data: bytes, mark: bytes) -> None:
    text, _ = decode(mark + data)
    assert isinstance(text, str)


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=300))
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_whole_utf_16_with_its_mark_or_a_time_is_read_as_it_is(encoding: str, text: str) -> None:
    text = f"1\n00:00:01,000 --> 00:00:02,000\n{text}\n"
    swapped = {chr(ord(character) << 8) for character in "\n\r\t 0123456789:"}
    if not swapped & set(text):
        found, _ = decode(text.encode(encoding))
        assert found.removeprefix("\ufeff") == text


@pytest.mark.parametrize("encoding", WIDE)
@pytest.mark.parametrize("language", list(WORDS))
def test_zero_bytes_of_a_crash_do_not_hide_the_order_of_the_rest(
    tmp_path: Path, encoding: str, language: str
) -> None:
    data = kinds.plain("lrc", WORDS[language] * 3).encode(encoding)
    place = data.index("]".encode(encoding), 60)
    path = tmp_path / "talk.lrc"
    path.write_bytes(data[31:place] + bytes(4096) + data[place:])
    assert set(texts(path)) >= set(WORDS[language])


def test_a_sound_cue_behind_much_that_is_broken_keeps_its_words() -> None:
    """A line break was flipped: one line now holds a ruined cue and a sound one."""
    ruined = (
        b"<\xb2 b\x939i\xeb=\xc100:00:09.000 end\x8c00:0\x13:p\xdd.000>k8!\xa8558 "
        b"\xe6\xb2\xf3\xe6\x9c\x96\xe4\xba\xba\xe9\xa2\x84\xe6\x96\x99\xe5,\xb0\xe8\xbf\x99\xe4\xb8\x80\xe7\x82{</p>\x89"
    )
    sound = "湖水在这里有七米深"
    lines = [*["请看第二张图片".encode()] * 9, ruined + sound.encode(), b""]
    text, note = decode(b"\n".join(lines))
    assert sound in text
    assert "replaced" in note
