"""How a checked host is reached: straight, or through somebody else's proxy."""

from __future__ import annotations

import base64
import ipaddress
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import SplitResult, unquote, urlsplit

from video_rag.errors import BadSettings, Unavailable, UnsupportedUrl
from video_rag.net import guard
from video_rag.net.proxy.wire import BrokenOff, Head, Malformed, Stream

Connect = Callable[[tuple[str, int], float], socket.socket]
"""From an address with port, and seconds to wait, to a connection."""

_CONNECT_SECONDS = 10.0
IDLE_SECONDS = 300.0
"""After so long without a byte either way a connection is given up."""
_SOCKS_REFUSALS = {2: "not allowed", 3: "network unreachable", 4: "host unreachable", 5: "refused"}


class Refused(Exception):
    """Where a request leads to must not be reached."""


class Unreachable(Exception):
    """A host is unknown, away or silent."""


class Reach(Protocol):
    """A way to hosts."""

    headers: tuple[tuple[str, str], ...]
    """What requests that are not tunnelled must carry on this way."""
    forwards: bool
    """Whether plain HTTP goes to another proxy, which must be told the whole URL."""

    def open(self, host: str, port: int, *, tunnel: bool) -> socket.socket:
        """A connection to a host, for a tunnel or for plain HTTP.

        Raises `Refused` or `Unreachable`.
        """


@dataclass
class Direct:
    """Straight to the addresses that were checked, and to no others."""

    allow_private: bool
    lookup: guard.Lookup | None
    connect: Connect
    own_port: int
    headers: tuple[tuple[str, str], ...] = ()
    forwards: bool = False

    def open(self, host: str, port: int, *, tunnel: bool) -> socket.socket:  # noqa: ARG002 - either way
        """A connection to the first address that answers."""
        try:
            addresses = guard.public_addresses(
                host, port, allow_private=self.allow_private, lookup=self.lookup
            )
        except UnsupportedUrl as error:
            raise Refused(str(error)) from error
        except Unavailable as error:
            raise Unreachable(str(error)) from error
        if port == self.own_port and any(_is_here(address) for address in addresses):
            raise Refused("the proxy itself")
        reason = ""
        for address in addresses:
            try:
                return ready(self.connect((address, port), _CONNECT_SECONDS))
            except OSError as error:
                reason = _said(error)
        raise Unreachable(f"{host} cannot be reached: {reason}")


class _Through:
    """Another proxy, which looks names up by itself; what a name tells is checked before."""

    headers: tuple[tuple[str, str], ...] = ()
    forwards = False
    default_port = 8080

    def __init__(self, parts: SplitResult, *, allow_private: bool, connect: Connect) -> None:
        self.allow_private = allow_private
        self._connect = connect
        self._parts = parts
        self._where = (parts.hostname or "", parts.port or self.default_port)
        self._user = (unquote(parts.username or ""), unquote(parts.password or ""))

    def open(self, host: str, port: int, *, tunnel: bool) -> socket.socket:
        """A connection to the other proxy, or through it."""
        if not self.allow_private:
            try:
                guard.check_host(host)
            except (UnsupportedUrl, Unavailable) as error:
                raise Refused(str(error)) from error
        try:
            sock = self._dialled()
        except OSError as error:
            raise Unreachable(f"the proxy cannot be reached: {_said(error)}") from error
        try:
            self._greet(sock, host, port, tunnel)
        except (OSError, Malformed, Unreachable) as error:
            sock.close()
            if isinstance(error, Unreachable):
                raise
            raise Unreachable(f"the proxy did not answer: {_said(error)}") from error
        return ready(sock)

    def _dialled(self) -> socket.socket:
        return self._connect(self._where, _CONNECT_SECONDS)

    def _greet(self, sock: socket.socket, host: str, port: int, tunnel: bool) -> None:
        """Bring the connection to where the host can be spoken to."""


class ThroughHttp(_Through):
    """Another HTTP proxy, itself spoken to in TLS where its URL says https."""

    forwards = True

    def __init__(self, parts: SplitResult, *, allow_private: bool, connect: Connect) -> None:
        if parts.scheme == "https":
            self.default_port = 443
        super().__init__(parts, allow_private=allow_private, connect=connect)
        if any(self._user):
            login = base64.b64encode(":".join(self._user).encode()).decode()
            self.headers = (("Proxy-Authorization", f"Basic {login}"),)

    def _dialled(self) -> socket.socket:
        sock = super()._dialled()
        if self._parts.scheme != "https":
            return sock
        try:
            context = ssl.create_default_context()
            return context.wrap_socket(sock, server_hostname=self._where[0])
        except OSError:
            sock.close()
            raise

    def _greet(self, sock: socket.socket, host: str, port: int, tunnel: bool) -> None:
        if not tunnel:
            return
        place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        head = Head(("CONNECT", place, "HTTP/1.1"), [])
        sock.sendall(head.encoded([("Host", place), *self.headers]))
        answer = Stream(sock).head()
        if answer is None or not answer.start[1].startswith("2"):
            said = answer.start[1] if answer else "nothing"
            raise Unreachable(f"the proxy answered {said} for {host}")


class ThroughSocks(_Through):
    """A SOCKS5 proxy (RFC 1928) with or without a password (RFC 1929); it looks names up."""

    default_port = 1080

    def _greet(self, sock: socket.socket, host: str, port: int, tunnel: bool) -> None:  # noqa: ARG002
        methods = b"\x00\x02" if any(self._user) else b"\x00"
        sock.sendall(bytes([5, len(methods)]) + methods)
        version, method = _exactly(sock, 2)
        if version != 5 or method not in methods:
            raise Unreachable("the proxy speaks no SOCKS5, or wants another login")
        if method == 2:
            user, password = (part.encode() for part in self._user)
            sock.sendall(bytes([1, len(user)]) + user + bytes([len(password)]) + password)
            if _exactly(sock, 2)[1]:
                raise Unreachable("the proxy refused the login")
        name = host.encode("idna")
        sock.sendall(bytes([5, 1, 0, 3, len(name)]) + name + port.to_bytes(2))
        _, result, _, kind = _exactly(sock, 4)
        if result:
            raise Unreachable(f"the proxy: {host}: {_SOCKS_REFUSALS.get(result, 'failed')}")
        _exactly(sock, {1: 4, 4: 16}.get(kind) or _exactly(sock, 1)[0])
        _exactly(sock, 2)


def through(url: str, *, allow_private: bool, connect: Connect) -> Reach:
    """The way through a proxy of the user's. Raises `BadSettings` for one of a kind unknown."""
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        known = bool(parts.hostname) and parts.port != 0
    except ValueError as error:
        raise BadSettings("the proxy's URL is malformed", hint=_FORMS) from error
    kinds: dict[str, type[_Through]] = {"http": ThroughHttp, "https": ThroughHttp}
    kinds |= {"socks5": ThroughSocks, "socks5h": ThroughSocks}
    if not known or parts.scheme not in kinds:
        raise BadSettings(f"a proxy of the kind {parts.scheme} is not known", hint=_FORMS)
    if max(len(unquote(part or "").encode()) for part in (parts.username, parts.password)) > 255:
        raise BadSettings("the proxy's user name or password is too long", hint=_FORMS)
    return kinds[parts.scheme](parts, allow_private=allow_private, connect=connect)


_FORMS = "write it as http://user:password@host:port, https://… or socks5://…"


def dial(place: tuple[str, int], seconds: float) -> socket.socket:
    """A TCP connection."""
    return socket.create_connection(place, timeout=seconds)


def ready(sock: socket.socket) -> socket.socket:
    """A connection as the proxy uses them."""
    sock.settimeout(IDLE_SECONDS)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def _exactly(sock: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = sock.recv(count - len(data))
        if not piece:
            raise BrokenOff("hung up")
        data += piece
    return data


def _is_here(address: str) -> bool:
    ip = ipaddress.ip_address(address.partition("%")[0])
    ip = getattr(ip, "ipv4_mapped", None) or ip
    return ip.is_loopback or ip.is_unspecified


def _said(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error or type(error).__name__)
