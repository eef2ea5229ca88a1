"""yt-dlp itself against a web server on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import pytest

from places import places
from video_rag import digest
from video_rag.errors import (
    BadSettings,
    ContentError,
    Rejected,
    Unavailable,
    UnsupportedUrl,
)
from video_rag.model import Video
from video_rag.sources.ytdlp import YtDlp
from video_rag.testing import clips
from web import Page, Site, serve

pytest.importorskip("yt_dlp")

VTT = "WEBVTT\n\n00:00.000 --> 00:01.000\n{}\n"


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("clips") / "clip.mp4"
    clips.silent_video(path)
    return path.read_bytes()


@pytest.fixture
def site(clip: bytes) -> Iterator[Site]:
    with serve() as running:
        running.pages["/a/clip.mp4"] = Page(clip, "video/mp4")
        running.pages["/b/clip.mp4"] = Page(clip, "video/mp4")
        running.pages["/en.vtt"] = Page(VTT.format("hello").encode(), "text/vtt")
        running.pages["/zh.vtt"] = Page(VTT.format("你好").encode(), "text/vtt")
        yield running


@pytest.fixture
def source(tmp_path: Path) -> YtDlp:
    return ytdlp(tmp_path)


def ytdlp(folder: Path, **options: object) -> YtDlp:
    values = {"retries": 0, "sleep_subtitles": 0, "timeout": 5, **options}
    chosen = YtDlp.Options.model_validate(values)
    return YtDlp(chosen, places=places(folder))


def page(title: str, *videos: str) -> Page:
    """An HTML page with players."""
    body = "".join(videos)
    return Page(f"<html><head><title>{title}</title></head><body>{body}</body></html>".encode())


def player(path: str, **tracks: str) -> str:
    rows = "".join(
        f'<track src="{file}" kind="subtitles" srclang="{language}" label="x">'
        for language, file in tracks.items()
    )
    return f'<video src="{path}">{rows}</video>'


def scratch(folder: Path, name: str = "scratch") -> Path:
    path = folder / name
    path.mkdir()
    return path


def only(source: YtDlp, url: str) -> Video:
    [video] = source.discover(url)
    assert isinstance(video, Video)
    return video


def test_a_direct_file_is_downloaded_once(site: Site, source: YtDlp, tmp_path: Path) -> None:
    video = only(source, f"{site.url}/a/clip.mp4")
    assert (video.title, video.source) == ("clip", "ytdlp")
    found = source.fetch(video, scratch(tmp_path))
    [file] = found.files
    path = tmp_path / "media" / file.path
    assert (file.kind, file.size, file.digest) == (
        "video",
        path.stat().st_size,
        digest.of_file(path),
    )
    assert found.duration == pytest.approx(2.0, abs=0.11)
    assert (found.has_picture, found.has_speech_track) == (True, False)
    asked = sum(site.gets.values())
    assert source.fetch(video, scratch(tmp_path, "again")) == found
    assert sum(site.gets.values()) == asked


def test_a_file_that_was_lost_is_downloaded_again(
    site: Site, source: YtDlp, tmp_path: Path
) -> None:
    video = only(source, f"{site.url}/a/clip.mp4")
    found = source.fetch(video, scratch(tmp_path))
    (tmp_path / "media" / found.files[0].path).unlink()
    assert source.fetch(video, scratch(tmp_path, "again")) == found
    assert (tmp_path / "media" / found.files[0].path).is_file()


def test_a_page_gives_its_video_with_subtitles(site: Site, source: YtDlp, tmp_path: Path) -> None:
    site.pages["/page"] = page("My talk", player("/a/clip.mp4", zh="/zh.vtt", en="/en.vtt"))
    video = only(source, f"{site.url}/page")
    assert video.title == "My talk"
    found = source.fetch(video, scratch(tmp_path))
    subtitles = {file.language: file for file in found.of("subtitles")}
    assert set(subtitles) == {"en", "zh"}
    assert {file.origin for file in subtitles.values()} == {"platform"}
    text = (tmp_path / "media" / subtitles["zh"].path).read_text(encoding="utf-8")
    assert "你好" in text
    assert found.notes == ()


def test_subtitles_that_fail_are_noted_and_asked_for_again(
    site: Site, source: YtDlp, tmp_path: Path
) -> None:
    site.pages["/page"] = page("My talk", player("/a/clip.mp4", zh="/zh.vtt", en="/later.vtt"))
    video = only(source, f"{site.url}/page")
    found = source.fetch(video, scratch(tmp_path))
    assert [file.language for file in found.of("subtitles")] == ["zh"]
    assert found.notes == ("subtitles en left out: en: it is not there (404)",)
    downloads = site.gets["/a/clip.mp4"]
    site.pages["/later.vtt"] = site.pages["/en.vtt"]
    again = source.fetch(video, scratch(tmp_path, "again"))
    assert {file.language for file in again.of("subtitles")} == {"en", "zh"}
    assert (again.notes, site.gets["/a/clip.mp4"]) == ((), downloads)


def test_other_languages_do_not_download_the_video_again(
    site: Site, source: YtDlp, tmp_path: Path
) -> None:
    site.pages["/page"] = page("My talk", player("/a/clip.mp4", zh="/zh.vtt", en="/en.vtt"))
    video = only(source, f"{site.url}/page")
    source.fetch(video, scratch(tmp_path))
    downloads = site.gets["/a/clip.mp4"]
    chinese = ytdlp(tmp_path, subtitle_languages=["zh"])
    found = chinese.fetch(video, scratch(tmp_path, "again"))
    assert [file.language for file in found.of("subtitles")] == ["zh"]
    assert site.gets["/a/clip.mp4"] == downloads


def test_a_page_with_two_videos_gives_two(site: Site, source: YtDlp, tmp_path: Path) -> None:
    site.pages["/two"] = page("Two talks", player("/a/clip.mp4"), player("/b/clip.mp4"))
    first, second = source.discover(f"{site.url}/two")
    assert isinstance(first, Video)
    assert isinstance(second, Video)
    assert first.video_id != second.video_id
    site.gets.clear()
    source.fetch(second, scratch(tmp_path))
    assert (site.gets["/a/clip.mp4"], site.gets["/b/clip.mp4"]) == (0, 1)
    assert source.link(second, 3) == f"{site.url}/two"


def test_a_feed_gives_its_episodes_unopened(site: Site, source: YtDlp, tmp_path: Path) -> None:
    items = "".join(
        f"<item><title>Episode {name}</title><enclosure url='{site.url}/{name}/clip.mp4'"
        " type='video/mp4'/></item>"
        for name in "ab"
    )
    feed = (
        f"<?xml version='1.0'?><rss version='2.0'><channel><title>F</title>{items}</channel></rss>"
    )
    site.pages["/feed"] = Page(feed.encode(), "application/rss+xml")
    first, second = source.discover(f"{site.url}/feed")
    assert isinstance(first, Video)
    assert isinstance(second, Video)
    assert [first.title, second.title] == ["Episode a", "Episode b"]
    assert site.gets["/a/clip.mp4"] == 0
    assert first.video_id == only(source, f"{site.url}/a/clip.mp4").video_id
    assert source.fetch(first, scratch(tmp_path)).title is None


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (404, ContentError),
        (410, ContentError),
        (403, Rejected),
        (429, Unavailable),
        (503, Unavailable),
    ],
)
def test_refusals_are_sorted_by_what_to_do_next(
    site: Site, source: YtDlp, status: int, kind: type
) -> None:
    site.pages["/x"] = Page(b"no", status=status)
    with pytest.raises(kind) as caught:
        list(source.discover(f"{site.url}/x?token=s3cret"))
    assert "s3cret" not in str(caught.value)
    assert caught.value.hint


def test_a_page_without_video_is_unsupported(site: Site, source: YtDlp) -> None:
    site.pages["/none"] = page("Nothing here")
    with pytest.raises(UnsupportedUrl, match="no video was found"):
        list(source.discover(f"{site.url}/none"))


def test_a_server_that_is_away_is_unavailable(source: YtDlp) -> None:
    with serve() as gone:
        url = gone.url
    with pytest.raises(Unavailable):
        list(source.discover(f"{url}/a.mp4"))


def test_text_in_place_of_a_video_is_refused_and_leaves_nothing(
    site: Site, source: YtDlp, tmp_path: Path
) -> None:
    site.pages["/text.mp4"] = Page(b"hello", "video/mp4")
    video = only(source, f"{site.url}/text.mp4")
    with pytest.raises(ContentError, match=r"text\.mp4 sent is not a video"):
        source.fetch(video, scratch(tmp_path))
    assert [path for path in (tmp_path / "media").rglob("*") if path.is_file()] == []


def test_a_video_larger_than_allowed_is_refused(site: Site, tmp_path: Path) -> None:
    source = ytdlp(tmp_path, max_bytes=100)
    video = only(source, f"{site.url}/a/clip.mp4")
    with pytest.raises(ContentError, match="larger than 100 bytes"):
        source.fetch(video, scratch(tmp_path))


def test_cookies_are_sent_and_their_file_stays_as_it_is(site: Site, tmp_path: Path) -> None:
    cookies = tmp_path / "cookies.txt"
    row = "\t".join(["127.0.0.1", "FALSE", "/", "FALSE", "0", "session", "s3cret"])
    text = f"# Netscape HTTP Cookie File\n{row}\n"
    cookies.write_text(text)
    only(ytdlp(tmp_path, cookies=cookies), f"{site.url}/a/clip.mp4")
    assert cookies.read_text() == text
    assert site.cookies == {"session=s3cret"}


@pytest.mark.parametrize("content", [None, "this is no cookie file"])
def test_a_bad_cookie_file_is_a_bad_setting(
    site: Site, tmp_path: Path, content: str | None
) -> None:
    cookies = tmp_path / "cookies.txt"
    if content is not None:
        cookies.write_text(content)
    with pytest.raises(BadSettings, match="cookie"):
        list(ytdlp(tmp_path, cookies=cookies).discover(f"{site.url}/a/clip.mp4"))


def test_private_addresses_are_refused_unless_allowed(site: Site, tmp_path: Path) -> None:
    guarded = YtDlp(YtDlp.Options(), places=places(tmp_path, allow_private=False))
    with pytest.raises(UnsupportedUrl, match="private network"):
        list(guarded.discover(f"{site.url}/a/clip.mp4"))
    assert not site.gets


def test_only_web_addresses_are_claimed(source: YtDlp) -> None:
    assert source.claims("HTTPS://www.youtube.com/watch?v=dQw4w9WgXcQ")
    assert not source.claims("talk.mp4")
    assert not source.claims("file:///talk.mp4")


def test_another_height_downloads_again_and_leaves_one_file(
    site: Site, source: YtDlp, tmp_path: Path
) -> None:
    video = only(source, f"{site.url}/a/clip.mp4")
    found = source.fetch(video, scratch(tmp_path))
    folder = (tmp_path / "media" / found.files[0].path).parent
    (folder / "video.webm.part").write_bytes(b"left behind by a kill")
    downloads = site.gets["/a/clip.mp4"]
    ytdlp(tmp_path, max_height=360).fetch(video, scratch(tmp_path, "again"))
    assert site.gets["/a/clip.mp4"] > downloads
    assert {path.name for path in folder.iterdir()} == {"media.json", "video.mp4"}


def test_picture_and_sound_that_come_apart_are_joined(
    site: Site, source: YtDlp, tmp_path: Path
) -> None:
    """HLS with separate renditions, as the large sites send it."""
    folder = scratch(tmp_path, "hls")
    clips.silent_video(folder / "picture.mp4")
    clips.tone(folder / "sound.m4a")
    for name, source_file in (("picture", "picture.mp4"), ("sound", "sound.m4a")):
        to_hls(folder / source_file, folder / f"{name}.m3u8")
    (folder / "master.m3u8").write_text(
        "#EXTM3U\n"
        '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="x",DEFAULT=YES,URI="sound.m3u8"\n'
        '#EXT-X-STREAM-INF:BANDWIDTH=200000,CODECS="avc1.64000c",RESOLUTION=320x180,AUDIO="a"\n'
        "picture.m3u8\n"
    )
    for path in folder.iterdir():
        kind = "application/vnd.apple.mpegurl" if path.suffix == ".m3u8" else "video/mp2t"
        site.pages[f"/hls/{path.name}"] = Page(path.read_bytes(), kind)
    found = source.fetch(only(source, f"{site.url}/hls/master.m3u8"), scratch(tmp_path))
    assert (found.has_picture, found.has_speech_track) == (True, True)
    assert found.duration == pytest.approx(2.0, abs=0.3)


def to_hls(source: Path, playlist: Path) -> None:
    """One stream as an HLS playlist with its segments beside it."""
    options = {"hls_time": "1", "hls_playlist_type": "vod"}
    with (
        av.open(str(source)) as old,
        av.open(str(playlist), "w", format="hls", options=options) as new,
    ):
        stream = new.add_stream_from_template(old.streams[0])
        for packet in old.demux():
            if packet.dts is not None:
                packet.stream = stream
                new.mux(packet)
