"""Pages, playlists and subtitles that are small on the wire and would fill memory or disk."""

from __future__ import annotations

import gc
import gzip
import tracemalloc
import weakref
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from films import put_hls
from places import places
from video_rag.errors import ContentError
from video_rag.model import Video
from video_rag.sources.ytdlp import YtDlp, door, subtitles
from video_rag.sources.ytdlp.door import Door
from video_rag.testing import clips
from web import Page, Site, serve

pytest.importorskip("yt_dlp")

# yt-dlp leaves sockets and files of failed downloads to the garbage collector
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

PACKED = {"Content-Encoding": "gzip"}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    clips.silent_video(tmp_path / "clip.mp4")
    with serve() as running:
        running.pages["/clip.mp4"] = Page((tmp_path / "clip.mp4").read_bytes(), "video/mp4")
        yield running


@pytest.fixture
def source(tmp_path: Path) -> YtDlp:
    options = YtDlp.Options(retries=0, sleep_subtitles=0, timeout=5)
    return YtDlp(options, places=places(tmp_path))


def bomb(start: bytes, size: int, media_type: str) -> Page:
    """Much more than it looks."""
    return Page(gzip.compress(start.ljust(size, b" "), 1), media_type, headers=PACKED)


@pytest.mark.parametrize(
    ("path", "start", "media_type"),
    [
        ("/talk", b"<html><title>Talk</title>", "text/html"),
        ("/talk.m3u8", b"#EXTM3U\n#EXT-X-TARGETDURATION:6\n", "application/vnd.apple.mpegurl"),
    ],
)
def test_page_that_unpacks_without_end_is_read_no_further(
    site: Site, source: YtDlp, path: str, start: bytes, media_type: str
) -> None:
    size = 8 * door.LARGEST_PAGE
    site.pages[path] = bomb(start, size, media_type)
    tracemalloc.start()
    try:
        with pytest.raises(ContentError, match="larger than") as caught:
            list(source.discover(site.url + path + "?token=secret"))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert caught.value.reason == "too-large"
    assert "secret" not in str(caught.value)
    assert most < size / 2


def test_page_of_the_largest_size_is_read(site: Site, source: YtDlp) -> None:
    page = b'<html><title>Talk</title><video src="/clip.mp4"></video>'
    site.pages["/talk"] = bomb(page, door.LARGEST_PAGE, "text/html")
    (found,) = source.discover(f"{site.url}/talk")
    assert isinstance(found, Video)
    assert found.title == "Talk"


def test_a_playlist_of_pieces_is_read_whole_or_not_at_all(
    site: Site, source: YtDlp, tmp_path: Path
) -> None:
    url = put_hls(site, "/hls", tmp_path / "hls")
    (found,) = source.discover(url)
    assert isinstance(found, Video)
    pieces = site.pages["/hls/picture.m3u8"]
    first, end = pieces.body.split(b"#EXTINF", 1)
    padded = first + b"# padding\n" * (door.LARGEST_PAGE // 10) + b"#EXTINF" + end
    site.pages["/hls/picture.m3u8"] = replace(pieces, body=padded)
    with pytest.raises(ContentError, match="larger than"):
        source.fetch(found, tmp_path)


def test_subtitles_that_unpack_without_end_do_not_fill_the_disk(
    site: Site, source: YtDlp, tmp_path: Path
) -> None:
    track = '<track src="/words.vtt" kind="subtitles" srclang="en" label="x">'
    html = f'<html><title>Talk</title><video src="/clip.mp4">{track}</video></html>'
    site.pages["/talk"] = Page(html.encode())
    start = b"WEBVTT\n\n00:00.000 --> 00:01.000\nhello\n\n"
    site.pages["/words.vtt"] = bomb(start, 3 * subtitles.LARGEST, "text/vtt")
    (found,) = source.discover(f"{site.url}/talk")
    assert isinstance(found, Video)
    (tmp_path / "scratch").mkdir()
    media = source.fetch(found, tmp_path / "scratch")
    assert [file.kind for file in media.files] == ["video"]
    assert any("larger than" in note for note in media.notes)
    left = [path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()]
    assert sum(left) < 1.5 * subtitles.LARGEST


def test_an_answer_that_nobody_reads_is_let_go_of_at_once(site: Site) -> None:
    gc.collect()
    gc.disable()
    try:
        with Door(allow_private=True).open("x", {"quiet": True}) as downloader:
            dropped = weakref.ref(downloader.urlopen(f"{site.url}/clip.mp4"))
            assert dropped() is None
    finally:
        gc.enable()
