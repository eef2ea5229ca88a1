"""What reaches a terminal: no orders from strangers, no walls of text, and why something waits."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest

from talks import SHEEP, STARS, write_talk
from video_rag.cli import main
from web import Page, serve

ORDERS = "\x1b[31mred\x1b]0;owned\x07 \x9b2J \u202egnp"
"""A colour, a window's title, a cleared screen, and writing turned round."""


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("VIDEO_RAG_GUARD__ALLOW_PRIVATE", "true")


def ordered(text: str) -> list[str]:
    """The characters that a terminal would obey."""
    return [
        char
        for char in text
        if (unicodedata.category(char) == "Cc" and char != "\n") or char in "\u202e\u2066"
    ]


def test_names_and_words_of_strangers_give_a_terminal_no_orders(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    talks = tmp_path / f"talks {ORDERS}"
    write_talk(talks / f"sheep {ORDERS}.srt", tuple(f"{words} {ORDERS}" for words in SHEEP))
    (talks / f"empty {ORDERS}.mp4").touch()
    commands = [
        ["add", str(talks)],
        ["list"],
        ["list", "--json"],
        ["search", "sheep"],
        ["ask", "What do sheep eat?"],
        ["show", str(talks / f"sheep {ORDERS}.srt")],
        ["show", ORDERS],
        ["watch", "add", str(talks)],
        ["watch", "add", str(talks / ORDERS)],
        ["watch", "check", "--now"],
        ["watch", "list"],
        ["sites", "forget", ORDERS],
        ["add", "--from", ORDERS],
        ["add", "--fetch", ORDERS, "x"],
        [ORDERS],
    ]
    for command in commands:
        main(command)
        out, err = capsys.readouterr()
        assert out + err
        assert not ordered(out + err), command
    main(["list", "--json"])
    rows = json.loads(capsys.readouterr().out)
    assert any(ORDERS in row["source"] for row in rows)


def test_a_title_of_a_file_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_talk(tmp_path / "sheep\nand\tgoats.srt", SHEEP)
    assert main(["add", str(tmp_path / "sheep\nand\tgoats.srt")]) == 0
    assert "sheep and goats: ready" in capsys.readouterr().out


def test_long_titles_are_cut_where_there_are_many(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    title = "羊" * 300
    talk = write_talk(tmp_path / "talk.srt", SHEEP)
    assert main(["add", str(talk), "--title", title]) == 0
    assert main(["list"]) == 0
    text = capsys.readouterr().out
    assert f"{title[:99]}…" in text
    assert title not in text
    for command in (["search", "sheep"], ["ask", "What do sheep eat?"]):
        assert main(command) == 0
        text = capsys.readouterr().out
        assert f"{title[:99]}…" in text
        assert title not in text
    assert main(["show", str(talk)]) == 0
    assert title in capsys.readouterr().out


def test_add_says_what_waits_behind_a_wall_and_why(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("feedparser")
    with serve() as site:
        items = "".join(
            f'<item><title>Talk {number}</title><enclosure url="{site.url}/{number}.mp4" '
            'type="video/mp4"/></item>'
            for number in range(4)
        )
        feed = f'<rss version="2.0"><channel><title>T</title>{items}</channel></rss>'
        site.pages["/feed.xml"] = Page(feed.encode(), "application/rss+xml")
        site.pages["/1.mp4"] = Page(status=429)
        assert main(["add", f"{site.url}/feed.xml"]) == 3
    out, err = capsys.readouterr()
    assert "✗ Talk 0: failed" in err
    assert "✗ Talk 1: waiting" in err
    assert "✗ Talk 2" not in err
    assert "… Talk 2: queued" in out
    assert "(rate-limit): 2 videos wait" in out
    assert "0 of 4 ready, 4 new; 1 failed, 2 queued, 1 waiting" in out


def test_watch_check_says_why_there_is_nothing_to_look_at(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["watch", "check", "--now"])
    assert "nothing is watched" in capsys.readouterr().out
    write_talk(tmp_path / "inbox" / "stars.srt", STARS)
    main(["watch", "add", str(tmp_path / "inbox")])
    main(["watch", "pause", "1"])
    main(["watch", "check", "--now"])
    assert "is paused" in capsys.readouterr().out
    main(["watch", "check"])
    assert "--now" not in capsys.readouterr().out


@pytest.mark.parametrize(
    "command",
    [
        ["add", "ftp://me:Q7zQ7z@h/x"],
        ["add", "rtsp://h/x?token=Q7zQ7z"],
        ["show", "https://h/x?auth=Q7zQ7z"],
        ["watch", "add", "ftp://me:Q7zQ7z@h/x"],
        ["watch", "pause", "https://me:Q7zQ7z@h"],
        ["add", "--json", "rtsp://h/x?token=Q7zQ7z"],
    ],
)
def test_an_address_that_is_refused_is_told_without_its_secrets(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command) == 2
    out, err = capsys.readouterr()
    rest = [value for key, value in _texts(out) if key != "source"]
    assert "Q7z" not in err + "".join(rest)


def _texts(out: str) -> list[tuple[str, str]]:
    """What is printed, by key if it is JSON; programs get back the address that they gave."""
    if not out.startswith("["):
        return [("", out)]
    return [(key, str(value)) for row in json.loads(out) for key, value in row.items()]
