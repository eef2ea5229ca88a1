"""Any passage becomes segments that Dify takes as they are, each with its address."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from video_rag.chunking import parse_addresses
from video_rag.dify.datasets import MAX_NAME, MAX_SEGMENT
from video_rag.dify.datasets import Segment as RemoteSegment
from video_rag.dify.passages import one_line, parse
from video_rag.knowledge.dify import rules
from video_rag.knowledge.dify.text import (
    SEPARATOR,
    Layout,
    Part,
    document_name,
    fingerprint,
    fold,
    parts,
    stem_of,
)
from video_rag.model import Chunk, Segment
from video_rag.testing.dify.records import Rule, Upload
from video_rag.testing.dify.segmenting import segments as dify_segments

PART_BYTES = 4 * MAX_SEGMENT
LAYOUTS = (Layout(with_title=True), Layout(with_title=False))
NASTY = (
    *("⟦", "⟧", "⟦file:2@1-2⟧", "---", "\n\n---\n\n", "\n---\n", "# ", "## Heading\n", "```\n"),
    *("<|", "|>", "<|endoftext|>", "<b>", "¿", "¾", "ï", "naïve", "\ufffe", "\x00", "\x1b[0m"),
    *("\x7f", "— ", "\n— A talk 0:00\n", "[a](b)", "a@b.example", "https://x.example/a?b=(c)"),
    *("\u2028", "\u3000", "\t\t", "🦈", "👩‍👩‍👧", "鲨鱼", "。", "\\n", "%", "_", "\r\n", "\u200b"),
)
TEXT = st.lists(
    st.one_of(
        st.sampled_from(NASTY),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
        st.sampled_from(["word ", "Wort. ", "字。", "and so on, "]).map(lambda word: word * 30),
    ),
    max_size=12,
).map("".join)
ID = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=300)
TIME = st.integers(0, 400_000).map(lambda tenths: tenths / 10)


def passage(text: str, start: float = 10.0, length: float = 20.0, **more: Any) -> Chunk:
    """A passage of one line."""
    line = Segment(start=start, end=start + length, text=text)
    known = {"chunk_id": "c", "video_id": "file:1", "title": "A talk", "heading": ""}
    said = {"language": "en", "origin": "asr", "url": "https://talks.example/1?t=10"}
    return Chunk.model_validate(
        {**known, **said, "lines": (line,), "text": text, "start": start, "end": line.end, **more}
    )


def made(*chunks: Chunk, layout: Layout = LAYOUTS[0]) -> list[Part]:
    """The documents of some passages."""
    return parts("file:1", chunks, layout, PART_BYTES)


def kept(part: Part) -> list[str]:
    """What Dify makes of a document."""
    asked = rules.indexing(rules.Options.model_validate({}), "economy")["process_rule"]
    upload = Upload("u", part.name, part.text, 0, "txt", "text/plain")
    rule = Rule("r", asked["mode"], asked["rules"])
    return [found.text for found in dify_segments(upload, rule, "text_model")]


def inside(place: Sequence[Any], chunk: Chunk) -> bool:
    """Whether an address lies in a passage, which has tenths of a second."""
    video_id, start, end = place
    return bool(
        video_id == chunk.video_id and chunk.start - 0.06 <= start <= end <= chunk.end + 0.06
    )


@given(TEXT, TEXT, TEXT, TEXT, TIME, st.sampled_from(LAYOUTS))
@example("wo" * 10_000, "", "A talk", "", 0.0, LAYOUTS[0])
@example("鲨" * 7_000, "鲨" * 7_000, "鲨" * 700, "鲨" * 700, 0.0, LAYOUTS[0])
@example("¿¾ï", "---", "\x00", "", 3.0, LAYOUTS[1])
def test_any_passage_reaches_dify_whole_with_one_address_in_each_segment(
    text: str, slides: str, title: str, heading: str, start: float, layout: Layout
) -> None:
    chunk = passage(text, start, title=title, heading=heading, slide_text=slides)
    sent = made(chunk, layout=layout)
    pieces = [piece for part in sent for piece in part.segments]
    assert all(len(piece.encode()) <= MAX_SEGMENT for piece in pieces)
    assert all(len(part.text.encode()) <= PART_BYTES for part in sent)
    held = [piece for part in sent for piece in kept(part)]
    assert [fold(piece) for piece in held] == [fold(piece) for piece in pieces]
    for piece in held:
        (place,) = parse_addresses(piece)
        assert inside(place, chunk)
    read = [parse(piece, {"title": title}) for piece in pieces]
    spoken = "".join(found.text for found in read if found)
    if one_line(text):
        assert spoken.replace(" ", "") == one_line(text).replace(" ", "")


@given(TEXT.filter(lambda text: len(text) < 1000), TIME, st.sampled_from(["", "Part one"]))
def test_a_short_passage_is_read_back_as_it_was(text: str, start: float, heading: str) -> None:
    chunk = passage(text, start, heading=heading, title="Fish [and] (chips) 0:12")
    ((segment,),) = [part.segments for part in made(chunk)]
    found = parse(segment, {})
    assert found
    assert (found.video_id, found.start, found.end) == ("file:1", start, chunk.end)
    assert (found.heading, found.url) == (heading, chunk.url)
    assert found.title == "Fish (and) (chips) 0:12"
    if one_line(text):
        assert found.text == one_line(text)


def test_the_halves_of_a_long_passage_have_their_own_times() -> None:
    lines = tuple(
        Segment(start=10.0 * n, end=10.0 * n + 9, text=f"line{n} " + "word " * 300)
        for n in range(6)
    )
    chunk = passage("-", 0.0).model_copy(
        update={"lines": lines, "text": " ".join(line.text for line in lines), "end": 59.0}
    )
    (part,) = made(chunk)
    starts = {f"line{line.text[4]}": line.start for line in lines}
    assert len(part.segments) > 1
    for segment in part.segments:
        (place,) = parse_addresses(segment)
        assert place.start == starts[segment[:5]]


@pytest.mark.parametrize("length", [0.0, 0.05, 3000.0])
def test_one_word_of_twenty_kilobytes_is_cut(length: float) -> None:
    chunk = passage("x" * 20_000, 5.0, length)
    pieces = [piece for part in made(chunk) for piece in part.segments]
    assert all(len(piece.encode()) <= MAX_SEGMENT for piece in pieces)
    assert sum(piece.count("x") for piece in pieces) >= 20_000
    assert all(inside(parse_addresses(piece)[0], chunk) for piece in pieces)


def test_a_link_that_would_fill_a_segment_is_left_out() -> None:
    chunk = passage("words", url="https://talks.example/" + "a" * 5000)
    ((segment,),) = [part.segments for part in made(chunk)]
    assert "https" not in segment
    assert parse_addresses(segment) == [("file:1", 10.0, 30.0)]


@given(st.lists(st.integers(0, 3500), max_size=40))
def test_parts_stay_within_their_size_and_keep_the_order(sizes: list[int]) -> None:
    chunks = [passage(f"n{n} " + "ü" * (size // 2), 10.0 * n) for n, size in enumerate(sizes)]
    found = made(*chunks)
    assert all(0 < len(part.text.encode()) <= PART_BYTES for part in found)
    assert [part.name for part in found] == [
        document_name("file:1", number) for number in range(1, len(found) + 1)
    ]
    read = [parse(piece, {}) for part in found for piece in part.segments]
    assert [piece.start for piece in read if piece] == [chunk.start for chunk in chunks]
    for part in found:
        assert part.text.count(SEPARATOR) == len(part.segments) - 1


def test_thirty_megabytes_are_sent_in_parts_that_dify_takes() -> None:
    chunks = [passage(f"n{n} " + "sheep graze " * 300, 10.0 * n) for n in range(8_500)]
    size = rules.Options.model_validate({}).part_bytes
    found = parts("file:1", chunks, LAYOUTS[0], size)
    assert len(found) == 4
    assert sum(len(part.text.encode()) for part in found) > 30_000_000
    assert all(len(part.text.encode()) <= size < 15_000_000 for part in found)
    assert sum(len(part.segments) for part in found) == len(chunks)


def test_no_passages_are_no_documents() -> None:
    assert made() == []


def test_only_links_that_open_elsewhere_are_sent() -> None:
    local = passage("words", url="/talks/a.mp4#t=10")
    assert "/talks" not in made(local)[0].text
    page = Layout(with_title=True, page_url="https://videos.example/")
    assert "](https://videos.example/#/video/file:1?t=10)" in made(local, layout=page)[0].text


def test_economy_datasets_get_no_title_since_its_words_would_take_the_place_of_keywords() -> None:
    assert made(passage("words"), layout=LAYOUTS[1])[0].text == "words\n⟦file:1@10-30⟧"


@given(ID, st.integers(1, 9999))
@example("a.part2", 1)
@example("a.md", 3)
@example("x" * 300, 1)
@example("..", 1)
@example("a\nb", 2)
def test_a_document_name_is_one_that_dify_takes(video_id: str, number: int) -> None:
    name = document_name(video_id, number)
    assert 4 <= len(name) <= MAX_NAME
    assert not set(name) & set("/\\\n\r\x00")
    assert name == document_name(video_id, number)
    assert stem_of(name) == stem_of(document_name(video_id))
    assert name.startswith(stem_of(name))


@given(st.lists(st.tuples(ID, st.integers(1, 50)), unique=True, max_size=30))
@example([("a", 2), ("a.part2", 1)])
@example([("a/b", 1), ("a_b", 1), ("a\\b", 1)])
@example([("x" * 300, 1), ("x" * 301, 1)])
def test_no_two_documents_have_one_name(wanted: list[tuple[str, int]]) -> None:
    assert len({document_name(*one) for one in wanted}) == len(wanted)


@given(ID, ID)
@example("a", "a.part2")
def test_no_two_videos_share_a_stem(one: str, other: str) -> None:
    assert (stem_of(document_name(one)) == stem_of(document_name(other))) == (one == other)


@pytest.mark.parametrize("name", ["notes.txt", "notes", ".md", "", "a.MD", "a.md.txt"])
def test_documents_of_another_make_have_no_stem(name: str) -> None:
    assert stem_of(name) == ""


@given(st.lists(TEXT, min_size=1, max_size=4), TEXT)
def test_a_fingerprint_tells_a_changed_segment(contents: list[str], other: str) -> None:
    def of(texts: list[str]) -> str:
        held = [
            RemoteSegment(id=str(n), position=n, content=text, word_count=len(text))
            for n, text in enumerate(texts)
        ]
        return fingerprint(held)

    assert of(contents) == of(list(contents))
    assert of(contents).endswith(f"-{sum(map(len, contents))}")
    if fold(other) != fold(contents[0]):
        assert of([other, *contents[1:]]) != of(contents)
