"""A small web server on loopback that misbehaves where a test wants it to."""

from __future__ import annotations

import hashlib
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

_BLOCK = 4096
"""Bytes sent at once by a page that is slow or breaks off."""


class Meeting:
    """Answers nobody until so many different paths were asked for; hangs up when none come."""

    def __init__(self, many: int) -> None:
        self._many = many
        self._paths: set[str] = set()
        self._all_here = threading.Event()

    def wait(self, path: str) -> None:
        """Raises `ConnectionError` after ten seconds without the others."""
        self._paths.add(path)
        if len(self._paths) >= self._many:
            self._all_here.set()
        if not self._all_here.wait(10):
            raise ConnectionError(f"{path} stayed alone")


@dataclass(frozen=True)
class Page:
    """What a path answers."""

    body: bytes = b""
    media_type: str = "text/html; charset=utf-8"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    ranges: bool = True
    """Whether a part may be asked for."""
    etag: bool = False
    """Whether an ETag is sent, and If-Range understood."""
    speed: float = 0.0
    """Bytes per second; 0 for as fast as can be."""
    cut: int | None = None
    """Hang up after so many bytes of an answer's body."""
    promised: int | None = None
    """Send this Content-Length instead of the true one."""
    cookie: str = ""
    """Refuse with 403 who does not send this cookie."""
    meeting: Meeting | None = None
    """Wait for requests of other pages before answering."""

    @property
    def tag(self) -> str:
        """The ETag of the body."""
        return f'"{hashlib.sha256(self.body).hexdigest()[:16]}"'


@dataclass
class Site:
    """A running server: put pages into `pages`, see what was asked in `gets` and `cookies`."""

    url: str
    pages: dict[str, Page] = field(default_factory=dict)
    gets: Counter[str] = field(default_factory=Counter)
    cookies: set[str] = field(default_factory=set)
    sent: Counter[str] = field(default_factory=Counter)
    """Bytes of bodies that went out, by path."""
    ranges: list[tuple[str, str]] = field(default_factory=list)
    """Path and `Range` of each request that had one."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients hang up when they have seen enough; that is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site: Site

    def do_GET(self) -> None:
        site, path = self.site, urlsplit(self.path).path
        site.gets[path] += 1
        cookies = self.headers.get_all("Cookie", [])
        site.cookies |= set(cookies)
        if "Range" in self.headers:
            site.ranges.append((path, self.headers["Range"]))
        page = site.pages.get(path, Page(b"not found", status=404))
        if page.cookie and page.cookie not in "; ".join(cookies).split("; "):
            page = Page(b"sign in first", status=403)
        if page.meeting:
            page.meeting.wait(path)
        self.answer(page, path)

    def do_HEAD(self) -> None:
        self.answer(self.site.pages.get(urlsplit(self.path).path, Page(status=404)), None)

    def answer(self, page: Page, path: str | None) -> None:
        """Send headers, and the body of a GET."""
        status, body, more = _part(page, self.headers.get("Range"), self.headers.get("If-Range"))
        self.send_response(status)
        for name, value in {**page.headers, **more}.items():
            self.send_header(name, value)
        self.send_header("Content-Type", page.media_type)
        length = len(body) if page.promised is None else page.promised
        self.send_header("Content-Length", str(length))
        if page.promised is not None:
            self.send_header("Connection", "close")
        self.end_headers()
        if path is not None:
            self.send_body(body, page, path)

    def send_body(self, body: bytes, page: Page, path: str) -> None:
        """As fast and as far as the page says."""
        if not page.speed and page.cut is None:
            self.site.sent[path] += len(body)
            self.wfile.write(body)
            return
        # Little may wait in the kernel, or a client's death would cost more than it took.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BLOCK)
        most = len(body) if page.cut is None else page.cut
        for begin in range(0, min(len(body), most), _BLOCK):
            block = body[begin : min(begin + _BLOCK, most)]
            self.wfile.write(block)
            self.site.sent[path] += len(block)
            if page.speed:
                time.sleep(len(block) / page.speed)
        if most < len(body):
            self.close_connection = True

    def log_message(self, *args: object) -> None:
        """Be quiet."""


@contextmanager
def serve() -> Iterator[Site]:
    """A server on a free port of 127.0.0.1, gone at the end of the block."""
    site = Site("")
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"site": site}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    site.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield site
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _part(page: Page, wanted: str | None, only_if: str | None) -> tuple[int, bytes, dict[str, str]]:
    """Status, bytes and headers for the headers `Range` and `If-Range`."""
    headers = {"ETag": page.tag} if page.etag else {}
    match = re.fullmatch(r"bytes=(\d+)-(\d*)", wanted or "")
    if not page.ranges:
        return page.status, page.body, headers
    if page.status != 200 or not match or (page.etag and only_if not in {None, page.tag}):
        return page.status, page.body, {**headers, "Accept-Ranges": "bytes"}
    first = int(match[1])
    last = min(int(match[2] or len(page.body) - 1), len(page.body) - 1)
    if first > last:
        return 416, b"", {**headers, "Content-Range": f"bytes */{len(page.body)}"}
    headers["Content-Range"] = f"bytes {first}-{last}/{len(page.body)}"
    return 206, page.body[first : last + 1], headers
