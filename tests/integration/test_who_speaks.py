"""Who speaks, from the file to the citation: library, command line and API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

from serving import HERE
from video_rag.answerers import Done
from video_rag.api import create_app
from video_rag.cli import app, main
from video_rag.errors import NotFound
from video_rag.library import Library
from video_rag.model import Citation, Query, Question
from video_rag.settings import load_settings

TEAMS = """WEBVTT

7c1f0c2e-1111-4a5b-9d53-000000000001/12-0
00:00:03.500 --> 00:00:07.250
<v Grace Lee>The release was moved to March.</v>

7c1f0c2e-1111-4a5b-9d53-000000000001/12-1
00:00:07.250 --> 00:00:10.000
<v Haddad, Omar (Guest)>Then we have time for a
second test.</v>
"""
ZOOM = """WEBVTT

1
00:00:05.790 --> 00:00:09.514
Priya Raman: Let us begin with the budget.

2
00:00:10.000 --> 00:00:13.514
Tom Novak: The travel costs went up by eleven percent.
"""
ASS = """[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Dialogue: 0,0:00:03.00,0:00:05.00,Default,Anna,0,0,0,,Welcome to the observatory.
Dialogue: 0,0:00:07.00,0:00:09.00,Default,,0,0,0,,The dome opens at dusk.
"""
CHINESE = """1
00:00:01,000 --> 00:00:03,000
张老师：今天我们讲导数的定义。

2
00:00:03,000 --> 00:00:05,000
李明：什么是极限？

3
00:00:05,000 --> 00:00:07,000
张老师：极限是趋近的值。
"""


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    talks = tmp_path / "talks"
    talks.mkdir()
    files = {"teams.vtt": TEAMS, "zoom.vtt": ZOOM, "dome.ass": ASS, "课.zh.srt": CHINESE}
    for name, text in files.items():
        (talks / name).write_text(text, "utf-8")
    library = Library(load_settings())
    assert all(added.status for added in library.add([str(talks)]))
    yield library
    library.close()


def cited(library: Library, text: str, **filters: str) -> list[Citation]:
    question = Question.model_validate({"text": text, **filters})
    *_, last = library.ask(question)
    assert isinstance(last, Done)
    return list(last.answer.citations)


@pytest.mark.parametrize(
    ("question", "quote"),
    [
        (
            "What did Grace Lee say about the release?",
            "Grace Lee: The release was moved to March.",
        ),
        ("What did Omar say about the test?", "Haddad, Omar (Guest): Then we have time for a"),
        ("What did Priya Raman say?", "Priya Raman: Let us begin with the budget."),
        ("Tom Novak on costs", "Tom Novak: The travel costs went up by eleven percent."),
        ("What does Anna say?", "Anna: Welcome to the observatory."),
        ("张老师说极限是什么？", "张老师：极限是趋近的值。"),
    ],
)
def test_a_question_that_names_a_speaker_is_answered_in_that_speakers_words(
    library: Library, question: str, quote: str
) -> None:
    assert cited(library, question)[0].quote.startswith(quote)


def test_a_speaker_is_a_filter(library: Library) -> None:
    hits = library.search(Query(text="release test budget", speaker="Omar Haddad"))
    assert [hit.chunk.text for hit in hits] == [
        "Haddad, Omar (Guest): Then we have time for a second test."
    ]
    assert hits[0].chunk.start == 7.25
    assert library.search(Query(text="release", speaker="Omar Haddad")) == []
    with pytest.raises(NotFound, match="nobody called 'Omar Hadad' speaks") as caught:
        library.search(Query(text="release", speaker="Omar Hadad"))
    assert caught.value.hint.startswith("known, most alike first: Haddad, Omar (Guest), ")
    assert library.search(Query(text="release", speaker="")) == library.search(
        Query(text="release")
    )
    assert cited(library, "release", speaker="Omar Haddad") == []
    assert cited(library, "release", speaker="Lee")[0].start == 3.5


def test_who_speaks_nowhere_is_told_by_the_commands_with_a_few_names(
    library: Library, capsys: pytest.CaptureFixture[str]
) -> None:
    library.close()
    for command in ("search", "ask"):
        assert main([command, "release", "--speaker", "Nobody"]) == 2
        told = capsys.readouterr().err
        assert "nobody called 'Nobody' speaks in any video" in told
        assert "and" in told


def test_the_commands_take_a_speaker(library: Library) -> None:
    library.close()
    run = CliRunner().invoke(app, ["search", "budget", "--speaker", "priya", "--json"])
    assert [row["speakers"] for row in json.loads(run.stdout)] == [["Priya Raman"]]
    run = CliRunner().invoke(app, ["ask", "budget", "--speaker", "Tom Novak", "--json"])
    assert json.loads(run.stdout)["refused"]
    run = CliRunner().invoke(app, ["ask", "costs", "--speaker", "Tom Novak", "--json"])
    assert json.loads(run.stdout)["citations"][0]["quote"].startswith("Tom Novak: ")


def test_the_api_takes_a_speaker(library: Library) -> None:
    with TestClient(
        create_app(library, keys_required=False), base_url="http://127.0.0.1:8420", client=HERE
    ) as client:
        rows = client.get("/api/search", params={"q": "dome observatory", "speaker": "anna"}).json()
        assert [row["text"] for row in rows] == ["Anna: Welcome to the observatory."]
        told = client.post("/api/ask", json={"question": "release", "speaker": "Omar"}).text
        assert '"refused": true' in told


def test_the_page_of_a_video_names_who_speaks(library: Library, tmp_path: Path) -> None:
    video_id = library.find("teams")
    page = Path(library.page(video_id)).read_text("utf-8")
    assert "**Grace Lee:** The release was moved to March." in page
    vtt = library.export(video_id, "vtt", tmp_path).read_text("utf-8")
    assert "<v Grace Lee>The release was moved to March." in vtt
