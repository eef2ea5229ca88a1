"""Feeds from bytes: RSS, Atom, podcasts; broken, empty and hostile ones."""

from __future__ import annotations

from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_rag.errors import ContentError
from video_rag.model import Video
from video_rag.sources.feeds import Found, address, looks_like_one, parse, seconds_of

pytest.importorskip("feedparser")

URL = "https://a.example/feed.xml"
ITUNES = "xmlns:itunes='http://www.itunes.com/dtds/podcast-1.0.dtd'"


def rss(*items: str, head: str = "<title>The feed</title><language>en-us</language>") -> bytes:
    body = "".join(f"<item>{item}</item>" for item in items)
    text = f"<rss version='2.0' {ITUNES}><channel>{head}{body}</channel></rss>"
    return f"<?xml version='1.0' encoding='utf-8'?>{text}".encode()


def file(url: str, media_type: str = "audio/mpeg") -> str:
    return f"<enclosure url='{escape(url)}' type='{media_type}' length='1'/>"


def read(body: bytes, url: str = URL, most: int = 1000) -> list[Found]:
    found = parse(body, url, most=most)
    assert found is not None
    return found


def one(body: bytes, url: str = URL) -> Video:
    [video] = read(body, url)
    assert isinstance(video, Video)
    return video


def test_an_episode_of_a_podcast_says_all_that_is_known() -> None:
    video = one(
        rss(
            "<title>第一集 &amp; more</title><guid>6b1f-aaaa-bbbb-cccc</guid>"
            "<pubDate>Tue, 03 Jun 2025 23:30:00 +0800</pubDate><link>https://a.example/1</link>"
            f"<itunes:duration>1:02:03</itunes:duration>{file('https://cdn.example/1.mp3?t=1')}"
        )
    )
    assert video.video_id.startswith("feed:")
    assert (video.url, video.title) == ("https://cdn.example/1.mp3?t=1", "第一集 & more")
    assert (video.published, video.duration) == ("2025-06-03", 3723.0)
    assert (video.channel, video.language, video.source) == ("The feed", "en", "ytdlp")


def test_a_new_token_in_the_address_of_a_file_is_no_new_video() -> None:
    def episode(guid: str, token: str, url: str = URL) -> str:
        item = f"<guid>{guid}</guid>{file(f'https://cdn.example/1.mp3?token={token}')}"
        return one(rss(item), url).video_id

    assert episode("3", "a") == episode("3", "b")
    assert episode("3", "a") != episode("4", "a")
    other = "https://b.example/feed.xml"
    assert episode("3", "a") != episode("3", "a", other), "a short guid is known in its feed alone"
    long = "https://a.example/?p=123456"
    assert episode(long, "a") == episode(long, "a", other), "a feed may move"


def test_links_to_players_are_the_videos_of_those_sites() -> None:
    body = rss(
        f"<link>https://youtu.be/dQw4w9WgXcQ</link><guid>yt:1</guid>{file('https://a.example/1.mp3')}",
        "<link>https://www.bilibili.com/video/BV1bK411W797?p=2&amp;spm_id_from=x</link>",
        "<title>Page</title><link>/talks/3</link>",
        "<link>mailto:me@a.example</link>",
    )
    found = [row for row in read(body) if isinstance(row, Video)]
    assert [video.video_id for video in found[:2]] == [
        "youtube:dQw4w9WgXcQ",
        "bilibili:BV1bK411W797_p2",
    ]
    assert found[2].url == "https://a.example/talks/3"
    assert len(found) == 3


def test_one_link_that_is_none_spoils_nothing() -> None:
    body = rss(
        "<link>http://[</link>", file("http://a:99999/1.mp3"), file("https://a.example/2.mp3")
    )
    urls = [row.url for row in read(body) if isinstance(row, Video)]
    assert urls[-1] == "https://a.example/2.mp3"


def test_a_video_is_taken_before_sound_and_pictures_are_not() -> None:
    files = [
        file("https://a.example/cover.jpg", "image/jpeg"),
        file("https://a.example/1.mp3"),
        file("https://a.example/1.mp4", "video/mp4"),
    ]
    assert one(rss("".join(files))).url == "https://a.example/1.mp4"
    untyped = one(rss("<link>https://a.example/</link>" + file("/2.m4a", "")))
    assert untyped.url == "https://a.example/2.m4a"
    page = one(rss("<link>https://a.example/p</link>" + files[0]))
    assert page.url == "https://a.example/p"


def test_the_feed_of_a_youtube_channel_is_read() -> None:
    entry = (
        "<entry><id>yt:video:dQw4w9WgXcQ</id><title>A talk</title>"
        "<link rel='alternate' href='https://www.youtube.com/shorts/dQw4w9WgXcQ'/>"
        "<published>2009-10-25T06:57:33+00:00</published></entry>"
    )
    atom = f"<feed xmlns='http://www.w3.org/2005/Atom'><title>Talks</title>{entry}</feed>"
    video = one(atom.encode(), "https://www.youtube.com/feeds/videos.xml?channel_id=UC1")
    assert video.url == "https://www.youtube.com/watch?v=dQw4w9WgXcQ"
    assert (video.video_id, video.published) == ("youtube:dQw4w9WgXcQ", "2009-10-25")


def test_of_a_broken_feed_what_can_be_read_is_taken() -> None:
    body = rss(*(f"<guid>{n}</guid>{file(f'https://a.example/{n}.mp3')}" for n in range(5)))
    *videos, error = read(body[: body.index(b"4.mp3")])
    assert len([video for video in videos if isinstance(video, Video)]) >= 4
    assert isinstance(error, ContentError)
    assert "broken" in str(error)


def test_entities_that_grow_are_not_let_grow() -> None:
    rows = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    item = "<item><title>&a9;</title><link>https://a.example/1</link></item>"
    body = (
        f"<!DOCTYPE rss [<!ENTITY a0 '{'x' * 100}'>{rows}]>"
        f"<rss version='2.0'><channel><title>F</title>{item}</channel></rss>"
    )
    titles = [row.title for row in read(body.encode()) if isinstance(row, Video)]
    assert all(len(title) <= 500 for title in titles)


def test_entities_never_open_a_file() -> None:
    body = (
        '<!DOCTYPE rss [<!ENTITY f SYSTEM "file:///etc/hostname">]><rss version="2.0"><channel>'
        "<item><title>T&f;</title><link>https://a.example/1</link></item></channel></rss>"
    )
    titles = [row.title for row in read(body.encode()) if isinstance(row, Video)]
    assert all(title in {"T", "T&f;", "1"} for title in titles)


def test_nothing_is_told_from_an_empty_feed_and_from_one_too_long() -> None:
    with pytest.raises(ContentError, match="no items") as caught:
        read(rss())
    assert caught.value.reason == "empty"
    with pytest.raises(ContentError, match="more than 3") as caught:
        read(rss(*(f"<link>https://a.example/{n}</link>" for n in range(4))), most=3)
    assert caught.value.reason == "too-large"


@pytest.mark.parametrize(
    "body", [b"", b"<html><body>rss</body></html>", b'{"items": []}', b"\x00\x01"]
)
def test_other_pages_are_no_feeds(body: bytes) -> None:
    assert parse(body, URL, most=10) is None


@pytest.mark.parametrize(
    ("url", "is_feed"),
    [
        ("https://a.example/feed.xml", True),
        ("https://a.example/blog/feed/", True),
        ("https://a.example/news.RSS", True),
        ("https://a.example/?feed=rss2", True),
        ("https://a.example/list?format=atom", True),
        ("https://www.youtube.com/feeds/videos.xml?channel_id=UC1", True),
        ("https://www.youtube.com/feed/subscriptions", False),
        ("https://a.example/feedback", False),
        ("https://a.example/talk.mp4", False),
        ("https://[", False),
    ],
)
def test_feeds_are_told_by_their_addresses(url: str, is_feed: bool) -> None:
    assert looks_like_one(url) is is_feed


def test_a_prefix_says_that_it_is_a_feed() -> None:
    assert address("feed:http://a.example/x") == ("http://a.example/x", True)
    assert address("podcast://a.example/x") == ("https://a.example/x", True)
    assert address("https://a.example/x") == ("https://a.example/x", False)


@given(st.integers(1, 359_999))
def test_durations_are_read_as_they_are_written(seconds: int) -> None:
    minutes, rest = divmod(seconds, 60)
    hours, left = divmod(minutes, 60)
    assert seconds_of(str(seconds)) == seconds
    assert seconds_of(f"{minutes}:{rest:02d}") == seconds
    assert seconds_of(f"{hours:02d}:{left:02d}:{rest:02d}") == seconds


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(noise: bytes) -> None:
    try:
        found = parse(b"<rss><channel><item><link>" + noise, URL, most=10)
    except ContentError:
        return
    assert found is not None
    assert all(isinstance(row, Video | ContentError) for row in found)


@given(st.text(max_size=30))
def test_no_duration_breaks_the_reader(text: str) -> None:
    found = seconds_of(text)
    assert found is None or found > 0
