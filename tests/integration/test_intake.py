"""Many videos at once: what is fetched side by side, dropped, fetched again, left for later."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from talks import SHEEP, STARS, write_talk
from video_rag.library import Library, Wishes
from video_rag.model import Job, MediaSet
from video_rag.net.sites import site_of
from video_rag.pipeline.results import load
from video_rag.settings import load_settings
from video_rag.testing import clips
from web import Meeting, Page, Site, serve

pytest.importorskip("yt_dlp")

VTT = "WEBVTT\n\n00:00.000 --> 00:01.000\nsheep are shorn once a year\n"


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("clips") / "clip.mp4"
    clips.silent_video(path)
    return path.read_bytes()


@pytest.fixture
def sites(clip: bytes) -> Iterator[tuple[Site, Site]]:
    with serve() as one, serve() as two:
        for site in (one, two):
            for number in range(3):
                body = f'<title>talk {number}</title><video src="/{number}.mp4">'
                body += '<track src="/en.vtt" kind="subtitles" srclang="en"></video>'
                site.pages[f"/{number}"] = Page(body.encode())
                # a byte of its own for each: the same file twice would be one file
                site.pages[f"/{number}.mp4"] = Page(clip + bytes([number]), "video/mp4")
            site.pages["/en.vtt"] = Page(VTT.encode(), "text/vtt")
        yield one, two


def library_with(**sections: dict[str, Any]) -> Library:
    given = {
        "guard": {"allow_private": True},
        "sources": {"ytdlp": {"retries": 0, "sleep_subtitles": 0, "timeout": 5}},
        "pipeline": {"reader": "none"},
    }
    return Library(load_settings({**given, **sections}))


def pages(site: Site) -> list[str]:
    return [f"{site.url}/{number}" for number in range(3)]


def media_of(library: Library, video_id: str) -> MediaSet:
    return load(library.blobs, library.ledger.results(video_id)["media"], MediaSet)


def test_videos_of_two_sites_are_all_ready_and_each_file_was_asked_for_once(
    sites: tuple[Site, Site],
) -> None:
    library = library_with()
    added = list(library.add([url for site in sites for url in pages(site)]))
    assert [item.status.state for item in added if item.status] == ["ready"] * 6
    for site in sites:
        assert [site.gets[f"/{number}.mp4"] > 0 for number in range(3)] == [True] * 3
    again = list(library.add([url for site in sites for url in pages(site)]))
    assert not any(item.is_new for item in again)
    library.close()


def test_a_site_that_takes_one_at_a_time_keeps_no_place_of_another(
    sites: tuple[Site, Site],
) -> None:
    both = Meeting(2)
    for number, site in enumerate(sites):
        site.pages[f"/{number}.mp4"] = replace(site.pages["/0.mp4"], meeting=both)
        body = site.pages["/0"].body.replace(b"/0.mp4", f"/{number}.mp4".encode())
        site.pages["/0"] = replace(site.pages["/0"], body=body)
    options = {"retries": 0, "sleep_subtitles": 0, "timeout": 15, "concurrency": 1}
    library = library_with(pipeline={"reader": "none", "downloads": 2}, sources={"ytdlp": options})
    added = list(library.add([*pages(sites[0])[::2], *pages(sites[1])[:1]]))
    assert [item.status.state for item in added if item.status] == ["ready"] * 3
    library.close()


def test_files_of_urls_given_one_by_one_come_side_by_side(sites: tuple[Site, Site]) -> None:
    meeting = Meeting(2)
    for number, site in enumerate(sites):
        path = f"/{number}.mp4"
        site.pages[path] = replace(site.pages[path], meeting=meeting)
    library = library_with()
    added = library.add([f"{site.url}/{number}" for number, site in enumerate(sites)])
    assert [item.status.state for item in added if item.status] == ["ready"] * 2
    library.close()


def test_a_url_given_twice_is_told_twice_and_fetched_once(sites: tuple[Site, Site]) -> None:
    library = library_with()
    url = pages(sites[0])[0]
    added = list(library.add([url, url]))
    assert [item.is_new for item in added] == [True, False]
    assert [item.status.state for item in added if item.status] == ["ready"] * 2
    assert sites[0].sent["/0.mp4"] < 2 * len(sites[0].pages["/0.mp4"].body)
    library.close()


def test_what_waits_for_a_site_is_told_at_the_end_of_a_long_list(
    sites: tuple[Site, Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("video_rag.library.adding._LOOK_AHEAD", 2)
    one, two = sites
    one.pages["/0.mp4"] = Page(b"no", status=412)
    library = library_with()
    list(library.add([*pages(one)[:2], *pages(two)[:2]]))
    left = {name: many for name, (_state, many) in library.intake.left.items()}
    assert left == {site_of(one.url): 1}
    list(library.add(pages(two)[:1]))
    assert library.intake.left == {}
    library.close()


def test_two_that_need_one_file_fetch_it_once(sites: tuple[Site, Site], tmp_path: Path) -> None:
    site = sites[0]
    body = site.pages["/0.mp4"].body + bytes(60_000)
    site.pages["/0.mp4"] = Page(body, "video/mp4", speed=60_000)
    polite = {"concurrency": 4, "retries": 0, "sleep_subtitles": 0}
    libraries = [library_with(sources={"ytdlp": polite}) for _ in range(2)]
    video, _wishes = found(libraries[0], pages(site)[0])
    with ThreadPoolExecutor(2) as pool:
        fetched = list(
            pool.map(lambda one: one.parts.sources()["ytdlp"].fetch(video, tmp_path), libraries)
        )
    assert fetched[0] == fetched[1]
    assert site.sent["/0.mp4"] < 2 * len(body)
    for library in libraries:
        library.close()


def test_a_video_at_fault_is_not_tried_again_when_it_is_added_again(
    sites: tuple[Site, Site],
) -> None:
    site, library = sites[0], library_with()
    site.pages["/1.mp4"] = Page(b"no film, but text that calls itself one" * 100, "video/mp4")
    for _ in range(2):
        asked = site.gets["/1.mp4"]
        (item,) = library.add([pages(site)[1]])
        assert item.status
        assert item.status.state == "failed"
    assert site.gets["/1.mp4"] == asked > 0
    library.close()


class Crowd(Meeting):
    """Counts who is answered at the same time; each answer takes a while."""

    def __init__(self) -> None:
        super().__init__(0)
        self._lock = threading.Lock()
        self._inside = self.most = 0

    def wait(self, path: str) -> None:
        with self._lock:
            self._inside += 1
            self.most = max(self.most, self._inside)
        time.sleep(0.5)
        with self._lock:
            self._inside -= 1


@pytest.mark.parametrize(
    ("sections", "most"),
    [
        ({}, 2),
        ({"pipeline": {"reader": "none", "downloads": 1}}, 1),
        # what is fetched ahead would take the room of what is being worked on
        ({"library": {"keep_media": False, "media_bytes": 10_000_000}}, 1),
    ],
)
def test_only_so_many_files_come_side_by_side(
    sites: tuple[Site, Site], sections: dict[str, dict[str, Any]], most: int
) -> None:
    crowd = Crowd()
    for site in sites:
        site.pages["/0.mp4"] = replace(site.pages["/0.mp4"], meeting=crowd)
    library = library_with(**sections)
    added = library.add([f"{site.url}/0" for site in sites])
    assert [item.status.state for item in added if item.status] == ["ready"] * 2
    assert crowd.most == most
    library.close()


def test_media_stays_while_a_stage_still_needs_it(sites: tuple[Site, Site]) -> None:
    library = library_with(library={"keep_media": False})
    video_id = library.intake.give(*found(library, pages(sites[0])[0])).video_id
    engine = library.intake._engine
    engine.handle(Job(video_id=video_id, stage="fetch"))
    file = library.locate(media_of(library, video_id).of("video")[0])
    assert library.intake.drop_media(video_id) == 0
    assert file.is_file()
    assert [status.state for status in library.run()] == ["ready"]
    assert not file.exists()
    library.close()


def test_media_that_is_not_kept_goes_when_the_video_is_ready(sites: tuple[Site, Site]) -> None:
    library = library_with(library={"keep_media": False})
    (item,) = library.add([pages(sites[0])[0]])
    assert item.status
    assert item.status.state == "ready"
    media = media_of(library, item.status.video.video_id)
    there = {file.kind: library.locate(file).exists() for file in media.files}
    assert there == {"video": False, "subtitles": True}
    assert library.document(item.status.video.video_id).sections
    library.close()


def test_dropped_media_is_fetched_again_by_the_stage_that_needs_it(
    sites: tuple[Site, Site],
) -> None:
    library = library_with(library={"keep_media": False})
    (item,) = library.add([pages(sites[0])[0]])
    library.close()
    before = sites[0].gets["/0.mp4"]
    other = {"slides": {"every": 2.0}}
    library = library_with(library={"keep_media": False}, samplers=other)
    assert item.status
    video_id = item.status.video.video_id
    assert library.intake.unfinished() == [video_id]
    assert [status.state for status in library.run()] == ["ready"]
    assert sites[0].gets["/0.mp4"] > before
    assert not library.locate(media_of(library, video_id).of("video")[0]).exists()
    library.close()


def test_dropping_touches_no_file_of_its_owner(tmp_path: Path) -> None:
    library = library_with(library={"keep_media": False})
    clips.silent_video(tmp_path / "talk.mp4")
    write_talk(tmp_path / "talk.srt", SHEEP)
    (item,) = library.add([str(tmp_path)])
    assert item.status
    assert item.status.state == "ready"
    assert (tmp_path / "talk.mp4").is_file()
    library.close()


def test_a_site_that_cools_down_is_left_alone_and_the_others_go_on(
    sites: tuple[Site, Site],
) -> None:
    library = library_with()
    given = [library.intake.give(*found(library, url)) for site in sites for url in pages(site)]
    cold, until = site_of(sites[0].url), 9_999_999_999.0
    library.ledger.sites.change(
        cold, lambda state: replace(state, cooling_until=until, reason="risk-control")
    )
    sites[0].gets.clear()
    done = list(library.run())
    assert [status.state for status in done] == ["ready"] * 3
    assert {site_of(status.video.url) for status in done} == {site_of(sites[1].url)}
    assert not sites[0].gets
    assert {name: many for name, (_state, many) in library.intake.left.items()} == {cold: 3}
    assert [status.state for status in library.videos()].count("queued") == 3
    assert len(given) == 6
    library.ledger.sites.change(cold, lambda state: replace(state, cooling_until=0.0))
    assert [status.state for status in library.run()] == ["ready"] * 3
    library.close()


def found(library: Library, url: str) -> Any:
    (video,) = library.parts.sources()["ytdlp"].discover(url)
    return video, Wishes()


def test_a_run_works_on_what_a_killed_one_left(sites: tuple[Site, Site], tmp_path: Path) -> None:
    library = library_with()
    library.intake.give(*found(library, pages(sites[0])[0]))
    talk = write_talk(tmp_path / "stars.srt", STARS)
    (video,) = library.parts.sources()["folder"].discover(str(talk))
    assert not isinstance(video, Exception)
    library.intake.give(video, Wishes())
    library.close()
    library = library_with()
    assert sorted(status.state for status in library.run()) == ["ready", "ready"]
    assert list(library.run()) == []
    library.close()
