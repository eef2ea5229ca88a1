"""Lists of YouTube, Bilibili and feeds: the real extractors, answered by hand-written pages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from places import places
from sites import Sites, answering, view, youtube_channel, youtube_playlist, youtube_video
from video_rag.errors import ContentError, Rejected, Unavailable, VideoRagError
from video_rag.model import Video
from video_rag.sources.ytdlp import YtDlp
from video_rag.testing import clips
from web import Page, serve

pytest.importorskip("yt_dlp")

from yt_dlp.extractor.common import InfoExtractor

BV = "BV1bK411W797"
API = f"https://api.bilibili.com/x/web-interface/view?bvid={BV}"
PLAYLIST = "https://www.youtube.com/playlist?list=PLabcdefghijklmnop"
FAVOURITES = "https://space.bilibili.com/84912/favlist?fid=1103407912"


@pytest.fixture
def net() -> Iterator[Sites]:
    with answering() as sites:
        yield sites


@pytest.fixture
def source(tmp_path: Path) -> YtDlp:
    return made(tmp_path)


def made(folder: Path, **options: object) -> YtDlp:
    values = {"retries": 0, "sleep_requests": 0, "timeout": 5, **options}
    return YtDlp(YtDlp.Options.model_validate(values), places=places(folder))


def videos(found: Iterator[Video | VideoRagError]) -> list[Video]:
    rows = list(found)
    assert all(isinstance(row, Video) for row in rows), rows
    return [row for row in rows if isinstance(row, Video)]


def test_a_playlist_gives_its_videos_and_says_which_are_gone(net: Sites, source: YtDlp) -> None:
    by = {"runs": [{"text": "The channel"}]}
    youtube_playlist(
        net,
        PLAYLIST,
        "Talks",
        youtube_video("aaaaaaaaaaa", "First", shortBylineText=by),
        {"videoId": "bbbbbbbbbbb", "title": {"simpleText": "[Private video]"}},
        {"videoId": "ccccccccccc", "title": {"simpleText": "[Deleted video]"}},
        youtube_video("aaaaaaaaaaa", "First"),
    )
    video, private, deleted = source.discover(f"{PLAYLIST}&si=x")
    assert isinstance(video, Video)
    assert (video.video_id, video.title, video.channel, video.duration) == (
        "youtube:aaaaaaaaaaa",
        "First",
        "The channel",
        212.0,
    )
    assert isinstance(private, ContentError)
    assert isinstance(deleted, ContentError)
    assert (private.reason, private.video_id) == ("private", "youtube:bbbbbbbbbbb")
    assert (deleted.reason, deleted.video_id) == ("deleted", "youtube:ccccccccccc")
    assert private.retry_after is None


def test_a_channel_gives_dates_and_says_what_is_not_over(net: Sites, source: YtDlp) -> None:
    members = [
        {"metadataBadgeRenderer": {"style": "BADGE_STYLE_TYPE_MEMBERS_ONLY", "label": "Members"}}
    ]
    net.answers["https://www.youtube.com/@talks"] = youtube_channel(
        "Talks",
        youtube_video("aaaaaaaaaaa", "New", publishedTimeText={"simpleText": "2 days ago"}),
        youtube_video("bbbbbbbbbbb", "Soon", upcomingEventData={"startTime": "4102444800"}),
        youtube_video(
            "ccccccccccc", "Ended", publishedTimeText={"simpleText": "Streamed 1 day ago"}
        ),
        youtube_video("ddddddddddd", "Members", badges=members),
        youtube_video(
            "eeeeeeeeeee",
            "On air",
            thumbnailOverlays=[{"thumbnailOverlayTimeStatusRenderer": {"style": "LIVE"}}],
        ),
    )
    new, soon, ended, closed, live = source.discover("https://www.youtube.com/@talks/videos")
    assert isinstance(new, Video)
    assert isinstance(ended, Video)
    assert (new.channel, ended.title) == ("Talks", "Ended")
    assert new.published is not None
    assert new.published > "2020-01-01"
    for error, reason in ((soon, "upcoming"), (closed, "members-only"), (live, "live")):
        assert isinstance(error, ContentError)
        assert error.reason == reason
        assert error.hint
    assert isinstance(soon, ContentError)
    assert isinstance(live, ContentError)
    assert soon.retry_after is not None
    assert soon.retry_after > 365 * 86_400
    assert live.retry_after == 3 * 3600
    assert "On air" in str(live)


def test_a_list_is_read_before_its_first_video_is_given(net: Sites, source: YtDlp) -> None:
    """The session of a site is closed by then, so that the video can be fetched."""
    here, there = "https://www.youtube.com/@talks/videos", "https://www.youtube.com/@other/videos"
    net.answers[here] = youtube_channel(
        "Talks", youtube_video("aaaaaaaaaaa", "First"), youtube_video("bbbbbbbbbbb", "Second")
    )
    net.answers[there] = youtube_channel("Others", youtube_video("ccccccccccc", "Third"))
    walk = source.discover(here)
    first = next(walk)
    assert isinstance(first, Video)
    assert [video.title for video in videos(source.discover(there))] == ["Third"]
    assert [video.title for video in videos(walk)] == ["Second"]


def test_favourites_are_listed_without_opening_them(net: Sites, source: YtDlp) -> None:
    info = {"title": "Saved", "upper": {"name": "Who saved it"}}
    net.answers["https://api.bilibili.com/x/v3/fav/resource/list"] = {
        "code": 0,
        "data": {"info": info},
    }
    rows = [{"bvid": BV}, {"bvid": "BV17x411w7KC"}, {"bvid": BV}]
    net.answers["https://api.bilibili.com/x/v3/fav/resource/ids"] = {"data": rows}
    found = videos(source.discover(FAVOURITES))
    assert [video.video_id for video in found] == [f"bilibili:{BV}", "bilibili:BV17x411w7KC"]
    assert {video.channel for video in found} == {None}, "who saves a video did not make it"
    assert net.asked.total() == 2
    net.answers[API] = view("物语", "第一讲", "第二讲")
    first, second = source.parts(found[0])
    assert isinstance(first, Video)
    assert isinstance(second, Video)
    assert (first.video_id, first.url) == (
        f"bilibili:{BV}_p1",
        f"https://www.bilibili.com/video/{BV}?p=1",
    )
    assert (second.title, second.duration, second.channel) == ("物语 - 第二讲", 120.0, "某某")
    assert (second.published, net.asked.total()) == ("2020-05-16", 3)


def test_a_video_of_one_part_is_asked_for_once_and_keeps_its_name(
    net: Sites, source: YtDlp
) -> None:
    net.answers[API] = view("一个讲座", "upload_final")
    [video] = videos(source.discover(f"https://m.bilibili.com/video/{BV}/?p=1&t=9"))
    assert (video.video_id, video.title) == (f"bilibili:{BV}", "一个讲座")
    assert video.url == f"https://www.bilibili.com/video/{BV}"
    assert list(source.parts(video)) == [video]
    assert net.asked.total() == 1


def test_one_part_of_a_series_is_that_part_alone(net: Sites, source: YtDlp) -> None:
    net.answers[API] = view("物语", "第一讲", "", "物语")
    url = f"https://www.bilibili.com/video/{BV}"
    [third] = videos(source.discover(f"{url}?p=3&vd_source=x"))
    assert (third.video_id, third.title) == (f"bilibili:{BV}_p3", "物语 - 3")
    assert source.link(third, 61.5) == f"{url}?p=3&t=61"
    assert list(source.parts(third)) == [third]
    assert len(videos(source.discover(url))) == 3
    with pytest.raises(ContentError, match="3 parts and no part 9") as caught:
        list(source.discover(f"{url}?p=9"))
    assert caught.value.video_id == f"bilibili:{BV}_p9"


@pytest.mark.parametrize(
    ("code", "kind", "reason"),
    [
        (-404, ContentError, "deleted"),
        (62002, ContentError, "deleted"),
        (62012, ContentError, "private"),
        (-352, Unavailable, "risk-control"),
    ],
)
def test_bilibili_s_codes_are_understood(
    net: Sites, source: YtDlp, code: int, kind: type[VideoRagError], reason: str
) -> None:
    net.answers[API] = {"code": code, "message": "…"}
    with pytest.raises(kind) as caught:
        list(source.discover(f"https://www.bilibili.com/video/{BV}"))
    assert (caught.value.reason, caught.value.video_id) == (reason, f"bilibili:{BV}")


def test_without_the_interface_yt_dlp_finds_the_parts(net: Sites, source: YtDlp) -> None:
    url = f"https://www.bilibili.com/video/{BV}"
    net.answers[API] = {"code": 0, "data": "another form"}
    state = f'{{"videoData": {{"bvid": "{BV}", "title": "物语"}}}}'
    net.answers[url] = f"<script>window.__INITIAL_STATE__={state};</script>"
    net.answers["https://api.bilibili.com/x/player/pagelist"] = {"data": [{"page": 1}, {"page": 2}]}
    first, second = videos(source.discover(url))
    assert (first.video_id, first.title) == (f"bilibili:{BV}_p1", "物语 - 1")
    assert (second.url, second.title) == (f"{url}?p=2", "物语 - 2")


class LongIE(InfoExtractor):  # type: ignore[misc]
    """A list as long as its address says; one that is endless where it says so."""

    _VALID_URL = r"https?://long\.example/(?P<id>\d+|endless|broken)"
    read = 0

    def _real_extract(self, url: str) -> dict[str, Any]:
        rows = self._rows(self._match_id(url))
        return dict(self.playlist_result(rows, "long", "Long"))

    def _rows(self, length: str) -> Iterator[dict[str, Any]]:
        number = 0
        while not length.isdigit() or number < int(length):
            type(self).read += 1
            number += 1
            if length == "broken" and number == 3:
                raise KeyError("videoId")
            native = f"{number:011d}"
            yield self.url_result(
                f"https://www.youtube.com/watch?v={native}", "Youtube", native, title=f"T {number}"
            )


@pytest.fixture
def long() -> Iterator[type[LongIE]]:
    LongIE.read = 0
    with answering(LongIE):
        yield LongIE


@pytest.mark.usefixtures("long")
def test_ten_thousand_entries_are_listed_each_once(source: YtDlp) -> None:
    found = videos(source.discover("https://long.example/10000"))
    assert len({video.video_id for video in found}) == len(found) == 10_000
    assert list(source.discover("https://long.example/10000")) == found


def test_an_endless_list_is_refused_and_not_read_on(long: type[LongIE], tmp_path: Path) -> None:
    source = made(tmp_path, max_entries=50)
    assert len(videos(source.discover("https://long.example/50"))) == 50
    long.read = 0
    with pytest.raises(ContentError, match="more than 50") as caught:
        list(source.discover("https://long.example/endless"))
    assert (caught.value.reason, long.read) == ("too-large", 51)
    assert "max_entries" in caught.value.hint


@pytest.mark.usefixtures("long")
def test_a_list_that_breaks_off_is_no_list(source: YtDlp) -> None:
    with pytest.raises(Rejected, match="another form") as caught:
        list(source.discover("https://long.example/broken"))
    assert caught.value.reason == "changed"


class NestedPlaylistIE(InfoExtractor):  # type: ignore[misc]
    """A list of three lists, of which the second is the one that its address names."""

    _VALID_URL = r"https?://nested\.example/(?P<id>\w+)"

    def _real_extract(self, url: str) -> dict[str, Any]:
        name = self._match_id(url)
        if name.startswith("with"):
            names = ["first", name.removeprefix("with"), "third"]
            rows = [self.url_result(f"https://nested.example/{n}", self.ie_key()) for n in names]
        elif name == "deeper":
            rows = [self.url_result(url, self.ie_key())]
        else:
            self._download_webpage(f"https://answers.example/{name}", name)
            native = f"{name:a>11}"
            rows = [self.url_result(f"https://youtu.be/{native}", "Youtube", native, title=name)]
        return dict(self.playlist_result(rows, name, name))


@pytest.fixture
def nested() -> Iterator[Sites]:
    with answering(NestedPlaylistIE) as sites:
        sites.answers |= {"https://answers.example/": "fine", "https://answers.example/gone": 404}
        sites.answers["https://answers.example/busy"] = 503
        yield sites


@pytest.mark.parametrize(("name", "told"), [("gone", "not there"), ("deeper", "within 3 lists")])
def test_a_list_on_a_list_that_cannot_be_read_leaves_the_others(
    nested: Sites, source: YtDlp, name: str, told: str
) -> None:
    first, error, third = source.discover(f"https://nested.example/with{name}")
    assert isinstance(first, Video)
    assert isinstance(third, Video)
    assert (first.title, third.title) == ("first", "third")
    assert isinstance(error, ContentError)
    assert told in str(error)
    assert nested.asked["https://answers.example/"] == 2


def test_half_a_list_is_not_given_for_the_whole(nested: Sites, source: YtDlp) -> None:
    with pytest.raises(Unavailable):
        list(source.discover("https://nested.example/withbusy"))
    assert nested.asked["https://answers.example/busy"] == 1


def test_a_wall_of_bilibili_is_told_at_once(net: Sites, source: YtDlp) -> None:
    net.answers[API] = 412
    with pytest.raises(Unavailable) as caught:
        list(source.discover(f"https://www.bilibili.com/video/{BV}"))
    assert caught.value.reason == "risk-control"
    assert net.asked.total() == 1


def test_with_cookies_what_is_for_members_is_listed(net: Sites, tmp_path: Path) -> None:
    cookies = tmp_path / "cookies.txt"
    row = "\t".join([".youtube.com", "TRUE", "/", "TRUE", "4102444800", "SID", "x"])
    cookies.write_text(f"# Netscape HTTP Cookie File\n{row}\n")
    cookies.chmod(0o600)
    badge = {"style": "BADGE_STYLE_TYPE_MEMBERS_ONLY", "label": "Members only"}
    video = youtube_video("ddddddddddd", "Members", badges=[{"metadataBadgeRenderer": badge}])
    net.answers["https://www.youtube.com/@talks"] = youtube_channel("Talks", video)
    with_cookies = made(tmp_path / "with", cookies=cookies)
    [found] = videos(with_cookies.discover("https://www.youtube.com/@talks/videos"))
    assert found.title == "Members"
    [refused] = made(tmp_path / "without").discover("https://www.youtube.com/@talks/videos")
    assert isinstance(refused, ContentError)
    assert "cookies" in refused.hint


def feed(*items: str) -> bytes:
    head = "<?xml version='1.0'?><rss version='2.0'><channel><title>The feed</title>"
    return f"{head}{''.join(items)}</channel></rss>".encode()


def item(number: int, url: str, token: str = "") -> str:
    file = f"<enclosure url='{url}/{number}.mp3{token}' type='audio/mpeg'/>"
    return f"<item><title>Episode {number}</title><guid>g-{number}</guid>{file}</item>"


@pytest.mark.parametrize("path", ["/feed.xml", "/latest"])
def test_a_feed_of_five_hundred_items_is_known_by_its_address_or_content(
    source: YtDlp, path: str
) -> None:
    with serve() as site:
        rows = [item(number, site.url, "?token=1") for number in range(500)]
        site.pages[path] = Page(feed(*rows), "application/rss+xml")
        found = videos(source.discover(f"{site.url}{path}"))
        assert [video.title for video in found][:2] == ["Episode 0", "Episode 1"]
        assert len({video.video_id for video in found}) == 500
        assert set(site.gets) == {path}, "no item was opened"
        rows = [item(number, site.url, "?token=2") for number in range(500)]
        site.pages[path] = Page(feed(*rows), "application/rss+xml")
        again = videos(source.discover(f"feed:{site.url}{path}"))
        assert [video.video_id for video in again] == [video.video_id for video in found]


def test_an_episode_keeps_the_title_of_the_feed(source: YtDlp, tmp_path: Path) -> None:
    clips.silent_video(tmp_path / "clip.mp4")
    with serve() as site:
        enclosure = f"<enclosure url='{site.url}/ep-0017.mp4' type='video/mp4'/>"
        row = f"<item><title>On queues</title><guid>g-17</guid>{enclosure}</item>"
        site.pages["/feed"] = Page(feed(row), "application/rss+xml")
        site.pages["/ep-0017.mp4"] = Page((tmp_path / "clip.mp4").read_bytes(), "video/mp4")
        [video] = videos(source.discover(f"{site.url}/feed"))
        (tmp_path / "scratch").mkdir()
        found = source.fetch(video, tmp_path / "scratch")
    assert (video.title, found.title) == ("On queues", None)
    assert source.link(video, 1.5).endswith("/ep-0017.mp4#t=1.5")


def test_of_a_broken_feed_the_good_items_and_the_fault_are_told(source: YtDlp) -> None:
    with serve() as site:
        rows = feed(*[item(number, site.url) for number in range(4)])
        site.pages["/feed"] = Page(rows[: rows.index(b"3.mp3")], "application/rss+xml")
        *good, error = source.discover(f"{site.url}/feed")
    assert len(good) >= 3
    assert isinstance(error, ContentError)
    assert error.video_id == ""


def test_a_page_that_is_called_a_feed_and_is_none_is_refused(source: YtDlp) -> None:
    with serve() as site:
        site.pages["/feed"] = Page(b"<html><body>hello</body></html>")
        with pytest.raises(ContentError, match="is no feed"):
            list(source.discover(f"feed:{site.url}/feed"))
        site.pages["/rss"] = Page(b"no", status=503)
        with pytest.raises(Unavailable):
            list(source.discover(f"{site.url}/rss"))


def test_a_feed_is_claimed_by_its_prefix(source: YtDlp) -> None:
    assert source.claims("feed:https://a.example/x")
    assert source.claims("podcast://a.example/x")
    assert not source.claims("feed:/etc/passwd")
