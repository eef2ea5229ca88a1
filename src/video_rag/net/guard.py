"""What may be opened: which URLs, which file names, which paths."""

from __future__ import annotations

import ipaddress
import os
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
DECEPTIVE = frozenset(
    (*range(32), *range(127, 160), 0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
)
"""Code points that command a terminal or deceive its reader: control characters, separators of
lines, marks that turn the direction of writing (right-to-left scripts do without these)."""
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
"""All IPv6 addresses that IANA has given to the open internet (RFC 4291 §2.4)."""
_NAME = re.compile(r"[\w-]+(?:\.[\w-]+)*")
_LOCAL = frozenset(
    {"localhost", "localdomain", "local", "internal", "intranet", "lan", "home", "corp"}
    | {"private", "home.arpa"}
)
"""Names that no public name server knows (RFC 6761, 6762, 8375, and what home routers use)."""
_PRIVATE_HINT = "set allow_private = true in [guard] if that is meant"


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
    `resolve`, where somebody else looks the name up, it is refused only where the name itself
    tells: see `check_host`. The look-up here and the one of the connection are two: a redirect,
    or a name server that answers them differently, is caught by `proxy.CheckingProxy` only.

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
    if resolve:
        public_addresses(host, port or 443, lookup=lookup)
    else:
        check_host(host, lookup=lookup)


def public_addresses(
    host: str, port: int, *, allow_private: bool = False, lookup: Lookup | None = None
) -> list[str]:
    """The addresses of a host, in the order in which they should be tried.

    One address that is not public is enough to refuse the host (unless `allow_private`): a name
    that has both would lead here today and there tomorrow.

    Raises `UnsupportedUrl`, or `Unavailable` when the host is unknown.
    """
    name = _plain_name(host)
    literal = _literal(name)
    if literal is not None:
        addresses = [literal]
    elif _is_under(name, "localhost"):
        addresses = ["127.0.0.1"]
    else:
        addresses = _looked_up(name, port, lookup or _look_up)
    if not allow_private and not all(_is_public(address) for address in addresses):
        raise _private(host)
    return addresses


def check_host(host: str, *, lookup: Lookup | None = None) -> None:
    """Refuse a host that somebody else is to look up, such as a proxy, as far as its name tells.

    That is: addresses that are not public however they are spelt, and names that only local
    networks know. `lookup` is asked about spellings of numbers only, which needs no network.

    Raises `UnsupportedUrl`, or `Unavailable` for a number that is no address.
    """
    name = _plain_name(host)
    # a public name never ends with a number: `127.1` and `0x7f000001` are addresses, too
    if _literal(name) is not None or name.rpartition(".")[2][:1].isdigit():
        public_addresses(host, 443, lookup=lookup)
    elif "." not in name or any(_is_under(name, local) for local in _LOCAL):
        raise _private(host)


def absolute(path: str) -> Path:
    """An absolute path; links are kept as they are, and `~nobody` is a name like any other."""
    # pathlib's resolve() follows links, and its expanduser() raises for `~nobody`
    return Path(os.path.abspath(os.path.expanduser(path)))  # noqa: PTH100, PTH111 (see above)


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


def _private(host: str) -> UnsupportedUrl:
    return UnsupportedUrl(
        f"{host} is on this machine or in a private network",
        hint=_PRIVATE_HINT,
        reason="private-network",
    )


def _plain_name(host: str) -> str:
    """A host as a name server would be asked: `ＬＯＣＡＬＨＯＳＴ。` is `localhost` (UTS #46)."""
    name = unicodedata.normalize("NFKC", host).replace("\u3002", ".").lower().rstrip(".")
    if not _NAME.fullmatch(name) and _literal(name) is None:
        raise UnsupportedUrl("the name of the URL's host is malformed")
    return name


def _literal(name: str) -> str | None:
    """An address that is written out, without its zone; None for a name."""
    address, zone, _ = name.strip("[]").partition("%")
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return None
    return None if zone and ip.version == 4 else str(ip)


def _is_under(name: str, parent: str) -> bool:
    return name == parent or name.endswith(f".{parent}")


def _looked_up(name: str, port: int, lookup: Lookup) -> list[str]:
    try:
        addresses = list(dict.fromkeys(lookup(name, port)))
    except (OSError, UnicodeError) as error:
        raise _unknown(name) from error
    if not addresses:
        raise _unknown(name)
    return addresses


def _unknown(host: str) -> Unavailable:
    return Unavailable(f"the host {host} is not known", hint="check the URL and the network")


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
        if hidden is None:
            return ip.is_global and ip in _GLOBAL_UNICAST
        ip = hidden
    return ip.is_global and not ip.is_multicast


def _is_visible(char: str) -> bool:
    """No control, format, surrogate, private or unassigned character; emoji may be joined."""
    return char == _ZERO_WIDTH_JOINER or not unicodedata.category(char).startswith("C")
