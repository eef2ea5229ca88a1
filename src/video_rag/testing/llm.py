"""A small real HTTP server that behaves as an OpenAI-compatible chat server, faults included.

    with LlmServer([Reply(status=429), "The crown jewels [1]."]) as server:
        OpenAI(OpenAI.Options(base_url=server.base_url, model="test"))

Replies are used up in order; the last one is repeated. A function instead of a list decides by the
request. `server.requests` holds what was asked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Any, Self


@dataclass(frozen=True)
class Reply:
    """What the server says next: words, or a fault."""

    text: str = ""
    """The words of the assistant; streamed in small pieces when the request asks for it."""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    """Sent as it is instead of a well-formed reply, such as `b"<html>"`."""
    cut: int | None = None
    """Drop the connection after this many pieces of the stream."""
    delay: float = 0.0
    """Seconds to wait before the first byte; the server's end cuts it short."""
    finish: str | None = "stop"
    """The reason that the last piece gives: `stop`, `length` when the words ran out, or none."""


@dataclass(frozen=True)
class Request:
    """What a client asked."""

    path: str
    body: dict[str, Any]
    headers: dict[str, str]

    @property
    def text(self) -> str:
        """All messages, one under the other."""
        return "\n".join(str(message["content"]) for message in self.body.get("messages", []))

    @property
    def streamed(self) -> bool:
        """Whether the client wants the answer in pieces."""
        return bool(self.body.get("stream"))


Script = Sequence[Reply | str] | Callable[[Request], Reply | str]


class LlmServer:
    """Listens on a free port of this machine while the `with` block runs."""

    def __init__(
        self, script: Script = ("Hello.",), *, models: Sequence[str] = (), api_key: str = ""
    ) -> None:
        """`models`: the only ones it knows, others get 404. `api_key`: without it, 401."""
        self.requests: list[Request] = []
        self.models = tuple(models)
        self.api_key = api_key
        self.closing = Event()
        self._script = script
        self._lock = Lock()
        self._server = _Crowded(("127.0.0.1", 0), _handler(self))
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,))

    @property
    def base_url(self) -> str:
        """What a client is configured with."""
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, request: Request) -> Reply:
        """The next reply of the script; access faults come first."""
        with self._lock:
            self.requests.append(request)
            if fault := self._refusal(request):
                return fault
            reply = self._next(request)
        return Reply(reply) if isinstance(reply, str) else reply

    def _refusal(self, request: Request) -> Reply | None:
        if self.api_key and request.headers.get("authorization") != f"Bearer {self.api_key}":
            return Reply("Incorrect API key provided", status=401)
        if self.models and request.body.get("model") not in self.models:
            return Reply(f"The model '{request.body.get('model')}' does not exist", status=404)
        return None

    def _next(self, request: Request) -> Reply | str:
        if callable(self._script):
            return self._script(request)
        scripted = [one for one in self.requests if not self._refusal(one)]
        return self._script[min(len(scripted), len(self._script)) - 1]


class _Crowded(ThreadingHTTPServer):
    """Takes many visitors at once: of more than five that wait, Python's own loses some."""

    daemon_threads = False
    request_queue_size = 256


def _handler(server: LlmServer) -> type[BaseHTTPRequestHandler]:
    class Handler(_Handler):
        llm = server

    return Handler


class _Handler(BaseHTTPRequestHandler):
    """One request per connection, so that the server's end waits for nobody's idle one."""

    protocol_version = "HTTP/1.1"
    llm: LlmServer

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Tests read `requests` instead."""

    def do_GET(self) -> None:
        """List the models."""
        if self.path.rstrip("/") != "/v1/models":
            self._error(Reply(f"no such page: {self.path}", status=404))
            return
        models = [{"id": name, "object": "model"} for name in self.llm.models or ("test",)]
        self._send(200, json.dumps({"object": "list", "data": models}).encode())

    def do_POST(self) -> None:
        """Answer a chat request as the script says."""
        size = int(self.headers.get("content-length", 0))
        try:
            body = json.loads(self.rfile.read(size) or b"{}")
        except ValueError:
            self._error(Reply("the request is not JSON", status=400))
            return
        if self.path != "/v1/chat/completions":
            self._error(Reply(f"no such page: {self.path}", status=404))
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.path, body, headers)
        reply = self.llm.answer(request)
        self.llm.closing.wait(reply.delay)
        try:
            self._reply(request, reply)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the client went away, as tests of time-outs do

    def _reply(self, request: Request, reply: Reply) -> None:
        if reply.body is not None:
            self._send(reply.status, reply.body, headers=reply.headers)
        elif reply.status >= 400:
            self._error(reply)
        elif request.streamed:
            self._stream(request, reply)
        else:
            message = {"role": "assistant", "content": reply.text}
            choice = {"index": 0, "message": message, "finish_reason": reply.finish}
            data = _envelope(request, "chat.completion") | {"choices": [choice]}
            data["usage"] = _usage(request, reply)
            self._send(200, json.dumps(data).encode(), headers=reply.headers)

    def _stream(self, request: Request, reply: Reply) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.send_header("connection", "close")
        self.end_headers()
        for sent, choice in enumerate(_pieces(reply)):
            if sent == reply.cut:
                return
            data = _envelope(request, "chat.completion.chunk") | {"choices": [choice]}
            self._event(json.dumps(data))
        if (request.body.get("stream_options") or {}).get("include_usage"):
            told = {"choices": [], "usage": _usage(request, reply)}
            self._event(json.dumps(_envelope(request, "chat.completion.chunk") | told))
        self._event("[DONE]")
        self.wfile.write(b"0\r\n\r\n")

    def _event(self, data: str) -> None:
        event = f"data: {data}\n\n".encode()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(event), event))
        self.wfile.flush()

    def _error(self, reply: Reply) -> None:
        data = {"error": {"message": reply.text or "scripted fault", "type": "scripted"}}
        # Clients that retry need not make tests wait.
        headers = {"retry-after-ms": "1"} | dict(reply.headers)
        self._send(reply.status, json.dumps(data).encode(), headers=headers)

    def _send(self, status: int, body: bytes, *, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        given = {"content-type": "application/json", "content-length": str(len(body))}
        for name, value in (given | dict(headers or {})).items():
            self.send_header(name, value)
        self.send_header("connection", "close")
        self.end_headers()
        self.wfile.write(body)


def _pieces(reply: Reply) -> Iterator[dict[str, Any]]:
    """The choices of a stream: the role, the words a few letters at a time, the reason to stop."""
    yield {"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}
    for piece in re.findall(r".{1,4}", reply.text, re.DOTALL):
        yield {"index": 0, "delta": {"content": piece}, "finish_reason": None}
    yield {"index": 0, "delta": {}, "finish_reason": reply.finish}


def _usage(request: Request, reply: Reply) -> dict[str, int]:
    """A word is a token here."""
    read, written = len(request.text.split()), len(reply.text.split())
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}


def _envelope(request: Request, kind: str) -> dict[str, Any]:
    return {
        "id": "chatcmpl-test",
        "object": kind,
        "created": 0,
        "model": request.body.get("model", "test"),
    }
