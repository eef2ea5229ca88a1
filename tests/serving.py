"""The real server on a free port, and visitors that speak to it by the byte."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from video_rag.api.server import bind, make
from video_rag.library import Library

HERE = ("127.0.0.1", 50_000)
"""The peer of a `TestClient` that sits at this machine."""


@dataclass(frozen=True)
class Served:
    """A running server."""

    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def say(self, request: str | bytes, seconds: float = 20.0) -> bytes:
        """What the server answers to these bytes, until it hangs up."""
        data = request.encode() if isinstance(request, str) else request
        with socket.create_connection(("127.0.0.1", self.port), timeout=seconds) as visitor:
            visitor.sendall(data)
            pieces = []
            while piece := visitor.recv(65_536):
                pieces.append(piece)
        return b"".join(pieces)

    def status(
        self,
        path: str,
        *lines: str,
        method: str = "GET",
        version: str = "1.1",
        seconds: float = 20.0,
    ) -> int:
        """The status of a request with these header lines and no others."""
        head = "\r\n".join([f"{method} {path} HTTP/{version}", *lines, "Connection: close"])
        return int(self.say(f"{head}\r\n\r\n", seconds).split()[1])


@contextmanager
def served(library: Library, *, keys_required: bool = False) -> Iterator[Served]:
    """A library served as `video-rag serve` does."""
    with bind("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        server = make(library, keys_required=keys_required)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield Served(port)
        finally:
            server.should_exit = True
            thread.join()
