"""Closed when in doubt: who comes in without a key, and what ends a way in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from serving import HERE, Served, served
from video_rag.api import create_app
from video_rag.api.hosts import is_loopback, split_host
from video_rag.api.server import must_have_keys
from video_rag.api.sessions import COOKIE, Sessions
from video_rag.errors import BadSettings
from video_rag.library import Library
from video_rag.operations import keys
from video_rag.settings import load_settings

HOST = "Host: 127.0.0.1:8420"


@pytest.fixture
def library() -> Iterator[Library]:
    library = Library(load_settings())
    yield library
    library.close()


@pytest.fixture
def server(library: Library) -> Iterator[Served]:
    """Nobody made a key yet."""
    with served(library) as server:
        yield server


def test_who_sits_at_this_machine_needs_no_key(server: Served) -> None:
    for host in (HOST, "Host: localhost", "Host: [::1]:8420", "Host: 127.9.9.9"):
        assert server.status("/api/videos", host) == 200, host
    page = ("Origin: http://127.0.0.1:8420", "Referer: http://localhost:8420/")
    for line in page:
        assert server.status("/api/videos", HOST, line) == 200, line


@pytest.mark.parametrize(
    "line",
    [
        *("X-Forwarded-For: 203.0.113.9", "x-forwarded-for: 127.0.0.1", "X-Forwarded-Proto: https"),
        *("X-Forwarded-Host: videos.example", "X-Forwarded-Server: proxy", "X-Forwarded-For:"),
        *("Forwarded: for=203.0.113.9", "Forwarded: for=127.0.0.1", "X-Real-IP: 127.0.0.1"),
        *("Via: 1.1 proxy", "CF-Connecting-IP: 203.0.113.9", "True-Client-IP: 203.0.113.9"),
        *("X-Client-IP: 203.0.113.9", "X-Cluster-Client-IP: 203.0.113.9", "X-Forwarded: x"),
        *("Referer: https://videos.example/", "Origin: https://videos.example", "Origin: null"),
        *("X-Original-Forwarded-For: 203.0.113.9", "Referer: http://[", "Referer: https:///x"),
    ],
)
def test_who_may_have_come_through_a_proxy_needs_one(server: Served, line: str) -> None:
    assert server.status("/api/videos", HOST, line) == 401
    assert server.status("/api/session", HOST, line) == 401


def test_what_nginx_sends_by_default_needs_one(server: Served) -> None:
    assert server.status("/api/videos", HOST, version="1.0") == 401


def test_another_peer_needs_one_whatever_it_says(library: Library) -> None:
    app = create_app(library, keys_required=False)
    for peer in ("203.0.113.9", "10.0.0.1", "fe80::1%eth0", "", "unix"):
        with TestClient(app, base_url="http://127.0.0.1", client=(peer, 1)) as client:
            assert client.get("/api/videos").status_code == 401, peer


@pytest.mark.parametrize(
    "host",
    [
        *("Host: [", "Host: ]", "Host: [::1", "Host: [::1]x", "Host: [zz]", "Host: [:::::]:1"),
        *("Host:", "Host: :8420", "Host: a b", "Host: a/b", "Host: u@127.0.0.1", "Host: a:b"),
        *("Host: a:70000", "Host: a:1:2", "Host: 127.0.0.1#x", "Host: 127.0.0.1?x", "Host: ::1"),
        "Host: 127.0.0.1\\evil",
    ],
)
def test_a_host_that_is_none_is_a_bad_request(library: Library, server: Served, host: str) -> None:
    assert server.status("/api/videos", host) == 400
    assert server.status("/", host) == 400
    _, key = keys.make(library.ledger, "me", "admin")
    assert server.status("/api/videos", host, f"Authorization: Bearer {key}") == 400


def test_no_host_at_all_is_a_bad_request(server: Served) -> None:
    assert server.status("/api/videos") == 400
    assert server.status("/api/videos", version="1.0") == 400


@given(st.text(st.characters(max_codepoint=255)))
def test_whatever_a_host_says_it_is_one_or_none(text: str) -> None:
    host = split_host(text)
    assert host is None or (host and not set(host) & set("[]/@ #?\\"))


def test_an_origin_that_is_none_is_another_site(server: Served) -> None:
    for origin in ("http://[", "[", "null", "http://"):
        assert server.status("/api/videos/x", HOST, f"Origin: {origin}", method="DELETE") == 403


def test_an_address_of_this_machine_inside_ipv6_is_one() -> None:
    assert is_loopback("::ffff:127.0.0.1")
    assert not is_loopback("::ffff:203.0.113.9")


def test_revoking_the_last_key_opens_nothing(library: Library, server: Served) -> None:
    key, plain = keys.make(library.ledger, "me", "admin")
    mine = f"Authorization: Bearer {plain}"
    assert server.status("/api/videos", HOST) == 401
    assert server.status("/api/videos", HOST, mine) == 200
    keys.revoke(library.ledger, key.key_id)
    assert server.status("/api/videos", HOST, mine) == 401
    assert server.status("/api/videos", HOST) == 401
    assert b"keys add" in server.say(f"GET /api/videos HTTP/1.0\r\n{HOST}\r\n\r\n")
    _, plain = keys.make(library.ledger, "me again", "read")
    assert server.status("/api/videos", HOST, f"Authorization: Bearer {plain}") == 200


def test_a_server_that_starts_with_revoked_keys_stays_closed(library: Library) -> None:
    key, _ = keys.make(library.ledger, "me", "admin")
    keys.revoke(library.ledger, key.key_id)
    assert must_have_keys(library, "127.0.0.1") is True
    for is_required in (True, False):
        with served(library, keys_required=is_required) as server:
            assert server.status("/api/videos", HOST) == 401
            assert server.status("/health/live", HOST) == 200


# logging in and out


def test_logging_out_ends_the_cookie_whoever_has_it(library: Library, tmp_path: Path) -> None:
    _, plain = keys.make(library.ledger, "alice", "read")
    app = create_app(library, keys_required=True)
    with TestClient(app, base_url="http://127.0.0.1") as client:
        cookies = []
        for _ in range(2):
            client.cookies.clear()
            client.post("/api/session", json={"key": plain})
            cookies.append({"Cookie": f"{COOKIE}={client.cookies[COOKIE]}"})
        client.cookies.clear()
        assert client.delete("/api/session", headers=cookies[0]).status_code == 204
        assert client.get("/api/videos", headers=cookies[0]).status_code == 401
        assert client.get("/api/videos", headers=cookies[1]).status_code == 200
    with TestClient(create_app(library, keys_required=True), base_url="http://127.0.0.1") as again:
        assert again.get("/api/videos", headers=cookies[0]).status_code == 401
        assert again.get("/api/videos", headers=cookies[1]).status_code == 200


def test_a_session_that_was_ended_is_so_for_every_server_of_the_library(tmp_path: Path) -> None:
    one, other = Sessions(tmp_path / "session.key"), Sessions(tmp_path / "session.key")
    first, second = one.issue("abcd", now=0.0), one.issue("abcd", now=0.0)
    one.end(first, now=1.0)
    assert (other.read(first, now=2.0), other.read(second, now=2.0)) == (None, "abcd")
    other.end(second, now=3.0)
    assert (one.read(first, now=4.0), one.read(second, now=4.0)) == (None, None)
    for forged in ("", "x", f"{second}0", "abcd.9999999999.00", "é.1.2"):
        one.end(forged)


def test_cookies_are_secure_whenever_the_public_address_is(tmp_path: Path) -> None:
    settings = {"server": {"public_url": "https://videos.example"}}
    library = Library(load_settings(settings))
    _, plain = keys.make(library.ledger, "alice", "read")
    for base in ("http://127.0.0.1:8420", "http://localhost", "http://videos.example"):
        with TestClient(create_app(library, keys_required=True), base_url=base) as client:
            answer = client.post("/api/session", json={"key": plain})
        assert "secure" in answer.headers["set-cookie"].lower(), base
    library.close()


# behind a proxy


def wrong_logins(client: TestClient, forwarded: str, many: int = 11) -> list[int]:
    headers = {"X-Forwarded-For": forwarded}
    wrong = {"key": "vr_0_0"}
    return [
        client.post("/api/session", json=wrong, headers=headers).status_code for _ in range(many)
    ]


@pytest.mark.parametrize("trusted", ["127.0.0.1", "127.0.0.0/8"])
def test_behind_a_trusted_proxy_the_login_lock_is_each_clients(trusted: str) -> None:
    library = Library(load_settings({"server": {"trusted_proxies": trusted}}))
    app = create_app(library, keys_required=True)
    with TestClient(app, base_url="http://videos.example", client=HERE) as client:
        assert wrong_logins(client, "203.0.113.9")[-2:] == [401, 429]
        assert wrong_logins(client, "198.51.100.7, 203.0.113.9", 1) == [429]  # the first is a lie
        assert wrong_logins(client, "203.0.113.10", 1) == [401]
        assert wrong_logins(client, "2001:db8::1")[-1] == 429
        assert wrong_logins(client, "2001:db8::2", 1) == [429]  # the same customer's
    library.close()


def test_without_one_nobody_chooses_an_address(library: Library) -> None:
    app = create_app(library, keys_required=True)
    with TestClient(app, base_url="http://videos.example", client=HERE) as client:
        seen = {status for n in range(11) for status in wrong_logins(client, f"203.0.113.{n}", 1)}
    assert seen == {401, 429}


def test_a_trusted_proxy_does_not_open_a_server_without_keys() -> None:
    library = Library(load_settings({"server": {"trusted_proxies": ["127.0.0.1"]}}))
    with served(library) as server:
        for line in ("X-Forwarded-For: 127.0.0.1", "X-Forwarded-For: 203.0.113.9"):
            assert server.status("/api/videos", HOST, line) == 401
    library.close()


@pytest.mark.parametrize(
    "server",
    [
        *({"trusted_proxies": "proxy.example"}, {"trusted_proxies": ["10.0.0.1/8"]}),
        *({"public_url": "https://["}, {"public_url": "https://"}, {"public_url": "http:///x"}),
    ],
)
def test_settings_of_the_server_that_name_nothing_are_refused(server: dict[str, str]) -> None:
    with pytest.raises(BadSettings, match=f"server.{next(iter(server))}"):
        load_settings({"server": server})
