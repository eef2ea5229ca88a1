"""Transcripts and chapters that podcasts offer, from bytes."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_rag.errors import ContentError
from video_rag.model import Beside, Chapter, Segment, Video
from video_rag.processors.subtitles.reading import read_subtitles
from video_rag.sources.feeds.chapters import chapters
from video_rag.sources.feeds.transcripts import timed
from video_rag.sources.ytdlp.beside import wanted


def lines(body: bytes | str, tmp_path: Path) -> list[Segment]:
    """What the transcriber reads in a transcript."""
    found = timed(body if isinstance(body, bytes) else body.encode())
    path = tmp_path / f"transcript{found.suffix}"
    path.write_bytes(found.data)
    return list(read_subtitles(path).segments)


def told(rows: list[Segment]) -> list[tuple[float, str | None, str]]:
    return [(row.start, row.speaker, row.text) for row in rows]


def segments(*rows: dict[str, Any]) -> str:
    return json.dumps({"version": "1.0.0", "segments": list(rows)})


def test_words_one_by_one_become_lines_of_their_speakers(tmp_path: Path) -> None:
    words = [("Ann", "I"), ("Ann", "am"), ("Ann", "here.\n"), ("Ann", "You?"), ("Bo", "No")]
    rows = [
        {"speaker": who, "startTime": n * 0.5, "endTime": n * 0.5 + 0.25, "body": word}
        for n, (who, word) in enumerate(words)
    ]
    expected = [(0.0, "Ann", "I am here."), (1.5, "Ann", "You?"), (2.0, "Bo", "No")]
    assert told(lines(segments(*rows), tmp_path)) == expected
    bare = json.dumps(rows, ensure_ascii=False)
    assert told(lines(bare, tmp_path)) == expected, "a list without its name"


def test_a_pause_and_many_words_end_a_line(tmp_path: Path) -> None:
    rows = [{"startTime": n, "endTime": n + 0.9, "body": f"w{n}"} for n in range(40)]
    rows[30] |= {"endTime": 30.1}
    rows[31:] = [row | {"startTime": row["startTime"] + 5, "endTime": None} for row in rows[31:]]
    found = lines(segments(*rows), tmp_path)
    assert all(len(row.text.split()) <= 20 for row in found)
    assert " ".join(row.text for row in found).split() == [f"w{n}" for n in range(40)]
    assert [row.start for row in found if row.text.startswith("w31")] == [36.0]


def test_chinese_words_one_by_one_are_joined_without_spaces(tmp_path: Path) -> None:
    words = ("大家", "好", "今天", "讲", "恒星", "。")
    rows = [{"startTime": n, "endTime": n + 1, "body": word} for n, word in enumerate(words)]
    assert [row.text for row in lines(segments(*rows), tmp_path)] == ["大家好今天讲恒星。"]


def test_what_recognisers_call_segments_is_read_too(tmp_path: Path) -> None:
    rows = [
        {"id": 0, "start": 1.5, "end": 3.0, "text": " Sheep eat grass."},
        {"id": 1, "start": "00:01:02.5", "text": "Granite cools & cracks <slowly>."},
    ]
    body = json.dumps({"language": "en", "text": "whole", "segments": rows})
    assert told(lines("\ufeff" + body, tmp_path)) == [
        (1.5, None, "Sheep eat grass."),
        (62.5, None, "Granite cools & cracks <slowly>."),
    ]


def test_parts_without_a_time_are_told() -> None:
    body = segments({"startTime": 1, "body": "one"}, {"startTime": -4, "body": "two"})
    assert timed(body.encode()).notes == ("1 part without a time left out",)
    page = b"<p>Before</p><time>soon</time><p>early</p><time>0:05</time><p>Late</p>"
    assert timed(page).notes == ("3 parts without a time left out",)


@pytest.mark.parametrize(
    "page",
    [
        "<cite>Ann:</cite><time>0:09</time><p>One &amp; two</p><time>1:00:00</time><p>Three</p>",
        (
            "<!DOCTYPE html>\n<html><head><title>T</title><script>if (a<b) {}</script></head><body>"
            "<p><cite>Ann</cite> <time datetime='PT9S'>soon</time> One <i>&amp;</i> two</p>"
            "<p><time>[1:00:00]</time> Three</p></body></html>"
        ),
        (
            "<div><time datetime='00:00:09'></time><cite>Ann：</cite>One<br>&amp; two</div>"
            "<div><time>01:00:00.000</time>Three</div>"
        ),
    ],
)
def test_pages_with_times_are_read_as_people_make_them(tmp_path: Path, page: str) -> None:
    assert told(lines(page, tmp_path)) == [(9.0, "Ann", "One & two"), (3600.0, "Ann", "Three")]


def test_pages_of_old_encodings_are_read(tmp_path: Path) -> None:
    page = "<meta charset='gb18030'><time>0:01</time><p>恒星的一生</p>".encode("gb18030")
    assert [row.text for row in lines(b"<html>" + page, tmp_path)] == ["恒星的一生"]
    latin = "<p><time>0:01</time> Bézier</p>".encode("cp1252")
    assert [row.text for row in lines(latin, tmp_path)] == ["Bézier"]


@pytest.mark.parametrize(
    ("body", "suffix"),
    [
        (b"WEBVTT\n\n00:01.000 --> 00:02.000\nA", ".vtt"),
        ("\ufeff1\r\n00:00:01,000 --> 00:00:02,000\r\nA".encode(), ".srt"),
        ("1\n00:00:01,000 --> 00:00:02,000\nA".encode("utf-16"), ".srt"),
        (b"0:00:01.000,0:00:02.000\nA", ".srt"),
        (b"[00:01.00]A\n[00:03.00]B", ".srt"),
        (b'<?xml version="1.0"?><tt xmlns="http://www.w3.org/ns/ttml"><body/></tt>', ".ttml"),
        (b'{"events": [{"tStartMs": 1000, "segs": [{"utf8": "A"}]}]}', ".json"),
    ],
)
def test_subtitles_are_handed_on_as_they_are(body: bytes, suffix: str) -> None:
    found = timed(body)
    assert (found.data, found.suffix) == (body, suffix)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"Welcome. At 10:30 we begin, at 11:00 we end.",
        b"<html><body><h1>404</h1></body></html>",
        b'{"segments": []}',
        b'{"error": "not found"}',
        b'{"segments": [{"body": "no time"}]}',
        b"[" * 100_000,
        b"\x89PNG\r\n\x1a\n",
    ],
)
def test_what_has_no_times_is_no_transcript(body: bytes) -> None:
    with pytest.raises(ContentError, match="without times"):
        timed(body)


WORDS = st.text(st.characters(exclude_categories=["C", "Z", "M"]), min_size=1, max_size=12)


@given(
    st.lists(st.tuples(st.integers(0, 9), st.sampled_from(["", "Ann", "Bo"]), WORDS), min_size=1)
)
def test_every_word_and_time_of_json_is_in_the_lines(
    tmp_path_factory: pytest.TempPathFactory, said: list[tuple[int, str, str]]
) -> None:
    at, rows = 0.0, []
    for pause, speaker, word in said:
        at += pause
        # two words of letters that nobody takes for markup, so that lines stay as they are
        body = f"x{word.encode().hex()} y"
        rows.append({"startTime": at, "endTime": at + 0.5, "speaker": speaker, "body": body})
        at += 1
    found = lines(segments(*rows), tmp_path_factory.mktemp("t"))
    assert told(found) == [(r["startTime"], r["speaker"] or None, r["body"]) for r in rows]


@given(st.binary(max_size=200) | WORDS.map(lambda word: f"<time>{word}</time>{word}".encode()))
def test_no_bytes_are_a_surprise(body: bytes) -> None:
    with suppress(ContentError):
        timed(body)
    with pytest.raises(ContentError):
        chapters(body, None)


def test_chapters_are_titled_spans() -> None:
    rows = [
        {"startTime": 20, "title": " Stones\u202e ", "endTime": 25},
        {"startTime": 0, "title": "Farm"},
        {"startTime": 10, "title": "Picture", "toc": False},
        {"startTime": "0:30", "title": "End", "img": "x"},
        {"startTime": 40},
        {"startTime": 500, "title": "After the end"},
        "nonsense",
    ]
    body = json.dumps({"version": "1.2.0", "chapters": rows}).encode()
    assert chapters(body, 60.0) == (
        Chapter(start=0, end=20, title="Farm"),
        Chapter(start=20, end=25, title="Stones"),
        Chapter(start=30, end=60, title="End"),
    )
    assert chapters(body, None)[-1].title == "After the end"
    for none in (b"", b"{}", b'{"chapters": {}}', b'{"chapters": [{"startTime": 1}]}', b"<html>"):
        with pytest.raises(ContentError):
            chapters(none, 60.0)


def named(*files: tuple[str, str | None, str, bool], language: str | None = "en") -> Video:
    beside = tuple(
        Beside(kind="transcript", url=url, media_type=kind, language=tag, is_captions=is_captions)
        for url, tag, kind, is_captions in files
    )
    return Video(
        video_id="feed:1", source="ytdlp", url="u", title="t", language=language, beside=beside
    )


def test_captions_lead_then_types_that_hold_times() -> None:
    video = named(
        ("txt", "en", "text/plain", False),
        ("html", None, "text/html", False),
        ("json", "en", "application/json", False),
        ("srt", "en", "application/x-subrip", False),
        ("vtt", "en", "text/vtt", False),
        ("captions", None, "application/json", True),
        ("de", "de", "text/vtt", True),
        ("zh", "zh", "text/plain", False),
    )
    urls = [[file.url for file in same] for same in wanted(video, ("en", "zh"))]
    assert urls == [["captions", "vtt", "srt", "json", "html", "txt"], ["zh"]]
    everything = [[file.url for file in same] for same in wanted(video, ("all",))]
    assert [one[0] for one in everything] == ["de", "captions", "zh"]


def test_the_speakers_language_is_wanted_unasked() -> None:
    video = named(("fr", "fr", "text/vtt", False), ("x", None, "", False), language="fr")
    assert [[f.url for f in same] for same in wanted(video, ("en",))] == [["fr", "x"]]
    unknown = named(("fr", "fr", "", False), ("x", None, "", False), language=None)
    assert [[f.url for f in same] for same in wanted(unknown, ("en",))] == [["x"]]
