"""What is fetched of a video, and what is refused: yt-dlp against a server on loopback."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import av
import pytest

from films import fetch, film, html, player, put_hls, ytdlp
from video_rag.errors import ContentError, Rejected, Unavailable, UsageError, VideoRagError
from video_rag.testing import clips
from web import Page, Site, serve

pytest.importorskip("yt_dlp")
# yt-dlp leaves a part open when one of its fragments fails
pytestmark = pytest.mark.filterwarnings("ignore:.*FileIO:pytest.PytestUnraisableExceptionWarning")

VTT = b"WEBVTT\n\n00:00.000 --> 00:01.000\nhello\n"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with serve() as running:
        running.pages["/film.mp4"] = Page(film(tmp_path, 300_000), "video/mp4")
        running.pages["/en.vtt"] = Page(VTT, "text/vtt")
        running.pages["/page"] = html("A talk", player("/film.mp4", en="/en.vtt"))
        running.pages["/mute"] = html("A talk", player("/film.mp4"))
        yield running


def files_in(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file()}


def test_subtitles_alone_download_no_media(site: Site, tmp_path: Path) -> None:
    found = fetch(ytdlp(tmp_path, fetch="subtitles"), f"{site.url}/page", tmp_path)
    assert [(file.kind, file.language) for file in found.files] == [("subtitles", "en")]
    assert not found.has_picture
    assert not found.has_speech_track
    assert site.gets["/film.mp4"] == 0
    assert files_in(tmp_path / "media") == {"media.json", "subtitles.en.vtt"}


def test_a_video_without_subtitles_says_so_when_they_alone_are_wanted(
    site: Site, tmp_path: Path
) -> None:
    with pytest.raises(ContentError) as caught:
        fetch(ytdlp(tmp_path), f"{site.url}/mute", tmp_path, wanted="subtitles")
    assert caught.value.reason == "no-subtitles"
    assert "audio" in caught.value.hint
    assert site.gets["/film.mp4"] == 0


def test_subtitles_that_could_not_be_had_are_no_missing_subtitles(
    site: Site, tmp_path: Path
) -> None:
    site.pages["/en.vtt"] = Page(b"", status=503)
    with pytest.raises(Unavailable):
        fetch(ytdlp(tmp_path, fetch="subtitles"), f"{site.url}/page", tmp_path)


def test_sound_alone_downloads_no_picture(site: Site, tmp_path: Path) -> None:
    url = put_hls(site, "/hls", tmp_path / "hls")
    found = fetch(ytdlp(tmp_path), url, tmp_path, wanted="audio")
    assert [file.kind for file in found.files] == ["audio"]
    assert (found.has_picture, found.has_speech_track) == (False, True)
    assert {path for path in site.gets if "picture" in path} == set()


def test_sound_that_comes_with_a_picture_only_is_taken_so(site: Site, tmp_path: Path) -> None:
    found = fetch(ytdlp(tmp_path, fetch="audio"), f"{site.url}/film.mp4", tmp_path)
    assert [file.kind for file in found.files] == ["video"]


@pytest.mark.parametrize(("wanted", "chosen"), [("", "720"), ("480p", "360"), ("240p", "180")])
def test_the_tallest_picture_below_the_height_is_taken(
    site: Site, tmp_path: Path, wanted: str, chosen: str
) -> None:
    folder = tmp_path / "hls"
    put_hls(site, "/hls", folder)
    rows = ["#EXTM3U"]
    for height in ("100", "180", "360", "720"):  # yt-dlp looks into the first one anyway
        site.pages[f"/hls/{height}.m3u8"] = site.pages["/hls/picture.m3u8"]
        rows += [f"#EXT-X-STREAM-INF:BANDWIDTH={height}000,RESOLUTION=640x{height}"]
        rows += [f"{height}.m3u8"]
    site.pages["/hls/all.m3u8"] = Page("\n".join(rows).encode(), "application/vnd.apple.mpegurl")
    fetch(ytdlp(tmp_path), f"{site.url}/hls/all.m3u8", tmp_path, wanted=wanted)
    assert {path for path in ("180", "360", "720") if site.gets[f"/hls/{path}.m3u8"]} == {chosen}


def test_an_unknown_wish_is_a_mistake_of_ours(site: Site, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="pictures"):
        fetch(ytdlp(tmp_path), f"{site.url}/page", tmp_path, wanted="pictures")


def test_another_wish_downloads_anew_and_leaves_nothing_of_the_first(
    site: Site, tmp_path: Path
) -> None:
    url = put_hls(site, "/hls", tmp_path / "hls")
    source = ytdlp(tmp_path)
    fetch(source, url, tmp_path)
    fetch(source, url, tmp_path, wanted="audio")
    assert files_in(tmp_path / "media") == {"media.json", "audio.mp4"}


def test_picture_and_sound_are_joined_without_a_system_ffmpeg(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("imageio_ffmpeg")
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", os.fspath(tmp_path / "bin"))
    found = fetch(ytdlp(tmp_path), put_hls(site, "/hls", tmp_path / "hls"), tmp_path)
    assert (found.has_picture, found.has_speech_track) == (True, True)
    with av.open(str(tmp_path / "media" / found.files[0].path)) as joined:
        assert sorted(stream.type for stream in joined.streams) == ["audio", "video"]


def test_a_stream_in_fragments_with_a_hole_is_not_taken(site: Site, tmp_path: Path) -> None:
    url = put_hls(site, "/hls", tmp_path / "hls")
    [*_, last] = sorted(path for path in site.pages if path.endswith(".ts") and "picture" in path)
    site.pages[last] = Page(b"gone", status=404)
    with pytest.raises(ContentError):
        fetch(ytdlp(tmp_path), url, tmp_path)
    assert not files_in(tmp_path / "media") & {"video.mp4", "media.json"}


def test_an_encrypted_stream_is_refused_and_not_left_to_ffmpeg(site: Site, tmp_path: Path) -> None:
    url = put_hls(site, "/hls", tmp_path / "hls")
    page = site.pages["/hls/sound.m3u8"]
    key = b'#EXTM3U\n#EXT-X-KEY:METHOD=SAMPLE-AES,URI="skd://key"'
    site.pages["/hls/sound.m3u8"] = replace(page, body=page.body.replace(b"#EXTM3U", key, 1))
    with pytest.raises(ContentError) as caught:
        fetch(ytdlp(tmp_path), url, tmp_path)
    assert caught.value.reason == "drm"
    assert not [path for path in site.gets if path.endswith(".ts")]


@pytest.mark.parametrize("promises", [True, False])
def test_a_video_larger_than_allowed_is_refused_with_the_reason(
    site: Site, tmp_path: Path, promises: bool
) -> None:
    url = f"{site.url}/mute" if promises else put_hls(site, "/hls", tmp_path / "hls")
    with pytest.raises(ContentError, match="larger than 9000 bytes") as caught:
        fetch(ytdlp(tmp_path, max_bytes=9000), url, tmp_path)
    assert caught.value.reason == "too-large"
    assert files_in(tmp_path / "media") == set()


def test_a_video_longer_than_allowed_is_refused_even_if_nobody_said_so_before(
    site: Site, tmp_path: Path
) -> None:
    with pytest.raises(ContentError) as caught:
        fetch(ytdlp(tmp_path, max_seconds=1), f"{site.url}/mute", tmp_path)
    assert caught.value.reason == "too-long"
    assert files_in(tmp_path / "media") == set()


def test_the_disk_budget_stops_a_download_and_deletes_nothing_else(
    site: Site, tmp_path: Path
) -> None:
    source = ytdlp(tmp_path, left=310_000)
    fetch(source, f"{site.url}/film.mp4", tmp_path)
    before = files_in(tmp_path / "media")
    with pytest.raises(Unavailable) as caught:
        fetch(source, f"{site.url}/mute", tmp_path)
    assert caught.value.reason == "disk-budget"
    assert caught.value.retry_after
    assert "media_bytes" in caught.value.hint
    assert before <= files_in(tmp_path / "media")
    found = fetch(ytdlp(tmp_path, left=700_000), f"{site.url}/mute", tmp_path)
    assert found.has_picture


def test_a_full_disk_budget_asks_for_no_media(site: Site, tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        fetch(ytdlp(tmp_path, left=0), f"{site.url}/mute", tmp_path)
    assert site.gets["/film.mp4"] == 0


def test_media_dropped_after_use_is_fetched_again_when_asked_for(
    site: Site, tmp_path: Path
) -> None:
    source = ytdlp(tmp_path)
    found = fetch(source, f"{site.url}/page", tmp_path)
    path = tmp_path / "media" / found.of("video")[0].path
    path.unlink()
    assert fetch(source, f"{site.url}/page", tmp_path) == found
    assert path.is_file()


def test_a_new_revision_is_downloaded_again(site: Site, tmp_path: Path) -> None:
    source = ytdlp(tmp_path)
    first = fetch(source, f"{site.url}/page", tmp_path, fingerprint="1|a")
    site.pages["/film.mp4"] = Page(film(tmp_path, 300_000, seed=1), "video/mp4")
    second = fetch(source, f"{site.url}/page", tmp_path, fingerprint="2|a")
    assert first.files[0].digest != second.files[0].digest


def test_new_words_keep_the_media(site: Site, tmp_path: Path) -> None:
    source = ytdlp(tmp_path)
    first = fetch(source, f"{site.url}/page", tmp_path, fingerprint="1|a")
    asked = site.gets["/film.mp4"]
    site.pages["/en.vtt"] = Page(VTT.replace(b"hello", b"corrected"), "text/vtt")
    second = fetch(source, f"{site.url}/page", tmp_path, fingerprint="1|b")
    assert first.of("video") == second.of("video")
    assert first.of("subtitles")[0].digest != second.of("subtitles")[0].digest
    assert site.gets["/film.mp4"] == asked


def test_a_video_that_was_just_looked_up_is_not_looked_up_again(site: Site, tmp_path: Path) -> None:
    source = ytdlp(tmp_path)
    [found] = source.discover(f"{site.url}/mute")
    asked = site.gets["/mute"]
    (tmp_path / "scratch").mkdir()
    source.fetch(found, tmp_path / "scratch")  # type: ignore[arg-type]  # it is no error
    assert site.gets["/mute"] == asked


def test_addresses_that_ran_out_since_are_looked_up_again(site: Site, tmp_path: Path) -> None:
    source = ytdlp(tmp_path)
    [found] = source.discover(f"{site.url}/mute")
    site.pages["/new.mp4"] = site.pages["/film.mp4"]
    site.pages["/film.mp4"] = Page(b"expired", status=403)
    site.pages["/mute"] = html("A talk", player("/new.mp4"))
    (tmp_path / "scratch").mkdir()
    assert source.fetch(found, tmp_path / "scratch").files  # type: ignore[arg-type]  # as above


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (403, Rejected),
        (404, ContentError),
        (412, Unavailable),
        (429, Unavailable),
        (503, Unavailable),
    ],
)
def test_a_wall_before_the_file_is_told_as_one_before_the_page(
    site: Site, tmp_path: Path, status: int, kind: type[VideoRagError]
) -> None:
    site.pages["/film.mp4"] = Page(b"no", status=status)
    with pytest.raises(kind) as caught:
        fetch(ytdlp(tmp_path), f"{site.url}/mute", tmp_path)
    assert caught.value.hint


def test_a_body_that_breaks_off_goes_on_in_the_same_run(site: Site, tmp_path: Path) -> None:
    site.pages["/film.mp4"] = replace(site.pages["/film.mp4"], cut=100_000, etag=True)
    found = fetch(ytdlp(tmp_path, retries=5), f"{site.url}/mute", tmp_path)
    kept = (tmp_path / "media" / found.files[0].path).read_bytes()
    assert kept == site.pages["/film.mp4"].body
    assert site.gets["/film.mp4"] > 1
    assert site.sent["/film.mp4"] < 2 * len(kept)


def test_a_body_that_always_breaks_off_is_explained(site: Site, tmp_path: Path) -> None:
    page = site.pages["/film.mp4"]
    site.pages["/film.mp4"] = replace(page, cut=100_000, ranges=False)
    with pytest.raises(Unavailable, match=r"bytes read|giving up|more expected"):
        fetch(ytdlp(tmp_path, retries=1), f"{site.url}/mute", tmp_path)
    assert "media.json" not in files_in(tmp_path / "media")


def test_a_wrong_length_that_hides_the_end_is_noticed_and_tried_again(
    site: Site, tmp_path: Path
) -> None:
    site.pages["/film.mp4"] = replace(site.pages["/film.mp4"], promised=3000, ranges=False)
    with pytest.raises(ContentError, match="cut off"):
        fetch(ytdlp(tmp_path), f"{site.url}/mute", tmp_path)
    assert site.gets["/film.mp4"] == 2
    assert files_in(tmp_path / "media") == set()


def test_redirects_are_followed(site: Site, tmp_path: Path) -> None:
    site.pages["/moved"] = Page(status=302, headers={"Location": "/page"})
    site.pages["/page"] = html("A talk", player("/old.mp4"))
    site.pages["/old.mp4"] = Page(status=301, headers={"Location": "/film.mp4"})
    found = fetch(ytdlp(tmp_path), f"{site.url}/moved", tmp_path)
    assert found.files[0].size == len(site.pages["/film.mp4"].body)


def test_a_file_behind_cookies_needs_them(site: Site, tmp_path: Path) -> None:
    site.pages["/film.mp4"] = replace(site.pages["/film.mp4"], cookie="session=s3cret")
    with pytest.raises(Rejected):
        fetch(ytdlp(tmp_path), f"{site.url}/mute", tmp_path)
    cookies = tmp_path / "cookies.txt"
    row = "\t".join(["127.0.0.1", "FALSE", "/", "FALSE", "0", "session", "s3cret"])
    cookies.write_text(f"# Netscape HTTP Cookie File\n{row}\n")
    cookies.chmod(0o600)
    assert fetch(ytdlp(tmp_path, cookies=cookies), f"{site.url}/mute", tmp_path).files


def test_sound_files_are_sound(site: Site, tmp_path: Path) -> None:
    clips.tone(tmp_path / "episode.mp3")
    site.pages["/episode.mp3"] = Page((tmp_path / "episode.mp3").read_bytes(), "audio/mpeg")
    found = fetch(ytdlp(tmp_path), f"{site.url}/episode.mp3", tmp_path)
    assert [file.kind for file in found.files] == ["audio"]
