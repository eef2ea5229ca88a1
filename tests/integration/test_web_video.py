"""A video behind a URL, from the download to the answer and out again; a server on loopback."""

from __future__ import annotations

from pathlib import Path

import pytest

from video_rag.answerers import Done
from video_rag.library import Library
from video_rag.model import Question
from video_rag.settings import load_settings
from video_rag.testing.clips import silent_video
from web import Page, serve

PAGE = b"""<html><head><title>A film page</title></head><body><video src="film.mp4">
<track kind="subtitles" srclang="en" src="film.vtt"></video></body></html>"""
WORDS = b"WEBVTT\n\n00:00.200 --> 00:01.800\nPenguins live in the south.\n"


@pytest.fixture
def clip(tmp_path: Path) -> bytes:
    silent_video(tmp_path / "film.mp4")
    return (tmp_path / "film.mp4").read_bytes()


def test_a_page_becomes_an_answer_and_leaves_nothing_behind(clip: bytes) -> None:
    library = Library(load_settings({"guard": {"allow_private": True}}))
    with serve() as site:
        site.pages["/page.html"] = Page(PAGE, "text/html")
        site.pages["/film.mp4"] = Page(clip, "video/mp4")
        site.pages["/film.vtt"] = Page(WORDS, "text/vtt")
        added = list(library.add([f"{site.url}/page.html"]))
    status = added[0].status
    assert status is not None
    assert status.state == "ready", added
    done = list(library.ask(Question(text="Where do penguins live?")))[-1]
    assert isinstance(done, Done)
    assert (done.answer.citations[0].start, done.answer.citations[0].end) == (0.2, 1.8)
    media = library.settings.library.media
    assert list(media.rglob("*.mp4"))
    library.remove(status.video.video_id)
    assert [path for path in media.rglob("*") if path.is_file()] == []
    library.close()


def test_a_page_on_this_machine_is_refused_unless_allowed() -> None:
    library = Library(load_settings())
    added = list(library.add(["http://127.0.0.1:9/page.html"]))
    assert added[0].error is not None
    assert "allow_private" in added[0].error.hint
    library.close()
