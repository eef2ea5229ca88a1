"""What stops a download midway: its size, the room on the disk, a file that changes under it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from films import fetch, film, html, player, put_hls, ytdlp
from video_rag.errors import ContentError, Unavailable, VideoRagError
from video_rag.sources.ytdlp import YtDlp, download
from web import Page, Site, serve

pytest.importorskip("yt_dlp")
# yt-dlp leaves a part open when a download is stopped
pytestmark = pytest.mark.filterwarnings("ignore:.*FileIO:pytest.PytestUnraisableExceptionWarning")

SIZE = 300_000


class Meanwhile(dict[str, Page]):
    """Pages with something that happens when one of them is asked for."""

    def __init__(self, pages: dict[str, Page], path: str, happens: Callable[[], None]) -> None:
        super().__init__(pages)
        self._path, self._happens = path, happens

    def get(self, key: str, default: Page | None = None) -> Page | None:  # type: ignore[override]  # narrower
        if key == self._path:
            self._happens()
        return super().get(key, default)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with serve() as running:
        running.pages["/film.mp4"] = Page(film(tmp_path, SIZE), "video/mp4")
        running.pages["/page"] = html("A talk", player("/film.mp4"))
        yield running


def write(path: Path) -> None:
    path.write_bytes(bytes(SIZE))


def bytes_of(site: Site, stream: str) -> int:
    """Of all fragments of picture or sound."""
    found = [page for path, page in site.pages.items() if stream in path and path.endswith(".ts")]
    return sum(len(page.body) for page in found)


def fragments_asked_for(site: Site, stream: str) -> tuple[int, int]:
    """How many, and of how many."""
    paths = [path for path in site.pages if stream in path and path.endswith(".ts")]
    return sum(site.gets[path] > 0 for path in paths), len(paths)


def limited(limit: str, most: int, folder: Path) -> YtDlp:
    return ytdlp(folder, max_bytes=most) if limit == "max_bytes" else ytdlp(folder, left=most)


@pytest.mark.parametrize(("limit", "reason"), [("max_bytes", "too-large"), ("room", "disk-budget")])
@pytest.mark.parametrize("stopped", ["picture", "sound"])
def test_streams_whose_size_nobody_knew_stop_where_they_are_too_large_together(
    site: Site, tmp_path: Path, limit: str, reason: str, stopped: str
) -> None:
    url = put_hls(site, "/hls", tmp_path / "hls")
    before = bytes_of(site, "picture") if stopped == "sound" else 0
    most = before + bytes_of(site, stopped) // 2
    with pytest.raises(VideoRagError) as caught:
        fetch(limited(limit, most, tmp_path), url, tmp_path)
    assert caught.value.reason == reason
    asked, of_all = fragments_asked_for(site, stopped)
    assert 0 < asked < of_all
    assert stopped == "sound" or fragments_asked_for(site, "sound")[0] == 0


def test_half_a_download_is_no_reason_to_refuse_the_rest(site: Site, tmp_path: Path) -> None:
    """The room for it was taken by itself."""
    page = site.pages["/film.mp4"]
    site.pages["/film.mp4"] = replace(page, cut=SIZE // 2, etag=True)
    source = ytdlp(tmp_path, left=SIZE + 10_000)
    with pytest.raises(Unavailable):
        fetch(source, f"{site.url}/page", tmp_path)
    site.pages["/film.mp4"] = replace(page, etag=True)
    assert fetch(source, f"{site.url}/page", tmp_path).files[0].size == SIZE


def test_room_that_others_take_meanwhile_ends_a_download(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "_LOOK", 0.0)
    source = ytdlp(tmp_path, left=SIZE + 10_000)
    other = tmp_path / "media" / "other" / "video.mp4"
    other.parent.mkdir(parents=True)
    site.pages["/film.mp4"] = replace(site.pages["/film.mp4"], speed=SIZE)
    site.pages = Meanwhile(site.pages, "/film.mp4", lambda: write(other))
    with pytest.raises(Unavailable, match="others took the room") as caught:
        fetch(source, f"{site.url}/page", tmp_path)
    assert caught.value.reason == "disk-budget"
    assert site.sent["/film.mp4"] < SIZE
    assert other.stat().st_size == SIZE


def test_a_file_that_changes_its_size_during_a_retry_is_not_taken(
    site: Site, tmp_path: Path
) -> None:
    """A server without tags: yt-dlp joins what it gets, and nobody would see the seam."""
    first = replace(site.pages["/film.mp4"], cut=SIZE // 2)
    site.pages["/film.mp4"] = first
    longer = Page(film(tmp_path, 2 * SIZE, seed=1), "video/mp4")

    def change() -> None:
        if site.sent["/film.mp4"]:
            site.pages["/film.mp4"] = longer

    site.pages = Meanwhile(site.pages, "/film.mp4", change)
    source = ytdlp(tmp_path, retries=3)
    with pytest.raises(Unavailable, match="changed while it was fetched"):
        fetch(source, f"{site.url}/page", tmp_path)
    found = fetch(source, f"{site.url}/page", tmp_path)
    assert (tmp_path / "media" / found.files[0].path).read_bytes() == longer.body


def test_half_a_file_that_calls_itself_half_is_not_taken(site: Site, tmp_path: Path) -> None:
    """yt-dlp is content with what it was sent."""
    page = site.pages["/film.mp4"]
    told = {"Content-Range": f"bytes 0-{SIZE // 2 - 1}/{SIZE}"}
    half = replace(page, body=page.body[: SIZE // 2], status=206, ranges=False, headers=told)
    site.pages["/film.mp4"] = half
    with pytest.raises(Unavailable, match=f"{SIZE // 2} bytes came instead of {SIZE}"):
        fetch(ytdlp(tmp_path), f"{site.url}/page", tmp_path)


def test_large_subtitles_are_no_part_of_the_film_before_them(site: Site, tmp_path: Path) -> None:
    cue = "00:{:02}:{:02}.000 --> 00:{:02}:{:02}.900\n" + "words " * 200 + "\n\n"
    cues = "".join(cue.format(n // 60, n % 60, n // 60, n % 60) for n in range(300))
    site.pages["/en.vtt"] = Page(f"WEBVTT\n\n{cues}".encode(), "text/vtt")
    site.pages["/page"] = html("A talk", player("/film.mp4", en="/en.vtt"))
    subtitles = len(site.pages["/en.vtt"].body)
    assert subtitles > SIZE
    found = fetch(ytdlp(tmp_path, max_bytes=SIZE + 1), f"{site.url}/page", tmp_path)
    assert [file.size for file in found.files] == [SIZE, subtitles]
    assert not list((tmp_path / "media").rglob("partial"))


def test_a_page_that_promises_a_larger_file_than_allowed_is_believed(
    site: Site, tmp_path: Path
) -> None:
    site.pages["/film.mp4"] = replace(site.pages["/film.mp4"], speed=SIZE)
    with pytest.raises(ContentError, match=f"A talk.*larger than {SIZE - 1} bytes"):
        fetch(ytdlp(tmp_path, max_bytes=SIZE - 1), f"{site.url}/page", tmp_path)
    assert site.sent["/film.mp4"] < SIZE
