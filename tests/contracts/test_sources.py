"""Our sources keep the contract."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from films import film, html, player, ytdlp
from places import places
from talks import SHEEP, STARS, write_talk
from video_rag.sources.folder import Folder
from video_rag.testing.clips import silent_video
from video_rag.testing.source_contract import Place, SourceTests
from web import Page, serve


class TestFolder(SourceTests):
    @pytest.fixture
    def place(self, tmp_path: Path) -> Place:
        folder = tmp_path / "talks"
        folder.mkdir()
        silent_video(folder / "one.mp4")
        write_talk(folder / "two.srt", SHEEP)
        write_talk(folder / "ten.en.srt", STARS)
        source = Folder(Folder.Options(), places=places(tmp_path / "home"))
        return Place(
            source=source,
            media=tmp_path / "home" / "media",
            url=str(folder),
            nothing=str(tmp_path / "nowhere"),
            foreign=("https://talks.example/1.mp4", "http://talks.example/"),
            reads=lambda: 0,
        )


class TestYtDlp(SourceTests):
    @pytest.fixture
    def place(self, tmp_path: Path) -> Iterator[Place]:
        pytest.importorskip("yt_dlp")
        with serve() as site:
            for name in ("one", "two"):
                site.pages[f"/{name}.mp4"] = Page(film(tmp_path, 50_000), "video/mp4")
            site.pages["/page"] = html("Two films", player("/one.mp4"), player("/two.mp4"))
            site.pages["/empty"] = html("No film")
            yield Place(
                source=ytdlp(tmp_path / "home"),
                media=tmp_path / "home" / "media",
                url=f"{site.url}/page",
                nothing=f"{site.url}/empty",
                foreign=(
                    "/talks/1.mp4",
                    "file:///talks/1.mp4",
                    "talk.mp4",
                    "ftp://a.example/1.mp4",
                ),
                reads=lambda: sum(site.gets.values()),
            )


class TestFeeds(SourceTests):
    """What no page of a video is opened for: yt-dlp's source reads feeds by itself."""

    @pytest.fixture
    def place(self, tmp_path: Path) -> Iterator[Place]:
        pytest.importorskip("yt_dlp")
        with serve() as site:
            items = ""
            for name in ("one", "two"):
                site.pages[f"/{name}.mp4"] = Page(film(tmp_path, 50_000), "video/mp4")
                file = f'<enclosure url="{site.url}/{name}.mp4" type="video/mp4"/>'
                items += f"<item><title>Film {name}</title><guid>{name}</guid>{file}</item>"
            for path, content in (("/feed.xml", items), ("/empty.xml", "")):
                body = f'<rss version="2.0"><channel><title>Films</title>{content}</channel></rss>'
                site.pages[path] = Page(body.encode(), "application/rss+xml")
            yield Place(
                source=ytdlp(tmp_path / "home"),
                media=tmp_path / "home" / "media",
                url=f"{site.url}/feed.xml",
                nothing=f"{site.url}/empty.xml",
                foreign=("/talks/feed.xml", "file:///talks/feed.xml", "feed.xml"),
                reads=lambda: sum(site.gets.values()),
            )
