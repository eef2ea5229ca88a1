"""Document → passages, and their addresses."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from video_rag.chunking import Address, ChunkOptions, address, cut, parse_addresses, split, windows
from video_rag.model import Document, Line, Section, Segment, Slide, Video

VIDEO = Video(
    video_id="file:1",
    source="folder",
    url="/talks/a.mp4",
    title="A talk",
    collection="talks",
    published="2026-01-02",
)


def lines(count: int, seconds: float = 10.0, text: str = "line {}") -> tuple[Segment, ...]:
    return tuple(
        Segment(start=n * seconds, end=(n + 1) * seconds, text=text.format(n)) for n in range(count)
    )


def section(
    segments: tuple[Segment, ...], language: str = "en", slides: tuple[Slide, ...] = ()
) -> Section:
    times = [(item.start, item.end) for item in (*segments, *slides)]
    return Section(
        start=min(start for start, _ in times),
        end=max(end for _, end in times),
        heading="Heading",
        language=language,
        origin="sidecar" if segments else "slides",
        segments=segments,
        slides=slides,
    )


def slide(start: float, end: float, text: str, image: str = "i") -> Slide:
    rows = tuple(Line(text=row, confidence=1.0) for row in text.split("\n"))
    return Slide(start=start, end=end, image=image, lines=rows)


def document(*sections: Section, translations: tuple[Section, ...] = ()) -> Document:
    return Document(video=VIDEO, sections=sections, translations=translations)


def link(seconds: float) -> str:
    return f"/talks/a.mp4#t={seconds:g}"


def test_a_passage_knows_all_about_itself() -> None:
    made = cut(document(section(lines(3))), link, ChunkOptions())
    assert len(made) == 1
    chunk = made[0]
    assert (chunk.start, chunk.end, chunk.text) == (0, 30, "line 0 line 1 line 2")
    assert chunk.lines == lines(3)
    assert (chunk.title, chunk.heading, chunk.collection) == ("A talk", "Heading", "talks")
    assert (chunk.source, chunk.url, chunk.published) == (VIDEO.url, link(0), "2026-01-02")


def test_passages_repeat_half_of_the_one_before() -> None:
    made = cut(document(section(lines(20))), link, ChunkOptions(max_seconds=60, overlap=0.5))
    spans = [(chunk.start, chunk.end) for chunk in made]
    assert spans == [(0, 60), (30, 90), (60, 120), (90, 150), (120, 180), (150, 200)]


def test_passages_need_not_overlap() -> None:
    made = cut(document(section(lines(12))), link, ChunkOptions(max_seconds=60, overlap=0))
    assert [(chunk.start, chunk.end) for chunk in made] == [(0, 60), (60, 120)]


def test_passages_end_at_sentences_and_pauses() -> None:
    segments = list(lines(12))
    segments[4] = segments[4].model_copy(update={"text": "The end."})
    assert windows(segments, 60, 0)[0] == (0, 5)
    segments[5] = segments[5].model_copy(update={"end": 57.0})
    assert windows(segments, 60, 0)[0] == (0, 6)


def test_passages_start_at_sentences() -> None:
    segments = list(lines(12))
    segments[3] = segments[3].model_copy(update={"text": "好的。"})
    assert windows(segments, 60, 0.5)[1][0] == 4


def test_passages_do_not_cross_sections() -> None:
    whole = lines(6)
    made = cut(document(section(whole[:3]), section(whole[3:])), link, ChunkOptions())
    assert [chunk.start for chunk in made] == [0, 30]


def test_ids_are_stable_and_tell_videos_languages_and_times_apart() -> None:
    one = document(section(lines(3)))
    other = one.model_copy(update={"video": VIDEO.model_copy(update={"video_id": "file:2"})})
    later = document(section(tuple(s.model_copy(update={"end": 35.0}) for s in lines(3)[:1])))
    german = document(section(lines(3), "de"))
    ids = [cut(d, link, ChunkOptions())[0].chunk_id for d in (one, other, later, german)]
    assert len(set(ids)) == 4
    assert ids[0] == cut(one, link, ChunkOptions())[0].chunk_id


def test_translations_are_passages_of_their_language_without_slides() -> None:
    shown = (slide(0, 30, "Shown"),)
    chinese = section(lines(3, text="第{}行"), "zh")
    whole = document(section(lines(3), slides=shown), translations=(chinese,))
    english, translated = cut(whole, link, ChunkOptions())
    assert (english.language, english.slide_text, english.image) == ("en", "Shown", "i")
    assert (translated.language, translated.slide_text, translated.image) == ("zh", "", "")
    assert translated.text == "第0行第1行第2行"


def test_slide_text_is_that_of_the_slides_shown_meanwhile() -> None:
    shown = (slide(0, 45, "One\nSame", "a"), slide(45, 120, "Two\nSame", "b"))
    made = cut(
        document(section(lines(12), slides=shown)), link, ChunkOptions(max_seconds=60, overlap=0)
    )
    assert [chunk.slide_text for chunk in made] == ["One\nSame\nTwo", "Two\nSame"]
    assert [chunk.image for chunk in made] == ["a", "b"]


def test_a_slide_without_speech_is_a_passage_that_can_be_quoted() -> None:
    silent = section((), slides=(slide(5, 400, "Title\nBody", "a"), slide(400, 410, "", "b")))
    made = cut(document(silent), link, ChunkOptions(max_seconds=90))
    assert [(c.start, c.end, c.text, c.image) for c in made] == [(5, 95, "Title\nBody", "a")]
    assert made[0].lines[0].text == "Title\nBody"


def test_a_line_longer_than_a_passage_is_cut() -> None:
    long = Segment(start=0, end=200, text="one two three four five six")
    parts = split(long, 90)
    assert [(p.start, p.text) for p in parts] == [
        (0, "one two"),
        (200 / 3, "three four"),
        (400 / 3, "five six"),
    ]
    assert [p.text for p in split(long.model_copy(update={"text": "一二三四五六"}), 90)] == [
        "一二",
        "三四",
        "五六",
    ]
    assert [p.text for p in split(long.model_copy(update={"text": "嗯"}), 10)] == ["嗯"]


@given(
    st.lists(
        st.tuples(st.floats(0, 30), st.floats(0.1, 120), st.sampled_from(["a b.", "字", "c d e"])),
        min_size=1,
        max_size=40,
    ),
    st.floats(5, 120),
    st.floats(0, 0.9),
)
def test_no_line_is_lost_and_no_passage_too_long(
    shape: list[tuple[float, float, str]], max_seconds: float, overlap: float
) -> None:
    segments, now = [], 0.0
    for pause, length, text in shape:
        segments.append(Segment(start=now + pause, end=now + pause + length, text=text))
        now = segments[-1].end
    whole = document(section(tuple(segments)))
    made = cut(whole, link, ChunkOptions(max_seconds=max_seconds, overlap=overlap))
    pieces = {piece for line in segments for piece in split(line, max_seconds)}
    assert {line for chunk in made for line in chunk.lines} == pieces
    assert all(chunk.end - chunk.start <= max_seconds + 1e-6 for chunk in made)
    starts = [chunk.start for chunk in made]
    assert starts == sorted(starts)


def test_addresses_are_read_where_they_stand() -> None:
    chunk = cut(document(section(lines(3))), link, ChunkOptions())[0]
    chunk = chunk.model_copy(update={"video_id": "yt:a@b:c", "start": 754.04, "end": 812.56})
    mark = address(chunk)
    assert mark == "⟦yt:a@b:c@754-812.6⟧"
    text = f"Words.\n{mark}\n⟦no⟧ ⟦x@9-1⟧ ⟦⟧ ⟦file:1@0-30⟧"
    assert parse_addresses(text) == [
        Address("yt:a@b:c", 754.0, 812.6),
        Address("file:1", 0.0, 30.0),
    ]


@given(st.text(min_size=1).filter(lambda s: not set(s) & set("⟦⟧\n")), st.floats(0, 1e5))
def test_every_address_is_read_back(video_id: str, start: float) -> None:
    chunk = cut(document(section(lines(1))), link, ChunkOptions())[0]
    mark = address(
        chunk.model_copy(update={"video_id": video_id, "start": start, "end": start + 9})
    )
    (found,) = parse_addresses(mark)
    assert found.video_id == video_id
    assert abs(found.start - start) <= 0.051
