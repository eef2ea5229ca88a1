"""What the look at a video's files and at its own page adds to what a list said."""

from __future__ import annotations

from video_rag.model import Chapter, MediaSet, Video
from video_rag.pipeline.stages import with_media_facts

LISTED = Video(
    video_id="youtube:a",
    source="ytdlp",
    url="https://www.youtube.com/watch?v=a",
    title="Deep le…",
    published="2026-10-20",
    channel=None,
    duration=60.0,
)
CHAPTER = Chapter(start=0.0, end=30.0, title="Opening")


def test_the_page_s_own_day_wins_over_the_rough_one_of_a_list() -> None:
    page = MediaSet(files=(), title="Deep learning", published="2026-10-17", channel="Lab")
    video = with_media_facts(LISTED, page)
    assert (video.title, video.published, video.channel) == ("Deep learning", "2026-10-17", "Lab")


def test_what_the_page_does_not_say_stays() -> None:
    video = with_media_facts(LISTED, MediaSet(files=(), duration=61.5, chapters=(CHAPTER,)))
    assert (video.title, video.published) == ("Deep le…", "2026-10-20")
    assert (video.duration, video.chapters) == (61.5, (CHAPTER,))


def test_a_title_that_a_person_gave_stays() -> None:
    mine = LISTED.model_copy(update={"title": "Mine", "is_title_given": True})
    assert with_media_facts(mine, MediaSet(files=(), title="Theirs")).title == "Mine"


def test_unknown_facts_change_no_digest() -> None:
    stored = MediaSet(files=()).model_dump_json()
    assert "published" not in stored
    assert MediaSet.model_validate_json(stored) == MediaSet(files=())
