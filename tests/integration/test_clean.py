"""What `video-rag clean` lets go, and what it never does."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shell import Shell, reading_shell
from talks import MOON, SHEEP, STARS, write_talk
from video_rag.errors import UsageError
from video_rag.library import Library
from video_rag.model import MediaSet
from video_rag.operations import cleaning
from video_rag.pipeline.results import load
from video_rag.settings import load_settings
from video_rag.testing import clips
from web import Page, Site, serve

VTT = "WEBVTT\n\n00:00.000 --> 00:01.000\nsheep are shorn once a year\n"
DAY = 86_400.0


@pytest.fixture
def run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Shell:
    return reading_shell(capsys, monkeypatch, tmp_path)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    clips.silent_video(tmp_path / "clip.mp4")
    clip = (tmp_path / "clip.mp4").read_bytes()
    with serve() as one:
        for number in range(3):
            body = f'<title>talk {number}</title><video src="/{number}.mp4">'
            body += '<track src="/en.vtt" kind="subtitles" srclang="en"></video>'
            one.pages[f"/{number}"] = Page(body.encode())
            one.pages[f"/{number}.mp4"] = Page(clip + bytes([number]), "video/mp4")
        one.pages["/en.vtt"] = Page(VTT.encode(), "text/vtt")
        yield one


def library_with(**sections: dict[str, Any]) -> Library:
    given = {
        "guard": {"allow_private": True},
        "sources": {"ytdlp": {"retries": 0, "sleep_subtitles": 0, "timeout": 5}},
        "pipeline": {"reader": "none", "transcribers": ["subtitles"]},
    }
    return Library(load_settings({**given, **sections}))


def films(library: Library) -> list[Path]:
    """The downloaded films that are there, in the order of their videos."""
    rows = library.ledger.all_results(("media",)).values()
    found = [load(library.blobs, row["media"], MediaSet).of("video")[0] for row in rows]
    return [path for path in map(library.locate, found) if path.exists()]


def age(path: Path, days: float) -> None:
    then = time.time() - days * DAY
    os.utime(path, (then, then))


def test_old_downloads_of_ready_videos_go_and_can_be_had_again(site: Site) -> None:
    library = library_with()
    for _ in library.add([f"{site.url}/{number}" for number in range(3)]):
        pass
    old, _, young = films(library)
    age(old, 40)
    library.ledger.commit(library.ledger.video_ids()[1], "compose", {})  # it is not ready
    age(films(library)[1], 40)
    told = {one.what: one.many for one in cleaning.clean(library, 30 * DAY, is_dry=True)}
    assert told["videos' downloads"] == 1
    assert len(films(library)) == 3
    told = {one.what: one.many for one in cleaning.clean(library, 30 * DAY, is_dry=False)}
    assert told["videos' downloads"] == 1
    assert not old.exists()
    assert young in films(library)
    assert len(films(library)) == 2
    first = library.ledger.video_ids()[0]
    assert library.document(first).sections
    assert library.status(first).state == "ready"
    library.close()


def test_beyond_the_budget_the_oldest_go_first(site: Site) -> None:
    library = library_with()
    for _ in library.add([f"{site.url}/{number}" for number in range(3)]):
        pass
    one, two, three = films(library)
    age(two, 3)
    age(one, 2)
    size = one.stat().st_size
    library.close()
    library = library_with(clean={"media_bytes": 2 * size + 10})
    list(cleaning.clean(library, None, is_dry=False))
    assert films(library) == [one, three]
    library.close()
    library = library_with(clean={"media_bytes": 1})
    list(cleaning.clean(library, None, is_dry=False))
    assert films(library) == []
    library.close()


def test_files_of_their_owner_and_what_is_named_stay(run: Shell, tmp_path: Path) -> None:
    (tmp_path / "talks").mkdir()
    clips.silent_video(tmp_path / "talks" / "film.mp4")
    for name, lines in {"film": SHEEP, "stars": STARS}.items():
        write_talk(tmp_path / "talks" / f"{name}.srt", lines)
    run("add", tmp_path / "talks")
    home = tmp_path / "home"
    nobodys = home / "blobs" / "ab" / ("cd" * 31)
    nobodys.parent.mkdir(exist_ok=True)
    nobodys.write_bytes(b"left behind")
    log = home / "logs" / "video-rag.log.1"
    log.parent.mkdir()
    log.write_text("old")
    (home / "library.db.before-7").write_bytes(b"copy")
    for path in (*home.rglob("*"), *(tmp_path / "talks").rglob("*")):
        if (path.is_file() and ".db" not in path.suffixes) or path.name.endswith("before-7"):
            age(path, 100)
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    told = run("clean", "--older-than", "30d", "--dry-run")
    assert "nothing was deleted" in told
    assert nobodys.exists()
    assert log.exists()
    run("clean", "--older-than", "30d")
    gone = before - {path for path in tmp_path.rglob("*") if path.is_file()}
    assert {nobodys, log, home / "library.db.before-7"} <= gone
    assert all(
        "feeds" in path.parts or path in {nobodys, log, home / "library.db.before-7"}
        for path in gone
    )
    run("doctor", "--thorough")
    assert run.found("a flock of sheep")
    run("clean", "--older-than", "soon", code=2)
    assert "write a number and a unit" in run.complaint


def test_a_collection_past_its_time_goes_from_the_bases_too(
    run: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, lines in {"sheep": SHEEP, "stars": STARS, "moon": MOON}.items():
        write_talk(tmp_path / name / f"{name}.srt", lines)
    run("add", tmp_path / "sheep", "--collection", "news")
    run("add", tmp_path / "stars", "--collection", "talks")
    run("add", tmp_path / "moon", "--collection", "news")
    run("add", tmp_path / "moon", "--collection", "talks")
    for path in (tmp_path / "home" / "documents").glob("*.md"):
        age(path, 100)
    monkeypatch.setenv("VIDEO_RAG_CLEAN__RETENTION", "news = 90d")
    told = run.json("clean", "--dry-run")["cleaned"][0]
    assert told == {"what": "videos past their time", "many": 1, "bytes": None, "names": ["sheep"]}
    assert sorted(run.titles()) == ["moon", "sheep", "stars"]
    run("clean")
    assert sorted(run.titles()) == ["moon", "stars"]
    assert not any("sheep" in text for text in run.found("a flock of sheep"))
    assert (tmp_path / "sheep" / "sheep.srt").exists()
    monkeypatch.setenv("VIDEO_RAG_CLEAN__RETENTION", "news")
    run("clean", code=2)
    assert "must be a collection and its age" in run.complaint


def test_old_backups_go_and_the_others_stay_whole(run: Shell, tmp_path: Path) -> None:
    kept = tmp_path / "home" / "backups"
    for name, lines in {"sheep": SHEEP, "stars": STARS, "moon": MOON}.items():
        write_talk(tmp_path / "talks" / f"{name}.srt", lines)
        run("add", tmp_path / "talks")
        run("backup")
    run("remove", "sheep")
    run("backup")
    before = len(list((kept / "objects").glob("??/*")))
    run("clean", "--keep", "1", "--dry-run")
    assert len(run.json("backups")) == 4
    told = run.json("clean", "--keep", "1")["cleaned"][-1]
    assert told["what"] == "backups"
    assert told["many"] == 3
    assert told["bytes"] > 0
    assert [one["is_whole"] for one in run.json("backups")] == [True]
    assert len(list((kept / "objects").glob("??/*"))) < before
    shutil.move(kept, tmp_path / "kept")
    shutil.rmtree(tmp_path / "home")
    run("restore", tmp_path / "kept")
    assert sorted(run.titles()) == ["moon", "stars"]
    run("doctor", "--thorough")


def test_an_age_needs_its_unit() -> None:
    assert [cleaning.age(text) for text in ("90m", "36H", "30d", "4w", None)] == [
        5400.0, 129_600.0, 30 * DAY, 28 * DAY, None,
    ]  # fmt: skip
    for text in ("30", "d", "0d", "-3d", "1.5d"):
        with pytest.raises(UsageError):
            cleaning.age(text)
