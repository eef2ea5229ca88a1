"""One client's connection to the proxy: its requests, one after the other."""

from __future__ import annotations

import select
import selectors
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlsplit

from video_rag.net.proxy.reach import IDLE_SECONDS, Reach, Refused, Unreachable
from video_rag.net.proxy.wire import (
    CHUNK,
    BrokenOff,
    Head,
    Malformed,
    Pace,
    Stream,
    answer_length,
    body_length,
)

Admit = Callable[[str], Callable[[str], None] | None]
"""From a `Proxy-Authorization` to what is told of refused hosts; None for a stranger."""


class Conversation:
    """Answers the requests of one client until either side has enough."""

    def __init__(self, client: socket.socket, reach: Reach, admit: Admit) -> None:
        self._client = Stream(client)
        self._reach = reach
        self._admit = admit
        self._server: tuple[tuple[str, int], Stream] | None = None
        self._fresh = False
        self._spoilt = False
        """Whether the rest of a body stands where the next request is expected."""

    def run(self) -> None:
        """Serve; whatever is wrong with the connection ends it quietly."""
        try:
            while self._serve_one():
                pass
        except Malformed as error:
            self._refuse(400, "Bad Request", str(error))
        except OSError:
            pass  # somebody hung up or fell silent; the other side is told by the end of the line
        finally:
            self.close()

    def close(self) -> None:
        """Let go of both sides."""
        self._drop_server()
        self._client.sock.close()

    def hang_up(self) -> None:
        """End it from another thread; the one that runs it notices and closes."""
        server = self._server
        for sock in [self._client.sock] + ([server[1].sock] if server else []):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def _serve_one(self) -> bool:
        """One request; whether another may follow."""
        head = self._client.head()
        if head is None:
            return False
        report = self._admit(head.first("proxy-authorization"))
        if report is None:
            return self._refuse(407, "Proxy Authentication Required", "this proxy is private")
        host = ""
        try:
            if head.start[0] == "CONNECT":
                host, port = _place(head.start[1])
                self._tunnel(host, port)
                return False
            host, port, path = _target(head.start[1])
            return self._forward(head, host, port, path)
        except Refused as error:
            report(host)
            return self._refuse(403, "Forbidden", str(error), refused=True)
        except Unreachable as error:
            return self._refuse(502, "Bad Gateway", str(error))

    def _refuse(self, status: int, phrase: str, why: str, *, refused: bool = False) -> bool:
        """Answer by ourselves and hang up."""
        body = f"video-rag: {why}\n".encode()
        headers = [("Content-Type", "text/plain; charset=utf-8"), ("Connection", "close")]
        headers += [("Content-Length", str(len(body)))]
        headers += [("X-Video-Rag-Refused", "private-network")] if refused else []
        headers += [("Proxy-Authenticate", 'Basic realm="video-rag"')] if status == 407 else []
        try:
            head = Head(("HTTP/1.1", str(status), phrase), []).encoded(headers)
            self._client.sock.sendall(head + body)
            self._client.sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # a client that hung up needs no answer
        return False

    # --- tunnels -------------------------------------------------------------------------------

    def _tunnel(self, host: str, port: int) -> None:
        """Join the client to a host, both ways, blindly: what they say is encrypted."""
        server = self._reach.open(host, port, tunnel=True)
        self._server = ((host, port), Stream(server))
        self._client.sock.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        if early := self._client.left():
            server.sendall(early)
        join(self._client.sock, server)

    # --- plain requests ------------------------------------------------------------------------

    def _forward(self, head: Head, host: str, port: int, path: str) -> bool:
        """Pass a request on and its answer back; whether the client may send another."""
        length = body_length(head) or 0
        request = self._request(head, host, port, path, length)
        while True:
            server = self._server_for(host, port)
            answer = self._asked(server, request, head, length)
            if answer is not None:
                break
            self._drop_server()
            if self._fresh or length:  # an old connection may have ended just now: once more
                raise Unreachable(f"{host} hung up without an answer")
        return self._answer(server, answer, head)

    def _request(self, head: Head, host: str, port: int, path: str, length: int) -> bytes:
        """The request's head as the next hop shall see it."""
        name = f"[{host}]" if ":" in host else host
        place = name if port == 80 else f"{name}:{port}"
        target = f"http://{place}{path}" if self._reach.forwards else path
        if length < 0 and head.start[2] == "HTTP/1.0":
            raise Malformed("chunks are unknown to HTTP/1.0")
        rows = [row for row in head.onwards() if row[0].lower() != "host"]
        onward = Head((head.start[0], target, "HTTP/1.1"), [])
        return onward.encoded([("Host", place), *rows, *self._reach.headers])

    def _server_for(self, host: str, port: int) -> Stream:
        """The connection of the last request where it leads to the same host and still stands."""
        if self._server is not None:
            place, stream = self._server
            if place == (host, port) and not _has_news(stream.sock):
                self._fresh = False
                return stream
            self._drop_server()
        stream = Stream(self._reach.open(host, port, tunnel=False))
        self._server, self._fresh = ((host, port), stream), True
        return stream

    def _drop_server(self) -> None:
        if self._server is not None:
            self._server[1].sock.close()
            self._server = None

    def _asked(self, server: Stream, request: bytes, head: Head, length: int) -> Head | None:
        """Send a request; the head of its answer, None where the server hung up before."""
        server.pace = Pace()
        try:
            server.sock.sendall(request)
            if length and head.values("expect"):
                self._client.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        except ConnectionError:
            return None
        try:
            _copy(self._client, length, server.sock)
        except (BrokenPipeError, ConnectionResetError):
            self._spoilt = True  # a server that has heard enough may have answered already
        try:
            while (answer := server.head(strict=False)) and answer.start[1].startswith("1"):
                pass  # interim answers are of no use to our clients
        except ConnectionResetError:
            return None
        except (Malformed, BrokenOff, TimeoutError) as error:
            raise Unreachable(str(error)) from error
        return answer

    def _answer(self, server: Stream, answer: Head, head: Head) -> bool:
        """Pass an answer back; whether the client may send another request."""
        try:
            length = answer_length(head.start[0], answer)
        except Malformed as error:
            raise Unreachable(str(error)) from error
        server_stays = (
            length is not None
            and answer.start[0] == "HTTP/1.1"
            and "close" not in answer.values("connection")
        )
        client_stays = (
            length is not None
            and not self._spoilt
            and head.start[2] == "HTTP/1.1"
            and "close" not in head.values("connection") + head.values("proxy-connection")
        )
        rows = answer.onwards() + ([] if client_stays else [("Connection", "close")])
        answer.start = ("HTTP/1.1", *answer.start[1:])
        self._client.sock.sendall(answer.encoded(rows))
        try:
            _copy(server, length, self._client.sock)
        except Malformed as error:  # too late to say so: the answer has begun
            raise BrokenOff(str(error)) from error
        if not server_stays:
            self._drop_server()
        return client_stays


def join(client: socket.socket, server: socket.socket) -> None:
    """Pass bytes both ways until both sides have ended, or neither says anything for long.

    Raises `BrokenOff` for a server that trickles.
    """
    room, pace = memoryview(bytearray(CHUNK)), Pace()
    ways = [(client, server), (server, client)]
    with selectors.DefaultSelector() as waiting:
        for sock, _ in ways:
            waiting.register(sock, selectors.EVENT_READ)
        while waiting.get_map():
            begun = time.monotonic()
            ready: list[object] = [server] if _holds_back(server) else []
            ready = ready or [key.fileobj for key, _ in waiting.select(IDLE_SECONDS)]
            if not ready:
                return
            waited = time.monotonic() - begun
            for source, target in ways:
                if source not in ready:
                    continue
                if count := source.recv_into(room):
                    if source is server:
                        pace.note(waited, count)
                    else:
                        pace = Pace()  # it asks for something new
                    target.sendall(room[:count])
                elif isinstance(target, ssl.SSLSocket):
                    return  # TLS ends both ways at once
                else:
                    waiting.unregister(source)
                    target.shutdown(socket.SHUT_WR)


def _holds_back(sock: socket.socket) -> bool:
    """Whether TLS has decrypted more than was read, of which waiting for bytes knows nothing."""
    return isinstance(sock, ssl.SSLSocket) and sock.pending() > 0


def _copy(source: Stream, length: int | None, target: socket.socket) -> None:
    """Pass a body on: so many bytes, -1 for chunks, None for all there is."""
    if length is None:
        source.copy_all(target)
    elif length < 0:
        source.copy_chunks(target)
    else:
        source.copy(length, target)


def _place(text: str) -> tuple[str, int]:
    """Host and port of `host:port`."""
    host, _, port = text.rpartition(":")
    if not host or not port.isascii() or not port.isdecimal() or not 0 < int(port) < 65_536:
        raise Malformed("CONNECT needs host:port")
    return host.strip("[]"), int(port)


def _target(text: str) -> tuple[str, int, str]:
    """Host, port and path of a URL that may be fetched in plain HTTP."""
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise Malformed("the URL is malformed") from error
    if not host or not parts.scheme:
        raise Malformed("this is a proxy: send whole URLs")
    if parts.scheme != "http" or parts.username is not None or port == 0:
        raise Refused(f"{parts.scheme}: only http is passed on, without a user name")
    path = text.split("://", 1)[1].removeprefix(parts.netloc).partition("#")[0]
    return host, port or 80, path if path.startswith("/") else f"/{path}"


def _has_news(sock: socket.socket) -> bool:
    """Whether an idle connection has something to say, which can only be that it is over."""
    poll = select.poll() if hasattr(select, "poll") else None
    if poll is None:
        return bool(select.select([sock], [], [], 0)[0])
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))
