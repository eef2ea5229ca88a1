"""Sixty and more hostile URLs, pages and titles, through the real yt-dlp and a real library.

Nothing here is simulated but the internet: names below `.example` are in the test's own name
server, the one public address is a server on loopback, and every other address is a trap on
loopback that counts who calls. Harmless means: nobody called the trap.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from typer.testing import CliRunner

from places import places
from video_rag.cli import app
from video_rag.errors import Unavailable, UnsupportedUrl, VideoRagError
from video_rag.library import Library
from video_rag.model import Video
from video_rag.net.proxy import CheckingProxy
from video_rag.settings import load_settings
from video_rag.sources.ytdlp import YtDlp
from video_rag.sources.ytdlp.door import Door
from video_rag.testing.clips import silent_video
from web import Page, Site, serve

pytest.importorskip("yt_dlp")

# yt-dlp leaves sockets and files of failed downloads to the garbage collector
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

PUBLIC = "93.184.216.34"
HLS = "application/vnd.apple.mpegurl"
WORDS = b"WEBVTT\n\n00:00.200 --> 00:01.800\nPenguins live in the south.\n"


@dataclass
class World:
    """The internet as the tests know it."""

    site: Site
    """What answers at http://talks.example."""
    port: int
    """Where the trap listens, at every address that is not public."""
    calls: list[bytes] = field(default_factory=list)
    """What the trap was sent."""
    rebinding: Iterator[str] = field(default_factory=lambda: iter([PUBLIC] + ["127.0.0.1"] * 99))

    def lookup(self, host: str, port: int) -> list[str]:
        """The name server."""
        known = {
            "talks.example": [PUBLIC],
            "inside.example": ["10.0.0.5"],
            "loop.example": ["127.0.0.1"],
            "both.example": [PUBLIC, "192.168.1.1"],
            "mapped.example": ["::ffff:127.0.0.1"],
            "metadata.google.internal": ["169.254.169.254"],
        }
        if host == "rebind.example":
            return [next(self.rebinding)]
        if host in known:
            return known[host]
        rows = socket.getaddrinfo(host, port, flags=socket.AI_NUMERICHOST)
        return [str(row[4][0]) for row in rows]

    def connect(self, place: tuple[str, int], seconds: float) -> socket.socket:
        """The cables: whatever is not public leads into the trap."""
        public = urlsplit(self.site.url).port or 0
        port = public if place[0] == PUBLIC else self.port
        return socket.create_connection(("127.0.0.1", port), timeout=seconds)

    def make(self, upstream: str | None) -> CheckingProxy:
        """A checking proxy in this world."""
        return CheckingProxy(upstream=upstream, lookup=self.lookup, connect=self.connect)


@pytest.fixture
def world() -> Iterator[World]:
    listener = socket.create_server(("127.0.0.1", 0))
    with serve() as site:
        world = World(site, listener.getsockname()[1])

        def run() -> None:
            while True:
                client, _ = listener.accept()
                with client, contextlib.suppress(OSError):
                    client.settimeout(5)
                    world.calls.append(client.recv(65536))
                    if world.calls[-1] == b"enough":
                        return
                    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret")

        thread = threading.Thread(target=run)
        thread.start()
        yield world
        with socket.create_connection(listener.getsockname()) as last:
            last.sendall(b"enough")
        thread.join()
    listener.close()


@pytest.fixture
def source(world: World, tmp_path: Path) -> Iterator[YtDlp]:
    options = YtDlp.Options.model_validate({"retries": 0, "sleep_subtitles": 0, "timeout": 5})
    door = Door(allow_private=False, lookup=world.lookup, make=world.make)
    yield YtDlp(options, places=places(tmp_path, allow_private=False), door=door)
    door.close()


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("clips") / "clip.mp4"
    silent_video(path)
    return path.read_bytes()


# --- 1. URLs that somebody hands in --------------------------------------------------------------

HANDED_IN = {
    "loopback": "http://127.0.0.1:{port}/v.mp4",
    "loopback, another address": "http://127.8.9.10:{port}/v.mp4",
    "loopback, short": "http://127.1:{port}/v.mp4",
    "loopback, decimal": "http://2130706433:{port}/v.mp4",
    "loopback, octal": "http://0177.0.0.1:{port}/v.mp4",
    "loopback, octal in one": "http://017700000001:{port}/v.mp4",
    "loopback, hexadecimal": "http://0x7f000001:{port}/v.mp4",
    "loopback, hexadecimal parts": "http://0x7f.0x0.0x0.0x1:{port}/v.mp4",
    "loopback, full-width digits": "http://１２７.０.０.１:{port}/v.mp4",
    "loopback, circled digits": "http://①②⑦.⓪.⓪.①:{port}/v.mp4",
    "loopback, ideographic dots": "http://127。0。0。1:{port}/v.mp4",
    "any address": "http://0.0.0.0:{port}/v.mp4",
    "any address, short": "http://0:{port}/v.mp4",
    "IPv6 loopback": "http://[::1]:{port}/v.mp4",
    "IPv6 any": "http://[::]:{port}/v.mp4",
    "IPv4 mapped": "http://[::ffff:127.0.0.1]:{port}/v.mp4",
    "IPv4 mapped, hexadecimal": "http://[::ffff:a9fe:a9fe]:{port}/v.mp4",
    "IPv4 compatible": "http://[::127.0.0.1]:{port}/v.mp4",
    "6to4": "http://[2002:7f00:1::]:{port}/v.mp4",
    "NAT64": "http://[64:ff9b::7f00:1]:{port}/v.mp4",
    "NAT64, local": "http://[64:ff9b:1::7f00:1]:{port}/v.mp4",
    "Teredo": "http://[2001:0:0:0:0:0:80ff:fffe]:{port}/v.mp4",
    "link-local with a zone": "http://[fe80::1%25lo]:{port}/v.mp4",
    "unique local": "http://[fd00:ec2::254]:{port}/v.mp4",
    "site-local": "http://[fec0::1]:{port}/v.mp4",
    "private 10": "http://10.0.0.1:{port}/v.mp4",
    "private 172": "http://172.31.255.255:{port}/v.mp4",
    "private 192": "http://192.168.0.1:{port}/v.mp4",
    "carrier's": "http://100.64.0.1:{port}/v.mp4",
    "metadata": "http://169.254.169.254:{port}/latest/meta-data/",
    "metadata, decimal": "http://2852039166:{port}/latest/meta-data/",
    "metadata by name": "http://metadata.google.internal:{port}/computeMetadata/v1/",
    "multicast": "http://224.0.0.1:{port}/v.mp4",
    "broadcast": "http://255.255.255.255:{port}/v.mp4",
    "localhost": "http://localhost:{port}/v.mp4",
    "localhost, dotted": "http://LocalHost.:{port}/v.mp4",
    "localhost below": "http://a.b.localhost:{port}/v.mp4",
    "localhost, full-width": "http://ｌｏｃａｌｈｏｓｔ:{port}/v.mp4",
    "a name inside": "http://inside.example:{port}/v.mp4",
    "a name inside, with a dot": "http://inside.example.:{port}/v.mp4",
    "a name for loopback": "https://loop.example:{port}/v.mp4",
    "a name that is both": "http://both.example:{port}/v.mp4",
    "a name for IPv4 mapped": "http://mapped.example:{port}/v.mp4",
    "a name that changes": "http://rebind.example/v.mp4",
    "a user before": "http://talks.example@127.0.0.1:{port}/v.mp4",
    "a user and password before": "http://talks.example:80@127.0.0.1:{port}/v.mp4",
    "a backslash": "http://talks.example\\@127.0.0.1:{port}/v.mp4",
    "an encoded dot": "http://127%2e0.0.1:{port}/v.mp4",
    "an encoded slash": "http://127.0.0.1%2ftalks.example:{port}/v.mp4",
    "a hash in the host": "http://127.0.0.1:{port}#@talks.example/v.mp4",
    "a new header": "http://talks.example/v\r\nHost: 127.0.0.1:{port}\r\n/v.mp4",
    "a NUL": "http://talks.example/\x00v.mp4",
    "a right-to-left mark": "http://talks.example/\u202e4pm.v",
    "port 0": "http://127.0.0.1:0/v.mp4",
    "a port too large": "http://talks.example:{port}99999/v.mp4",
    "too long": "http://talks.example/" + "a" * 10_000,
    "a file": "file:///etc/passwd",
    "a file of a host": "file://127.0.0.1/etc/passwd",
    "gopher": "gopher://127.0.0.1:{port}/_GET",
    "ftp": "ftp://127.0.0.1:{port}/v.mp4",
    "data": "data:video/mp4;base64,AAAA",
    "javascript": "javascript:alert(1)",
    "dict": "dict://127.0.0.1:{port}/d",
    "no scheme": "//127.0.0.1:{port}/v.mp4",
    "yt-dlp's search": "ytsearch:talks",
    "yt-dlp's alias": "generic:http://127.0.0.1:{port}/v.mp4",
}


@pytest.mark.parametrize("name", HANDED_IN)
def test_a_hostile_url_is_refused_when_it_is_looked_at_and_when_it_is_fetched(
    world: World, source: YtDlp, tmp_path: Path, name: str
) -> None:
    url = HANDED_IN[name].format(port=world.port)
    with pytest.raises((UnsupportedUrl, Unavailable)):
        list(source.discover(url))
    (tmp_path / "scratch").mkdir()
    with pytest.raises((UnsupportedUrl, Unavailable)):
        source.fetch(
            Video(video_id="web:0", source="ytdlp", url=url, title="x"), tmp_path / "scratch"
        )
    assert world.calls == []
    assert not world.site.gets


# --- 2. Pages that lead somewhere else -----------------------------------------------------------


def redirect(status: int, to: str) -> Page:
    return Page(status=status, headers={"Location": to})


def html(body: str, head: str = "") -> Page:
    return Page(
        f"<html><head><title>A talk</title>{head}</head><body>{body}</body></html>".encode()
    )


def hls(text: str) -> Page:
    return Page(f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n{text}".encode(), HLS)


def feed(link: str) -> Page:
    item = f"<item><title>One</title><enclosure url='{link}' type='video/mp4'/></item>"
    return Page(
        f"<?xml version='1.0'?><rss version='2.0'><channel>{item}</channel></rss>".encode(),
        "application/rss+xml",
    )


def dash(base: str) -> Page:
    text = f"""<?xml version='1.0'?><MPD xmlns='urn:mpeg:dash:schema:mpd:2011' type='static'
        mediaPresentationDuration='PT2S'><Period><AdaptationSet mimeType='video/mp4'>
        <Representation id='1' bandwidth='1000' codecs='avc1.64000c' width='320' height='180'>
        <BaseURL>{base}</BaseURL><SegmentList duration='2'><SegmentURL media='s.mp4'/>
        </SegmentList></Representation></AdaptationSet></Period></MPD>"""
    return Page(text.encode(), "application/dash+xml")


PLACES = {
    "an address": "http://127.0.0.1:{port}/v.mp4",
    "metadata": "http://169.254.169.254/v.mp4",
    "a name inside": "http://inside.example/v.mp4",
    "https": "https://127.0.0.1:{port}/v.mp4",
    "a name that changed": "http://rebind.example/v.mp4",
    "a file": "file:///etc/passwd",
    "ftp": "ftp://127.0.0.1:{port}/v.mp4",
    "rtmp": "rtmp://127.0.0.1:{port}/app/v.mp4",
}

ENDLIST = "#EXT-X-ENDLIST\n"
WAYS = {
    "301": lambda to: redirect(301, to),
    "302": lambda to: redirect(302, to),
    "303": lambda to: redirect(303, to),
    "307": lambda to: redirect(307, to),
    "308": lambda to: redirect(308, to),
    "a meta refresh": lambda to: html("", f"<meta http-equiv=refresh content='0; url={to}'>"),
    "a video tag": lambda to: html(f"<video src='{to}'></video>"),
    "a source tag": lambda to: html(f"<video><source src='{to}' type='video/mp4'></video>"),
    "an og tag": lambda to: html("", f"<meta property='og:video' content='{to}'>"),
    "JSON-LD": lambda to: html(
        "",
        "<script type='application/ld+json'>{"
        f'"@context":"http://schema.org","@type":"VideoObject","name":"x","contentUrl":"{to}"'
        "}</script>",
    ),
    "a feed": feed,
    "a variant of HLS": lambda to: hls(f"#EXT-X-STREAM-INF:BANDWIDTH=1000\n{to}\n"),
    "a segment of HLS": lambda to: hls(f"#EXTINF:2,\n{to}\n{ENDLIST}"),
    "a key of HLS": lambda to: hls(
        f'#EXT-X-KEY:METHOD=AES-128,URI="{to}"\n#EXTINF:2,\n/clip.mp4\n{ENDLIST}'
    ),
    "a key of HLS for ffmpeg": lambda to: hls(
        f'#EXT-X-KEY:METHOD=SAMPLE-AES,URI="{to}"\n#EXTINF:2,\n{to}\n{ENDLIST}'
    ),
    "a head of HLS": lambda to: hls(f'#EXT-X-MAP:URI="{to}"\n#EXTINF:2,\n/clip.mp4\n{ENDLIST}'),
    "DASH": dash,
}


def reached(source: YtDlp, url: str, folder: Path) -> list[VideoRagError]:
    """Look at a page and fetch all that is there; the errors on the way."""
    errors: list[VideoRagError] = []
    try:
        found = list(source.discover(url))
    except VideoRagError as error:
        return [error]
    for number, video in enumerate(found):
        if isinstance(video, VideoRagError):
            errors.append(video)
            continue
        scratch = folder / f"scratch-{number}"
        scratch.mkdir()
        try:
            source.fetch(video, scratch)
        except VideoRagError as error:
            errors.append(error)
    return errors


USUAL = ("302", "a video tag", "a segment of HLS")
"""Ways that are tried with every place; the others with one."""


@pytest.mark.parametrize(
    ("way", "place"),
    [(way, place) for way in WAYS for place in PLACES if way in USUAL or place == "an address"],
)
def test_a_page_that_leads_to_a_private_place_is_harmless(
    world: World, source: YtDlp, clip: bytes, tmp_path: Path, way: str, place: str
) -> None:
    target = PLACES[place].format(port=world.port)
    next(world.rebinding)  # it was public when the page was made
    suffix = {"DASH": ".mpd", "a feed": ".xml"}.get(way, ".m3u8" if "HLS" in way else ".html")
    world.site.pages[f"/page{suffix}"] = WAYS[way](target)
    world.site.pages["/clip.mp4"] = Page(clip, "video/mp4")
    errors = reached(source, f"http://talks.example/page{suffix}", tmp_path)
    assert world.calls == []
    assert errors, "something was brought home"
    assert world.site.gets[f"/page{suffix}"] > 0
    kept = [path for path in (tmp_path / "media").rglob("*") if path.is_file()]
    assert not [path for path in kept if path.suffix == ".mp4"]
    for error in errors:
        assert "secret" not in str(error)
        assert "root:" not in str(error)


@pytest.mark.parametrize("way", ["302", "a video tag", "a segment of HLS"])
def test_the_error_names_the_place_and_what_to_do(
    world: World, source: YtDlp, tmp_path: Path, way: str
) -> None:
    world.site.pages["/page.m3u8"] = WAYS[way]("http://inside.example/v.mp4")
    [error] = reached(source, "http://talks.example/page.m3u8", tmp_path)
    assert "leads to inside.example, which is on this machine or in a private network" in str(error)
    assert "allow_private" in error.hint
    assert isinstance(error, UnsupportedUrl)


@pytest.mark.parametrize("place", PLACES)
def test_a_track_that_leads_to_a_private_place_is_left_out(
    world: World, source: YtDlp, clip: bytes, tmp_path: Path, place: str
) -> None:
    target = PLACES[place].format(port=world.port).replace(".mp4", ".vtt")
    next(world.rebinding)
    tag = f"<track kind='subtitles' srclang='en' src='{target}'>"
    world.site.pages["/page.html"] = html(f"<video src='/clip.mp4'>{tag}</video>")
    world.site.pages["/clip.mp4"] = Page(clip, "video/mp4")
    reached(source, "http://talks.example/page.html", tmp_path)
    assert world.calls == []
    texts = [p.read_bytes() for p in (tmp_path / "media").rglob("*.vtt")]
    assert not [text for text in texts if b"secret" in text or b"root:" in text]


@pytest.mark.parametrize("value", ["*", "127.0.0.1,inside.example,.example"])
@pytest.mark.parametrize("way", ["302", "a video tag", "a segment of HLS", "DASH"])
def test_no_proxy_in_the_environment_opens_no_way_around(
    world: World,
    source: YtDlp,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    way: str,
    value: str,
) -> None:
    monkeypatch.setenv("NO_PROXY", value)
    monkeypatch.setenv("no_proxy", value)
    world.site.pages["/page.m3u8"] = WAYS[way](f"http://127.0.0.1:{world.port}/v.mp4")
    assert reached(source, "http://talks.example/page.m3u8", tmp_path)
    assert world.calls == []


@pytest.mark.parametrize("handler", ["Requests", "CurlCFFI", "Websockets", "Urllib"])
def test_every_way_of_yt_dlp_to_fetch_keeps_to_the_proxy(
    world: World, monkeypatch: pytest.MonkeyPatch, handler: str
) -> None:
    from yt_dlp.networking import Request
    from yt_dlp.networking.exceptions import RequestError

    monkeypatch.setenv("NO_PROXY", "*")
    scheme = "ws" if handler == "Websockets" else "http"
    world.site.pages["/moved"] = redirect(302, f"http://127.0.0.1:{world.port}/")
    urls = [f"{scheme}://127.0.0.1:{world.port}/", f"{scheme}s://127.0.0.1:{world.port}/"]
    urls += [f"{scheme}://talks.example/moved"]
    door = Door(allow_private=False, lookup=world.lookup, make=world.make)
    with door.open("x", {"quiet": True, "logger": Quiet()}) as downloader:
        way = downloader._request_director.handlers[handler]
        for url in urls:
            with pytest.raises(RequestError) as caught:
                sent(way, Request(url))
            if response := getattr(caught.value, "response", None):
                response.close()
        with pytest.raises(RequestError):
            downloader.urlopen(Request(urls[0], proxies={"all": None}))
    door.close()
    assert world.calls == []


def sent(way: Any, request: Any) -> None:
    """Let one of yt-dlp's handlers have a request, if it takes it."""
    way.validate(request)
    way.send(request)


class Quiet:
    """A log that keeps silent."""

    def debug(self, message: str) -> None:
        """Say nothing."""

    info = warning = error = debug


def test_a_playlist_that_calls_itself_a_video_opens_nothing(
    world: World, source: YtDlp, tmp_path: Path
) -> None:
    (tmp_path / "secret.ts").write_bytes(b"secret" * 100)
    text = f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nfile://{tmp_path}/secret.ts\n"
    text += f"#EXTINF:2,\nhttp://127.0.0.1:{world.port}/v.ts\n{ENDLIST}"
    world.site.pages["/v.mp4"] = Page(text.encode(), "video/mp4")
    reached(source, "http://talks.example/v.mp4", tmp_path)
    assert world.calls == []
    kept = [path.read_bytes() for path in (tmp_path / "media").rglob("*") if path.is_file()]
    assert not [data for data in kept if b"secretsecret" in data]


# --- 3. Titles -----------------------------------------------------------------------------------

TITLES = {
    "traversal": "../../../../tmp/owned",
    "traversal, Windows": "..\\..\\..\\owned",
    "an absolute path": "/etc/cron.d/owned",
    "a drive": "C:\\Windows\\owned",
    "a home": "~/.ssh/authorized_keys",
    "a NUL": "owned\x00.mp4",
    "a bell and a back space": "owned\x07\x08\x08",
    "colours": "\x1b[31mred\x1b[0m",
    "a new window title": "\x1b]0;owned\x07",
    "a link in the terminal": "\x1b]8;;http://evil.example\x1b\\click\x1b]8;;\x1b\\",
    "C1 controls": "\x9b31mred\x9b0m",
    "lines": "one\r\ntwo\n\n# three",
    "line separators": "one\u2028two\u2029three\x85four",
    "10,000 characters": "a" * 10_000,
    "10,000 wide characters": "很" * 10_000,
    "right to left": "\u202egpj.exe",
    "isolates": "\u2066owned\u2069\u200f\u200e",
    "a template": "%(id)s %(webpage_url)s %(exec)s",
    "a template that breaks": "%(title",
    "a command": "$(touch owned)",
    "backticks": "`touch owned`; touch owned & touch owned | touch owned",
    "an option": "--exec=touch owned",
    "a device": "CON",
    "a device with a suffix": "nul.mp4",
    "dots at the end": "owned. . .",
    "only dots": "...",
    "joined emoji": "👨\u200d👩\u200d👧\u200d👦 talk \u200d",
    "only what cannot be seen": "\u200b\u200b\ufeff",
    "nothing": "",
    "markup": "&lt;script&gt;alert(1)&lt;/script&gt;",
    "broken UTF-8": "owned\ufffd\ud800",
}


def page_with(title: bytes) -> Page:
    body = b"<video src='v.mp4'><track kind=subtitles srclang=en src='v.vtt'></video>"
    return Page(b"<html><title>" + title + b"</title>" + body + b"</html>")


def test_hostile_titles_are_harmless_on_disk_and_in_the_terminal(
    clip: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("VIDEO_RAG_GUARD__ALLOW_PRIVATE", "true")
    library = Library(load_settings({"sources": {"ytdlp": {"sleep_subtitles": 0}}}))
    with serve() as site:
        for number, title in enumerate(TITLES.values()):
            site.pages[f"/{number}/p.html"] = page_with(title.encode("utf-8", "surrogatepass"))
            site.pages[f"/{number}/v.mp4"] = Page(clip, "video/mp4")
            site.pages[f"/{number}/v.vtt"] = Page(WORDS, "text/vtt")
        urls = [f"{site.url}/{number}/p.html" for number in range(len(TITLES))]
        added = list(library.add(urls))
    folders = (
        tmp_path / "home",
        library.settings.library.documents,
        library.settings.library.media,
    )
    library.close()
    states = [row.status.state if row.status else "" for row in added]
    assert states == ["ready"] * len(TITLES), added
    for path in (path for path in tmp_path.rglob("*") if path.is_file()):
        assert any(path.resolve().is_relative_to(folder.resolve()) for folder in folders), path
        assert len(os.fsencode(path.name)) <= 255
        assert not [char for char in path.name if misleads(char)]
    assert len(list(folders[1].rglob("*.md"))) == len(TITLES)
    for command in [
        ["list"],
        *(["show", row.status.video.video_id] for row in added if row.status),
    ]:
        done = CliRunner().invoke(app, command)
        assert done.exit_code == 0, done.output
        assert not [char for char in done.stdout.replace("\n", "") if misleads(char)], command


def misleads(char: str) -> bool:
    """Whether a character does something to a terminal or turns the text around it.

    Marks of direction and joiners stay: Hebrew, Arabic and Persian need them.
    """
    turns = "\u202a" <= char <= "\u202e" or "\u2066" <= char <= "\u2069"
    return turns or unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"}


def test_the_lists_are_as_long_as_promised() -> None:
    assert len(HANDED_IN) + len(WAYS) + len(PLACES) + len(TITLES) >= 60
