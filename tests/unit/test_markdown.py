"""The Markdown page: readable, linked, and safe from what people write in titles and on slides."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from video_rag.model import Document, Line, Section, Segment, Slide, Video
from video_rag.renderers.markdown import Markdown, anchor, destination, escape, paragraphs

NASTY = st.text(
    alphabet=st.one_of(
        st.sampled_from(list("\\`*_{}[]()<>#+-.!|~&;:=$^'\"\n\r\t 1aAé中，。\u2028\x00/")),
        st.characters(),
    ),
    max_size=40,
)
"""Text with much in it that means something to Markdown."""


def parse(text: str) -> list[Token]:
    return MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)


def words(tokens: list[Token]) -> str:
    """The text that a reader sees."""
    inline = [child for token in tokens for child in token.children or []]
    return "".join(" " if child.type == "softbreak" else child.content for child in inline)


def segment(start: float, text: str, **more: str) -> Segment:
    return Segment(start=start, end=start + 2, text=text, **more)


def section(start: float, heading: str, *segments: Segment, **more: object) -> Section:
    values = {"language": "en", "origin": "sidecar"} | more
    return Section(start=start, end=start + 60, heading=heading, segments=segments, **values)


def document(*sections: Section, **more: object) -> Document:
    facts = {"title": "A talk", "url": "https://example.org/talk"}
    facts |= {name: more.pop(name) for name in tuple(more) if name in Video.model_fields}
    video = Video(video_id="x:1", source="x", **facts)
    return Document(video=video, sections=sections, **more)


def link(seconds: float) -> str:
    return f"https://example.org/talk?t={int(seconds)}"


def render(page: Document, picture: str = "", **options: object) -> str:
    made = Markdown(Markdown.Options(**options)).render(page, link, lambda slide: picture)
    return made.decode()


def test_a_page_has_title_facts_sections_and_paragraphs() -> None:
    page = document(
        section(0, "Hello", segment(0, "Hello"), segment(2, "and welcome.")),
        section(750, "Main part", segment(750, "Now the main part.")),
        channel="A channel",
        published="2026-11-23",
        duration=810.0,
    )
    assert render(page) == (
        "# A talk\n\n"
        "- Source: [https://example.org/talk](https://example.org/talk?t=0)\n"
        "- Channel: A channel\n"
        "- Published: 2026-11-23\n"
        "- Length: 13:30\n"
        "- Language: en\n"
        "- Words from: subtitle file\n\n"
        "- [0:00](https://example.org/talk?t=0) Hello\n"
        "- [12:30](https://example.org/talk?t=750) Main part\n\n"
        "## [0:00](https://example.org/talk?t=0) Hello\n\n"
        "Hello and welcome.\n\n"
        "## [12:30](https://example.org/talk?t=750) Main part\n\n"
        "Now the main part.\n"
    )


def test_chinese_speech_is_joined_without_spaces_under_chinese_labels() -> None:
    page = document(
        section(0, "开场", segment(0, "大家好"), segment(2, "欢迎收看"), language="zh"),
        title="讲座",
    )
    text = render(page)
    assert "大家好欢迎收看" in text
    assert "- 文字来源：字幕文件" in text


def test_slides_stand_at_their_time_with_picture_and_quoted_text() -> None:
    slide = Slide(start=5, end=9, image="d1", lines=(Line(text="• E = mc_2_", confidence=1),))
    page = document(section(0, "", segment(0, "First."), segment(6, "Then."), slides=(slide,)))
    text = render(page, "pictures/a b.jpg", pause=2)
    assert "![Slide 0:05](pictures/a%20b.jpg)" in text
    assert "> [Slide 0:05](https://example.org/talk?t=5)\n>\n> - E = mc_2\\_" in text
    assert text.index("First.") < text.index("![Slide") < text.index("Then.")


def test_a_slide_without_picture_or_words_leaves_no_trace() -> None:
    page = document(
        section(0, "", segment(0, "First."), slides=(Slide(start=0, end=9, image="d"),))
    )
    assert "Slide" not in render(page)


def test_slide_text_can_be_left_out() -> None:
    slide = Slide(start=0, end=9, image="d1", lines=(Line(text="words", confidence=1),))
    page = document(section(0, "", slides=(slide,), origin="slides"))
    assert "words" in render(page)
    assert "words" not in render(page, slide_text=False)


def test_a_slide_that_two_sections_share_is_shown_once() -> None:
    slide = Slide(start=0, end=90, image="d1")
    page = document(section(0, "A", slides=(slide,)), section(60, "B", slides=(slide,)))
    assert render(page, "a.jpg").count("![") == 1


def test_translations_are_parts_of_their_own() -> None:
    page = document(
        section(0, "Hello", segment(0, "Hello.")),
        translations=(
            section(0, "你好", segment(0, "你好。"), language="zh"),
            section(60, "再见", segment(60, "再见。"), language="zh"),
            section(0, "Bonjour", segment(0, "Bonjour."), language="fr"),
        ),
    )
    text = render(page)
    assert text.count("# A talk (zh)\n") == 1
    assert text.index("Hello.") < text.index("# A talk (zh)") < text.index("# A talk (fr)")
    assert "你好" not in render(page, translations=False)


def test_notes_say_what_was_left_out() -> None:
    page = document(section(0, "A", segment(0, "Words.")), notes=("3 cues were empty",))
    assert "> Note: 3 cues were empty" in render(page)


def test_a_speaker_is_named_when_the_speaker_changes() -> None:
    page = document(
        section(
            0,
            "A",
            segment(0, "Hello.", speaker="Ann"),
            segment(2, "Hi.", speaker="*Bob*"),
            segment(9, "Well.", speaker="*Bob*"),
        )
    )
    text = render(page)
    assert "**Ann:** Hello.\n\n**\\*Bob\\*:** Hi.\n\nWell." in text


def test_a_chapter_stands_before_its_headings() -> None:
    page = document(section(0, "Words", chapter="Intro"), section(9, "Intro", chapter="Intro"))
    text = render(page, contents=False)
    assert ") Intro — Words\n" in text
    assert ") Intro\n" in text


def test_a_local_path_is_named_without_its_folders() -> None:
    text = render(document(url="/home/ann/talks/my talk.mp4"))
    assert "[my talk.mp4]" in text
    assert "ann" not in text


def test_a_document_without_anything_still_has_a_title() -> None:
    assert render(document(title=" \n ", url="")) == "# —\n"


def test_contents_need_two_sections() -> None:
    one = document(section(0, "Only", segment(0, "Words.")))
    assert render(one).count("Only") == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a_b is _c_", "a_b is \\_c\\_"),
        ("# not a heading", "\\# not a heading"),
        ("C# and #5", "C# and \\#5"),
        ("1. first", "1\\. first"),
        ("2023 was", "2023 was"),
        ("- item", "\\- item"),
        ("<b>bold</b>", "\\<b>bold\\</b>"),
        ("AT&T &amp; co", "AT&T \\&amp; co"),
        ("two\n\nlines", "two lines"),
        ("[a](b)", "\\[a\\](b)"),
    ],
)
def test_escaped_text_stays_readable(text: str, expected: str) -> None:
    assert escape(text) == expected


def test_only_links_that_are_safe_to_open_are_made() -> None:
    assert anchor("a", "javascript:alert(1)") == "a"
    assert anchor("a", "") == "a"
    assert anchor("a]", "https://x/(1)?q=a b&lt;") == "[a\\]](https://x/%281%29?q=a%20b&amp;lt;)"


@settings(deadline=None)  # machines are shared
@given(NASTY)
def test_escaped_text_shows_exactly_its_words(text: str) -> None:
    tokens = parse(escape(text))
    assert [token.type for token in tokens] in ([], ["paragraph_open", "inline", "paragraph_close"])
    children = [child for token in tokens for child in token.children or []]
    assert {child.type for child in children} <= {"text", "text_special"}
    shown = "".join(child.content for child in children)
    clean = "".join(c for c in text if c >= " " or c in "\t\n\r\x0b\x0c\x1c\x1d\x1e\x1f")
    # Half characters cannot be written as UTF-8, and two code points are no characters at all.
    gone = {0x7F, 0xFFFE, 0xFFFF, *range(0xD800, 0xE000)}
    assert "".join(shown.split()) == "".join(
        "".join(c for c in clean if ord(c) not in gone).split()
    )


@settings(deadline=None)  # machines are shared
@given(st.lists(st.tuples(NASTY, NASTY, NASTY), min_size=1, max_size=3), NASTY)
def test_nothing_that_people_write_breaks_the_page(
    parts: list[tuple[str, str, str]], title: str
) -> None:
    sections = [
        section(
            60 * index,
            heading,
            segment(60 * index, spoken, speaker=heading),
            chapter=shown,
            slides=(
                Slide(
                    start=60 * index,
                    end=60 * index + 5,
                    image=f"d{index}",
                    lines=(Line(text=shown, confidence=1), Line(text=spoken, confidence=1)),
                ),
            ),
        )
        for index, (heading, spoken, shown) in enumerate(parts)
    ]
    page = document(*sections, title=title, channel=title, notes=(title,), translations=sections)
    tokens = parse(render(page, "picture.jpg"))
    kinds = {token.type for token in tokens}
    assert not kinds & {
        "html_block",
        "fence",
        "code_block",
        "hr",
        "table_open",
        "ordered_list_open",
    }
    inline = {child.type for token in tokens for child in token.children or []}
    assert not inline & {"html_inline", "code_inline", "em_open", "s_open"}
    headings = [token.tag for token in tokens if token.type == "heading_open"]
    expected = ["h1", *["h2"] * len(parts), "h1", *["h2"] * len(parts)]
    assert headings == expected


@settings(deadline=None)  # machines are shared
@given(NASTY)
def test_a_destination_holds_any_path(path: str) -> None:
    tokens = parse(f"[a]({destination('x' + path)})")
    children = [child.type for token in tokens for child in token.children or []]
    assert children == ["link_open", "text", "link_close"]


def test_a_chinese_paragraph_has_a_third_of_the_characters() -> None:
    latin = [segment(2 * n, "aaaaaaaaa") for n in range(40)]
    chinese = [segment(2 * n, "一二三") for n in range(40)]
    groups = [[len(group) for group in paragraphs(one, 90, 9)] for one in (latin, chinese)]
    assert groups[0] == groups[1] == [20, 20]


@settings(deadline=None)  # machines are shared
@given(
    st.lists(st.tuples(st.floats(0, 5), st.text("ab. ", max_size=30)), max_size=30),
    st.integers(1, 100),
)
def test_paragraphs_keep_every_cue_in_order(cues: list[tuple[float, str]], length: int) -> None:
    segments, at = [], 0.0
    for gap, text in cues:
        at += gap
        segments.append(segment(at, text))
    grouped = list(paragraphs(segments, length, 2.5))
    kept = [one for group in grouped for one in group]
    assert kept == [one for one in segments if one.text.strip()]
    assert all(sum(len(one.text) for one in group[:-1]) < 2 * length for group in grouped)
