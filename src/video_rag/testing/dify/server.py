"""The server itself: connections, keys, faults, and who answers what."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Any, NamedTuple, Self

from video_rag.testing.dify import (
    chat,
    console,
    console_account,
    console_external,
    datasets,
    documents,
    metadata,
    retrieval,
    segments,
)
from video_rag.testing.dify.calls import Call
from video_rag.testing.dify.faults import RATE_LIMITED, Faults, Kind
from video_rag.testing.dify.indexing import Indexer
from video_rag.testing.dify.payloads import SegmentUpdateArgs
from video_rag.testing.dify.records import Dataset, Document
from video_rag.testing.dify.state import World
from video_rag.testing.dify.wire import (
    NO_ROUTE,
    ApiError,
    Reply,
    Request,
    bearer,
    forbidden,
    refusal,
    unauthorized,
)

VERSION = "1.16.1"
"""What `X-Version` says, and the release whose behaviour is followed."""
_TABLES = [
    part.routes
    for part in (
        *(datasets, documents, metadata, segments, retrieval),
        *(chat, console, console_account, console_external),
    )
]
_KNOWLEDGE = ("/v1/datasets", "/v1/workspaces")
_SEARCHES = ("/retrieve", "/hit-testing")


class Seen(NamedTuple):
    """A request that came in."""

    method: str
    path: str
    body: str
    """Its beginning."""


class DifyServer(World):
    """A Dify that listens on a free port of this machine while the `with` block runs."""

    def __init__(
        self,
        *,
        index_seconds: float = 0.02,
        workers: int = 4,
        faults: Faults | None = None,
        port: int = 0,
        seed: int = 0,
    ) -> None:
        """`index_seconds`: from the start of a document's indexing to its end; `workers`: how
        many documents are indexed at a time."""
        super().__init__(index_seconds=index_seconds, workers=workers, seed=seed)
        self.faults = faults or Faults()
        self.requests: list[Seen] = []
        self._indexer = Indexer(self)
        self._server = _Server(("127.0.0.1", port), _handler(self))
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def url(self) -> str:
        """Without a path."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def console_url(self) -> str:
        """Of the console API."""
        return f"{self.url}/console/api"

    @property
    def base_url(self) -> str:
        """Of the service API."""
        return f"{self.url}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        self._indexer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._indexer.close()
        self._server.shutdown()
        self._server.close_connections()
        self._server.server_close()
        self._thread.join()

    # what tests ask and do

    def writes(self) -> list[Seen]:
        """The requests that change something."""
        return [
            seen
            for seen in self.requests
            if seen.method != "GET" and not seen.path.endswith(_SEARCHES)
        ]

    def named(self, document_name: str) -> list[Document]:
        """The documents of this name, in all datasets."""
        return [one for _, one in self._documents() if one.name == document_name]

    def wait(self, seconds: float = 10.0) -> None:
        """Until nothing waits to be indexed any more. Raises `TimeoutError`."""
        end = time.monotonic() + seconds
        while any(one.status not in {"completed", "error"} for _, one in self._documents()):
            if time.monotonic() > end:
                raise TimeoutError("documents are still being indexed")
            time.sleep(0.002)

    def edit_segment(self, document_name: str, position: int, text: str) -> None:
        """Change a segment as a person does in the web's editor. Positions begin with 1."""
        with self.lock:
            for dataset, document in self._documents():
                for segment in document.segments:
                    if (document.name, segment.position) == (document_name, position):
                        asked = SegmentUpdateArgs(content=text)
                        segments.apply_change(self, dataset, document, segment, asked)
                        return
        raise KeyError((document_name, position))

    def app_key(self, app_id: str) -> str:
        """A key of an app: the first, or a new one."""
        with self.lock:
            return console.app_key(self, app_id)

    def add_app(self, dsl: str) -> str:
        """Import a Chatflow, publish it, and make a key for it: the key."""
        with self.lock:
            return console.add_app(self, dsl)

    def expire_logins(self) -> None:
        """Every login to the console has run out."""
        self.sessions.clear()

    def api_enabled(self, dataset_id: str, enabled: bool) -> None:
        """Switch the API of a dataset on or off, as on its page."""
        self.datasets[dataset_id].enable_api = enabled

    def _documents(self) -> list[tuple[Dataset, Document]]:
        with self.lock:
            return [
                (dataset, document)
                for dataset in self.datasets.values()
                for document in dataset.documents.values()
            ]

    # answering

    def answer(self, request: Request) -> Reply:
        """What Dify says to a request."""
        found = next(
            (hit for table in _TABLES if (hit := table.find(request.method, request.path))), None
        )
        if found is None:
            return NO_ROUTE
        handler, ids = found
        try:
            with self.lock:
                self._authorize(request)
                done = handler(Call(self, request, ids))
            return done if isinstance(done, Reply) else done()
        except ApiError as error:
            return refusal(error)

    def _authorize(self, request: Request) -> None:
        if request.path.startswith("/console/"):
            if request.path not in console_account.OPEN:
                console_account.authorize(self, request)
            return
        key = bearer(request)
        if request.path.startswith(_KNOWLEDGE):
            self._authorize_knowledge(request, key)
        elif key not in self.app_keys:
            raise unauthorized("Access token is invalid")

    def _authorize_knowledge(self, request: Request, key: str) -> None:
        if key not in {*self.dataset_keys, self.read_only_key}:
            raise unauthorized("Access token is invalid")
        writes = request.method != "GET"
        if writes and not request.path.endswith(_SEARCHES) and key == self.read_only_key:
            raise forbidden(
                "You don't have the permission to access the requested resource. "
                "It is either read-protected or not readable by the server."
            )
        if writes:
            self.spend_call(RATE_LIMITED)


class _Server(ThreadingHTTPServer):
    """Remembers its connections, so that the end need not wait for idle ones."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(address, handler)
        self._open: set[socket.socket] = set()
        self._closing = False

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def close_connections(self) -> None:
        """End every connection that is still open."""
        self._closing = True
        for connection in list(self._open):
            self.shutdown_request(connection)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is nothing to report; everything else is a bug of ours."""
        if not self._closing and not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


def _handler(server: DifyServer) -> type[BaseHTTPRequestHandler]:
    class Handler(_Handler):
        dify = server

    return Handler


class _Handler(BaseHTTPRequestHandler):
    """Keeps connections open and answers at once."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 65536  # the head and the body leave together
    dify: DifyServer

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Tests read `requests` instead."""

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, self.path, headers, body)
        summary = body[:300].decode(errors="replace")
        self.dify.requests.append(Seen(self.command, request.path, summary))
        fault = self.dify.faults.pick(request.path)
        if fault is None:
            self._send(self.dify.answer(request))
        else:
            self._fail(fault, request)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - the base's names

    def _fail(self, fault: Kind, request: Request) -> None:
        faults = self.dify.faults
        later = {"retry-after": str(faults.retry_after)}
        if fault == "500":
            self._send(refusal(ApiError(500, "internal_server_error", "Internal Server Error")))
        elif fault == "502":
            page = b"<html><head><title>502 Bad Gateway</title></head></html>"
            self._send(Reply(page, 502, {"content-type": "text/html"}))
        elif fault in {"503", "429"}:
            error = ApiError(int(fault), "too_many_requests", "Too many requests.")
            self._send(Reply(refusal(error).body, int(fault), later))
        elif fault == "rate-limit":
            self._send(refusal(forbidden(RATE_LIMITED)))
        else:
            if fault == "after":
                self.dify.answer(request)
            if fault == "timeout":
                time.sleep(faults.silence)
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        given = {"content-type": "application/json", "x-version": VERSION, "x-env": "PRODUCTION"}
        for name, value in (given | dict(reply.headers)).items():
            self.send_header(name, value)
        for cookie in reply.cookies:
            self.send_header("set-cookie", cookie)
        if reply.stream is not None:
            self._stream(reply.stream)
            return
        payload = reply.payload()
        if reply.status != 204:
            self.send_header("content-length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)
        self.wfile.flush()

    def _stream(self, chunks: Iterator[bytes]) -> None:
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        try:
            for chunk in chunks:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
                self.wfile.flush()
        except ConnectionError:
            self.close_connection = True  # the client left, or the stream was cut on purpose
            return
        self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()
