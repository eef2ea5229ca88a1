"""Which site a URL belongs to, and what people see and forget of it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from places import places
from video_rag.errors import NotFound
from video_rag.net.sites import Sites, SiteState, site_of
from video_rag.operations import sites as operations

NOW = 1_800_000_000.0  # 2027-01-15T08:00Z


@pytest.fixture
def sites(tmp_path: Path) -> Sites:
    return places(tmp_path).sites


@pytest.mark.parametrize(
    ("url", "site"),
    [
        ("https://www.youtube.com/watch?v=abc", "youtube.com"),
        ("https://m.youtube.com/watch?v=abc", "youtube.com"),
        ("https://music.youtube.com/playlist?list=1", "youtube.com"),
        ("https://youtu.be/abc", "youtube.com"),
        ("https://www.youtube-nocookie.com/embed/abc", "youtube.com"),
        ("https://space.bilibili.com/1", "bilibili.com"),
        ("https://api.bilibili.com/x", "bilibili.com"),
        ("https://b23.tv/abc", "bilibili.com"),
        ("HTTPS://User:Pw@WWW.Example.COM:443/x", "example.com"),
        ("http://example.com:80/x", "example.com"),
        ("http://example.com:443/x", "example.com:443"),
        ("https://example.com./x", "example.com"),
        ("https://notyoutube.com/x", "notyoutube.com"),
        ("https://youtube.com.evil.example/x", "youtube.com.evil.example"),
        ("https://talks.cam.ac.uk/x", "talks.cam.ac.uk"),
        ("https://a.github.io/x", "a.github.io"),
        ("https://www.com/x", "www.com"),
        ("http://127.0.0.1:8080/x", "127.0.0.1:8080"),
        ("http://[::1]:8080/x", "[::1]:8080"),
        ("http://localhost:9000/x", "localhost:9000"),
        ("/home/me/talk.mp4", ""),
        ("http://[broken", ""),
        ("", ""),
    ],
)
def test_a_site_is_what_people_call_it(url: str, site: str) -> None:
    assert site_of(url) == site


@given(st.text())
def test_every_text_has_a_site_or_none(text: str) -> None:
    assert site_of(text) == site_of(text).lower()


@given(st.from_regex(r"[a-z]{1,8}(\.[a-z]{2,8}){1,3}(:[1-9][0-9]{0,4})?", fullmatch=True))
def test_a_site_is_its_own_site(host: str) -> None:
    site = site_of(f"https://{host}/x")
    assert site
    assert site_of(f"https://{site}/") in {site, site.removeprefix("www.").removeprefix("m.")}


def cooling() -> SiteState:
    return SiteState(
        "youtube.com",
        cooling_until=NOW + 600,
        since=NOW - 300,
        reason="bot-check",
        message="not a bot",
        strikes=2,
        next_visit=NOW + 10,
        day="2027-01-15",
        visits=7,
    )


def test_sites_are_listed_with_times_and_todays_videos(sites: Sites) -> None:
    sites.change("youtube.com", lambda _: cooling())
    sites.change("a.example", lambda state: dataclasses.replace(state, day="2027-01-14", visits=3))
    first, second = operations.rows(sites, NOW)
    assert (first["site"], first["is_cooling"], first["visits_today"]) == ("a.example", False, 0)
    assert first["cooling_until"] is None
    assert second["cooling_until"] == "2027-01-15T08:10:00+00:00"
    assert second["since"] == "2027-01-15T07:55:00+00:00"
    assert (second["reason"], second["strikes"], second["visits_today"]) == ("bot-check", 2, 7)


@pytest.mark.parametrize("name", ["youtube.com", "www.youtube.com", "https://youtu.be/abc"])
def test_forgetting_lifts_the_wall_and_keeps_the_count(sites: Sites, name: str) -> None:
    sites.change("youtube.com", lambda _: cooling())
    operations.forget(sites, name)
    assert sites.site("youtube.com") == SiteState("youtube.com", day="2027-01-15", visits=7)


def test_a_site_that_nobody_visited_cannot_be_forgotten(sites: Sites) -> None:
    with pytest.raises(NotFound) as caught:
        operations.forget(sites, "youtube.com")
    assert "no site was visited yet" in caught.value.hint
    sites.change("a.example", lambda state: state)
    with pytest.raises(NotFound) as caught:
        operations.forget(sites, "youtube.com")
    assert "a.example" in caught.value.hint
