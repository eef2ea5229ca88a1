"""Podcasts as they are met: through the real command line, from a server on loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from shell import Shell
from video_rag.testing import clips
from web import Page, Site, serve

pytest.importorskip("yt_dlp")
pytest.importorskip("feedparser")


@pytest.fixture
def shell(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Shell:
    settings = tmp_path / "settings.toml"
    settings.write_text(
        "[guard]\nallow_private = true\n[sources.ytdlp]\nretries = 0\nsleep_subtitles = 0\n"
        '[pipeline]\ntranscribers = ["subtitles"]\nsampler = "none"\nreader = "none"\n'
    )
    monkeypatch.setenv("VIDEO_RAG_CONFIG", str(settings))
    monkeypatch.setenv("COLUMNS", "200")
    return Shell(capsys)


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("sound") / "sound.mp3"
    clips.tone(path, seconds=20)
    return path.read_bytes()


@pytest.fixture
def site(sound: bytes) -> Iterator[Site]:
    with serve() as running:
        for number in range(1, 4):  # a byte of its own for each: the same file is one video
            running.pages[f"/ep{number}.mp3"] = Page(sound + bytes([number]), "audio/mpeg")
        running.pages["/my%20files/a.mp3"] = Page(sound, "audio/mpeg")
        yield running


def show(site: Site, *items: str, head: str = "<title>Rock talk</title>") -> str:
    """Serve a feed; gives its address. BASE in items stands for the server's."""
    rows = "".join(f"<item>{item}</item>" for item in items).replace("BASE", site.url)
    body = f"<rss version='2.0'><channel>{head}{rows}</channel></rss>"
    site.pages["/feed.xml"] = Page(body.encode(), "application/rss+xml")
    return f"{site.url}/feed.xml"


def episode(number: int, more: str = "", guid: str = "") -> str:
    return (
        f"<title>Part {number}</title><guid>{guid or number}</guid>{more}"
        f"<enclosure url='BASE/ep{number}.mp3' type='audio/mpeg'/>"
    )


def test_three_episodes_of_one_guid_are_three_and_stay_three(shell: Shell, site: Site) -> None:
    url = show(site, *(episode(n, guid="1") for n in (1, 2, 3)))
    shell("add", url, "--json", code=3)  # sound without words, and nobody to recognise speech
    assert [row["title"] for row in shell.json("list")] == ["Part 1", "Part 2", "Part 3"]
    shell("add", url, "--json", code=3)
    assert len(shell.json("list")) == 3


def test_a_file_with_spaces_in_its_address_is_fetched(shell: Shell, site: Site) -> None:
    title = "<![CDATA[Tom &amp; Jerry <b>live</b>]]>"
    url = show(
        site,
        f"<title>{title}</title><guid>tag:rock,2026:4</guid>"
        "<enclosure url='BASE/my files/a.mp3' length='1' type='audio/mpeg'/>",
    )
    shell("add", url, "--json", code=3)
    [row] = shell.json("list")
    assert row["title"] == "Tom & Jerry live"
    assert site.gets["/my%20files/a.mp3"] > 0
    shell("add", f"{site.url}/my files/a.mp3", "--json", code=3)
    assert site.sent["/my%20files/a.mp3"] > 0


def test_a_sick_feed_of_which_all_was_read_ends_well(shell: Shell, site: Site) -> None:
    url = show(site, episode(1).replace("Part 1", "Q&A"), episode(2))
    shell("watch", "add", url)
    checked = shell.json("watch", "check")
    assert [news["title"] for news in checked[0]["news"]] == ["Q&A", "Part 2"]
    assert checked[0]["problems"] == []
    assert checked[0]["error"] is None


WORDS = ("Sheep", "eat", "grass.", "Then", "granite", "cools", "slowly.")
IN_JSON = json.dumps(
    {
        "version": "1.0.0",
        "segments": [
            {"speaker": "Grace", "startTime": 2.0 * n, "endTime": 2.0 * n + 1, "body": word}
            for n, word in enumerate(WORDS)
        ],
    }
)
IN_HTML = (
    "<html><body><h1>Part 1</h1><cite>Grace:</cite><time>0:00</time><p>Sheep eat grass.</p>"
    "<cite>Lee:</cite><time>0:06</time><p>Then <b>granite</b> cools slowly.</p></body></html>"
)
IN_SRT = (
    "1\n00:00:00,000 --> 00:00:05,000\nGrace: Sheep eat grass.\n\n"
    "2\n00:00:06,000 --> 00:00:12,000\nLee: Then granite cools slowly.\n"
)
IN_VTT = "WEBVTT\n\n" + IN_SRT.replace(",", ".")


def transcript(url: str, media_type: str = "text/plain", more: str = "") -> str:
    return f"<podcast:transcript url='{url}' type='{media_type}' {more}/>"


def notes_of(shell: Shell) -> str:
    [row] = shell.json("list")
    return "\n".join(shell.json("show", row["video_id"])["notes"])


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (IN_JSON, "application/json"),
        (IN_HTML, "text/html"),
        (IN_SRT, "application/x-subrip"),
        (IN_VTT, "text/vtt"),
        (IN_JSON, "text/plain"),
        (IN_SRT.replace("\n", "\r\n"), "application/octet-stream"),
    ],
)
def test_words_of_an_episode_are_found_at_their_second(
    shell: Shell, site: Site, body: str, media_type: str
) -> None:
    site.pages["/t/1"] = Page(body.encode(), media_type)
    url = show(site, episode(1, transcript("/t/1", media_type)))
    [row] = shell.json("add", url)
    assert row["state"] == "ready"
    assert shell.found("granite")
    cited = shell.json("ask", "What cools slowly?")["citations"]
    assert [(one["start"], "granite" in one["quote"]) for one in cited] == [(6.0, True)]
    shell("add", url)
    assert site.gets["/t/1"] == 1, "what is here is not fetched again"


def test_chapters_of_a_feed_are_the_episodes_where_no_others_are_known(
    shell: Shell, site: Site
) -> None:
    site.pages["/t/1"] = Page(IN_VTT.encode(), "text/vtt")
    chapters = [{"startTime": 6, "title": "Stones"}, {"startTime": 0, "title": "Farm"}]
    body = json.dumps({"version": "1.2.0", "chapters": chapters}).encode()
    site.pages["/c.json"] = Page(body, "application/json+chapters")
    more = "<podcast:chapters url='BASE/c.json' type='application/json+chapters'/>"
    [row] = shell.json("add", show(site, episode(1, transcript("/t/1") + more)))
    shown = shell.json("show", row["video_id"])
    assert [(one["heading"], one["start"]) for one in shown["sections"]] == [
        ("Farm", 0.0),
        ("Stones", 6.0),
    ]
    assert shell.json("search", "granite")[0]["start"] == 6.0


@pytest.mark.parametrize(
    ("page", "said"),
    [
        (Page(status=404), "404"),
        (Page(b"Sheep eat grass, and then granite cools.", "text/plain"), "without times"),
        (Page(b"<html><body><p>Granite cools.</p></body></html>"), "without times"),
        (Page(b"\x89PNG\r\n\x1a\n\0\0\0", "text/vtt"), "without times"),
        (Page(b'{"segments": [{"body": "granite"}]}', "application/json"), "without times"),
        (Page(b"", "text/vtt"), "empty"),
        (Page(b"x" * (16 * 2**20 + 1), "text/vtt"), "larger than"),
        (Page(IN_VTT.encode(), "text/vtt", cut=20), "transcript left out"),
    ],
)
def test_a_transcript_that_cannot_be_had_is_a_note_and_costs_nothing_else(
    shell: Shell, site: Site, page: Page, said: str
) -> None:
    site.pages["/bad"] = page
    site.pages["/good"] = Page(IN_SRT.encode(), "application/srt")
    both = transcript("/bad", "text/vtt") + transcript("/good", "text/html")
    [row] = shell.json("add", show(site, episode(1, both)))
    assert row["state"] == "ready"
    assert said in notes_of(shell)
    assert "/bad" in notes_of(shell)
    assert shell.found("granite")


def test_without_any_transcript_the_episode_is_what_it_would_be_without(
    shell: Shell, site: Site
) -> None:
    url = show(site, episode(1, transcript("/none.srt") + transcript("http://[/")))
    [row] = shell.json("add", url, code=3)
    assert row["failures"][0]["stage"] != "fetch"


def test_of_several_transcripts_language_and_captions_decide(shell: Shell, site: Site) -> None:
    for name, word in [("plain", "basalt"), ("captions", "granite"), ("fr", "ardoise")]:
        site.pages[f"/{name}"] = Page(IN_SRT.replace("granite", word).encode(), "application/srt")
    files = [
        transcript("/fr", "text/vtt", "language='fr' rel='captions'"),
        transcript("/plain", "text/vtt", "language='en'"),
        transcript("/captions", "application/srt", "rel='captions'"),
    ]
    head = "<title>Rock talk</title><language>en-us</language>"
    shell("add", show(site, episode(1, "".join(files)), head=head))
    assert shell.found("granite")
    assert not any("basalt" in text for text in shell.found("basalt"))
    assert site.gets["/plain"] == 0
    assert site.gets["/fr"] == 0, "a language that nobody asked for is not fetched"
