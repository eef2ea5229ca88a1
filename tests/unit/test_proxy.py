"""The checking proxy, spoken to by a bare socket and by the library that we fetch with."""

from __future__ import annotations

import base64
import gc
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from urllib.parse import urlsplit

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_rag.errors import BadSettings
from video_rag.net.proxy import CheckingProxy
from video_rag.net.proxy.wire import Malformed, Stream, answer_length, body_length
from video_rag.settings.redaction import redact
from web import Page, Site, serve

PUBLIC = "93.184.216.34"


def names(**known: str) -> Callable[[str, int], list[str]]:
    """A name server that knows these hosts below `.example`."""

    def lookup(host: str, port: int) -> list[str]:
        if host.removesuffix(".example") not in known:
            raise socket.gaierror("no such name")
        return [known[host.removesuffix(".example")]]

    return lookup


def internet(**ports: str) -> Callable[[tuple[str, int], float], socket.socket]:
    """A world in which these public addresses are servers on loopback, and no others exist."""
    where = {address: urlsplit(url).port for address, url in ports.items()}

    def connect(place: tuple[str, int], seconds: float) -> socket.socket:
        port = where.get(place[0].replace(".", "_"))
        if port is None:
            raise ConnectionRefusedError("nobody is there")
        return socket.create_connection(("127.0.0.1", port), timeout=seconds)

    return connect


@contextmanager
def scripted(*answers: bytes, hear: list[bytes] | None = None, until: bytes = b"") -> Iterator[str]:
    """A server that sends these bytes, one for each connection, and hangs up."""
    listener = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        for answer in answers:
            client, _ = listener.accept()
            with client:
                client.settimeout(5)
                said = client.recv(65536)
                while until not in said:
                    said += client.recv(65536)
                if hear is not None:
                    hear.append(said)
                client.sendall(answer)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        thread.join()
        listener.close()


@pytest.fixture
def site() -> Iterator[Site]:
    with serve() as running:
        running.pages["/a"] = Page(b"hello", "text/plain")
        yield running


@pytest.fixture
def proxy() -> Iterator[CheckingProxy]:
    with CheckingProxy(allow_private=True) as running:
        yield running


def browser(proxy: CheckingProxy) -> httpx2.Client:
    return httpx2.Client(proxy=proxy.url, trust_env=False, timeout=5)


def login(url: str) -> bytes:
    parts = urlsplit(url)
    coded = base64.b64encode(f"{parts.username}:{parts.password}".encode())
    return b"Proxy-Authorization: Basic " + coded + b"\r\n"


def say(proxy: CheckingProxy, request: bytes, *, authorized: bool = True) -> bytes:
    """What the proxy answers to these bytes until it hangs up."""
    parts = urlsplit(proxy.url)
    with closing(socket.create_connection((parts.hostname or "", parts.port or 0), 5)) as sock:
        line, end, rest = request.partition(b"\r\n")
        sock.sendall(line + end + (login(proxy.url) if authorized else b"") + rest)
        sock.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := sock.recv(65536):
            answer += piece
    return answer


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def get(url: str) -> bytes:
    return f"GET {url} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()


# --- passing on --------------------------------------------------------------------------------


def test_a_page_comes_through_as_it_is(site: Site, proxy: CheckingProxy) -> None:
    with browser(proxy) as client:
        answer = client.get(f"{site.url}/a?b=c")
        assert (answer.status_code, answer.content) == (200, b"hello")
        assert client.get(f"{site.url}/none").status_code == 404
    assert site.gets["/a"] == 1
    assert proxy.refused == []


def test_a_part_of_a_file_and_its_head_can_be_asked_for(site: Site, proxy: CheckingProxy) -> None:
    with browser(proxy) as client:
        part = client.get(f"{site.url}/a", headers={"Range": "bytes=1-3"})
        assert (part.status_code, part.content) == (206, b"ell")
        head = client.head(f"{site.url}/a")
        assert (head.headers["Content-Length"], head.content) == ("5", b"")
        assert client.get(f"{site.url}/a").content == b"hello"


def test_one_connection_serves_many_requests_and_several_hosts(proxy: CheckingProxy) -> None:
    with serve() as one, serve() as two, browser(proxy) as client:
        for number in range(5):
            one.pages[f"/{number}"] = two.pages[f"/{number}"] = Page(str(number).encode())
            assert client.get(f"{one.url}/{number}").text == str(number)
            assert client.get(f"{two.url}/{number}").text == str(number)
        assert sum(one.gets.values()) == sum(two.gets.values()) == 5


def test_a_tunnel_passes_bytes_both_ways_until_both_sides_end(proxy: CheckingProxy) -> None:
    heard: list[bytes] = []
    with scripted(b"and back", hear=heard) as server:
        place = urlsplit(server).netloc
        answer = say(proxy, f"CONNECT {place} HTTP/1.1\r\n\r\nthere".encode())
    assert answer.split(b"\r\n\r\n") == [b"HTTP/1.1 200 Connection established", b"and back"]
    assert heard == [b"there"]


def test_a_body_in_chunks_comes_through_both_ways(proxy: CheckingProxy) -> None:
    heard: list[bytes] = []
    chunks = b"5;x=y\r\nhello\r\n4\r\n you\r\n0\r\nX-Sum: 1\r\n\r\n"
    reply = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks
    with scripted(reply, hear=heard, until=chunks) as server:
        request = f"POST {server}/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        answer = say(proxy, request + chunks)
    assert answer.endswith(b"\r\n\r\n" + chunks)
    assert heard[0].startswith(b"POST / HTTP/1.1\r\n")
    assert heard[0].endswith(b"\r\n\r\n" + chunks)


def test_the_rest_of_a_body_that_nobody_wanted_is_no_request(proxy: CheckingProxy) -> None:
    reply = b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n"
    with scripted(reply) as server:
        head = f"POST {server}/ HTTP/1.1\r\nContent-Length: 9000000\r\n".encode()
        body = b"GET http://h/ HTTP/1.1\r\n\r\n" * 400_000
        answer = said_until_refused(proxy, head + login(proxy.url) + b"\r\n" + body[:9_000_000])
    assert status(answer) == 413
    assert b"Connection: close" in answer
    assert answer.count(b"HTTP/1.1") == 1


def said_until_refused(proxy: CheckingProxy, request: bytes) -> bytes:
    """What the proxy answers to one who goes on talking until nobody listens any more."""
    parts = urlsplit(proxy.url)
    answer = b""
    with closing(socket.create_connection((parts.hostname or "", parts.port or 0), 5)) as sock:
        with suppress(ConnectionError):
            sock.sendall(request)
        with suppress(ConnectionError):
            while piece := sock.recv(65536):
                answer += piece
    return answer


def test_an_answer_without_a_length_ends_with_its_connection(proxy: CheckingProxy) -> None:
    with scripted(b"HTTP/1.0 200 OK\r\n\r\nall there is") as server:
        answer = say(proxy, get(server))
    assert answer == b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall there is"


def test_a_body_that_is_cut_off_is_not_made_whole(proxy: CheckingProxy) -> None:
    with (
        scripted(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this") as server,
        browser(proxy) as client,
        pytest.raises(httpx2.RemoteProtocolError),
    ):
        client.get(server)


def test_chunks_of_a_wrong_size_break_the_answer_off(proxy: CheckingProxy) -> None:
    reply = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhello\r\n0\r\n\r\n"
    with scripted(reply) as server:
        answer = say(proxy, get(server))
    assert answer.count(b"HTTP/1.1") == 1
    assert not answer.endswith(b"0\r\n\r\n")


def test_a_connection_that_ended_while_idle_is_opened_again(proxy: CheckingProxy) -> None:
    reply = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
    with scripted(reply, reply) as server, browser(proxy) as client:
        assert client.get(server).text == "hi"
        assert client.get(server).text == "hi"


def test_a_request_with_a_body_is_not_sent_twice(proxy: CheckingProxy) -> None:
    heard: list[bytes] = []
    reply = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer_once_of_two, args=(listener, reply, heard))
        thread.start()
        target = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        post, body = f"POST {target} HTTP/1.1\r\n".encode(), b"Content-Length: 3\r\n\r\nabc"
        answer = say(proxy, post + body + post + login(proxy.url) + body)
        thread.join()
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()  # nobody came again
    assert answer.startswith(reply)
    assert status(answer[len(reply) :]) == 502
    assert [text.count(b"abc") for text in heard] == [1, 1]


def answer_once_of_two(listener: socket.socket, reply: bytes, heard: list[bytes]) -> None:
    """Hear two requests on one connection and hang up instead of a second answer."""
    client, _ = listener.accept()
    with client:
        client.settimeout(5)
        for answer in (reply, b""):
            said = client.recv(65536)
            while not said.endswith(b"abc"):
                said += client.recv(65536)
            heard.append(said)
            client.sendall(answer)


def test_two_ports_of_a_host_are_two_servers(proxy: CheckingProxy) -> None:
    with serve() as one, serve() as two:
        one.pages["/a"], two.pages["/a"] = Page(b"the first"), Page(b"the second")
        first = f"GET {one.url}/a HTTP/1.1\r\nHost: x\r\n".encode() + b"\r\n"
        answer = say(proxy, first + get(f"{two.url}/a").replace(b"Host: x\r\n", login(proxy.url)))
    assert answer.index(b"the first") < answer.index(b"the second")


def test_headers_of_one_hop_are_kept_and_secrets_do_not_leak(proxy: CheckingProxy) -> None:
    heard: list[bytes] = []
    with scripted(
        b"HTTP/1.1 204 No Content\r\nX-Name: \xe4\xbd\xa0\r\nbad header\r\n\r\n", hear=heard
    ) as server:
        request = f"GET {server}/p?q#f HTTP/1.1\r\nHost: 10.0.0.1\r\nX-One: 1\r\n".encode()
        request += (
            b"Connection: close, X-Two\r\nX-Two: 2\r\nUpgrade: h2c\r\nProxy-Connection: x\r\n\r\n"
        )
        answer = say(proxy, request)
    place = urlsplit(server).netloc.encode()
    assert heard == [b"GET /p?q HTTP/1.1\r\nHost: " + place + b"\r\nX-One: 1\r\n\r\n"]
    assert answer.startswith(b"HTTP/1.1 204 No Content\r\nX-Name: \xe4\xbd\xa0\r\n")


def test_a_client_that_waits_for_leave_to_send_gets_it(proxy: CheckingProxy) -> None:
    reply = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    with scripted(reply, until=b"body") as server:
        head = f"POST {server}/ HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"
        answer = say(proxy, head.encode() + b"body")
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")


# --- refusing ----------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "fd00::1"])
@pytest.mark.parametrize(
    "form", ["GET http://talks.example/ HTTP/1.1", "CONNECT talks.example:443 HTTP/1.1"]
)
def test_a_name_that_leads_to_a_private_place_is_refused(address: str, form: str) -> None:
    with CheckingProxy(lookup=names(talks=address)) as proxy:
        answer = say(proxy, f"{form}\r\n\r\n".encode())
        assert status(answer) == 403
        assert b"X-Video-Rag-Refused: private-network" in answer
        assert proxy.refused == ["talks.example"]


def test_a_name_that_changes_between_two_requests_is_looked_up_each_time(site: Site) -> None:
    answers = iter([PUBLIC, "127.0.0.1"])
    connect = internet(**{PUBLIC.replace(".", "_"): site.url})
    with CheckingProxy(lookup=lambda host, port: [next(answers)], connect=connect) as proxy:
        assert status(say(proxy, get("http://talks.example/a"))) == 200
        assert status(say(proxy, get("http://talks.example/a"))) == 403
    assert site.gets["/a"] == 1


def test_a_connection_goes_to_the_address_that_was_checked(site: Site) -> None:
    places: list[tuple[str, int]] = []

    def connect(place: tuple[str, int], seconds: float) -> socket.socket:
        places.append(place)
        return internet(**{PUBLIC.replace(".", "_"): site.url})(place, seconds)

    lookup = names(talks=PUBLIC)
    with CheckingProxy(lookup=lookup, connect=connect) as proxy, browser(proxy) as client:
        assert client.get("http://talks.example:81/a").text == "hello"
    assert places == [(PUBLIC, 81)]


def test_errands_know_their_own_refusals(site: Site) -> None:
    with CheckingProxy() as proxy:
        one, two = proxy.visit(), proxy.visit()
        with httpx2.Client(proxy=one.url, trust_env=False) as client:
            assert client.get(f"{site.url}/a").status_code == 403
        assert (one.refused, two.refused, proxy.refused) == (["127.0.0.1"], [], [])
    assert not site.gets


def test_the_proxy_is_no_way_to_itself(proxy: CheckingProxy) -> None:
    port = urlsplit(proxy.url).port
    for host in ("127.0.0.1", "localhost", "0.0.0.0", "[::ffff:127.0.0.1]"):
        assert status(say(proxy, get(f"http://{host}:{port}/"))) == 403
        assert status(say(proxy, f"CONNECT {host}:{port} HTTP/1.1\r\n\r\n".encode())) == 403


@pytest.mark.parametrize("scheme", ["ftp", "https", "file", "gopher"])
def test_only_plain_http_is_passed_on_untunnelled(proxy: CheckingProxy, scheme: str) -> None:
    assert status(say(proxy, get(f"{scheme}://talks.example/a"))) == 403


def test_whoever_does_not_know_the_token_is_sent_away(site: Site, proxy: CheckingProxy) -> None:
    assert status(say(proxy, get(f"{site.url}/a"), authorized=False)) == 407
    for value in ("Basic", "Basic !", "Bearer x", "Basic " + base64.b64encode(b"a:b").decode()):
        row = f"Proxy-Authorization: {value}\r\n\r\n".encode()
        request = get(f"{site.url}/a").removesuffix(b"\r\n") + row
        assert status(say(proxy, request, authorized=False)) == 407
    assert not site.gets


@pytest.mark.parametrize(
    "request_",
    [
        b"GET\r\n\r\n",
        b"GET /a HTTP/1.1\r\n\r\n",
        b"GET http://h\x01/ HTTP/1.1\r\n\r\n",
        b"GET http://[::1/ HTTP/1.1\r\n\r\n",
        b"GET http://h/ HTTP/1.1\r\nbad header\r\n\r\n",
        b"GET http://h/ HTTP/1.1\r\nA: b\r\n folded\r\n\r\n",
        b"GET http://h/ HTTP/1.1\r\nA: b\nHost: c\r\n\r\n",
        b"POST http://h/ HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST http://h/ HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST http://h/ HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST http://h/ HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"CONNECT h HTTP/1.1\r\n\r\n",
        b"CONNECT h:0 HTTP/1.1\r\n\r\n",
        b"CONNECT h:99999 HTTP/1.1\r\n\r\n",
        b"GET http://h/ HTTP/1.1\r\nA: " + b"a" * 70_000 + b"\r\n\r\n",
    ],
)
def test_what_is_no_clean_request_is_not_passed_on(request_: bytes) -> None:
    asked: list[str] = []

    def lookup(host: str, port: int) -> list[str]:
        asked.append(host)
        return [PUBLIC]

    with CheckingProxy(lookup=lookup, connect=internet()) as proxy:
        assert status(say(proxy, request_)) == 400
    assert asked == []


def test_unknown_and_silent_hosts_are_told_apart_from_refused_ones() -> None:
    with CheckingProxy(lookup=names(away=PUBLIC), connect=internet()) as proxy:
        assert b"is not known" in say(proxy, get("http://nowhere.example/"))
        answer = say(proxy, get("http://away.example/"))
        assert (status(answer), b"cannot be reached" in answer) == (502, True)
        assert proxy.refused == []


@pytest.mark.parametrize(
    "reply",
    [b"", b"HTTP/1.1 200 O", b"\x01\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"],
)
def test_a_server_that_speaks_no_http_is_a_bad_gateway(proxy: CheckingProxy, reply: bytes) -> None:
    with scripted(reply) as server:
        assert status(say(proxy, get(server))) == 502


# --- through another proxy -----------------------------------------------------------------------


@pytest.mark.parametrize("tunnel", [False, True])
def test_another_proxy_is_given_names_and_its_login(tunnel: bool) -> None:
    heard: list[bytes] = []
    reply = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
    with scripted(reply, hear=heard) as server:
        upstream = server.replace("://", "://me:pa%3Ass@")
        with CheckingProxy(upstream=upstream) as proxy:
            form = "CONNECT talks.example:443" if tunnel else "GET http://talks.example/a?b"
            assert status(say(proxy, f"{form} HTTP/1.1\r\nHost: h\r\n\r\n".encode())) == 200
    start = b"CONNECT talks.example:443" if tunnel else b"GET http://talks.example/a?b"
    assert heard[0].startswith(start + b" HTTP/1.1\r\nHost: talks.example")
    assert b"Proxy-Authorization: Basic " + base64.b64encode(b"me:pa:ss") in heard[0]
    assert proxy.url not in heard[0].decode()


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "localhost",
        "a.localhost",
        "printer",
        "nas.local",
        "metadata.google.internal",
        "[::1]",
        "169.254.169.254",
    ],
)
def test_private_places_are_refused_behind_another_proxy_too(host: str) -> None:
    with CheckingProxy(upstream="http://192.0.2.1:3128", connect=internet()) as proxy:
        assert status(say(proxy, get(f"http://{host}/"))) == 403
        assert status(say(proxy, get("http://talks.example/"))) == 502


def socks_server(heard: list[bytes], refuse: bool = False) -> tuple[str, threading.Thread]:
    """A SOCKS5 proxy for one connection that answers HTTP itself."""
    listener = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        with listener, closing(listener.accept()[0]) as client:
            client.settimeout(5)
            heard.append(client.recv(100))
            client.sendall(b"\x05\x02")
            heard.append(client.recv(100))
            client.sendall(b"\x01\x00")
            heard.append(client.recv(100))
            client.sendall(b"\x05" + (b"\x02" if refuse else b"\x00") + b"\x00\x01\x7f\0\0\1\0\1")
            if not refuse:
                heard.append(client.recv(65536))
                client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    thread = threading.Thread(target=run)
    thread.start()
    return f"socks5h://me:secret@127.0.0.1:{listener.getsockname()[1]}", thread


@pytest.mark.parametrize("refuse", [False, True])
def test_a_socks_proxy_is_given_names_and_its_login(refuse: bool) -> None:
    heard: list[bytes] = []
    url, thread = socks_server(heard, refuse)
    with CheckingProxy(upstream=url) as proxy:
        answer = say(proxy, get("http://talks.example/a"))
    thread.join()
    assert heard[:3] == [
        b"\x05\x02\x00\x02",
        b"\x01\x02me\x06secret",
        b"\x05\x01\x00\x03\x0dtalks.example\x00\x50",
    ]
    assert status(answer) == (502 if refuse else 200)
    assert refuse or heard[3].startswith(b"GET /a HTTP/1.1\r\n")


@pytest.mark.parametrize(
    "url",
    [
        "socks4://h:1",
        "ftp://h",
        "http://",
        "http://h:x",
        "http://[::1",
        f"socks5://{'a' * 300}:b@h",
    ],
)
def test_a_proxy_of_a_kind_unknown_is_a_bad_setting(url: str) -> None:
    with pytest.raises(BadSettings, match="proxy"):
        CheckingProxy(upstream=url)


# --- living and ending ---------------------------------------------------------------------------


def test_its_url_hides_from_logs(proxy: CheckingProxy) -> None:
    token = urlsplit(proxy.url).password or ""
    assert len(token) >= 32
    assert token not in redact(f"fetching through {proxy.url}")
    assert token not in repr(proxy) + repr(proxy.visit()) + str(vars(proxy))


def test_it_starts_when_used_and_leaves_nothing_behind(site: Site) -> None:
    before = threading.active_count()
    proxy = CheckingProxy(allow_private=True)
    assert threading.active_count() == before
    with browser(proxy) as client:
        client.get(f"{site.url}/a")
        port = urlsplit(proxy.url).port or 0
        proxy.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 1)
    names = [thread.name for thread in threading.enumerate()]
    assert not [name for name in names if name.startswith("video-rag proxy")]


def test_one_that_is_dropped_ends() -> None:
    proxy = CheckingProxy()
    port = urlsplit(proxy.url).port or 0
    del proxy
    gc.collect()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 1)


def test_one_that_was_closed_starts_again_with_another_token(site: Site) -> None:
    with CheckingProxy(allow_private=True) as proxy:
        old = proxy.url
        proxy.close()
        assert urlsplit(proxy.url).password != urlsplit(old).password
        with browser(proxy) as client:
            assert client.get(f"{site.url}/a").text == "hello"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_gets_its_own_and_leaves_the_parents_alone(site: Site) -> None:
    with CheckingProxy(allow_private=True) as proxy:
        url = proxy.url
        child = os.fork()
        if child == 0:
            good = False
            try:
                good = proxy.url != url and status(say(proxy, get(f"{site.url}/a"))) == 200
                proxy.close()
            finally:
                os._exit(0 if good else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert proxy.url == url
        assert status(say(proxy, get(f"{site.url}/a"))) == 200


# --- parsing -------------------------------------------------------------------------------------


def parsed(data: bytes) -> Stream:
    """A stream that has these bytes to read and then the end."""
    one, two = socket.socketpair()
    with one:
        one.sendall(data)
    return Stream(two)


@given(st.binary(max_size=400))
def test_any_bytes_are_a_head_or_malformed_or_broken_off(data: bytes) -> None:
    stream = parsed(data)
    with closing(stream.sock):
        try:
            head = stream.head()
        except (Malformed, ConnectionError):
            return
        if head is None:
            assert data == b""
        else:
            assert all("\r" not in part and "\n" not in part for part in head.start)
            assert b"\r\n\r\n" in data


@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from(["Content-Length", "transfer-encoding", "X-A"]),
            st.sampled_from(["1", "2", "chunked", "gzip, chunked", "1, 1", "", "+1"]),
        ),
        max_size=4,
    ),
    answer_status=st.sampled_from(["200", "204", "304"]),
)
def test_the_length_of_a_body_is_one_thing_or_refused(
    rows: list[tuple[str, str]], answer_status: str
) -> None:
    text = "\r\n".join([f"HTTP/1.1 {answer_status} OK", *(f"{n}: {v}" for n, v in rows), "", ""])
    stream = parsed(text.encode())
    with closing(stream.sock):
        head = stream.head()
    assert head is not None
    values = {name: head.values(name) for name in ("content-length", "transfer-encoding")}
    try:
        length = body_length(head)
    except Malformed:
        assert values["transfer-encoding"] or values["content-length"] not in (["1"], ["2"])
        return
    if length == -1:
        assert values == {"content-length": [], "transfer-encoding": ["chunked"]}
    elif length is not None:
        assert set(values["content-length"]) == {str(length)}
    assert answer_status == "200" or answer_length("GET", head) == 0
