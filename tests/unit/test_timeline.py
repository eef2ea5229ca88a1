"""Speech and slides → sections."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_rag.composers._slides import tidy, title_of
from video_rag.composers.timeline import Timeline
from video_rag.errors import ContentError
from video_rag.model import (
    Chapter,
    Document,
    Line,
    MediaSet,
    Segment,
    Slide,
    Slides,
    Transcript,
    Transcripts,
    Video,
)

VIDEO = Video(video_id="file:1", source="folder", url="/a.mp4", title="A talk")


def track(
    count: int, language: str = "en", seconds: float = 5.0, pauses: dict[int, float] | None = None
) -> Transcript:
    """Lines that follow each other; `pauses` gives the silence before some."""
    segments, now = [], 0.0
    for number in range(count):
        now += (pauses or {}).get(number, 0.0)
        segments.append(Segment(start=now, end=now + seconds, text=f"{language} {number}"))
        now += seconds
    return Transcript(language=language, origin="sidecar", segments=tuple(segments))


def slide(start: float, end: float, *texts: str, image: str = "") -> Slide:
    """A title at the top and lines below it."""
    lines = tuple(
        Line(text=text, confidence=1.0, box=(0.1, 0.2 + n / 10, 0.9, 0.25 + n / 10))
        for n, text in enumerate(texts)
    )
    return Slide(start=start, end=end, image=image or f"{start}", lines=lines)


def compose(
    *tracks: Transcript,
    slides: tuple[Slide, ...] = (),
    chapters: tuple[Chapter, ...] = (),
    media: MediaSet | None = None,
    **options: float,
) -> Document:
    composer = Timeline(Timeline.Options.model_validate(options))
    video = VIDEO.model_copy(update={"chapters": chapters})
    return composer.compose(
        video, media or MediaSet(files=()), Transcripts(tracks=tracks), Slides(slides=slides)
    )


def starts(document: Document) -> list[float]:
    return [section.start for section in document.sections]


def test_a_short_talk_is_one_section() -> None:
    document = compose(track(5))
    assert starts(document) == [0]
    assert document.sections[0].text == "en 0 en 1 en 2 en 3 en 4"
    assert document.sections[0].origin == "sidecar"


def test_chapters_always_cut_and_name() -> None:
    chapters = (Chapter(start=0, end=9, title="One"), Chapter(start=9, end=60, title="Two"))
    document = compose(track(6), chapters=chapters)
    assert [(s.start, s.heading, s.chapter) for s in document.sections] == [
        (0, "One", "One"),
        (10, "Two", "Two"),
    ]


def test_chapters_of_the_file_serve_when_the_video_has_none() -> None:
    media = MediaSet(files=(), chapters=(Chapter(start=20, end=60, title="Late"),))
    document = compose(track(10), media=media)
    assert [(s.start, s.heading) for s in document.sections] == [(0, ""), (20, "Late")]
    assert document.video.chapters == media.chapters


def test_a_slide_change_cuts_and_the_slide_gives_the_heading() -> None:
    shown = (slide(0, 31, "First", "a"), slide(31, 60, "Second", "b"))
    document = compose(track(12), slides=shown)
    assert [(s.start, s.heading) for s in document.sections] == [(0, "First"), (30, "Second")]
    assert document.slides == shown
    assert [len(section.slides) for section in document.sections] == [1, 1]


def test_quick_slides_do_not_make_tiny_sections() -> None:
    shown = tuple(slide(n * 3, n * 3 + 3, f"S{n}") for n in range(20))
    document = compose(track(12), slides=shown)
    assert starts(document) == [0, 15, 30, 45]
    assert document.slides == shown


def test_long_pauses_cut_where_the_topic_may_change() -> None:
    document = compose(track(60, pauses={2: 4.0, 20: 4.0, 30: 0.5}), max_seconds=400)
    assert starts(document) == [0, 108]


def test_a_long_section_is_cut_at_its_longest_pause() -> None:
    document = compose(track(60, pauses={25: 0.4}), topic_seconds=1e9, max_seconds=200)
    assert starts(document) == [0, 125.4]
    assert all(section.end - section.start <= 200 for section in document.sections)


def test_slides_without_speech_stand_by_themselves() -> None:
    talk = track(4)
    shown = (slide(0, 20, "Spoken"), slide(30, 70, "Silent", "text"), slide(70, 80))
    document = compose(talk, slides=shown)
    assert [(s.start, s.end, s.origin, s.heading) for s in document.sections] == [
        (0, 20, "sidecar", "Spoken"),
        (30, 70, "slides", "Silent"),
    ]
    assert document.sections[1].segments == ()


def test_slides_alone_make_a_document() -> None:
    document = compose(slides=(slide(0, 40, "神经网络"), slide(40, 80, "梯度下降"), slide(80, 85)))
    assert [(s.start, s.heading, s.origin, s.language) for s in document.sections] == [
        (0, "神经网络", "slides", "zh"),
        (40, "梯度下降", "slides", "zh"),
    ]


def test_other_languages_are_cut_at_the_same_places() -> None:
    chapters = (Chapter(start=0, end=50, title="One"), Chapter(start=50, end=100, title="Two"))
    document = compose(track(20), track(33, "zh", 3.0), chapters=chapters)
    assert [s.language for s in document.translations] == ["zh", "zh"]
    first, second = document.translations
    assert first.segments[-1].end <= 51.5 <= second.segments[0].end
    assert (first.heading, second.heading) == ("One", "Two")
    assert sum(len(s.segments) for s in document.translations) == 33


def test_a_second_track_of_a_language_is_a_note() -> None:
    document = compose(track(3), track(2))
    assert document.translations == ()
    assert document.notes == (
        "a second track in en was left out: en (sidecar), beside en (sidecar)",
    )


def test_notes_of_every_part_are_kept_once() -> None:
    noted = track(2).model_copy(update={"notes": ("t",)})
    document = Timeline(Timeline.Options()).compose(
        VIDEO,
        MediaSet(files=(), notes=("m", "same")),
        Transcripts(tracks=(noted,), notes=("ts", "same")),
        Slides(notes=("s",)),
    )
    assert document.notes == ("m", "same", "ts", "t", "s")


@pytest.mark.parametrize("text", ["", "  \n"])
def test_nothing_to_read_is_an_error_with_a_remedy(text: str) -> None:
    silent = track(1)
    silent = silent.model_copy(
        update={"segments": (silent.segments[0].model_copy(update={"text": text}),)}
    )
    with pytest.raises(ContentError, match="nothing to read") as caught:
        compose(silent, slides=(slide(0, 9),))
    assert "subtitle" in caught.value.hint


def test_nobody_can_put_a_file_beside_a_video_of_a_site() -> None:
    hints = []
    for source in ("folder", "ytdlp"):
        video = Video(video_id="x:1", source=source, url="https://a.example/x", title="T")
        with pytest.raises(ContentError) as caught:
            Timeline(Timeline.Options()).compose(video, MediaSet(files=()), Transcripts(), Slides())
        hints.append(caught.value.hint)
    assert "beside it" in hints[0]
    assert "beside it" not in hints[1]
    assert "subtitle_languages" in hints[1]


def test_nothing_to_read_tells_why_subtitles_were_refused() -> None:
    why = "subtitles en (platform) refused: they run 12:40 past the end of the video"
    silent = Transcripts(notes=(why,))
    with pytest.raises(ContentError, match="12:40 past the end"):
        Timeline(Timeline.Options()).compose(VIDEO, MediaSet(files=()), silent, Slides())


def test_builds_of_one_slide_are_one_slide() -> None:
    shown = [slide(0, 5, "T", "a"), slide(5, 9, "T", "a", "b"), slide(9, 12, "Other")]
    assert [(s.start, s.end, s.text) for s in tidy(shown)] == [(0, 9, "T\na\nb"), (9, 12, "Other")]


def test_lines_at_the_edges_of_all_slides_are_left_out() -> None:
    def page(number: int) -> Slide:
        edge = (
            Line(text="My Channel", confidence=1, box=(0.8, 0.02, 0.99, 0.06)),
            Line(text=f"{number} / 9", confidence=1, box=(0.9, 0.93, 0.99, 0.97)),
            Line(text="Example", confidence=1, box=(0.1, 0.2, 0.9, 0.3)),
            Line(text=f"Topic {'abcdefghi'[number]}", confidence=1, box=(0.1, 0.4, 0.9, 0.5)),
        )
        return Slide(start=number, end=number + 1, image=str(number), lines=edge)

    many = tidy([page(number) for number in range(9)])
    assert many[3].text == "Example\nTopic d"
    few = tidy([page(number) for number in range(3)])
    assert "My Channel" in few[0].text


def test_the_title_is_the_tallest_line_above() -> None:
    def line(text: str, top: float, height: float) -> Line:
        return Line(text=text, confidence=1, box=(0, top, 1, top + height))

    lines = (line("•", 0, 0.3), line("small", 0.02, 0.03), line(" Title ", 0.1, 0.08))
    huge = line("BIG BELOW", 0.6, 0.2)
    assert title_of(Slide(start=0, end=1, image="", lines=(*lines, huge))) == "Title"
    assert title_of(Slide(start=0, end=1, image="", lines=(huge,))) == "BIG BELOW"
    assert title_of(Slide(start=0, end=1, image="")) == ""


@given(
    st.lists(st.tuples(st.floats(0, 20), st.floats(0.1, 20)), min_size=1, max_size=60),
    st.lists(st.tuples(st.floats(0, 500), st.floats(0.5, 60)), max_size=10),
    st.lists(st.floats(0, 500), max_size=5, unique=True),
)
def test_nothing_is_lost_or_doubled(
    shape: list[tuple[float, float]], slides: list[tuple[float, float]], cuts: list[float]
) -> None:
    segments, now = [], 0.0
    for number, (pause, length) in enumerate(shape):
        segments.append(Segment(start=now + pause, end=now + pause + length, text=f"{number}"))
        now = segments[-1].end
    talk = Transcript(language="en", origin="asr", segments=tuple(segments))
    shown = tuple(slide(at, at + length, f"slide {at}") for at, length in slides)
    chapters = tuple(Chapter(start=at, end=at + 1, title=f"c{at}") for at in cuts)
    document = compose(talk, slides=shown, chapters=chapters)
    spoken = [line for section in document.sections for line in section.segments]
    assert spoken == segments
    assert sorted(s.image for s in document.slides) == sorted(s.image for s in tidy(shown))
    assert starts(document) == sorted(starts(document))


def test_single_letters_that_the_reader_was_not_sure_of_are_no_text() -> None:
    def read(text: str, confidence: float) -> Slide:
        return Slide(start=0, end=9, image="i", lines=(Line(text=text, confidence=confidence),))

    for noise in (read("黄", 0.82), read("H", 0.57), read("à·", 0.84)):
        with pytest.raises(ContentError, match="nothing to read"):
            compose(slides=(noise,))
    for words in (read("Q&A", 0.97), read("引言", 0.8), read("Goal", 0.6)):
        assert compose(slides=(words,)).slides[0].lines
