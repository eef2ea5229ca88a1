"""Walls of real servers on loopback, met by yt-dlp itself: the site is left alone, others go on."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from places import places
from video_rag.cli import app
from video_rag.errors import ContentError, Rejected, Unavailable, VideoRagError
from video_rag.model import Video
from video_rag.operations import doctor
from video_rag.settings import load_settings
from video_rag.sources import walls
from video_rag.sources.ytdlp import YtDlp
from video_rag.sources.ytdlp.session import Heard, Sessions
from video_rag.testing import clips
from web import Page, Site, serve

pytest.importorskip("yt_dlp")

VTT = "WEBVTT\n\n00:00.000 --> 00:01.000\nhello\n"


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("clips") / "clip.mp4"
    clips.silent_video(path)
    return path.read_bytes()


@pytest.fixture
def site(clip: bytes) -> Iterator[Site]:
    with serve() as running:
        running.pages["/clip.mp4"] = Page(clip, "video/mp4")
        yield running


@pytest.fixture
def other(clip: bytes) -> Iterator[Site]:
    with serve() as running:
        running.pages["/clip.mp4"] = Page(clip, "video/mp4")
        yield running


def ytdlp(home: Path, **options: Any) -> YtDlp:
    values = {"retries": 0, "sleep_subtitles": 0, "timeout": 5, **options}
    return YtDlp(YtDlp.Options.model_validate(values), places=places(home))


def refusal(source: YtDlp, url: str) -> VideoRagError:
    with pytest.raises(VideoRagError) as caught:
        list(source.discover(url))
    return caught.value


def name_of(site: Site) -> str:
    return site.url.removeprefix("http://")


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [
        (401, Rejected, "sign-in"),
        (403, Rejected, "forbidden"),
        (404, ContentError, "deleted"),
        (410, ContentError, "deleted"),
        (451, ContentError, "region"),
        (412, Unavailable, "risk-control"),
        (429, Unavailable, "rate-limit"),
        (500, Unavailable, "busy"),
        (503, Unavailable, "busy"),
    ],
)
def test_every_refusal_says_which_wall_it_is(
    site: Site, tmp_path: Path, status: int, kind: type, reason: str
) -> None:
    site.pages["/x"] = Page(b"no", status=status)
    found = refusal(ytdlp(tmp_path), f"{site.url}/x?token=s3cret")
    assert (type(found), found.reason) == (kind, reason)
    assert found.hint
    assert "s3cret" not in f"{found} {found.hint}"


def test_after_a_wall_the_site_is_not_asked_and_others_are(
    site: Site, other: Site, tmp_path: Path
) -> None:
    site.pages["/x"] = Page(b"no", status=429, headers={"Retry-After": "1234"})
    wall = refusal(ytdlp(tmp_path, cooldown=60), f"{site.url}/x")
    assert wall.retry_after == pytest.approx(1234, abs=60)
    asked = sum(site.gets.values())
    source = ytdlp(tmp_path)
    refused = refusal(source, f"{site.url}/clip.mp4")
    assert (type(refused), refused.reason) == (Unavailable, "cooling-down")
    assert refused.retry_after == pytest.approx(1234, abs=60)
    assert "rate-limit" in str(refused)
    assert sum(site.gets.values()) == asked
    [video] = source.discover(f"{other.url}/clip.mp4")
    assert isinstance(video, Video)
    assert source.lane(video).site == name_of(other)


def test_a_missing_video_leaves_the_site_open(site: Site, tmp_path: Path) -> None:
    source = ytdlp(tmp_path)
    assert refusal(source, f"{site.url}/gone").reason == "deleted"
    assert len(list(source.discover(f"{site.url}/clip.mp4"))) == 1


def test_a_budget_of_one_video_a_day_is_kept(site: Site, tmp_path: Path) -> None:
    site.pages["/second.mp4"] = site.pages["/clip.mp4"]
    table = {name_of(site): {"per_day": 1}}
    source = ytdlp(tmp_path, sites=table)
    first, second = (
        next(iter(source.discover(f"{site.url}/{name}.mp4"))) for name in ("clip", "second")
    )
    assert isinstance(first, Video)
    assert isinstance(second, Video)
    for number in range(2):
        scratch = tmp_path / f"scratch{number}"
        scratch.mkdir()
        source.fetch(first, scratch)  # the second time it is here already
    with pytest.raises(Unavailable) as caught:
        source.fetch(second, tmp_path / "scratch0")
    assert caught.value.reason == "day-budget"
    assert 0 < (caught.value.retry_after or 0) <= 86_400


def test_refused_subtitles_are_noted_and_cool_the_site_down(site: Site, tmp_path: Path) -> None:
    body = '<video src="/clip.mp4"><track src="/en.vtt" kind="subtitles" srclang="en"></video>'
    site.pages["/page"] = Page(f"<html><title>Talk</title><body>{body}</body></html>".encode())
    site.pages["/en.vtt"] = Page(VTT.encode(), "text/vtt", status=429)
    source = ytdlp(tmp_path, cooldown=600)
    [video] = source.discover(f"{site.url}/page")
    assert isinstance(video, Video)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    found = source.fetch(video, scratch)
    assert found.has_picture
    assert any("subtitles en left out" in note for note in found.notes)
    state = source.places.sites.site(name_of(site))
    assert state.reason == "rate-limit"
    assert state.cooling_until > time.time() + 500


def test_a_site_s_own_proxy_is_used_for_it_alone(site: Site, other: Site, tmp_path: Path) -> None:
    """A proxy that is not there: what goes through it fails."""
    with serve() as gone:
        proxy = gone.url
    source = ytdlp(tmp_path, sites={name_of(site): {"proxy": proxy}})
    assert refusal(source, f"{site.url}/clip.mp4").reason == "network"
    assert not site.gets
    assert len(list(source.discover(f"{other.url}/clip.mp4"))) == 1


def test_what_yt_dlp_warns_of_is_remembered_once() -> None:
    heard = Heard()
    for _ in range(2):
        heard.warning("[youtube] abc: No supported JavaScript runtime could be found. Only deno")
    heard.whisper(
        "[debug] abc: web client https formats require a GVS PO Token which was not provided"
    )
    heard.whisper("[debug] something else")
    heard.warning("[generic] Falling back on generic information extractor")
    assert set(heard.walls) == {"javascript", "po-token"}
    assert set(heard.notes) == {"javascript"}
    assert walls.UPDATE not in heard.notes["javascript"]


def test_a_warning_of_yt_dlp_becomes_a_note_of_the_session(site: Site, tmp_path: Path) -> None:
    sessions = Sessions(YtDlp.Options(), places(tmp_path))
    with sessions.open(f"{site.url}/clip.mp4", {}) as session:
        extractor = session.downloader.get_info_extractor("BiliBili")
        extractor.report_warning("Subtitles are only available when logged in. Use --cookies")
        extractor.write_debug("web client subtitles require a PO Token which was not provided. x")
    assert "(sign-in)" in session.warnings[0]
    assert set(session.walls) == {"sign-in", "po-token"}


def looked_up_with_a_warning(site: Site, folder: Path, **options: Any) -> tuple[YtDlp, Video]:
    """A video whose page, so the look of a moment ago, lets only some things through."""
    chosen = YtDlp.Options.model_validate({"retries": 0, **options})
    source = YtDlp(chosen, places=places(folder))
    (video,) = source.discover(f"{site.url}/clip.mp4")
    assert isinstance(video, Video)
    fetch = source._fetch
    facts = fetch._recent.take(video.url)
    assert facts
    fetch.remember(video, facts._replace(notes=("subtitles need a login (sign-in)",)))
    return source, video


def test_what_the_look_was_warned_of_is_a_note_of_the_download(site: Site, tmp_path: Path) -> None:
    source, video = looked_up_with_a_warning(site, tmp_path)
    assert "subtitles need a login (sign-in)" in source.fetch(video, tmp_path).notes


def test_no_subtitles_tells_what_the_look_was_warned_of(site: Site, tmp_path: Path) -> None:
    source, video = looked_up_with_a_warning(site, tmp_path, fetch="subtitles")
    with pytest.raises(ContentError, match=r"no subtitles .* need a login") as caught:
        source.fetch(video, tmp_path)
    assert caught.value.reason == "no-subtitles"


def test_expired_cookies_are_named_as_the_reason(site: Site, tmp_path: Path) -> None:
    sessions = Sessions(YtDlp.Options(), places(tmp_path))

    def be_turned_away() -> None:
        with sessions.open(f"{site.url}/clip.mp4", {}) as session:
            extractor = session.downloader.get_info_extractor("Youtube")
            extractor.report_warning("The provided YouTube account cookies are no longer valid. x")
            raise Rejected("not a bot", reason="bot-check")

    with pytest.raises(Rejected) as caught:
        be_turned_away()
    assert caught.value.reason == "cookies-expired"
    assert "export" in caught.value.hint
    assert caught.value.retry_after == 86_400  # by then somebody may have exported them again
    assert places(tmp_path).sites.site(name_of(site)).reason == "bot-check"


def test_doctor_and_sites_show_a_wall_and_forget_lifts_it(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.pages["/x"] = Page(b"no", status=412)
    refusal(ytdlp(tmp_path), f"{site.url}/x")
    monkeypatch.setenv("VIDEO_RAG_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    rows = [row for row in doctor.examine(load_settings()) if name_of(site) in row.detail]
    [row] = rows
    assert row.state == "note"
    assert "left alone until" in row.detail
    assert "risk-control" in row.detail
    assert f"video-rag sites forget {name_of(site)}" in row.hint
    run = CliRunner()
    shown = json.loads(run.invoke(app, ["sites", "--json"]).stdout)
    assert [(one["site"], one["is_cooling"]) for one in shown] == [(name_of(site), True)]
    done = run.invoke(app, ["sites", "forget", name_of(site)])
    assert (done.exit_code, "is visited again" in done.stdout) == (0, True)
    assert len(list(ytdlp(tmp_path).discover(f"{site.url}/clip.mp4"))) == 1


def test_doctor_says_what_downloads_are_made_of(tmp_path: Path) -> None:
    settings = load_settings({"home": str(tmp_path)}, env={}, cwd=tmp_path)
    found = {row.detail: row for row in doctor.examine(settings) if row.name == "sources.ytdlp"}
    for word in ("yt-dlp 20", "days old", "JavaScript for YouTube", "ffmpeg", "PO tokens"):
        assert any(word in detail for detail in found), word
    assert all(row.state in {"ok", "note"} for row in found.values())
