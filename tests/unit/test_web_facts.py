"""What sites say through yt-dlp, as videos, subtitles and links; and what their errors mean.

The dictionaries are written by hand after the fields that yt-dlp documents.
"""

from __future__ import annotations

from typing import Any

import pytest

from video_rag.model import Chapter
from video_rag.sources.web import Track, canonical, is_list, link_to, tracks_of, video_of

VTT = [{"ext": "json3"}, {"ext": "vtt"}]
YOUTUBE: dict[str, Any] = {
    "id": "dQw4w9WgXcQ",
    "extractor": "youtube",
    "extractor_key": "Youtube",
    "title": "A  talk\nabout queues",
    "webpage_url": "https://www.youtube.com/watch?v=dQw4w9WgXcQ",
    "channel": "The channel",
    "uploader": "The uploader",
    "upload_date": "20230405",
    "duration": 212,
    "language": "en-US",
    "chapters": [
        {"start_time": 0.0, "end_time": 60.0, "title": "Introduction"},
        {"start_time": 60.0, "end_time": 60.0, "title": "Nothing"},
        {"start_time": 60.0, "end_time": 212.0, "title": "Queues"},
    ],
    "subtitles": {"live_chat": [{"ext": "json"}], "en": VTT, "zh-Hant": VTT, "zh-Hans": VTT},
    "automatic_captions": {"en-orig": VTT, "en": VTT, "zh-Hans": VTT, "fr": VTT},
}
BILIBILI: dict[str, Any] = {
    "id": "BV1bK411W797_p2",
    "extractor": "BiliBili",
    "extractor_key": "BiliBili",
    "title": "物语中的人物 p02 第二讲",
    "webpage_url": "https://www.bilibili.com/video/BV1bK411W797?p=2",
    "uploader": "某某",
    "timestamp": 1589601697,
    "duration": 101.3,
    "subtitles": {
        "danmaku": [{"ext": "xml"}],
        "ai-zh": [{"ext": "srt", "data": "1"}],
        "ai-en": [{"ext": "srt", "data": "1"}],
    },
}


def test_a_youtube_video_is_read() -> None:
    video = video_of(YOUTUBE, fallback_url="")
    assert video.video_id == "youtube:dQw4w9WgXcQ"
    assert (video.source, video.url) == ("ytdlp", YOUTUBE["webpage_url"])
    assert (video.title, video.channel) == ("A talk about queues", "The channel")
    assert (video.published, video.duration, video.language) == ("2023-04-05", 212.0, "en")
    assert video.chapters == (
        Chapter(start=0, end=60, title="Introduction"),
        Chapter(start=60, end=212, title="Queues"),
    )


def test_a_part_of_a_bilibili_video_keeps_its_number() -> None:
    video = video_of(BILIBILI, fallback_url="")
    assert video.video_id == "bilibili:BV1bK411W797_p2"
    assert (video.channel, video.published) == ("某某", "2020-05-16")


def test_a_flat_entry_has_the_id_of_the_full_one() -> None:
    flat = {
        "_type": "url",
        "ie_key": "Youtube",
        "id": "dQw4w9WgXcQ",
        "url": "https://www.youtube.com/watch?v=dQw4w9WgXcQ#__youtubedl_smuggle=%7B%7D",
        "title": "A talk",
        "duration": None,
        "playlist_channel": "The channel",
    }
    video = video_of(flat, fallback_url="")
    assert video.video_id == video_of(YOUTUBE, fallback_url="").video_id
    assert video.url == YOUTUBE["webpage_url"]
    assert (video.channel, video.duration) == ("The channel", None)


@pytest.mark.parametrize(
    ("url", "video_id"),
    [
        ("https://www.youtube.com/watch?list=PL1&v=dQw4w9WgXcQ", "youtube:dQw4w9WgXcQ"),
        ("https://youtu.be/dQw4w9WgXcQ?t=3", "youtube:dQw4w9WgXcQ"),
        ("https://m.youtube.com/shorts/dQw4w9WgXcQ", "youtube:dQw4w9WgXcQ"),
        ("https://www.bilibili.com/video/BV1bK411W797/", "bilibili:BV1bK411W797"),
        ("https://www.bilibili.com/video/BV1bK411W797?p=2", "bilibili:BV1bK411W797_p2"),
    ],
)
def test_links_of_a_feed_have_the_id_of_the_site(url: str, video_id: str) -> None:
    entry = {"_type": "url_transparent", "url": url, "title": "Episode"}
    assert video_of(entry, fallback_url="").video_id == video_id


def test_pages_without_real_ids_are_known_by_their_address() -> None:
    page = {"extractor_key": "Generic", "id": "clip", "title": "clip"}
    here = video_of(page | {"webpage_url": "https://a.example/clip.mp4"}, fallback_url="")
    there = video_of(page | {"webpage_url": "https://b.example/clip.mp4"}, fallback_url="")
    same = video_of(page | {"webpage_url": "https://A.example:443/clip.mp4#x"}, fallback_url="")
    second = video_of(page, fallback_url="https://a.example/clip.mp4", item=2)
    assert here.video_id.startswith("web:")
    assert here.video_id == same.video_id
    assert len({here.video_id, there.video_id, second.video_id}) == 3
    assert second.url == "https://a.example/clip.mp4#item=2"


def test_a_video_without_title_is_named_after_its_address() -> None:
    assert video_of({}, fallback_url="https://a.example/x/talk.mp4").title == "talk"
    assert video_of({}, fallback_url="https://a.example").title == "a.example"


@pytest.mark.parametrize(
    ("url", "clean"),
    [
        ("HTTPS://Example.COM", "https://example.com/"),
        ("http://example.com:80/a", "http://example.com/a"),
        ("http://example.com:8080/a?b=&utm_source=x&a=1#frag", "http://example.com:8080/a?b=&a=1"),
        ("http://example.com/a#item=3", "http://example.com/a#item=3"),
    ],
)
def test_an_address_has_one_spelling(url: str, clean: str) -> None:
    assert canonical(url) == clean
    assert canonical(clean) == clean


@pytest.mark.parametrize("key", ["YoutubeTab", "YoutubePlaylist", "BilibiliSpaceVideo"])
def test_lists_within_lists_are_told_from_videos(key: str) -> None:
    assert is_list({"_type": "url", "ie_key": key})
    assert not is_list({"_type": "url", "ie_key": "Youtube"})


def test_one_human_track_per_language_and_no_machine_beside_it() -> None:
    assert tracks_of(YOUTUBE, ("en", "zh")) == (
        Track("en", "en", "platform"),
        Track("zh-Hans", "zh", "platform"),
    )


def test_a_machine_s_track_is_taken_only_in_the_language_it_heard() -> None:
    alone = YOUTUBE | {"subtitles": {}}
    assert tracks_of(alone, ("en", "zh")) == (Track("en-orig", "en", "platform-auto"),)
    captions = {"en": VTT, "zh-Hans": VTT}
    no_mark = alone | {"automatic_captions": captions}
    assert tracks_of(no_mark, ("zh",)) == (Track("en", "en", "platform-auto"),)
    unknown = no_mark | {"language": None}
    assert tracks_of(unknown, ("en", "zh")) == ()


def test_bilibili_s_machine_tracks_are_marked_so_and_danmaku_is_none() -> None:
    assert tracks_of(BILIBILI, ("en", "zh")) == (Track("ai-zh", "zh", "platform-auto"),)
    english = {**BILIBILI, "language": "en"}
    assert tracks_of(english, ("en", "zh")) == (Track("ai-en", "en", "platform-auto"),)


def test_languages_nobody_wants_are_left_unless_all_are_wanted() -> None:
    info = {"subtitles": {"fr": VTT, "de": VTT, "xx-odd": VTT, "ja": [{"ext": "srv3"}]}}
    assert [track.key for track in tracks_of(info, ("de",))] == ["de", "xx-odd"]
    assert [track.key for track in tracks_of(info, ("all",))] == ["de", "fr", "xx-odd"]


@pytest.mark.parametrize(
    ("url", "link"),
    [
        ("https://www.youtube.com/watch?v=abc", "https://www.youtube.com/watch?v=abc&t=12s"),
        ("https://www.youtube.com/watch?t=3&v=abc", "https://www.youtube.com/watch?v=abc&t=12s"),
        (
            "https://youtu.be/dQw4w9WgXcQ?si=x",
            "https://www.youtube.com/watch?v=dQw4w9WgXcQ&t=12s",
        ),
        ("https://www.bilibili.com/video/BV1?p=2", "https://www.bilibili.com/video/BV1?p=2&t=12"),
        ("https://vimeo.com/123", "https://vimeo.com/123#t=12s"),
        ("https://www.dailymotion.com/video/x1", "https://www.dailymotion.com/video/x1?start=12"),
        ("https://a.example/x/talk.MP4?k=1", "https://a.example/x/talk.MP4?k=1#t=12.7"),
        ("https://a.example/page", "https://a.example/page"),
        ("https://a.example/page#item=2", "https://a.example/page"),
    ],
)
def test_links_open_the_second_where_the_site_can(url: str, link: str) -> None:
    assert link_to(url, 12.7) == link
