"""A server that sends a byte now and then keeps nobody for long."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import httpx2
import pytest
from test_proxy import browser, get, say

from video_rag.net.proxy import CheckingProxy, wire
from video_rag.net.proxy.wire import BrokenOff, Pace

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"


@contextmanager
def dripping(before: bytes) -> Iterator[tuple[str, list[int]]]:
    """A server that sends this, and then a byte every 20 ms until somebody hangs up on it."""
    listener, sent = socket.create_server(("127.0.0.1", 0)), [0]

    def run() -> None:
        client, _ = listener.accept()
        with client:
            client.recv(65536)
            client.sendall(before)
            stopped = threading.Event()
            while not stopped.wait(0.02) and sent[0] < 500:
                try:
                    client.sendall(b"x")
                except OSError:
                    return
                sent[0] += 1

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", sent
    finally:
        thread.join()
        listener.close()


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[CheckingProxy]:
    monkeypatch.setattr(wire, "TRICKLE_SECONDS", 0.3)
    with CheckingProxy(allow_private=True) as running:
        yield running


@pytest.mark.parametrize("before", [HEAD, b"", HEAD.replace(b"Content-Length: 1000000", b"X: 1")])
def test_a_trickling_answer_is_given_up(proxy: CheckingProxy, before: bytes) -> None:
    with dripping(before) as (url, sent):
        say(proxy, get(url))
    assert 0 < sent[0] < 250


def test_a_trickling_tunnel_is_given_up(proxy: CheckingProxy) -> None:
    with dripping(b"") as (url, sent):
        say(proxy, f"CONNECT {urlsplit(url).netloc} HTTP/1.1\r\n\r\nthere".encode())
    assert 0 < sent[0] < 250


def test_a_client_is_told_that_the_body_is_not_whole(proxy: CheckingProxy) -> None:
    with (
        dripping(HEAD) as (url, _sent),
        browser(proxy) as client,
        pytest.raises(httpx2.RemoteProtocolError),
    ):
        client.get(url)


def test_who_sends_enough_may_take_all_the_time() -> None:
    pace = Pace()
    for _ in range(100):
        pace.note(wire.TRICKLE_SECONDS / 2, wire.TRICKLE_BYTES)


def test_a_pause_does_not_outlive_its_period() -> None:
    pace = Pace()
    pace.note(wire.TRICKLE_SECONDS - 1, wire.TRICKLE_BYTES)
    pace.note(1, 0)
    with pytest.raises(BrokenOff, match="only 5 bytes"):
        pace.note(wire.TRICKLE_SECONDS, 5)
