"""`video-rag watch …` as people and programs use it, on a feed of loopback and a real folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from shell import Shell
from talks import SHEEP, STARS, write_talk
from web import Page, Site, serve

pytest.importorskip("yt_dlp")
pytest.importorskip("feedparser")


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.setenv("VIDEO_RAG_GUARD__ALLOW_PRIVATE", "true")
    monkeypatch.setenv("COLUMNS", "200")
    return Shell(capsys)


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """A folder with two talks that nobody is writing any more."""
    for name, words in (("sheep", SHEEP), ("stars", STARS)):
        os.utime(write_talk(tmp_path / "inbox" / f"{name}.srt", words), (1_700_000_000,) * 2)
    return tmp_path / "inbox"


@pytest.fixture
def site() -> Iterator[Site]:
    with serve() as running:
        show(running, "One", "Two")
        yield running


def show(site: Site, *titles: str) -> None:
    """The feed has episodes of these titles now."""
    rows = "".join(
        f'<item><title>{title}</title><enclosure url="{site.url}/{number}.mp3" type="audio/mpeg"/>'
        "</item>"
        for number, title in enumerate(titles)
    )
    body = f'<rss version="2.0"><channel><title>The cast</title>{rows}</channel></rss>'
    site.pages["/feed.xml"] = Page(body.encode(), "application/rss+xml")


def test_a_feed_is_followed_from_the_first_look_to_the_end(shell: Shell, site: Site) -> None:
    url = f"{site.url}/feed.xml"
    assert "due now" in shell("watch", "add", url, "--every", "6h", "--collection", "casts")
    text = shell("watch", "check")
    assert "The cast" in text
    assert "2 new" in text
    assert "+ One" in text
    assert [row["state"] for row in shell.json("list")] == ["queued", "queued"]
    assert "nothing is due" in shell("watch", "check")
    show(site, "One, revised", "Two", "Three")
    text = shell("watch", "check", "--now")
    assert "One → One, revised" in text
    assert "+ Three" in text
    assert "no news (3 listed)" in shell("watch", "check", "cast")
    assert "no longer watching" in shell("watch", "remove", "1")
    assert "Nothing is watched" in shell("watch", "list")
    assert len(shell.json("list")) == 3


def test_a_first_look_at_a_long_list_does_not_fill_the_screen(shell: Shell, site: Site) -> None:
    show(site, *[f"Episode [{number}]" for number in range(30)])
    shell("watch", "add", f"{site.url}/feed.xml")
    text = shell("watch", "check")
    assert "30 new" in text
    assert "+ Episode [19]" in text
    assert "and 10 more" in text
    assert len(text.splitlines()) == 22


def test_a_check_tells_programs_all_that_it_found(shell: Shell, site: Site) -> None:
    shell("watch", "add", f"{site.url}/feed.xml", "--limit", "1", "--skip", "two")
    [row] = shell.json("watch", "check")
    assert set(row) == {
        "url", "title", "passed", "listed", "next", "news", "counts", "problems", "error",
    }  # fmt: skip
    assert (row["listed"], row["passed"], row["error"]) == (2, None, None)
    assert row["counts"] == {"taken": 1, "waiting": 0, "skipped": 1, "absent": 0}
    [news] = row["news"]
    assert (news["kind"], news["title"], len(news["video_ids"])) == ("new", "One", 1)
    assert shell.json("watch", "check") == []


def test_the_list_fits_a_terminal_and_its_addresses_stay_whole(
    shell: Shell, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    url = f"{site.url}/feed.xml?channel={'x' * 60}"
    shell("watch", "add", url, "--every", "30 4 * * 1")
    site.pages[url.removeprefix(site.url)] = site.pages["/feed.xml"]
    shell("watch", "check")
    head, row, name = shell("watch", "list").splitlines()
    assert max(len(head), len(row)) <= 80
    assert name.strip() == f"The cast ({url}): 30 4 * * 1"
    assert row.split()[-4:] == ["2", "0", "0", "0"]


def test_the_list_tells_programs_all_settings(shell: Shell, site: Site) -> None:
    url = f"{site.url}/feed.xml"
    options = ["--every", "0 3 * * 1", "--since", "2026-01-01", "--match", "t", "--fetch", "audio"]
    added = shell.json("watch", "add", url, *options)
    assert added["is_new"] is True
    [row] = shell.json("watch", "list")
    assert row == {
        "number": 1,
        "url": url,
        "title": "",
        "every": "0 3 * * 1",
        "collection": None,
        "since": "2026-01-01",
        "match": "t",
        "skip": None,
        "limit": 0,
        "fetch": "audio",
        "paused": False,
        "next": added["next"],
        "last": None,
        "problem": None,
        "counts": {"taken": 0, "waiting": 0, "skipped": 0, "absent": 0},
    }
    shell("watch", "add", url, "--match", "")
    [again] = shell.json("watch", "list")
    assert again == {**row, "match": None, "next": again["next"]}


def test_a_list_that_cannot_be_read_is_an_error_and_stays_in_the_list(
    shell: Shell, site: Site, inbox: Path
) -> None:
    shell("watch", "add", f"{site.url}/nothing.xml")
    shell("watch", "add", inbox)
    text = shell("watch", "check", code=3)
    assert "2 new" in text
    assert "no news" not in text
    assert "404" in shell.err
    assert shell.err.count("/nothing.xml") == 1
    shell("watch", "list")
    assert "error: 1:" in shell.err
    rows = shell.json("watch", "list")
    assert ["404" in (row["problem"] or "") for row in rows] == [True, False]
    [broken] = shell.json("watch", "check", "nothing", code=3)
    assert broken["error"]["hint"]


def test_a_paused_list_is_left_alone_until_it_is_resumed(shell: Shell, inbox: Path) -> None:
    shell("watch", "add", inbox)
    assert "paused" in shell("watch", "pause", "inbox")
    assert "nothing is due" in shell("watch", "check", "--now")
    assert "watch resume" in shell("watch", "check", inbox)
    assert shell.json("watch", "list")[0]["next"] is None
    assert "it is paused" in shell("watch", "add", inbox)
    assert "next:" in shell("watch", "resume", "1")
    assert "2 new" in shell("watch", "check")


def test_a_pass_over_everything_due_looks_and_works(shell: Shell, inbox: Path) -> None:
    shell("watch", "add", inbox, "--collection", "talks")
    shell("watch", "check")
    assert shell("run").splitlines()[-1] == "videos: 2 ready"
    assert shell("run") == "nothing is due\n"
    rows = shell.json("list")
    assert [(row["title"], row["state"], row["collection"]) for row in rows] == [
        ("sheep", "ready", "talks"),
        ("stars", "ready", "talks"),
    ]


def test_a_pass_sums_up_what_it_looked_at(shell: Shell, inbox: Path) -> None:
    shell("watch", "add", inbox)
    assert shell("run").splitlines()[-1] == "1 list looked at, 2 new; videos: 2 ready"


def test_a_relative_folder_is_kept_with_its_whole_path(
    shell: Shell, inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(inbox.parent)
    shell("watch", "add", "inbox")
    assert shell.json("watch", "list")[0]["url"] == str(inbox)
    monkeypatch.chdir("/")
    assert "2 new" in shell("watch", "check")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--every", "now and then"],
        ["--every", "1m"],
        ["--since", "last week"],
        ["--match", "("],
        ["--skip", "*"],
        ["--limit", "-1"],
        ["--fetch", "everything"],
    ],
)
def test_a_wrong_option_keeps_nothing(shell: Shell, inbox: Path, arguments: list[str]) -> None:
    shell("watch", "add", inbox, *arguments, code=2)
    assert "error:" in shell.err
    assert "hint:" in shell.err
    assert shell.json("watch", "list") == []


@pytest.mark.parametrize("name", ["7", "nothing", "/not/there"])
def test_what_is_not_watched_cannot_be_named(shell: Shell, inbox: Path, name: str) -> None:
    shell("watch", "add", inbox)
    for command in ("remove", "pause", "resume", "check"):
        shell("watch", command, name, code=2)
        assert "watch list" in shell.err
    shell("watch", "add", "/not/there", code=2)


def test_secrets_in_an_address_are_not_printed(shell: Shell, site: Site) -> None:
    url = f"{site.url}/feed.xml?token=very-secret-token"
    printed = shell("watch", "add", url)
    printed += shell("watch", "check") + shell("watch", "list")
    site.pages["/feed.xml"] = Page(b"", status=503)
    printed += shell("watch", "check", "--now", code=4) + shell.err
    printed += shell("watch", "pause", "1") + shell("watch", "remove", "1")
    assert "very-secret" not in printed
