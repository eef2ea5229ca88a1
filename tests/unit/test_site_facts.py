"""YouTube's and Bilibili's facts as videos, by dictionaries written after the extractors."""

from __future__ import annotations

import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sites import infos
from video_rag.sources.web import (
    Track,
    canonical,
    is_list,
    link_to,
    named_by,
    owns_its_videos,
    series_of,
    tracks_of,
    video_of,
)
from video_rag.sources.ytdlp.lists import absence

YOUTUBE, BILIBILI = infos("youtube.json"), infos("bilibili.json")
BV = "BV1bK411W797"
PAGE = f"https://www.bilibili.com/video/{BV}"


@pytest.mark.parametrize(
    ("info", "video_id", "url"),
    [
        (YOUTUBE["watch page"], "youtube:dQw4w9WgXcQ", "watch?v=dQw4w9WgXcQ"),
        (YOUTUBE["entry of a list"], "youtube:dQw4w9WgXcQ", "watch?v=dQw4w9WgXcQ"),
        (YOUTUBE["short"], "youtube:hhhhhhhhhhh", "watch?v=hhhhhhhhhhh"),
        (YOUTUBE["recording of a live talk"], "youtube:rrrrrrrrrrr", "watch?v=rrrrrrrrrrr"),
    ],
)
def test_a_video_of_youtube_has_one_id_and_one_page(
    info: dict[str, Any], video_id: str, url: str
) -> None:
    video = video_of(info, fallback_url="")
    assert (video.video_id, video.url) == (video_id, f"https://www.youtube.com/{url}")


def test_a_list_says_of_a_video_what_its_page_says() -> None:
    page = video_of(YOUTUBE["watch page"], fallback_url="")
    entry = video_of(YOUTUBE["entry of a list"], fallback_url="")
    same = ("video_id", "url", "title", "channel", "duration", "published")
    assert [getattr(page, name) for name in same] == [getattr(entry, name) for name in same]
    assert (page.language, entry.language) == ("en", None)
    assert [chapter.title for chapter in page.chapters] == ["Introduction", "Queues"]


@pytest.mark.parametrize(
    ("name", "video_id", "url"),
    [
        ("single", f"bilibili:{BV}", PAGE),
        ("favourite", f"bilibili:{BV}", PAGE),
        ("part", f"bilibili:{BV}_p2", f"{PAGE}?p=2"),
        ("entry of a series", f"bilibili:{BV}_p3", f"{PAGE}?p=3"),
        (
            "found by search",
            "bilibili:BV17x411w7KC",
            "https://www.bilibili.com/video/BV17x411w7KC",
        ),
        (
            "ending of a video with choices",
            "bilibili:BV1af4y1H7ga_198",
            "https://www.bilibili.com/video/BV1af4y1H7ga",
        ),
        ("episode", "bilibilibangumi:21495", "https://www.bilibili.com/bangumi/play/ep21495/"),
        (
            "entry of a season",
            "bilibilibangumi:21495",
            "https://www.bilibili.com/bangumi/play/ep21495",
        ),
        (
            "lesson of a course",
            "bilibilicheese:229832",
            "https://www.bilibili.com/cheese/play/ep229832",
        ),
    ],
)
def test_a_video_of_bilibili_has_one_id_and_one_page(name: str, video_id: str, url: str) -> None:
    video = video_of(BILIBILI[name], fallback_url="")
    assert (video.video_id, video.url) == (video_id, url)


def test_a_part_is_called_after_its_series_and_itself() -> None:
    part = video_of(BILIBILI["part"], fallback_url="")
    assert (part.title, part.channel, part.published) == (
        "物语中的人物 - 第二讲",
        "某某",
        "2020-05-16",
    )
    same = video_of(BILIBILI["part with a name like the series"], fallback_url="")
    assert same.title == "物语 - 12"
    assert link_to(part.url, 75.9) == f"{PAGE}?p=2&t=75"


@pytest.mark.parametrize(
    ("name", "series"),
    [
        ("favourite", (BV, None)),
        ("part", (BV, 2)),
        ("episode", None),
        ("ending of a video with choices", None),
    ],
)
def test_only_videos_with_such_names_may_be_series(
    name: str, series: tuple[str, int | None] | None
) -> None:
    assert series_of(video_of(BILIBILI[name], fallback_url="")) == series


def test_chapters_are_not_parts() -> None:
    video = video_of(YOUTUBE["watch page"], fallback_url="")
    assert series_of(video) is None


@pytest.mark.parametrize(
    ("info", "is_one"),
    [
        (YOUTUBE["tab of a channel"], True),
        (YOUTUBE["playlist on a channel"], True),
        (YOUTUBE["shelf on a channel"], True),
        (YOUTUBE["entry of a list"], False),
        (YOUTUBE["short"], False),
        (BILIBILI["hidden collection in a space"], True),
        (BILIBILI["favourite"], False),
        (BILIBILI["entry of a season"], False),
    ],
)
def test_lists_are_told_from_videos(info: dict[str, Any], is_one: bool) -> None:
    assert is_list(info) is is_one


@pytest.mark.parametrize(
    ("info", "does"),
    [
        (YOUTUBE["tab of a channel"], True),
        (YOUTUBE["playlist of somebody"], False),
        (BILIBILI["collection"], True),
        (BILIBILI["space"], True),
        (BILIBILI["favourites"], False),
        (BILIBILI["watch later"], False),
    ],
)
def test_who_collects_videos_did_not_make_them(info: dict[str, Any], does: bool) -> None:
    assert owns_its_videos(info) is does


DAY, LONG = 86_400.0, 365 * 86_400.0


@pytest.mark.parametrize(
    ("info", "reason", "least", "most"),
    [
        (YOUTUBE["private"], "private", None, None),
        (YOUTUBE["deleted"], "deleted", None, None),
        (YOUTUBE["members only"], "members-only", None, None),
        (YOUTUBE["premium"], "premium", None, None),
        (YOUTUBE["private to its owner"], "private", None, None),
        (YOUTUBE["live"], "live", 1, DAY),
        (YOUTUBE["recording not ready"], "live", 1, DAY),
        (YOUTUBE["upcoming"], "upcoming", LONG, 100 * LONG),
        (YOUTUBE["upcoming, nobody knows when"], "upcoming", DAY, DAY),
        (BILIBILI["gone from a list"], "deleted", None, None),
        (BILIBILI["live room"], "live", 1, DAY),
    ],
)
def test_what_cannot_be_had_says_why_and_when(
    info: dict[str, Any], reason: str, least: float | None, most: float | None
) -> None:
    error = absence(info)
    assert error is not None
    assert error.reason == reason
    assert error.video_id == video_of(info, fallback_url="").video_id
    assert "None" not in str(error)
    if least is None or most is None:
        assert error.retry_after is None
    else:
        assert error.retry_after is not None
        assert least <= error.retry_after <= most


def test_cookies_open_what_is_marked_and_nothing_else() -> None:
    for name in ("members only", "premium", "private to its owner"):
        assert absence(YOUTUBE[name], is_member=True) is None
    for name in ("private", "deleted", "live", "upcoming"):
        assert absence(YOUTUBE[name], is_member=True) is not None


@pytest.mark.parametrize("name", ["watch page", "recording of a live talk", "entry of a list"])
def test_recordings_are_videos_like_others(name: str) -> None:
    assert absence(YOUTUBE[name]) is None


def test_people_s_subtitles_come_before_a_machine_s_and_chats_are_none() -> None:
    human = tracks_of(BILIBILI["single"], ("zh", "en"))
    assert [(track.key, track.origin) for track in human] == [
        ("en-US", "platform"),
        ("zh-Hans", "platform"),
    ]
    assert tracks_of(BILIBILI["part"], ("zh",)) == (Track("ai-zh", "zh", "platform-auto"),)
    keys = {track.key for track in tracks_of(YOUTUBE["watch page"], ("all",))}
    assert keys == {"en", "zh-Hans"}


IDS = st.text(string.ascii_letters + string.digits + "-_", min_size=11, max_size=11).filter(
    lambda text: text not in {"videoseries", "live_stream"}
)
SPELLINGS = [
    "https://www.youtube.com/watch?v={}",
    "https://m.youtube.com/watch?list=PL1&v={}&index=3",
    "https://music.youtube.com/watch?v={}&list=RD1",
    "https://youtu.be/{}?si=abc&t=12",
    "HTTPS://WWW.YOUTUBE.COM/shorts/{}",
    "https://www.youtube.com/live/{}?feature=share",
    "https://www.youtube-nocookie.com/embed/{}?start=3",
    "http://www.youtube.com/v/{}#t=3",
]


@given(native=IDS, spelling=st.sampled_from(SPELLINGS))
def test_every_spelling_of_an_address_is_the_same_video(native: str, spelling: str) -> None:
    page = f"https://www.youtube.com/watch?v={native}"
    assert named_by(spelling.format(native)) == (f"youtube:{native}", page)
    assert canonical(spelling.format(native)) == page
    assert link_to(spelling.format(native), 3.9) == f"{page}&t=3s"


@given(
    part=st.none() | st.integers(1, 999),
    more=st.lists(st.sampled_from(["spm_id_from=333", "vd_source=ab", "t=12.5", "share_source=x"])),
    host=st.sampled_from(["www.bilibili.com", "m.bilibili.com", "bilibili.com"]),
    end=st.sampled_from(["", "/"]),
)
def test_a_part_keeps_its_number_and_loses_the_rest(
    part: int | None, more: list[str], host: str, end: str
) -> None:
    query = "&".join([*more, *([f"p={part}"] if part else [])])
    url = f"https://{host}/video/{BV}{end}?{query}"
    mark, tail = (f"_p{part}", f"?p={part}") if part else ("", "")
    assert named_by(url) == (f"bilibili:{BV}{mark}", PAGE + tail)
    assert canonical(canonical(url)) == canonical(url) == PAGE + tail
    assert link_to(url, 9) == PAGE + tail + ("&" if part else "?") + "t=9"


@pytest.mark.parametrize(
    "url",
    [
        "https://www.youtube.com/embed/videoseries?list=PL1",
        "https://www.youtube.com/embed/live_stream?channel=UC1",
        "https://www.youtube.com/playlist?list=PL1",
        "https://www.youtube.com/@channel",
        "https://youtube.com.evil.example/watch?v=dQw4w9WgXcQ",
        "https://www.bilibili.com/list/watchlater?bvid=BV1bK411W797",
        "https://www.bilibili.com/video/av0",
        "ftp://youtu.be/dQw4w9WgXcQ",
        "https://[",
        "",
    ],
)
def test_other_addresses_name_no_video(url: str) -> None:
    assert named_by(url) is None


@given(
    host=st.sampled_from(["a.example", "A.EXAMPLE:443", "b.example:8080", "[::1]:8080"]),
    path=st.text(string.ascii_letters + "/._-", max_size=20),
    rows=st.lists(st.sampled_from(["v=1", "utm_source=x", "b=", "fbclid=y", "id=%E4%BD%A0"])),
    mark=st.sampled_from(["", "#top", "#/talks/3", "#item=2"]),
)
def test_an_address_has_one_spelling_for_ever(
    host: str, path: str, rows: list[str], mark: str
) -> None:
    clean = canonical(f"https://{host}/{path}?{'&'.join(rows)}{mark}")
    assert canonical(clean) == clean
    assert "utm_" not in clean
    assert "fbclid" not in clean
    assert ("item=2" in clean) == (mark == "#item=2")
    assert ("#/talks/3" in clean) == (mark == "#/talks/3")


@pytest.mark.parametrize(
    "info",
    [
        {"upload_date": "20231399"},
        {"timestamp": 1e300},
        {"timestamp": float("nan")},
        {"duration": float("inf")},
        {"duration": "long"},
        {"title": "a\x00b\x1b[31m\u202egpj.exe\u2069"},
    ],
)
def test_facts_that_cannot_be_are_left_out(info: dict[str, Any]) -> None:
    video = video_of(info, fallback_url="https://a.example/talk.mp4")
    assert (video.published, video.duration) == (None, None)
    assert video.title.isprintable()
    assert "\u202e" not in video.title


@pytest.mark.parametrize("url", ["http://[", "http://a:99999/x", "https://youtube.com:x/watch?v=a"])
def test_an_address_that_is_none_breaks_no_list(url: str) -> None:
    video = video_of({"url": url, "title": "A talk"}, fallback_url="")
    assert video.video_id.startswith("web:")
    assert canonical(url) == url
    assert video_of({"url": url}, fallback_url="").title


def test_a_title_without_end_is_cut() -> None:
    video = video_of({"title": "话" * 10_000}, fallback_url="https://a.example/talk.mp4")
    assert video.title == "话" * 500
