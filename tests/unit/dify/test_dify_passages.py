"""What a passage looks like in Dify can be read back, whoever wrote the segment."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_rag.dify.passages import footer, guess, one_line, parse
from video_rag.testing.answerer_contract import PASSAGES

FRIDAY = PASSAGES[0]
WORDS = st.text(st.characters(blacklist_categories=("Cs", "Cc", "Zl", "Zp")), max_size=60)
TIMES = st.integers(0, 360_000).map(lambda tenths: tenths / 10)
EPOCH = 1795392000


@given(WORDS, WORDS, WORDS, TIMES, st.booleans(), st.booleans())
def test_what_was_written_is_read(
    text: str, title: str, heading: str, start: float, is_linked: bool, with_title: bool
) -> None:
    chunk = FRIDAY.model_copy(
        update={
            "text": one_line(text),
            "title": one_line(title) or "x",
            "heading": one_line(heading),
            "start": start,
            "end": start + 0.5,
        }
    )
    url = f"https://example.org/a(b)?t={start}" if is_linked else ""
    content = f"{chunk.text}\n{footer(chunk, url, with_title=with_title)}"
    found = parse(content, {"title": chunk.title, "language": "en", "collection": "films"})
    assert found
    assert (found.video_id, found.start, found.end) == ("v:friday", start, start + 0.5)
    assert found.title == chunk.title
    assert found.collection == "films"
    if is_linked and with_title:
        assert found.url == url.replace("(", "%28").replace(")", "%29")


def test_a_segment_without_an_address_is_no_passage_of_ours() -> None:
    assert parse("Somebody's words", {"video_id": "v:friday"}) is None


@pytest.mark.parametrize(
    ("metadata", "content", "expected"),
    [
        ({"video_id": "v:1", "start": 70, "end": "90.5"}, "words", ("v:1", 70.0, 90.5)),
        ({"start": 70}, "words", ("talk.md", 70.0, 70.0)),
        ({}, "00:01:10 - 00:03:45 Chunking\nwords", ("talk.md", 70.0, 225.0)),
        ({}, "1:10–3:45 words", ("talk.md", 70.0, 225.0)),
        ({"start": "soon", "end": None}, "words", ("talk.md", 0.0, 0.0)),
        ({"start": -5, "end": -7}, "words", ("talk.md", 0.0, 0.0)),
    ],
)
def test_what_others_wrote_is_guessed(
    metadata: dict[str, object], content: str, expected: tuple[str, float, float]
) -> None:
    chunk = guess(content, metadata, "talk.md")
    assert (chunk.video_id, chunk.start, chunk.end) == expected
    assert chunk.text == content


def test_facts_of_the_document_are_kept() -> None:
    facts = {"language": "en", "origin": "asr", "published": str(EPOCH), "url": "https://x.org/v"}
    for chunk in (parse("words\n⟦v:1@1-2⟧", facts), guess("words", facts)):
        assert chunk
        assert (chunk.language, chunk.origin, chunk.published) == ("en", "asr", "2026-11-23")
        assert chunk.url == "https://x.org/v"
    chunk = guess("大家好", {"language": "en", "origin": "dreams", "published": "soon"})
    assert (chunk.language, chunk.origin, chunk.published) == ("zh", "platform", None)
