"""A small web server on loopback that misbehaves where a test wants it to."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Page:
    """What a path answers."""

    body: bytes = b""
    media_type: str = "text/html; charset=utf-8"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Site:
    """A running server: put pages into `pages`, see what was asked in `gets` and `cookies`."""

    url: str
    pages: dict[str, Page] = field(default_factory=dict)
    gets: Counter[str] = field(default_factory=Counter)
    cookies: set[str] = field(default_factory=set)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients hang up when they have seen enough; that is no news."""


@contextmanager
def serve() -> Iterator[Site]:
    """A server on a free port of 127.0.0.1, gone at the end of the block."""
    site = Site("")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            site.gets[path] += 1
            site.cookies |= set(self.headers.get_all("Cookie", []))
            self.answer(site.pages.get(path, Page(b"not found", status=404)), with_body=True)

        def do_HEAD(self) -> None:
            page = site.pages.get(urlsplit(self.path).path, Page(status=404))
            self.answer(page, with_body=False)

        def answer(self, page: Page, *, with_body: bool) -> None:
            status, body, more = _part(page, self.headers.get("Range"))
            self.send_response(status)
            for name, value in {**page.headers, **more}.items():
                self.send_header(name, value)
            self.send_header("Content-Type", page.media_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if with_body:
                self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Be quiet."""

    server = _Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    site.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield site
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _part(page: Page, wanted: str | None) -> tuple[int, bytes, dict[str, str]]:
    """Status, bytes and headers for a `Range` header."""
    match = re.fullmatch(r"bytes=(\d+)-(\d*)", wanted or "")
    if page.status != 200 or not match:
        return page.status, page.body, {"Accept-Ranges": "bytes"}
    first = int(match[1])
    last = min(int(match[2] or len(page.body) - 1), len(page.body) - 1)
    if first > last:
        return 416, b"", {"Content-Range": f"bytes */{len(page.body)}"}
    shown = f"bytes {first}-{last}/{len(page.body)}"
    return 206, page.body[first : last + 1], {"Content-Range": shown}
