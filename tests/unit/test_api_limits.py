"""Visitors that say nothing, ask too much or wait for a slow model hold up nobody else."""

from __future__ import annotations

import logging
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.testclient import TestClient

from serving import HERE, Served, served
from talks import SHEEP, write_talk
from video_rag.api import create_app
from video_rag.api.limits import Rates
from video_rag.api.problems import TooMany
from video_rag.api.quiet import Seldom
from video_rag.library import Library
from video_rag.model import Query
from video_rag.operations import keys
from video_rag.settings import load_settings
from video_rag.testing.llm import LlmServer, Reply

HOST = "Host: 127.0.0.1"
ASKED = {"question": "How often is the wool shorn?"}
HALF = (b"", b"G", b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: y\r\n")
"""What a visitor may have said that waits for ever."""
FLOODED = 10.0
"""Seconds that a health check may take in the flood where other work keeps the machine busy; what
it takes else is in `benchmarks/server`."""


@contextmanager
def library_with(tmp_path: Path, **settings: Any) -> Iterator[Library]:
    library = Library(load_settings(settings))
    write_talk(tmp_path / "sheep.srt", SHEEP)
    list(library.add([str(tmp_path / "sheep.srt")]))
    yield library
    library.close()


@contextmanager
def visitors(server: Served, many: int, said: bytes = b"") -> Iterator[list[socket.socket]]:
    with ExitStack() as stack:
        here = []
        for _ in range(many):
            visitor = stack.enter_context(
                socket.create_connection(("127.0.0.1", server.port), timeout=20)
            )
            visitor.sendall(said)
            here.append(visitor)
        yield here


def hung_up(visitor: socket.socket) -> bool:
    """Whether the server ends this connection, without a time-out of ours."""
    try:
        return visitor.recv(65_536) == b""
    except ConnectionError:
        return True


# connections


@pytest.mark.parametrize("said", HALF)
def test_a_connection_that_waits_makes_room_for_another(said: bytes) -> None:
    with library_of(connections=20, request_seconds=600) as server:  # noqa: SIM117 (hangs up first)
        with visitors(server, 60, said) as here:
            assert server.status("/health/live", HOST) == 200
            assert all(hung_up(visitor) for visitor in here[:40])
            assert server.status("/health/live", HOST) == 200


@contextmanager
def library_of(**settings: Any) -> Iterator[Served]:
    library = Library(load_settings({"server": settings}))
    with served(library) as server:
        yield server
    library.close()


@pytest.mark.parametrize(
    "said",
    [*HALF, b"POST /api/ask HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n{"],
)
def test_a_request_that_never_ends_is_hung_up_on(said: bytes) -> None:
    with library_of(request_seconds=1) as server, visitors(server, 1, said) as [visitor]:
        while visitor.recv(65_536):  # perhaps an answer that it came to no end
            pass


def test_bytes_that_trickle_win_no_time() -> None:
    with (
        library_of(request_seconds=1) as server,
        visitors(server, 1, b"GET / HTTP/1.1\r\n") as [visitor],
    ):
        for _ in range(1000):
            try:
                visitor.sendall(b"X: y\r\n")
            except OSError:
                return
            time.sleep(0.05)
        pytest.fail("it still listens")


def test_an_answer_that_nobody_takes_stays_until_it_is_taken(tmp_path: Path) -> None:
    """Being answered is no waiting: such a connection makes room for nobody."""
    with LlmServer(lambda _request: Reply("Once a year [1].", delay=3.0)) as model:
        answerer = {"openai": {"base_url": model.base_url, "model": "test"}}
        settings: dict[str, Any] = {"ask": {"answerer": "openai"}, "answerers": answerer}
        settings["guard"] = {"allow_private": True}
        settings["server"] = {"connections": 8, "request_seconds": 1}
        with library_with(tmp_path, **settings) as library, served(library) as server:  # noqa: SIM117
            with ThreadPoolExecutor(1) as pool:
                asked = pool.submit(httpx2.post, f"{server.url}/api/ask", json=ASKED, timeout=60)
                while not model.requests:
                    time.sleep(0.01)
                with visitors(server, 30):
                    assert server.status("/health/live", HOST) == 200
                assert "event: done" in asked.result().text


def test_a_head_that_is_too_large_is_refused() -> None:
    with library_of() as server:
        answer = server.say(f"GET / HTTP/1.1\r\n{HOST}\r\nX: {'y' * 40_000}")
    assert answer.startswith(b"HTTP/1.1 400 ")


# slow answers


def test_slow_answers_take_the_threads_of_nothing_else(tmp_path: Path) -> None:
    with LlmServer([Reply("The wool is shorn once a year [1].", delay=60.0)]) as model:
        settings: dict[str, Any] = {
            "ask": {"answerer": "openai"},
            "answerers": {"openai": {"base_url": model.base_url, "model": "test"}},
            "guard": {"allow_private": True},
            "server": {"answers": 60, "answers_per_caller": 100},
        }
        with library_with(tmp_path, **settings) as library, served(library) as server:
            list(library.search(Query(text="wool")))  # what is loaded once is
            with ThreadPoolExecutor(60) as pool:
                asked = [
                    pool.submit(httpx2.post, f"{server.url}/api/ask", json=ASKED, timeout=120)
                    for _ in range(60)
                ]
                while len(model.requests) < 60:
                    time.sleep(0.01)
                for path in ("/health/live", "/health/ready", "/", "/api/videos"):
                    assert httpx2.get(f"{server.url}{path}", timeout=30).status_code == 200
                found = httpx2.get(f"{server.url}/api/search", params={"q": "wool"}, timeout=30)
                assert found.json()
                model.closing.set()
                assert all("event: done" in one.result().text for one in asked)


def test_who_asks_too_much_at_once_waits_and_others_do_not(tmp_path: Path) -> None:
    with LlmServer([Reply("The wool is shorn once a year [1].", delay=60.0)]) as model:
        settings: dict[str, Any] = {
            "ask": {"answerer": "openai"},
            "answerers": {"openai": {"base_url": model.base_url, "model": "test"}},
            "guard": {"allow_private": True},
            "server": {"answers": 3, "answers_per_caller": 2},
        }
        with library_with(tmp_path, **settings) as library:
            greedy, other = (
                {"Authorization": f"Bearer {keys.make(library.ledger, name, 'read')[1]}"}
                for name in ("greedy", "other")
            )
            with served(library) as server, ThreadPoolExecutor(3) as pool:
                url = f"{server.url}/api/ask"
                asked = [
                    pool.submit(httpx2.post, url, json=ASKED, headers=greedy, timeout=60)
                    for _ in range(2)
                ]
                while len(model.requests) < 2:
                    time.sleep(0.01)
                refused = httpx2.post(url, json=ASKED, headers=greedy)
                assert refused.status_code == 429
                assert int(refused.headers["retry-after"]) > 0
                assert "answers_per_caller" in refused.json()["hint"]
                asked.append(pool.submit(httpx2.post, url, json=ASKED, headers=other, timeout=60))
                while len(model.requests) < 3:
                    time.sleep(0.01)
                model.closing.set()
                assert all("event: done" in one.result().text for one in asked)
                assert "event: done" in httpx2.post(url, json=ASKED, headers=greedy).text


# how often


def test_requests_are_counted_by_address_and_health_is_not(tmp_path: Path) -> None:
    settings = {"server": {"requests_per_minute": 3, "trusted_proxies": ["127.0.0.1"]}}
    library = Library(load_settings(settings))
    app = create_app(library, keys_required=True)
    with TestClient(app, base_url="http://127.0.0.1", client=HERE) as client:

        def status(address: str, path: str = "/") -> int:
            return client.get(path, headers={"X-Forwarded-For": address}).status_code

        assert [status("203.0.113.1") for _ in range(4)] == [200, 200, 200, 429]
        assert status("203.0.113.2") == 200
        assert status("203.0.113.1", "/health/live") == 200
        refused = client.get("/", headers={"X-Forwarded-For": "203.0.113.1"})
        assert 0 < int(refused.headers["retry-after"]) <= 60
        assert "content-security-policy" in refused.headers
        assert set(refused.json()) == {"error", "hint"}
    library.close()


def test_requests_are_counted_by_key_wherever_it_comes_from() -> None:
    settings = {"server": {"requests_per_minute": 3, "trusted_proxies": ["127.0.0.1"]}}
    library = Library(load_settings(settings))
    app = create_app(library, keys_required=True)
    _, plain = keys.make(library.ledger, "alice", "read")
    _, other = keys.make(library.ledger, "bob", "read")
    with TestClient(app, base_url="http://127.0.0.1", client=HERE) as client:

        def status(number: int, key: str) -> int:
            headers = {"X-Forwarded-For": f"203.0.113.{number}", "Authorization": f"Bearer {key}"}
            return client.get("/api/requests", headers=headers).status_code

        assert [status(number, plain) for number in range(4)] == [200, 200, 200, 429]
        assert status(5, other) == 200
    library.close()


def test_questions_are_counted_alone(tmp_path: Path) -> None:
    with (
        library_with(tmp_path, server={"questions_per_minute": 2}) as library,
        TestClient(
            create_app(library, keys_required=False), base_url="http://127.0.0.1", client=HERE
        ) as client,
    ):
        asked = [client.post("/api/ask", json=ASKED).status_code for _ in range(3)]
        assert asked == [200, 200, 429]
        assert client.get("/api/videos").status_code == 200


def test_what_was_not_used_comes_back_with_time() -> None:
    now = [0.0]
    rates = Rates(60, "requests", lambda: now[0])
    for _ in range(60):
        rates.take("a")
    with pytest.raises(TooMany) as caught:
        rates.take("a")
    assert caught.value.retry_after == pytest.approx(1.0)
    now[0] = 1.0
    rates.take("a")
    now[0] = 1e9
    for _ in range(60):
        rates.take("a")
    with pytest.raises(TooMany):
        rates.take("a")
    for _ in range(100):
        Rates(0, "requests").take("a")


# logs


def test_what_is_said_again_and_again_is_said_a_few_times(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("test.quiet")
    logger.addFilter(Seldom(most=3))
    for number in range(1000):
        logger.warning("request %s is bad", number)
    logger.warning("another thing")
    assert len(caplog.records) == 4


def test_the_log_stays_small_whatever_visitors_send(capsys: pytest.CaptureFixture[str]) -> None:
    with library_of() as server:
        for _ in range(200):
            server.say("\x00\x01 bad\r\n\r\n")
    assert 0 < capsys.readouterr().err.count("Invalid HTTP") <= 10


def test_once_no_server_runs_the_log_is_as_it_was(caplog: pytest.LogCaptureFixture) -> None:
    with library_of():
        pass
    caplog.clear()
    for number in range(30):
        logging.getLogger("video_rag").warning("cookies of site %s end soon", number)
    assert len(caplog.records) == 30


SERVE = """
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024))
from video_rag.api.server import serve
from video_rag.library import Library
from video_rag.settings import load_settings
serve(Library(load_settings()), "127.0.0.1", 0, lambda url: print(url, flush=True))
"""


def test_1200_half_open_connections_and_60_slow_questions_stop_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 3000:
        pytest.skip("needs 3000 open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 3000), hard))
    with library_with(tmp_path), LlmServer([Reply("Once a year [1].", delay=30.0)]) as model:
        monkeypatch.setenv("VIDEO_RAG_ASK__ANSWERER", "openai")
        monkeypatch.setenv("VIDEO_RAG_ANSWERERS__OPENAI__BASE_URL", model.base_url)
        monkeypatch.setenv("VIDEO_RAG_ANSWERERS__OPENAI__MODEL", "test")
        monkeypatch.setenv("VIDEO_RAG_GUARD__ALLOW_PRIVATE", "true")
        log = tmp_path / "server.log"
        with (
            log.open("wb") as errors,
            subprocess.Popen(
                [sys.executable, "-c", SERVE], stdout=subprocess.PIPE, stderr=errors, text=True
            ) as process,
        ):
            assert process.stdout
            url = process.stdout.readline().strip()
            server = Served(int(url.rpartition(":")[2]))
            try:
                with visitors(server, 600), visitors(server, 600, HALF[2]):
                    pool = ThreadPoolExecutor(60)
                    for _ in range(60):
                        pool.submit(httpx2.post, f"{url}/api/ask", json=ASKED, timeout=60)
                    while not model.requests:
                        time.sleep(0.01)
                    for _ in range(20):
                        assert server.status("/health/live", HOST, seconds=FLOODED) == 200
                        assert server.status("/api/videos", HOST) == 200
                        assert server.status("/health/ready", HOST) == 200
            finally:
                process.kill()
                model.closing.set()
            pool.shutdown()
        assert log.stat().st_size < 100_000, log.read_text()[-2000:]
