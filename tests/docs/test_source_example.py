"""The example source keeps the contract, visits politely, and works through the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from loading import loaded
from places import places
from video_rag.errors import ContentError, Unavailable, UnsupportedUrl, VideoRagError
from video_rag.model import Video
from video_rag.testing.clips import Extras, Shown, Track, slide_lecture
from video_rag.testing.source_contract import Place, SourceTests
from web import Page, Site, serve

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "plugin-source"


Archive: Any = loaded(EXAMPLE / "video_rag_archive.py", "video_rag_archive").Archive


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with serve() as site:
        rows = []
        for number, name in enumerate(("sheep", "stars")):
            words = Track("eng", [Shown(0.0, 2.0, f"This is about {name}.")])
            slide_lecture(tmp_path / f"{name}.mkv", [name], extras=Extras(subtitles=[words]))
            film = (tmp_path / f"{name}.mkv").read_bytes()
            site.pages[f"/{name}.mkv"] = Page(film, "video/x-matroska")
            rows.append({"id": number, "title": f"On {name}", "file": f"{site.url}/{name}.mkv"})
        gone = {"id": 9, "title": "On ice", "file": f"{site.url}/ice.mkv", "withdrawn": True}
        site.pages["/talks.json"] = Page(json.dumps([*rows, gone]).encode(), "application/json")
        site.pages["/none.json"] = Page(b"[]", "application/json")
        yield site


def archive(home: Path, *, allow_private: bool = True, room: int | None = None) -> Any:
    here = places(home, allow_private=allow_private, media_bytes=room)
    return Archive(Archive.Options(sleep=0), places=here)


def first(source: Any, site: Site) -> Video:
    found = next(source.discover(f"archive:{site.url}/talks.json"))
    assert isinstance(found, Video)
    return found


class TestArchive(SourceTests):
    @pytest.fixture
    def place(self, tmp_path: Path, site: Site) -> Place:
        return Place(
            source=archive(tmp_path / "home"),
            media=tmp_path / "home" / "media",
            url=f"archive:{site.url}/talks.json",
            nothing=f"archive:{site.url}/none.json",
            foreign=(f"{site.url}/talks.json", "/talks/1.mkv", "feed:https://a.example/"),
            reads=lambda: sum(site.gets.values()),
        )


def test_a_withdrawn_talk_is_given_as_the_error(tmp_path: Path, site: Site) -> None:
    found = list(archive(tmp_path / "home").discover(f"archive:{site.url}/talks.json"))
    assert isinstance(found[-1], ContentError)
    assert (found[-1].reason, found[-1].video_id[-2:]) == ("deleted", "-9")


def test_a_429_makes_the_archive_cool_down(tmp_path: Path, site: Site) -> None:
    source = archive(tmp_path / "home")
    video = first(source, site)
    film = site.pages["/sheep.mkv"]
    site.pages["/sheep.mkv"] = Page(status=429)
    with pytest.raises(Unavailable) as refused:
        source.fetch(video, tmp_path)
    assert (refused.value.reason, round(refused.value.retry_after or 0, -1)) == ("rate-limit", 900)
    site.pages["/sheep.mkv"] = film
    asked = dict(site.gets)
    with pytest.raises(Unavailable) as later:
        source.fetch(video, tmp_path)
    assert later.value.reason == "cooling-down"
    assert dict(site.gets) == asked


def test_it_keeps_out_of_private_networks_and_within_the_disk_budget(
    tmp_path: Path, site: Site
) -> None:
    video = first(archive(tmp_path / "home"), site)
    outside: list[tuple[Any, type[VideoRagError], str]] = [
        (archive(tmp_path / "home", allow_private=False), UnsupportedUrl, "private-network"),
        (archive(tmp_path / "home", room=100), Unavailable, "disk-budget"),
    ]
    for source, kind, reason in outside:
        with pytest.raises(kind) as refused:
            source.fetch(video, tmp_path)
        assert refused.value.reason == reason
    assert not (tmp_path / "home" / "media").exists()


def test_the_command_line_knows_it(tmp_path: Path, site: Site) -> None:
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    info = tmp_path / "site" / f"video_rag_archive-{project['version']}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: video-rag-archive\nVersion: 0.1\n")
    [(family, points)] = project["entry-points"].items()
    (info / "entry_points.txt").write_text(f"[{family}]\narchive = {points['archive']}\n")
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(tmp_path / "site"), str(EXAMPLE)]),
        "VIDEO_RAG_GUARD__ALLOW_PRIVATE": "true",
        "VIDEO_RAG_PIPELINE__TRANSCRIBERS": "subtitles",
        "VIDEO_RAG_PIPELINE__READER": "none",
        "VIDEO_RAG_SOURCES__ARCHIVE__SLEEP": "0",
    }
    for words in (["watch", "add", f"archive:{site.url}/talks.json"], ["run", "--json"]):
        command = [sys.executable, "-m", "video_rag", *words]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    videos = {row["title"]: row["state"] for row in told["videos"]}
    assert videos == {"On sheep": "ready", "On stars": "ready"}
    [checked] = told["checked"]
    assert [news["kind"] for news in checked["news"]] == ["absent", "new", "new"]
