"""What may be opened: which URLs, which file names, which paths."""

from __future__ import annotations

import ipaddress
import re
import socket
import unicodedata
from collections.abc import Callable, Iterable
from pathlib import Path
from urllib.parse import urlsplit

from video_rag.errors import NotFound, Unavailable, UnsupportedUrl

Lookup = Callable[[str, int], Iterable[str]]
"""From host and port to every address that a connection might use."""

_LONGEST_URL = 2048
_LONGEST_NAME = 120
"""Bytes of UTF-8: room for a suffix and a language within the 255 of most file systems."""
_ZERO_WIDTH_JOINER = "\u200d"
_FORBIDDEN = frozenset('<>:"/\\|?*')
_RESERVED = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])", re.IGNORECASE)
_EDGES = " .-~_" + _ZERO_WIDTH_JOINER
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def check_url(
    url: str,
    *,
    allow_private: bool = False,
    resolve: bool = True,
    lookup: Lookup | None = None,
) -> None:
    """Refuse a URL that must not be fetched on someone's behalf.

    Only http and https, no user and password, no control characters, and no host of which any
    address lies on this machine or in a private network (unless `allow_private`). Without
    `resolve`, for use behind a proxy, names are not looked up. The look-up here and the one of
    the connection are two: a name server that answers them differently is not caught, nor is a
    redirect.

    Raises `UnsupportedUrl`, or `Unavailable` when the host is unknown.
    """
    if len(url) > _LONGEST_URL:
        raise UnsupportedUrl(f"the URL is longer than {_LONGEST_URL} characters")
    if not url.isprintable() or " " in url or "\\" in url:
        raise UnsupportedUrl("the URL has spaces, backslashes or control characters in it")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise UnsupportedUrl("the URL is malformed") from error
    if parts.scheme not in {"http", "https"}:
        raise UnsupportedUrl(f"{parts.scheme or 'no scheme'}: only http and https are fetched")
    if parts.username is not None or parts.password is not None:
        raise UnsupportedUrl("the URL has a user name in it", hint="use a cookie file instead")
    if not host:
        raise UnsupportedUrl("the URL names no host")
    if allow_private:
        return
    for address in _addresses(host, port or 443, resolve, lookup or _look_up):
        if not _is_public(address):
            raise UnsupportedUrl(
                f"{host} is on this machine or in a private network",
                hint="set allow_private = true in [guard] if that is meant",
            )


def safe_name(title: str) -> str:
    """A file name for a title, safe on Linux, macOS and Windows; never empty.

    At most 120 bytes of UTF-8, of one line, without separators, control and direction marks,
    leading dots or dashes, and names that Windows keeps for devices. Letters of every script and
    emoji stay. A safe name stays as it is.
    """
    text = unicodedata.normalize("NFC", title)
    text = "".join(" " if char.isspace() else char for char in text)
    text = "".join("_" if char in _FORBIDDEN else char for char in text if _is_visible(char))
    text = unicodedata.normalize("NFC", " ".join(text.split())).strip(_EDGES)
    first = text.split(".", 1)[0].rstrip()
    if _RESERVED.fullmatch(first):
        text = f"{first} file{text[len(first) :]}"
    while len(text.encode()) > _LONGEST_NAME:
        text = text[:-1].rstrip(_EDGES)
    return text or "untitled"


def inside(folder: Path, path: Path) -> Path:
    """The real path, links followed, of something in `folder`; `path` may be relative to it.

    Raises `NotFound` when it lies elsewhere, whether it is there or not.
    """
    root = folder.resolve()
    try:
        real = (root / path).resolve()
    except (OSError, ValueError, RuntimeError) as error:
        raise NotFound(f"there is no {path.name!r} here") from error
    if not real.is_relative_to(root):
        raise NotFound(f"there is no {path.name!r} here")
    return real


def _addresses(host: str, port: int, resolve: bool, lookup: Lookup) -> Iterable[str]:
    """Every address of a host; the host itself when it is one."""
    try:
        return [str(ipaddress.ip_address(host.partition("%")[0]))]
    except ValueError:
        pass
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return ["127.0.0.1"]
    is_number = name.rpartition(".")[2][:1].isdigit()  # `127.1` and `0x7f000001` are addresses too
    if not resolve and not is_number:
        return []
    try:
        return list(lookup(host, port))
    except (OSError, UnicodeError) as error:
        raise Unavailable(
            f"the host {host} is not known", hint="check the URL and the network"
        ) from error


def _look_up(host: str, port: int) -> list[str]:
    rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(row[4][0]) for row in rows]


def _is_public(address: str) -> bool:
    """Whether an address belongs to the open internet, also when it hides in IPv6."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        hidden = ip.ipv4_mapped or ip.sixtofour or (ip.teredo or (None, None))[1]
        if ip in _NAT64:
            hidden = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if hidden is not None:
            ip = hidden
    return ip.is_global and not ip.is_multicast


def _is_visible(char: str) -> bool:
    """No control, format, surrogate, private or unassigned character; emoji may be joined."""
    return char == _ZERO_WIDTH_JOINER or not unicodedata.category(char).startswith("C")
