"""Links, marks and printed results in Dify's answers, and the memory for its conversations."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay import recorded
from video_rag.answerers._dify_marks import linked, listed, numbered, printed, without
from video_rag.answerers._dify_talks import KEPT, Talks
from video_rag.model import Chunk, Segment, Turn
from video_rag.testing.answerer_contract import PASSAGES

LIGHT = PASSAGES[1]


def source(video_id: str, start: float, end: float, url: str = "") -> Chunk:
    line = Segment(start=start, end=end, text="words")
    return LIGHT.model_copy(
        update={"video_id": video_id, "start": start, "end": end, "url": url, "lines": (line,)}
    )


TUBE = "https://www.youtube.com/watch?v=abc-1"
SOURCES = [
    source("youtube:abc-1", 0, 45, TUBE),
    source("youtube:abc-1", 60, 105, TUBE),
    source("file:feed", 60.5, 105, "https://v.example/#/video/file:feed?t=60.5"),
]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (f"[x 1:00]({TUBE}&t=60s)", "[2]"),
        (f"[x 0:00]({TUBE}&t=0s)", "[1]"),
        (f"[x 0:30]({TUBE}&t=30s)", "[1]"),
        (f"[x 9:59]({TUBE}&t=599s)", ""),
        ("[x 1:00](https://youtu.be/abc-1?t=60)", "[2]"),
        ("[x 1:00](https://youtu.be/abc-12?t=60)", ""),
        ("[x 1:00](<https://v.example/#/video/file%3Afeed?t=60.5>)", "[3]"),
        ("— [x 1:00](https://v.example/#/video/file:feed?t=60)", "[3]"),
        ("⟦youtube:abc-1@61-70⟧", "[2]"),
        ("⟦youtube:abc-1@500-510⟧", ""),
        ("⟦nonsense⟧", ""),
        ("see [the page](https://other.example/)", "see [the page](https://other.example/)"),
        ("![x](https://other.example/a.png)", "![x](https://other.example/a.png)"),
        ("it is so [2]", "it is so [2]"),
    ],
)
def test_links_and_marks_are_numbered_by_what_they_open(said: str, expected: str) -> None:
    assert numbered(f"{said} [1]", SOURCES) == f"{expected} [1]"


@given(st.text(alphabet="[](){}⟦⟧@-:.?t=1 a\n'\"", max_size=60))
def test_no_text_breaks_the_reading(text: str) -> None:
    assert isinstance(numbered(text, SOURCES), str)
    assert isinstance(printed(text), list)
    assert isinstance(printed(f"- {{{text}}}"), list)
    assert isinstance(listed(text), list)
    assert isinstance(linked(f"1. {text} 0:01\n\n   > {text}\n"), list)
    assert "⟦" not in without(text)


@pytest.mark.parametrize(
    "said",
    [
        "",
        "It is so ⟦youtube:abc-1@61-70⟧.",
        "It is so ⟦youtube:abc-1@61-70⟧",
        "It is so.\n⟦youtube:abc-1@61-70⟧\nAnd more of my own words.",
        "⟦youtube:abc-1@61-70⟧",
        "It is so.\n⟦nonsense⟧",
        "One.\n⟦youtube:abc-1@61-70⟧\nTwo ⟦youtube:abc-1@61-70⟧",
    ],
)
def test_an_answer_with_marks_is_no_list_of_passages(said: str) -> None:
    assert listed(said) == []


def test_a_recorded_search_result_is_read() -> None:
    text = recorded("no-daemon/nd-13-chat-retrieval-only").body["answer"]
    [resource] = printed(text)
    assert resource.metadata["video_id"] == "vid-001"
    assert resource.content.startswith("00:01:10 - 00:03:45 Chunking strategies\nChunking splits")
    assert resource.title == "renamed.md"


def test_the_memory_for_conversations_is_bounded() -> None:
    talks = Talks()
    for number in range(KEPT + 1):
        talks.keep((said(number),), f"c-{number}")
    assert talks.take((said(0),)) == ""
    assert talks.take((said(1),)) == "c-1"
    assert talks.take(()) == ""


def said(number: int) -> Turn:
    return Turn(role="user", text=str(number))
