"""Feeds from bytes: RSS, Atom, podcasts; broken, empty and hostile ones."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_rag.errors import ContentError
from video_rag.model import Video
from video_rag.sources.feeds import Found, address, looks_like_one, parse, proper, seconds_of
from video_rag.sources.feeds.plain import plain

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


def test_episodes_that_share_a_guid_are_as_many_as_their_files() -> None:
    def episodes(guid: str, query: str = "") -> list[Video]:
        rows = [
            f"<title>{name}</title><guid>{guid}</guid>{file(f'https://cdn.example/{name}.mp3{query}')}"
            for name in ("one", "two", "three")
        ]
        return [row for row in read(rss(*rows)) if isinstance(row, Video)]

    for guid in ("1", "https://a.example/the-show/episode"):
        found = episodes(guid)
        assert [video.title for video in found] == ["one", "two", "three"]
        later = episodes(guid, "?token=b")
        assert [a.video_id for a in found] == [b.video_id for b in later], "a token is no news"


def test_an_item_that_is_listed_twice_is_one_episode() -> None:
    item = f"<guid>1</guid>{file('https://cdn.example/1.mp3?t=1')}"
    assert one(rss(item, item.replace("t=1", "t=2")))


def test_a_video_that_every_episode_links_to_is_not_the_episode() -> None:
    link = "<link>https://youtu.be/dQw4w9WgXcQ</link>"
    found = read(
        rss(*(f"{link}<guid>{n}</guid>{file(f'https://a.example/{n}.mp3')}" for n in "12"))
    )
    urls = [video.url for video in found if isinstance(video, Video)]
    assert urls == ["https://a.example/1.mp3", "https://a.example/2.mp3"]


@pytest.mark.parametrize(
    ("written", "fetched"),
    [
        ("https://a.example/my files/a b.mp3", "https://a.example/my%20files/a%20b.mp3"),
        (" https://a.example/a.mp3\n", "https://a.example/a.mp3"),
        ("/my files/a.mp3", "https://a.example/my%20files/a.mp3"),
        ("https://a.example/files\\a.mp3", "https://a.example/files/a.mp3"),
        ("https://a.example/100% real.mp3?q=a b", "https://a.example/100%25%20real.mp3?q=a%20b"),
        ("https://a.example/a%20b.mp3", "https://a.example/a%20b.mp3"),
        ("https://a.example/中文/a.mp3", "https://a.example/中文/a.mp3"),
        ("https://a.example/a.mp3?x=1&amp;y=2", "https://a.example/a.mp3?x=1&y=2"),
    ],
)
def test_addresses_that_browsers_forgive_are_put_right(written: str, fetched: str) -> None:
    assert one(rss(file(written))).url == fetched


@pytest.mark.parametrize("host", ["a b.example", "user:word@b.example", "[::1"])
def test_nothing_is_put_right_in_a_host(host: str) -> None:
    assert proper(f"https://{host}/a.mp3") == f"https://{host}/a.mp3"


def test_a_backslash_ends_a_host_as_it_does_in_browsers() -> None:
    assert proper("https://a.example\\@b.example/1.mp3") == "https://a.example/@b.example/1.mp3"


@pytest.mark.parametrize(
    ("title", "read_as"),
    [
        ("<![CDATA[Tom &amp; Jerry <b>live</b>]]>", "Tom & Jerry live"),
        ("Tom &amp;amp; Jerry &lt;i&gt;live&lt;/i&gt;", "Tom & Jerry live"),
        (
            "&lt;p&gt;&lt;strong class=&quot;x&quot;&gt;A&lt;/strong&gt;&lt;br/&gt;B&lt;/p&gt;",
            "A B",
        ),
        ("<![CDATA[It&#8217;s &quot;new&quot;&nbsp;here &#x4E2D;]]>", 'It’s "new" here 中'),
        ("<![CDATA[&amp;lt;b&amp;gt;live&amp;lt;/b&amp;gt;]]>", "live"),
        ("<![CDATA[<span style='a: b'>Q&A</span> <!-- x -->]]>", "Q&A"),
        ("<![CDATA[<script>alert(1)</script>Rock]]>", "Rock"),
        ("&lt;![CDATA[Rock talk]]&gt;", "Rock talk"),
        ("Why a &lt; b and c &gt; d", "Why a < b and c > d"),
        ("if a&lt;b and c&gt;d", "if a<b and c>d"),
        ("vector&lt;int&gt; explained", "vector<int> explained"),
        ("How the &lt;b&gt; tag works", "How the <b> tag works"),
        ("AT&amp;T and R&amp;D; 100&amp;notes", "AT&T and R&D; 100&notes"),
        ("第一集 &amp; <![CDATA[<em>更多</em>]]>", "第一集 & 更多"),
    ],
)
def test_markup_and_entities_in_titles_become_plain_text(title: str, read_as: str) -> None:
    head = f"<title>{title}</title>"
    video = one(rss(f"<title>{title}</title>{file('https://a.example/1.mp3')}", head=head))
    assert (video.title, video.channel) == (read_as, read_as)


def test_a_title_of_atom_in_xhtml_is_plain_text() -> None:
    title = (
        "<title type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'>Less: <em> &lt; </em></div>"
        "</title>"
    )
    link = "<link href='https://a.example/1'/>"
    atom = f"<feed xmlns='http://www.w3.org/2005/Atom'><entry>{title}{link}</entry></feed>"
    assert one(atom.encode()).title == "Less: <"


@given(st.text(alphabet="ab<>/&;# bip\n\"'=!-[]", max_size=80))
def test_no_title_breaks_the_reader_and_words_stay(text: str) -> None:
    assert isinstance(plain(text), str)
    bare = re.sub(r"[<>&]", " ", text)
    assert plain(bare) == bare


SICK = {
    "an ampersand at the end": ("<title>Q&</title>", ""),
    "an ampersand": ("<title>Q&A</title>", ""),
    "an unknown entity": ("<title>a&nbsp;b&rsquo;s</title>", ""),
    "a control character": ("<title>a\x0bb</title>", ""),
    "an unknown prefix": ("<title>a</title><what:ever>1</what:ever>", ""),
    "noise behind": ("<title>a</title>", "\n<b>Warning</b>: mysql_close() on line 3 &"),
    "a tag left open": ("<title>a</title><description><p>Hello</description>", ""),
    "two roots": ("<title>a</title>", "<rss></rss>"),
}


@pytest.mark.parametrize(("inside", "behind"), SICK.values(), ids=list(SICK))
def test_sick_xml_of_which_every_item_was_read_is_no_failure(inside: str, behind: str) -> None:
    body = rss(*(f"{inside}{file(f'https://a.example/{n}.mp3')}" for n in range(3)))
    found = read(body + behind.encode())
    assert [type(row) for row in found] == [Video] * 3


def test_an_ampersand_that_stands_alone_stays_what_it_is() -> None:
    body = rss(
        *(f"<title>Q&A & more {n}</title>{file(f'https://a.example/{n}.mp3')}" for n in "12")
    )
    titles = [row.title for row in read(body) if isinstance(row, Video)]
    assert titles == ["Q&A & more 1", "Q&A & more 2"]


def test_sick_xml_that_breaks_off_is_still_a_failure() -> None:
    body = rss(*(f"<title>Q&A</title>{file(f'https://a.example/{n}.mp3')}" for n in range(3)))
    for cut in (body[:-30], body[: body.rindex(b"<item>") + 9]):
        assert any(isinstance(row, ContentError) for row in read(cut))


def test_a_feed_in_utf_16_is_read() -> None:
    text = rss(f"<title>a</title>{file('https://a.example/1.mp3')}").decode()
    assert one(text.replace("utf-8", "utf-16").encode("utf-16")).title == "a"


def test_every_transcript_and_the_chapters_of_an_episode_are_kept() -> None:
    more = (
        "<podcast:transcript url='/t/1.srt' type='application/srt' language='en-us'/>"
        "<podcast:transcript url='https://a.example/t/1.html' type='text/html; charset=utf-8'/>"
        "<podcast:chapters url='https://a.example/my c.json' type='application/json+chapters'/>"
    )
    item = f"<guid>1</guid>{file('https://a.example/1.mp3')}{more}"
    for name in ("https://podcastindex.org/namespace/1.0", ""):
        declared = f" xmlns:podcast='{name}'" if name else ""
        body = rss(item, f"<guid>2</guid>{file('https://a.example/2.mp3')}")
        first, second = read(body.replace(b"<rss", f"<rss{declared}".encode()))[:2]
        assert isinstance(first, Video)
        assert [(one.kind, one.url, one.media_type, one.language) for one in first.beside] == [
            ("transcript", "https://a.example/t/1.srt", "application/srt", "en"),
            ("transcript", "https://a.example/t/1.html", "text/html", None),
            ("chapters", "https://a.example/my%20c.json", "application/json+chapters", None),
        ]
        assert isinstance(second, Video)
        assert second.beside == ()


def test_another_prefix_of_the_podcast_namespace_is_understood() -> None:
    more = "<pc:transcript url='https://a.example/1.vtt' type='text/vtt'/>"
    body = rss(f"{file('https://a.example/1.mp3')}{more}")
    uri = b"<rss xmlns:pc='https://podcastindex.org/namespace/1.0'"
    assert [row.url for row in one(body.replace(b"<rss", uri)).beside] == [
        "https://a.example/1.vtt"
    ]


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


@pytest.mark.parametrize(
    "empty",
    [
        "<title>News &amp; more</title>",
        "<title>News &amp; more</title><link></link><enclosure url='' type='audio/mpeg'/>",
        "<title>News &amp; more</title><guid isPermaLink='false'>1</guid><link>mailto:a@b</link>",
    ],
)
def test_an_item_that_leads_nowhere_is_told_and_the_others_are_taken(empty: str) -> None:
    good = "<title>Talk</title>" + file("https://a.example/a.mp3")
    first, told, last = read(rss(good, empty, "<link>https://a.example/page</link>"))
    assert isinstance(first, Video)
    assert isinstance(last, Video)
    assert isinstance(told, ContentError)
    assert "the item 'News & more' has neither a link nor a file" in str(told)
    assert (told.reason, bool(told.hint)) == ("empty", True)
    assert told.video_id == read(rss(empty, good))[0].video_id


def test_items_that_lead_nowhere_and_have_no_name_are_told_too() -> None:
    [told] = read(rss("<description>x</description>"))
    assert isinstance(told, ContentError)
    assert "an item has neither" in str(told)
