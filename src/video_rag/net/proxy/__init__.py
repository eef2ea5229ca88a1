"""A proxy of ours on loopback: whoever fetches through it reaches public addresses only.

A URL that was checked may still redirect to this machine, or its name may be looked up again with
another answer. Libraries that fetch are therefore given this proxy: it looks names up itself,
refuses what is not public, and connects to exactly the address that it has checked.

wire: messages · reach: connections · conversation: one client's requests.
"""

from __future__ import annotations

import base64
import hmac
import os
import secrets
import socket
import threading
import weakref
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

from video_rag.net import guard
from video_rag.net.proxy.conversation import Conversation
from video_rag.net.proxy.reach import Connect, Direct, Reach, dial, ready, through

_MOST_CLIENTS = 256
_MOST_REMEMBERED = 100


class Visit:
    """Those who share one URL of the proxy, and what they were refused."""

    def __init__(self, url: str) -> None:
        self.url = url
        """`http://user:token@127.0.0.1:port`. The token is a secret: neither log nor store it."""
        self.refused: list[str] = []
        """Hosts, as they were asked for, on this machine or in a private network."""

    def report(self, host: str) -> None:
        """Remember a refusal; a page that asks for a thousand does not fill the memory."""
        if host not in self.refused and len(self.refused) < _MOST_REMEMBERED:
            self.refused.append(host)


class CheckingProxy:
    """An HTTP proxy on 127.0.0.1 that starts at first use and ends with its object.

    `upstream` is the URL of a proxy (http, https, socks5) that does the fetching; it looks names
    up, so that only what a name tells is checked here (see `guard.check_host`). `lookup` and
    `connect` replace the system's.

    Raises `BadSettings` for an upstream proxy of a kind that is not known.
    """

    def __init__(
        self,
        *,
        allow_private: bool = False,
        upstream: str | None = None,
        lookup: guard.Lookup | None = None,
        connect: Connect = dial,
    ) -> None:
        there = (
            through(upstream, allow_private=allow_private, connect=connect) if upstream else None
        )

        def reach(own_port: int) -> Reach:
            return there or Direct(allow_private, lookup, connect, own_port)

        self._reach = reach
        self._lock = threading.Lock()
        self._server: _Server | None = None
        self._stop: weakref.finalize[..., CheckingProxy] | None = None
        self._everyone: Visit | None = None
        _alive.add(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def url(self) -> str:
        """The proxy's URL with a secret in it; starts it where it does not run."""
        return self._shared().url

    @property
    def refused(self) -> list[str]:
        """The hosts that users of `url` were refused."""
        return list(self._shared().refused)

    def visit(self) -> Visit:
        """A URL of its own for one errand, so that its refusals are told from those of others."""
        return self._running().visit()

    def close(self) -> None:
        """End it and its connections; using it again starts it anew, with another URL."""
        with self._lock:
            if self._stop is not None:
                self._stop()
            self._server = self._stop = self._everyone = None

    def _shared(self) -> Visit:
        server = self._running()
        with self._lock:
            self._everyone = self._everyone or server.visit()
            return self._everyone

    def _running(self) -> _Server:
        with self._lock:
            if self._server is None:
                self._server = _Server(self._reach)  # which must not keep its owner alive
                self._stop = weakref.finalize(self, self._server.close)
            return self._server

    def forget(self) -> None:
        """In a forked child, where nobody answers: start anew when used, leave the parent's be."""
        self._lock = threading.Lock()
        server, stop = self._server, self._stop
        self._server = self._stop = self._everyone = None
        if server is not None:
            server.let_go()
        if stop is not None:
            stop.detach()


class _Server:
    """The listening socket, a thread that accepts, and one for each client."""

    def __init__(self, reach: Callable[[int], Reach]) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._port = self._listener.getsockname()[1]
        self._reach = reach(self._port)
        self._token = secrets.token_urlsafe(24)
        self._visits: weakref.WeakValueDictionary[str, Visit] = weakref.WeakValueDictionary()
        self._lock = threading.Lock()
        self._clients: dict[threading.Thread, Conversation] = {}
        self._slots = threading.Semaphore(_MOST_CLIENTS)
        self._closing = False
        self._thread = threading.Thread(target=self._accept, name="video-rag proxy", daemon=True)
        self._thread.start()

    def visit(self) -> Visit:
        """A new user of the proxy."""
        name = secrets.token_hex(6)
        made = self._visits[name] = Visit(f"http://{name}:{self._token}@127.0.0.1:{self._port}")
        return made

    def close(self) -> None:
        """Hang up on everybody and wait until their threads have noticed."""
        self._closing = True
        self._slots.release()
        with suppress(OSError):  # wakes `accept`, where that has not ended already
            socket.create_connection(("127.0.0.1", self._port), timeout=1).close()
        with self._lock:
            threads = [self._thread, *self._clients]
            for client in self._clients.values():
                client.hang_up()
        for thread in threads:
            if thread is not threading.current_thread():
                thread.join(timeout=1)

    def let_go(self) -> None:
        """Close this process's copies of the sockets, which does not disturb the others'."""
        self._listener.close()
        for client in self._clients.values():
            client.close()

    def _accept(self) -> None:
        with self._listener:
            while True:
                self._slots.acquire()
                try:
                    client, _ = self._listener.accept()
                except OSError:
                    return
                if self._closing:
                    client.close()
                    return
                self._start(client)

    def _start(self, client: socket.socket) -> None:
        talk = Conversation(ready(client), self._reach, self._admit)
        thread = threading.Thread(target=self._talk, args=(talk,), daemon=True)
        thread.name = "video-rag proxy client"
        with self._lock:
            self._clients[thread] = talk
        thread.start()

    def _talk(self, talk: Conversation) -> None:
        try:
            talk.run()
        finally:
            with self._lock:
                del self._clients[threading.current_thread()]
            self._slots.release()

    def _admit(self, authorization: str) -> Callable[[str], None] | None:
        """Whether a `Proxy-Authorization` is one that we gave out; see `conversation.Admit`."""
        kind, _, login = authorization.partition(" ")
        try:
            name, _, token = base64.b64decode(login, validate=True).decode().partition(":")
        except ValueError:
            return None
        if kind.lower() != "basic" or not hmac.compare_digest(token.encode(), self._token.encode()):
            return None
        visit = self._visits.get(name)
        return visit.report if visit else _forget


def _forget(_host: str) -> None:
    """A visit that is over wants to know nothing."""


_alive: weakref.WeakSet[CheckingProxy] = weakref.WeakSet()


def _after_fork() -> None:
    for proxy in list(_alive):
        proxy.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
