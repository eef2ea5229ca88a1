"""Podcasts as they are met: through the real command line, from a server on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shell import Shell
from video_rag.testing import clips
from web import Page, Site, serve

pytest.importorskip("yt_dlp")
pytest.importorskip("feedparser")


@pytest.fixture
def shell(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Shell:
    settings = tmp_path / "settings.toml"
    settings.write_text(
        "[guard]\nallow_private = true\n[sources.ytdlp]\nretries = 0\nsleep_subtitles = 0\n"
        '[pipeline]\ntranscribers = ["subtitles"]\nsampler = "none"\nreader = "none"\n'
    )
    monkeypatch.setenv("VIDEO_RAG_CONFIG", str(settings))
    monkeypatch.setenv("COLUMNS", "200")
    return Shell(capsys)


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("sound") / "sound.mp3"
    clips.tone(path, seconds=20)
    return path.read_bytes()


@pytest.fixture
def site(sound: bytes) -> Iterator[Site]:
    with serve() as running:
        for number in range(1, 4):  # a byte of its own for each: the same file is one video
            running.pages[f"/ep{number}.mp3"] = Page(sound + bytes([number]), "audio/mpeg")
        running.pages["/my%20files/a.mp3"] = Page(sound, "audio/mpeg")
        yield running


def show(site: Site, *items: str, head: str = "<title>Rock talk</title>") -> str:
    """Serve a feed; gives its address. BASE in items stands for the server's."""
    rows = "".join(f"<item>{item}</item>" for item in items).replace("BASE", site.url)
    body = f"<rss version='2.0'><channel>{head}{rows}</channel></rss>"
    site.pages["/feed.xml"] = Page(body.encode(), "application/rss+xml")
    return f"{site.url}/feed.xml"


def episode(number: int, more: str = "", guid: str = "") -> str:
    return (
        f"<title>Part {number}</title><guid>{guid or number}</guid>{more}"
        f"<enclosure url='BASE/ep{number}.mp3' type='audio/mpeg'/>"
    )


def test_three_episodes_of_one_guid_are_three_and_stay_three(shell: Shell, site: Site) -> None:
    url = show(site, *(episode(n, guid="1") for n in (1, 2, 3)))
    shell("add", url, "--json", code=3)  # sound without words, and nobody to recognise speech
    assert [row["title"] for row in shell.json("list")] == ["Part 1", "Part 2", "Part 3"]
    shell("add", url, "--json", code=3)
    assert len(shell.json("list")) == 3


def test_a_file_with_spaces_in_its_address_is_fetched(shell: Shell, site: Site) -> None:
    title = "<![CDATA[Tom &amp; Jerry <b>live</b>]]>"
    url = show(
        site,
        f"<title>{title}</title><guid>tag:rock,2026:4</guid>"
        "<enclosure url='BASE/my files/a.mp3' length='1' type='audio/mpeg'/>",
    )
    shell("add", url, "--json", code=3)
    [row] = shell.json("list")
    assert row["title"] == "Tom & Jerry live"
    assert site.gets["/my%20files/a.mp3"] > 0
    shell("add", f"{site.url}/my files/a.mp3", "--json", code=3)
    assert site.sent["/my%20files/a.mp3"] > 0


def test_a_sick_feed_of_which_all_was_read_ends_well(shell: Shell, site: Site) -> None:
    url = show(site, episode(1).replace("Part 1", "Q&A"), episode(2))
    shell("watch", "add", url)
    checked = shell.json("watch", "check")
    assert [news["title"] for news in checked[0]["news"]] == ["Q&A", "Part 2"]
    assert checked[0]["problems"] == []
    assert checked[0]["error"] is None
