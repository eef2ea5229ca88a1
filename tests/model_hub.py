"""A server that gives models away as Hugging Face does, on this machine."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@contextmanager
def serve_model(folder: Path) -> Iterator[str]:
    """The address of a server whose every repository holds the files of this folder."""
    files = {path.name: path.read_bytes() for path in folder.iterdir()}

    class Hub(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.answer(with_body=False)

        def do_GET(self) -> None:
            self.answer(with_body=True)

        def answer(self, *, with_body: bool) -> None:
            body, headers = self.find()
            self.send_response(200)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if with_body:
                self.wfile.write(body)

        def find(self) -> tuple[bytes, dict[str, str]]:
            path = self.path.partition("?")[0]
            if "/resolve/" in path:
                body = files[path.rpartition("/")[2]]
                etag = f'"{hashlib.sha256(body).hexdigest()}"'
                return body, {"ETag": etag, "X-Repo-Commit": COMMIT}
            if "/tree/" in path:
                listed = [
                    {"type": "file", "path": name, "size": len(body), "oid": COMMIT}
                    for name, body in files.items()
                ]
                return json.dumps(listed).encode(), {"Content-Type": "application/json"}
            siblings = [{"rfilename": name} for name in files]
            info = {"id": "any/model", "sha": COMMIT, "siblings": siblings}
            return json.dumps(info).encode(), {"Content-Type": "application/json"}

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - inherited name
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
