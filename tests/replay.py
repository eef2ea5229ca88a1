"""A real server on loopback that answers as a recorded one did, and badly where a test wants it to.

    with replay("chatflow/chat-01-info", Reply("GET", "/v1/meta", cut=3)) as server:
        httpx2.get(f"{server.url}/v1/info")
    server.asked[0].path == "/v1/info"

Replies are chosen by method and path, then by the query and JSON body that were recorded; those
that fit equally well are used in order, the last one again and again. What fits nothing is answered
by a status that no client repeats, 418.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

RECORDINGS = Path(__file__).parent / "fixtures" / "dify"
_OWN = {"content-length", "transfer-encoding", "content-encoding", "connection", "date", "server"}


@dataclass(frozen=True)
class Reply:
    """What one request is answered with."""

    method: str
    path: str
    """With the prefix, such as `/v1` or `/console/api`; without the query."""
    status: int = 200
    body: Any = b""
    """JSON, or text and bytes as they are."""
    headers: Mapping[str, str | list[str]] = field(default_factory=dict)
    query: Mapping[str, str] | None = None
    """Only for requests with this query; None: for all."""
    asks: Any = None
    """Only for requests with this JSON body; None: for all."""
    cut: int | None = None
    """Drop the connection after this many bytes of the body."""
    silent: bool = False
    """Do not answer at all, until the server ends."""

    @property
    def content(self) -> bytes:
        if isinstance(self.body, bytes | str):
            return self.body.encode() if isinstance(self.body, str) else self.body
        return json.dumps(self.body, ensure_ascii=False).encode()

    @property
    def media_type(self) -> str:
        if not isinstance(self.body, bytes | str):
            return "application/json"
        return "text/html" if self.content.lstrip().startswith(b"<") else "text/event-stream"


@dataclass(frozen=True)
class Asked:
    """What a client asked."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    """Names in lower case."""
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content) if self.content else None


@dataclass
class Replayed:
    """A running server."""

    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    unused: list[Reply] = field(default_factory=list)
    used: list[Reply] = field(default_factory=list)
    ends: threading.Event = field(default_factory=threading.Event)

    def choose(self, asked: Asked) -> Reply:
        """The reply for a request; most recorded details first, then the order."""
        for replies in (self.unused, self.used[::-1]):
            fitting = [reply for reply in replies if _fits(reply, asked)]
            if fitting:
                chosen = max(fitting, key=_details)
                if chosen in self.unused:
                    self.unused.remove(chosen)
                    self.used.append(chosen)
                return chosen
        text = f"not recorded: {asked.method} {asked.path} {asked.query}"
        return Reply(asked.method, asked.path, 418, {"code": "not_recorded", "message": text})


def recorded(name: str) -> Reply:
    """The answer in `fixtures/dify/<name>.json`."""
    found = json.loads((RECORDINGS / f"{name}.json").read_text(encoding="utf-8"))
    request, response = found["request"], found["response"]
    url = urlsplit(request["url"])
    answer = response.get("json")
    return Reply(
        request["method"],
        url.path,
        response["status"],
        answer if answer is not None else response.get("text") or b"",
        {name: value for name, value in response["headers"].items() if name.lower() not in _OWN},
        query=dict(parse_qsl(url.query)) or None,
        asks=request.get("json"),
    )


@contextmanager
def replay(*replies: str | Reply) -> Iterator[Replayed]:
    """A server on a free port of 127.0.0.1; names of recordings and replies of one's own."""
    state = Replayed(unused=[recorded(one) if isinstance(one, str) else one for one in replies])
    server = _Server(("127.0.0.1", 0), _handler(state))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield state
    finally:
        state.ends.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients hang up when they have seen enough; that is no news."""


def _handler(state: Replayed) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            url = urlsplit(self.path)
            asked = Asked(
                self.command,
                url.path,
                dict(parse_qsl(url.query)),
                {name.lower(): value for name, value in self.headers.items()},
                self.rfile.read(int(self.headers.get("Content-Length") or 0)),
            )
            state.asked.append(asked)
            reply = state.choose(asked)
            if reply.silent:
                state.ends.wait()
                self.close_connection = True
                return
            self.send(reply)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = answer  # noqa: N815

        def send(self, reply: Reply) -> None:
            self.send_response(reply.status)
            names = {name.lower() for name in reply.headers}
            for name, values in reply.headers.items():
                for value in [values] if isinstance(values, str) else values:
                    self.send_header(name, value)
            if "content-type" not in names:
                self.send_header("Content-Type", reply.media_type)
            content = reply.content
            if reply.status != 204:
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content if reply.cut is None else content[: reply.cut])
            self.close_connection = self.close_connection or reply.cut is not None

        def log_message(self, *args: object) -> None:
            """Be quiet."""

    return Handler


def _fits(reply: Reply, asked: Asked) -> bool:
    """Whether the method, path and, where they are given, the query and body are those asked."""
    return (
        (reply.method, reply.path) == (asked.method, asked.path)
        and (reply.query is None or reply.query == asked.query)
        and (reply.asks is None or reply.asks == asked.json)
    )


def _details(reply: Reply) -> int:
    return (reply.query is not None) + (reply.asks is not None)
