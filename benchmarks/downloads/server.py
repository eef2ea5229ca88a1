"""A web server that sends files at a steady rate: `python server.py FOLDER BYTES_PER_SECOND`.

Prints its address, then serves until it is ended. Knows `Range` and `HEAD`, counts requests under
`/counts`, and misbehaves where a path asks for it: `/fault/404/x.mp4`, `/copy/7/fault/cut/x.mp4` …
"""

from __future__ import annotations

import json
import re
import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

FOLDER, RATE = Path(sys.argv[1]), float(sys.argv[2])
BLOCK = 128 * 1024
TYPES = {".mp4": "video/mp4", ".m3u8": "application/vnd.apple.mpegurl", ".ts": "video/mp2t"}
TYPES |= {".html": "text/html", ".xml": "application/rss+xml", ".vtt": "text/vtt"}
counts: Counter[str] = Counter()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else a small body waits 40 ms for its head's receipt

    def do_HEAD(self) -> None:
        self.answer(with_body=False)

    def do_GET(self) -> None:
        self.answer(with_body=True)

    def answer(self, *, with_body: bool) -> None:
        path = urlsplit(self.path).path
        if path == "/counts":
            self.small(200, json.dumps(counts).encode(), "application/json")
            return
        if with_body:
            counts[path] += 1
        fault = re.search(r"/fault/(\w+)", path)
        kind, name = (fault[1], path.replace(fault[0], "")) if fault else ("", path)
        if kind.isdecimal():
            self.small(int(kind), b"no", "text/plain")
            return
        file = FOLDER / name.lstrip("/")
        # numbered copies of one file: /copy/17/x.mp4
        if match := re.match(r"copy/\d+/(.*)", name.lstrip("/")):
            file = FOLDER / match[1]
        if not file.is_file():
            self.small(404, b"not there", "text/plain")
            return
        self.send_file(file, kind, with_body=with_body)

    def send_file(self, file: Path, kind: str, *, with_body: bool) -> None:
        size = file.stat().st_size
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        first = int(wanted[1]) if wanted else 0
        last = min(int(wanted[2]), size - 1) if wanted and wanted[2] else size - 1
        if first >= size:
            self.small(416, b"", "text/plain")
            return
        self.send_response(206 if wanted else 200)
        if wanted:
            self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Type", TYPES.get(file.suffix, "application/octet-stream"))
        self.send_header("Content-Length", str(last - first + 1))
        self.end_headers()
        if not with_body:
            return
        left = last - first + 1
        if kind == "cut":
            left //= 2
        begun, sent = time.perf_counter(), 0
        with file.open("rb") as stream:
            stream.seek(first)
            while left > 0:
                block = stream.read(min(BLOCK, left))
                self.wfile.write(block)
                sent, left = sent + len(block), left - len(block)
                if (early := sent / RATE - (time.perf_counter() - begun)) > 0:
                    time.sleep(early)
        if kind == "cut":
            self.close_connection = True

    def small(self, status: int, body: bytes, media_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Be quiet."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_: object) -> None:
        """Clients hang up; that is no news."""


if __name__ == "__main__":
    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    sys.stdin.read()  # until whoever started us is gone
