"""Subscriptions of a real library: feeds, pages and folders that change between two looks."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

from talks import SHEEP, STARS, write_talk
from video_rag.errors import ContentError
from video_rag.library import Library, Status
from video_rag.library.watching.watch import Changes, Checked
from video_rag.settings import load_settings
from video_rag.testing import clips
from web import Page, Site, serve

pytest.importorskip("yt_dlp")
pytest.importorskip("feedparser")

LONG_AGO = 1_700_000_000


@dataclass(frozen=True)
class Episode:
    """An item of a feed."""

    number: int
    title: str = ""
    seconds: int = 2
    day: int = 1
    kind: str = "video/mp4"


def feed(url: str, episodes: Sequence[Episode]) -> Page:
    """A podcast."""
    rows = "".join(
        f"<item><title>{escape(one.title or f'Episode {one.number}')}</title>"
        f'<enclosure url="{url}/{one.number}.mp4" type="{one.kind}"/>'
        f"<pubDate>{one.day:02} Oct 2026 12:00:00 GMT</pubDate>"
        f"<itunes:duration>{one.seconds}</itunes:duration></item>"
        for one in episodes
    )
    body = (
        '<?xml version="1.0"?><rss version="2.0" '
        'xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd">'
        f"<channel><title>The cast</title>{rows}</channel></rss>"
    )
    return Page(body.encode(), "application/rss+xml")


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("clips") / "clip.mp4"
    lines = clips.Track("eng", [clips.Shown(0.2, 1.8, "Penguins live in the south.")])
    clips.slide_lecture(
        path, ["Penguins"], seconds_each=2.0, extras=clips.Extras(subtitles=[lines])
    )
    return path.read_bytes()


@pytest.fixture
def site(clip: bytes) -> Iterator[Site]:
    with serve() as running:
        for number in range(8):
            running.pages[f"/{number}.mp4"] = Page(clip + bytes([number]), "video/mp4")
        running.pages["/feed.xml"] = feed(running.url, [Episode(2), Episode(1)])
        yield running


@pytest.fixture
def library() -> Iterator[Library]:
    opened = open_library()
    yield opened
    opened.close()


def open_library() -> Library:
    options = {"retries": 0, "sleep_subtitles": 0, "timeout": 5}
    return Library(
        load_settings(
            {
                "guard": {"allow_private": True},
                "sources": {"ytdlp": options},
                "pipeline": {"reader": "none"},
            }
        )
    )


def only(checks: Iterator[Checked]) -> Checked:
    [checked] = checks
    assert checked.error is None, checked.error
    return checked


def told(checked: Checked) -> list[tuple[str, str]]:
    return [(one.kind, one.title) for one in checked.news]


def titles(library: Library) -> list[str]:
    return sorted(status.video.title for status in library.videos())


def downloads(library: Library) -> set[tuple[int, int]]:
    """The downloaded videos, each by its inode and its time: another download is another file."""
    found = [path.stat() for path in library.settings.library.media.rglob("*.mp4")]
    return {(one.st_ino, one.st_mtime_ns) for one in found}


def test_new_episodes_are_queued_and_worked_on_by_the_next_pass(
    site: Site, library: Library
) -> None:
    url = f"{site.url}/feed.xml"
    library.watch.add(url, Changes(collection="casts"))
    assert told(only(library.watch.check())) == [("new", "Episode 2"), ("new", "Episode 1")]
    assert {(one.state, one.video.collection) for one in library.videos()} == {("queued", "casts")}
    assert not site.gets["/1.mp4"]
    assert [item.state for item in library.run() if isinstance(item, Status)] == ["ready"] * 2
    site.pages["/feed.xml"] = feed(site.url, [Episode(3), Episode(2), Episode(1)])
    checked = only(library.watch.check(now=True))
    assert told(checked) == [("new", "Episode 3")]
    assert checked.subscription.title == "The cast"


def test_a_check_of_a_long_list_without_news_is_one_request(site: Site, library: Library) -> None:
    episodes = [Episode(number) for number in range(1000)]
    site.pages["/feed.xml"] = feed(site.url, episodes)
    library.watch.add(f"{site.url}/feed.xml", Changes(limit=3, match="Episode"))
    only(library.watch.check())
    site.gets.clear()
    library.watch.add(f"{site.url}/feed.xml", Changes(match="Episode 99[789]"))
    library.watch.add(f"{site.url}/feed.xml", Changes(limit=0))
    assert len(only(library.watch.check()).of("new")) == 3
    assert dict(site.gets) == {"/feed.xml": 1}
    site.gets.clear()
    checked = only(library.watch.check(now=True))
    assert (checked.news, checked.listed, dict(site.gets)) == ((), 1000, {"/feed.xml": 1})


def test_a_renamed_episode_is_read_anew_and_not_fetched_anew(site: Site, library: Library) -> None:
    library.watch.add(f"{site.url}/feed.xml", Changes())
    list(library.run())
    site.pages["/feed.xml"] = feed(site.url, [Episode(2, "The end"), Episode(1)])
    files = downloads(library)
    assert told(only(library.watch.check(now=True))) == [("renamed", "The end")]
    assert [item.state for item in library.run() if isinstance(item, Status)] == ["ready"]
    assert titles(library) == ["Episode 1", "The end"]
    assert library.document(library.find("The end")).video.title == "The end"
    again = list(library.add([f"{site.url}/feed.xml"]))
    assert {item.status.state for item in again if item.status} == {"ready"}
    assert downloads(library) == files


def test_an_episode_of_another_length_is_fetched_anew(
    site: Site, library: Library, clip: bytes
) -> None:
    library.watch.add(f"{site.url}/feed.xml", Changes())
    list(library.run())
    site.pages["/feed.xml"] = feed(site.url, [Episode(2), Episode(1, seconds=30)])
    site.pages["/1.mp4"] = Page(clip + b"another cut", "video/mp4")
    files = downloads(library)
    assert told(only(library.watch.check(now=True))) == [("replaced", "Episode 1")]
    assert [item.state for item in library.run() if isinstance(item, Status)] == ["ready"]
    assert len(downloads(library)) == 2
    assert len(downloads(library) - files) == 1
    again = list(library.add([f"{site.url}/feed.xml"]))
    assert {item.status.state for item in again if item.status} == {"ready"}
    assert len(downloads(library) - files) == 1


def test_dates_of_a_feed_decide_without_opening_anything(site: Site, library: Library) -> None:
    episodes = [Episode(number, day=number) for number in range(7, 0, -1)]
    site.pages["/feed.xml"] = feed(site.url, episodes)
    library.watch.add(f"{site.url}/feed.xml", Changes(since="2026-10-05", skip="6"))
    assert told(only(library.watch.check())) == [("new", "Episode 7"), ("new", "Episode 5")]
    assert dict(site.gets) == {"/feed.xml": 1}


def talk_page(site: Site, number: int, day: str) -> str:
    """A page that alone knows the day of its talk; the item of a feed that leads to it."""
    facts = {
        "@context": "https://schema.org",
        "@type": "VideoObject",
        "name": f"Talk {number}",
        "uploadDate": f"{day}T12:00:00Z",
        "contentUrl": f"{site.url}/{number}.mp4",
    }
    body = f'<title>x</title><script type="application/ld+json">{json.dumps(facts)}</script>'
    site.pages[f"/talk/{number}"] = Page(body.encode())
    return f"<item><title>Talk {number}</title><link>{site.url}/talk/{number}</link></item>"


def test_pages_are_asked_for_dates_that_the_list_does_not_tell(
    site: Site, library: Library
) -> None:
    days = {1: "2026-10-09", 2: "2026-10-04", 3: "2026-10-07"}
    items = "".join(talk_page(site, number, day) for number, day in days.items())
    body = f'<rss version="2.0"><channel><title>Talks</title>{items}</channel></rss>'
    site.pages["/undated.xml"] = Page(body.encode(), "application/rss+xml")
    library.watch.add(f"{site.url}/undated.xml", Changes(since="2026-10-05"))
    assert told(only(library.watch.check())) == [("new", "Talk 1"), ("new", "Talk 3")]
    asked = dict(site.gets)
    assert only(library.watch.check(now=True)).news == ()
    assert {path: many - asked[path] for path, many in site.gets.items() if many > asked[path]} == {
        "/undated.xml": 1
    }


def test_what_a_person_removed_is_not_taken_again(site: Site, library: Library) -> None:
    library.watch.add(f"{site.url}/feed.xml", Changes())
    only(library.watch.check())
    library.remove(library.find("Episode 1"))
    assert only(library.watch.check(now=True)).news == ()
    site.pages["/feed.xml"] = feed(site.url, [Episode(2), Episode(1, "Renamed")])
    assert only(library.watch.check(now=True)).news == ()
    assert titles(library) == ["Episode 2"]


def test_a_re_uploaded_episode_is_told_with_the_earlier_one(site: Site, library: Library) -> None:
    site.pages["/feed.xml"] = feed(site.url, [Episode(1, "The sea", seconds=100)])
    library.watch.add(f"{site.url}/feed.xml", Changes())
    only(library.watch.check())
    site.pages["/feed.xml"] = feed(site.url, [Episode(5, "The sea", seconds=101)])
    checked = only(library.watch.check(now=True))
    [new] = checked.of("new")
    [gone] = checked.of("gone")
    assert new.reupload_of == gone.video_ids
    assert library.status(gone.video_ids[0]).video.title == "The sea"


def test_players_on_a_page_are_a_list_too(site: Site, library: Library) -> None:
    players = [f'<video src="/{number}.mp4"></video>' for number in range(3)]
    site.pages["/page"] = Page(f"<title>Films</title>{players[0]}{players[1]}".encode())
    library.watch.add(f"{site.url}/page", Changes())
    assert len(only(library.watch.check()).of("new")) == 2
    assert only(library.watch.check(now=True)).news == ()
    site.pages["/page"] = Page(f"<title>Films</title>{''.join(players)}".encode())
    assert len(only(library.watch.check(now=True)).of("new")) == 1


def test_a_server_in_trouble_is_told_and_keeps_nothing_else(site: Site, library: Library) -> None:
    library.watch.add(f"{site.url}/feed.xml", Changes())
    with serve() as other:
        other.pages["/feed.xml"] = feed(other.url, [Episode(9)])
        library.watch.add(f"{other.url}/feed.xml", Changes())
        good = site.pages["/feed.xml"]
        site.pages["/feed.xml"] = replace(good, status=404)
        bad, fine = library.watch.check()
        assert isinstance(bad.error, ContentError)
        assert told(fine) == [("new", "Episode 9")]
        assert library.watch.find("1").problem
        site.pages["/feed.xml"] = good
        assert len(only(library.watch.check(["1"])).of("new")) == 2
        assert library.watch.find("1").problem == ""


def test_a_feed_that_breaks_off_says_nothing_of_what_is_missing(
    site: Site, library: Library
) -> None:
    library.watch.add(f"{site.url}/feed.xml", Changes())
    only(library.watch.check())
    whole = site.pages["/feed.xml"]
    cut = whole.body.index(b"</item>") + len(b"</item>")
    site.pages["/feed.xml"] = replace(whole, body=whole.body[:cut])
    checked = next(iter(library.watch.check(now=True)))
    assert checked.news == ()
    assert checked.problems or checked.error


def settled(path: Path) -> Path:
    """A file that nobody is writing any more."""
    os.utime(path, (LONG_AGO, LONG_AGO))
    return path


def test_a_folder_is_watched_with_its_subtitles_names_and_moves(
    tmp_path: Path, library: Library
) -> None:
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    library.watch.add(str(inbox), Changes())
    assert only(library.watch.check()).news == ()
    settled(write_talk(inbox / "sheep.srt", SHEEP))
    clips.silent_video(inbox / "film.mp4")
    settled(inbox / "film.mp4")
    assert len(only(library.watch.check(now=True)).of("new")) == 2
    settled(write_talk(inbox / "film.en.srt", SHEEP[:1]))
    # until now sheep.srt, alone beside the film, might have been the film's
    assert told(only(library.watch.check(now=True))) == [("changed", "film"), ("changed", "sheep")]
    (inbox / "sheep.srt").rename(inbox / "wool.srt")
    assert told(only(library.watch.check(now=True))) == [("renamed", "wool")]
    assert [item.state for item in library.run() if isinstance(item, Status)] == ["ready"] * 2
    assert titles(library) == ["film", "wool"]
    assert only(library.watch.check(now=True)).news == ()
    (inbox / "wool.srt").unlink()
    assert told(only(library.watch.check(now=True))) == [("gone", "wool")]
    assert len(library.videos()) == 2


def test_a_file_that_is_still_being_written_waits(tmp_path: Path, library: Library) -> None:
    inbox = tmp_path / "inbox"
    path = write_talk(inbox / "stars.srt", STARS)
    library.watch.add(str(inbox), Changes())
    checked = only(library.watch.check())
    assert (checked.news, checked.is_unsettled) == ((), True)
    assert checked.subscription.due < time.time() + 61
    settled(path)
    assert told(only(library.watch.check(now=True))) == [("new", "stars")]


def test_a_file_from_the_future_does_not_wait_for_it(tmp_path: Path, library: Library) -> None:
    path = write_talk(tmp_path / "inbox" / "stars.srt", STARS)
    os.utime(path, (time.time() + 86_400, time.time() + 86_400))
    library.watch.add(str(path.parent), Changes())
    assert told(only(library.watch.check())) == [("new", "stars")]


def test_killed_at_random_moments_a_check_loses_and_repeats_nothing(
    site: Site, tmp_path: Path, library: Library
) -> None:
    many = 150
    site.pages["/feed.xml"] = feed(site.url, [Episode(number) for number in range(many)])
    library.watch.add(f"{site.url}/feed.xml", Changes())
    seed = random.randrange(1000)
    chance = random.Random(seed)
    for _ in range(3):
        before = len(library.ledger.video_ids())
        process = subprocess.Popen(
            [sys.executable, "-m", "video_rag", "watch", "check"],
            env={**os.environ, "VIDEO_RAG_GUARD__ALLOW_PRIVATE": "true"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        while process.poll() is None and len(library.ledger.video_ids()) <= before:
            time.sleep(0.01)
        time.sleep(chance.random() * 0.1)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    list(library.watch.check(now=True))
    ids = library.ledger.video_ids()
    assert (len(ids), len(set(ids))) == (many, many), seed
    assert library.watch.all()[0].counts == {"taken": many}, seed
    assert only(library.watch.check(now=True)).news == ()
