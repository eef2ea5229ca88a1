"""Sessions, failed logins, and the address that is listened on."""

from __future__ import annotations

import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_rag.api.hosts import is_loopback
from video_rag.api.server import address_of, bind, must_have_keys
from video_rag.api.sessions import SESSION_SECONDS, Attempts, Sessions
from video_rag.errors import UsageError
from video_rag.library import Library
from video_rag.operations import keys
from video_rag.settings import load_settings


@pytest.fixture
def library() -> Iterator[Library]:
    library = Library(load_settings())
    yield library
    library.close()


def test_a_session_is_read_until_it_ends(tmp_path: Path) -> None:
    sessions = Sessions(tmp_path / "home" / "session.key")
    cookie = sessions.issue("abcd", now=1000.0)
    assert sessions.read(cookie, now=1000.0 + SESSION_SECONDS - 1) == "abcd"
    assert sessions.read(cookie, now=1000.0 + SESSION_SECONDS) is None


def test_a_session_that_was_changed_is_none(tmp_path: Path) -> None:
    sessions = Sessions(tmp_path / "session.key")
    cookie = sessions.issue("abcd")
    for changed in (cookie[1:], cookie[:-1], cookie.replace("abcd", "abce"), f"{cookie}0", "é.1.2"):
        assert sessions.read(changed) is None
    assert Sessions(tmp_path / "other.key").read(cookie) is None


def test_the_secret_outlives_the_process_and_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "session.key"
    cookie = Sessions(path).issue("abcd")
    assert Sessions(path).read(cookie) == "abcd"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["session.key"]


@given(st.text())
def test_no_text_that_we_did_not_sign_is_a_session(text: str) -> None:
    sessions = Sessions.__new__(Sessions)
    sessions._secret = b"secret"
    assert sessions.read(text) is None


def test_attempts_are_counted_by_address_and_forgotten_in_time() -> None:
    attempts = Attempts(limit=3, seconds=60.0)
    for at in (0.0, 10.0, 20.0):
        assert attempts.wait("a", now=at) == 0
        attempts.fail("a", now=at)
    assert attempts.wait("a", now=21.0) == pytest.approx(39.0)
    assert attempts.wait("b", now=21.0) == 0
    assert attempts.wait("a", now=60.5) == 0


def test_the_memory_for_attempts_is_bounded() -> None:
    attempts = Attempts(limit=1, seconds=60.0, addresses=2)
    for address in ("a", "b", "c"):
        attempts.fail(address, now=0.0)
    assert [attempts.wait(address, now=1.0) > 0 for address in "abc"] == [False, True, True]


@pytest.mark.parametrize("host", ["localhost", "LocalHost", "127.0.0.1", "127.9.9.9", "::1"])
def test_loopback_is_known_by_name_and_number(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["", "0.0.0.0", "::", "192.168.1.2", "example.org", "localhost.example.org", "127.1"]
)
def test_what_others_may_reach_is_not_loopback(host: str) -> None:
    assert not is_loopback(host)


def test_loopback_needs_no_key_until_there_is_one(library: Library) -> None:
    assert must_have_keys(library, "127.0.0.1") is False
    keys.make(library.ledger, "me", "admin")
    assert must_have_keys(library, "127.0.0.1") is True


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2"])
def test_elsewhere_it_refuses_to_start_without_a_living_key(library: Library, host: str) -> None:
    key, _ = keys.make(library.ledger, "me", "admin")
    assert must_have_keys(library, host) is True
    keys.revoke(library.ledger, key.key_id)
    with pytest.raises(UsageError, match="no API key") as caught:
        must_have_keys(library, host)
    assert "video-rag keys add" in caught.value.hint


def test_a_public_address_counts_as_elsewhere() -> None:
    library = Library(load_settings({"server": {"public_url": "https://videos.example"}}))
    with pytest.raises(UsageError, match=r"videos\.example"):
        must_have_keys(library, "127.0.0.1")
    library.close()


def test_a_port_in_use_is_told_with_another() -> None:
    with bind("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        assert address_of("127.0.0.1", first) == f"http://127.0.0.1:{port}"
        with pytest.raises(UsageError, match="in use") as caught:
            bind("127.0.0.1", port)
        assert "--port" in caught.value.hint


def test_an_address_that_is_not_ours_is_refused() -> None:
    with pytest.raises(UsageError, match=r"192\.0\.2\.1"):
        bind("192.0.2.1", 0)
    with pytest.raises(UsageError, match="no address"):
        bind("no such host.invalid", 0)


SERVE = """
from video_rag.api.server import serve
from video_rag.library import Library
from video_rag.settings import load_settings
serve(Library(load_settings()), "127.0.0.1", 0, lambda url: print(url, flush=True))
"""


def test_it_serves_until_it_is_interrupted_and_ends_well() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SERVE], stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout
        url = server.stdout.readline().strip()
        try:
            assert httpx2.get(f"{url}/health/live", timeout=60).json() == {"status": "ok"}
        finally:
            server.send_signal(signal.SIGINT)
        assert server.wait() == 0


def test_an_address_for_all_is_opened_here() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        assert address_of("0.0.0.0", listener) == f"http://127.0.0.1:{port}"
        assert address_of("::", listener) == f"http://[::1]:{port}"
