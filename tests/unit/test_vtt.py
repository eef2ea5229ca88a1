"""Words out as WebVTT, and in again."""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from video_rag.model import Document, Section, Segment, Video
from video_rag.processors.subtitles.reading import read_subtitles
from video_rag.renderers.vtt import Vtt

VIDEO = Video(video_id="file:1", source="folder", url="/talk.mp4", title="talk")


def document(*segments: Segment, language: str = "en") -> Document:
    middle = (len(segments) + 1) // 2
    sections = tuple(
        Section(
            start=part[0].start,
            end=part[-1].end,
            heading="",
            language=language,
            origin="sidecar",
            segments=part,
        )
        for part in (segments[:middle], segments[middle:])
        if part
    )
    return Document(video=VIDEO, sections=sections)


def render(doc: Document) -> str:
    return Vtt(Vtt.Options()).render(doc, lambda _: "", lambda _: "").decode()


def test_a_document_becomes_one_cue_per_line() -> None:
    text = render(
        document(
            Segment(start=0.5, end=2.25, text="Hello", speaker="Ann"),
            Segment(start=3661.0, end=3662.0, text="Bye"),
        )
    )
    assert text == (
        "WEBVTT\nLanguage: en\n\n"
        "00:00:00.500 --> 00:00:02.250\n<v Ann>Hello\n\n"
        "01:01:01.000 --> 01:01:02.000\nBye\n"
    )


def test_words_cannot_break_the_file() -> None:
    text = render(document(Segment(start=0, end=1, text="a --> b\n\n<i>&amp; {\\an8}")))
    assert text.endswith("\na --&gt; b &lt;i&gt;&amp;amp; &#123;\\an8}\n")


def test_a_document_without_speech_is_a_file_without_cues() -> None:
    assert render(Document(video=VIDEO, sections=())) == "WEBVTT\n"


def test_an_end_comes_after_its_start() -> None:
    text = render(document(Segment(start=1.0, end=1.0, text="now")))
    assert "00:00:01.000 --> 00:00:01.001" in text


# `Ann: …` names a speaker, and comes back as one.
PLAIN = st.text(
    st.characters(exclude_categories=["C"], exclude_characters=":："), min_size=1, max_size=20
)
TRICKS = st.sampled_from(
    [
        "-->",
        "1",
        "NOTE x",
        "STYLE",
        "WEBVTT",
        "<v Bob>",
        "&lt;",
        "{\\an8}",
        "00:01.000 --> 00:02.000",
    ]
)
WORDS = (
    st.lists(PLAIN | TRICKS, min_size=1, max_size=4)
    .map(" ".join)
    .map(lambda text: " ".join(text.split()))
    .filter(bool)
)


@given(st.lists(st.tuples(st.integers(200, 5000), st.integers(1, 5000), WORDS), min_size=1))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_what_is_written_is_read_again(tmp_path: Path, spans: list[tuple[int, int, str]]) -> None:
    segments = []
    clock = 0
    for gap, length, text in spans:
        start = clock + gap
        clock = start + length
        segments.append(Segment(start=start / 1000, end=clock / 1000, text=text))
    path = tmp_path / "talk.vtt"
    path.write_text(render(document(*segments)), encoding="utf-8")
    track = read_subtitles(path)
    assert track.segments == tuple(segments)
    assert (track.language, track.notes) == ("en", ())


NAMES = st.text("AnnBobÉ李<>&- ", min_size=1, max_size=12).map(lambda name: " ".join(name.split()))


@given(NAMES.filter(bool))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
def test_speakers_come_back(tmp_path: Path, name: str) -> None:
    path = tmp_path / "talk.vtt"
    said = Segment(start=0, end=1, text="Hello", speaker=name)
    path.write_text(render(document(said)), encoding="utf-8")
    assert read_subtitles(path).segments == (said,)


def test_lines_of_times_may_be_said(tmp_path: Path) -> None:
    times = "00:01.000 --> 00:02.000"
    said = Segment(start=0.2, end=1.0, text=f"{times} {times}")
    path = tmp_path / "talk.vtt"
    path.write_text(render(document(said)), encoding="utf-8")
    assert read_subtitles(path).segments == (said,)


def test_a_file_with_every_arrow_escaped_is_read(tmp_path: Path) -> None:
    path = tmp_path / "talk.vtt"
    path.write_text(
        "WEBVTT\n\n00:01.000 --&gt; 00:02.000\nOne\n\n00:03.000 --&gt; 00:04.000\nTwo\n"
    )
    said = [(segment.start, segment.text) for segment in read_subtitles(path).segments]
    assert said == [(1.0, "One"), (3.0, "Two")]


def test_the_name_of_the_format_may_be_said(tmp_path: Path) -> None:
    said = Segment(start=0.0, end=1.0, text="WEBVTT")
    path = tmp_path / "talk.vtt"
    path.write_text(render(document(said)), encoding="utf-8")
    assert read_subtitles(path).segments == (said,)
