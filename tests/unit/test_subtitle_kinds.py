"""Subtitles as people have them: damaged times, odd encodings, kinds beyond WebVTT and SubRip."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subtitle_files import SRT, read, said
from video_rag.errors import ContentError
from video_rag.media.subtitle_files import may_be_subtitles
from video_rag.processors.subtitles.encoding import decode
from video_rag.processors.subtitles.formats import parse
from video_rag.processors.subtitles.markup import plain_html
from video_rag.processors.subtitles.reading import read_subtitles
from video_rag.processors.subtitles.times import times

# --- times as translators and typists damage them ------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "00：00：01，500 --> 00：00：02，000",
        "００:００:０１,５００ －－＞ ００:００:０２,０００",
        "00:00:01,500 -> 00:00:02,000",
        "00:00:01,500-->00:00:02,000",
        "00:00:01.500 => 00:00:02.000",
        "00:00:01,500 → 00:00:02,000",
        "00:00:01,500 一一> 00:00:02,000",
        "00:00:01,500 -- > 00:00:02,000",
        "00:00:01,500 - 00:00:02,000",
        "00:00:01 500 --> 00:00:02 000",
        "00.00.01.500 --> 00.00.02.000",
        "00:00.01,500 --> 00:00.02,000",
        "0O:00:0l,500 --> 00:00:02,000",
        "٠٠:٠٠:٠١,٥٠٠ --> ٠٠:٠٠:٠٢,٠٠٠",
        "0\x010:00:01,500 --> 00:\u200e00:02,000",
        "01,500 --> 02,000".replace("01", "0:01").replace("02", "0:02"),
        "[00:01.500 --> 00:02.000]",
        "0:00:01.500,0:00:02.000",
    ],
)
def test_damaged_times_are_read(line: str) -> None:
    found = times(line)
    assert found is not None
    assert (found.start, found.end) == (1.5, 2.0)


@pytest.mark.parametrize(
    "line", ["f: x -> y", "3:2 > 1:2", "12:30 - 13:30", "at 12:30:45", "if a > b: 12", "1:2 -> x"]
)
def test_words_with_an_arrow_or_a_clock_stay_words(line: str) -> None:
    assert times(line) is None


def test_a_time_that_nobody_reads_never_becomes_words_in_silence(tmp_path: Path) -> None:
    track = read(tmp_path, SRT + "\n3\n00:0x:05,000 -> 00:0y:06,000\nlost\n")
    assert [text for _, _, text in said(track)] == ["Hello there.", "Bye."]
    assert track.notes == ("1 cue dropped: unreadable time (line 10)",)


@given(st.integers(0, 359_999_999), st.sampled_from([":", "："]), st.sampled_from(",.，．"))
def test_every_moment_is_read_in_full_width_too(moment: int, colon: str, point: str) -> None:
    whole, rest = divmod(moment, 1000)
    clock = f"{whole // 3600:02}{colon}{whole // 60 % 60:02}{colon}{whole % 60:02}{point}{rest:03}"
    found = times(f"{clock} －> {clock}")
    assert found is not None
    assert found.start == found.end == moment / 1000


# --- WebVTT --------------------------------------------------------------------------------------


def test_the_times_of_segments_go_on(tmp_path: Path) -> None:
    part = "WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:{}\n\n00:00.000 --> 00:02.000\n{}\n"
    text = part.format(900000, "bees") + "\n" + part.format(1440000, "wasps")
    assert said(read(tmp_path, text, "talk.vtt")) == [(0, 2, "bees"), (6, 8, "wasps")]


def test_a_clock_that_runs_over_goes_on(tmp_path: Path) -> None:
    part = "WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:{},LOCAL:00:00:00.000\n\n00:00.000 --> 00:02.000\n{}\n"
    text = part.format(2**33 - 90000, "bees") + "\n" + part.format(2 * 90000, "wasps")
    assert said(read(tmp_path, text, "talk.vtt")) == [(0, 2, "bees"), (3, 5, "wasps")]


def test_joined_files_keep_their_headers_out_of_the_words(tmp_path: Path) -> None:
    text = "WEBVTT\n\n00:01.000 --> 00:02.000\nOne\ufeffWEBVTT\nKind: captions\n\n"
    track = read(tmp_path, text + "00:05.000 --> 00:06.000\nTwo\n", "talk.vtt")
    assert [words for _, _, words in said(track)] == ["One", "Two"]


def test_words_before_the_first_readable_time_are_named_in_webvtt(tmp_path: Path) -> None:
    text = "WEBVTT\n\nlost words\nand more\n\n00:05.000 --> 00:06.000\nTwo\n"
    track = read(tmp_path, text, "talk.vtt")
    assert track.notes == ("2 lines left out: words before the first time (lines 3, 4)",)


def test_the_reading_is_not_mixed_into_the_word(tmp_path: Path) -> None:
    ruby = "<ruby>鉱山<rt>こうざん</rt></ruby>は<ruby>深<rp>(</rp><rt>ふか<rp>)</rp></ruby>い"
    text = f"WEBVTT\n\n00:01.000 --> 00:02.000\n{ruby}\n"
    assert said(read(tmp_path, text, "talk.vtt"))[0][2] == "鉱山は深い"


@pytest.mark.parametrize(
    "words",
    [
        "If a<b then b>a",
        "if a<b and c>d",
        "if a<i or j>k",
        "if a <v and c> d",
        "if x<c else y>z",
        "if a<s and t>u",
        "if a<p or q>r",
        "if 1<u and u>2",
        "std::vector<int> and Map<String, List<u>>",
    ],
)
def test_comparisons_and_types_keep_their_words(tmp_path: Path, words: str) -> None:
    assert said(read(tmp_path, f"00:00:01,000 --> 00:00:02,000\n{words}\n"))[0][2] == words


# --- SubStation Alpha ----------------------------------------------------------------------------


def dialogue(keyword: str, start: int, words: str, effect: str = "") -> str:
    times_ = f"0:00:{start:02}.00,0:00:{start + 1:02}.00"
    return f"{keyword}: 0,{times_},Default,,0,0,0,{effect},{words}\n"


def test_a_line_with_an_unknown_keyword_is_read_and_said(tmp_path: Path) -> None:
    text = "[Events]\n" + dialogue("Dialogue", 1, "one") + dialogue("Dia1ogue", 3, "two")
    track = read(tmp_path, text + "garbage\n", "talk.ass")
    assert [words for _, _, words in said(track)] == ["one", "two"]
    assert track.notes == (
        "1 line with an unknown keyword: read as speech (line 3)",
        "1 line left out: no speech (line 4)",
    )


def test_syllables_of_a_song_are_one_line(tmp_path: Path) -> None:
    events = [("ko", 1), ("no ", 2), ("mi", 3), ("chi", 4)]
    text = "[Events]\n" + "".join(dialogue("Dialogue", at, word, "fx") for word, at in events)
    track = read(tmp_path, text + dialogue("Dialogue", 8, "Welcome."), "talk.ass")
    assert said(track) == [(1, 5, "kono michi"), (8, 9, "Welcome.")]


# --- further kinds -------------------------------------------------------------------------------

WANTED = [(1.0, 2.5, "Bees fly."), (3.0, 4.0, "Wasps too.")]

KINDS = {
    "talk.ttml": '<?xml version="1.0"?><tt xmlns="http://www.w3.org/ns/ttml" xml:lang="en"><body>'
    '<div><p begin="00:00:01.000" end="00:00:02.500">Bees<br/>fly.</p>'
    '<p begin="3s" dur="1000ms"><span>Wasps</span> too.</p></div></body></tt>',
    "talk.sbv": "0:00:01.000,0:00:02.500\nBees fly.\n\n0:00:03.000,0:00:04.000\nWasps too.\n",
    "talk.sub": "{1}{1}25.000\n{25}{62}{y:i}Bees|fly.\n{75}{100}Wasps too.\n",
    "talk.json": json.dumps(
        {
            "body": [
                {"from": 1, "to": 2.5, "location": 2, "content": "Bees fly."},
                {"from": 3, "to": 4, "location": 2, "content": "Wasps too."},
            ]
        }
    ),
    "talk.json3": json.dumps(
        {
            "events": [
                {"tStartMs": 0, "dDurationMs": 9000, "id": 1},
                {
                    "tStartMs": 1000,
                    "dDurationMs": 1500,
                    "segs": [{"utf8": "Bees"}, {"utf8": " fly."}],
                },
                {"tStartMs": 2000, "aAppend": 1, "segs": [{"utf8": "\n"}]},
                {"tStartMs": 3000, "dDurationMs": 1000, "segs": [{"utf8": "Wasps too."}]},
            ]
        }
    ),
}


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_gives_its_cues(tmp_path: Path, name: str) -> None:
    found = said(read(tmp_path, KINDS[name], name))
    assert [(start, text) for start, _, text in found] == [(at, text) for at, _, text in WANTED]
    assert [end for _, end, _ in found] == pytest.approx([2.5, 4.0], abs=0.03)


def test_lyrics_end_where_the_next_line_begins(tmp_path: Path) -> None:
    text = "[ti:Bees]\n[offset:+500]\n[00:01.50]Bees <00:01.80>fly.\n[00:03.00]\n"
    text += "[00:03.50][00:09.5]Wasps\n"
    found = said(read(tmp_path, text, "talk.lrc"))
    assert found[:2] == [(1.0, 2.5, "Bees fly."), (3.0, 9.0, "Wasps")]
    assert found[2][::2] == (9.0, "Wasps")


def test_json_that_holds_no_subtitles_is_refused_clearly(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match="JSON without"):
        read(tmp_path, '{"name": "package", "version": 1}', "package.json")
    (tmp_path / "talk.json").write_text(KINDS["talk.json"])
    assert may_be_subtitles(tmp_path / "talk.json")
    assert not may_be_subtitles(tmp_path / "package.json")


def test_damaged_json_and_xml_give_what_is_whole(tmp_path: Path) -> None:
    track = read(tmp_path, KINDS["talk.json"].replace("2.5", "2.x5"), "talk.json")
    assert [text for _, _, text in said(track)] == ["Wasps too."]
    assert "1 cue dropped: damaged (cue 1)" in track.notes
    track = read(tmp_path, KINDS["talk.ttml"].replace("</p>", "", 1), "talk.ttml")
    assert [text for _, _, text in said(track)] == ["Bees fly.", "Wasps too."]


def test_xml_bombs_do_nothing(tmp_path: Path) -> None:
    bomb = '<!DOCTYPE tt [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    text = bomb + KINDS["talk.ttml"].removeprefix('<?xml version="1.0"?>').replace("Bees", "&b;")
    assert len(said(read(tmp_path, text, "talk.ttml"))[0][2]) < 20


# --- encodings -----------------------------------------------------------------------------------

WORDS = {
    "cp1250": ("pl", "Rzeka płynie wśród gęstych łąk.", "Dzisiaj będziemy mówić o wodzie."),
    "cp1251": ("ru", "Вода холодная.", "Свет горит."),
    "cp1253": ("el", "Σήμερα θα μιλήσουμε για το νερό.", "Ευχαριστώ πολύ."),
    "cp1254": ("tr", "Bugün nehir hakkında konuşacağız.", "Teşekkür ederim, çok güzel."),
    "cp1255": ("he", "שלום לכולם, היום נדבר על מים.", "הנהר עולה באביב."),
    "cp1256": ("ar", "مرحبا بكم في درس عن الماء", "هذا النهر يرتفع في الربيع"),
    "koi8-r": ("ru", "Вода холодная.", "Свет горит."),
    "euc_jp": ("ja", "水は冷たいです。", "鉱山は深いです。"),
    "cp874": ("th", "วันนี้เราจะพูดถึงแม่น้ำ", "ขอบคุณมาก"),
    "big5": ("zh", "水是冷的，燈是亮的。", "礦山很深。"),
    "utf-32-le": ("pl", "Rzeka płynie", "Woda"),
}


@pytest.mark.parametrize("encoding", WORDS)
def test_older_encodings_are_read_from_two_lines(encoding: str) -> None:
    _, one, two = WORDS[encoding]
    text = f"1\n00:00:01,000 --> 00:00:02,000\n{one}\n\n2\n00:00:03,000 --> 00:00:04,000\n{two}\n"
    decoded, note = decode(text.encode(encoding))
    assert decoded == text
    assert bool(note) == (not encoding.startswith("utf"))


def test_the_language_in_the_name_decides_where_the_letters_do_not() -> None:
    text = "Příliš žluťoučký kůň úpěl ďábelské ódy."
    assert decode(text.encode("cp1250"), "cs")[0] == text


def test_the_files_beside_decide_where_the_letters_do_not(tmp_path: Path) -> None:
    words = "Příliš žluťoučký kůň. Dnes budeme mluvit o řece a přírodě, voda je velmi studená. "
    (tmp_path / "a.srt").write_bytes((SRT + words * 5).encode("cp1250"))
    track = read(tmp_path, "00:00:01,000 --> 00:00:02,000\nŽluť\n".encode("cp1250"), "b.srt")
    assert track.segments[0].text == "Žluť"
    assert "files beside" in track.notes[0]


def test_one_cue_in_another_encoding_is_decoded_alone(tmp_path: Path) -> None:
    good, other = "今天我们讲水和空气。", "这一句是用另一种编码写的，我们也要看见。"
    lines = [f"00:00:0{n},000 --> 00:00:0{n},900\n".encode() for n in (1, 2)]
    track = read(tmp_path, lines[0] + good.encode() + b"\n\n" + lines[1] + other.encode("gbk"))
    assert [text for _, _, text in said(track)] == [good, other]
    assert track.notes == ("1 line was not utf-8 and read as gb18030",)


def test_rows_of_carriage_returns_and_wrong_bytes_take_linear_room(tmp_path: Path) -> None:
    import tracemalloc

    for data in (b"\r" * 300_000, b"\xff" * 300_000, random.Random(1).randbytes(300_000)):
        tracemalloc.start()
        with pytest.raises(ContentError):
            read(tmp_path, data)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 40 * len(data)


# --- the inputs that real use brought ------------------------------------------------------------


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "starts", "words"),
    [
        ("s09-karaoke.ass", [0.1, 3.0, 7.0], "konomichi"),
        ("s22-hls.vtt", [0, 6], "wasps"),
        ("s33-tags.srt", [1, 3, 5], "Map<String, List<u>>"),
        ("s40-cp1250.srt", [1, 5], "wśród gęstych łąk"),
        ("s43-arabic.srt", [1, 5], "مرحبا بكم في درس عن الماء والهواء"),
        ("s44-hebrew.srt", [1, 5], "שלום לכולם"),
        ("s50-mixed.srt", [1, 5], "字幕组感谢您的观看与支持"),
        ("t04-ruby.vtt", [1, 5], "鉱山は深いです"),
        ("t09-nospace.srt", [1, 5, 9, 12], "全角冒号"),
        ("u1-fullcolon.srt", [0.52, 2.52, 4.52, 6.52], "矿山很深。"),
        ("u2-fullcolon-comma.srt", [0.52, 2.52, 4.52, 6.52], "水是冷的。"),
        ("u4-onedash-some.srt", [0.52, 2.52, 4.52, 6.52], "水是冷的。"),
        ("u5-onedash-all.srt", [0.52, 2.52, 4.52, 6.52], "水是冷的。"),
        ("u6-fullwidth-arrow.srt", [0.52, 2.52, 4.52, 6.52], "水是冷的。"),
    ],
)
def test_what_real_use_brought_is_read(
    shared: Path, name: str, starts: list[float], words: str
) -> None:
    track = read_subtitles(shared / "cases" / "subtitles" / name)
    assert [segment.start for segment in track.segments] == starts
    assert any(words in segment.text for segment in track.segments), said(track)


def test_nothing_is_no_cue() -> None:
    assert parse("").cues == []


def test_a_stray_reading_mark_takes_no_words_away() -> None:
    assert plain_html("<rt>[00:36.00] look at the second picture") == (
        "[00:36.00] look at the second picture"
    )
    assert plain_html("<ruby>漢<rt>かん</ruby>字") == "漢字"
