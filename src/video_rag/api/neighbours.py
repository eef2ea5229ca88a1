"""Who asks: somebody at this machine, or a proxy that asks for somebody elsewhere."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from video_rag.api.hosts import is_loopback, split_host

FORWARDING = frozenset(
    {
        *("forwarded", "via", "x-real-ip", "x-client-ip", "x-cluster-client-ip", "true-client-ip"),
        *("x-remote-ip", "x-remote-addr", "x-originating-ip", "x-original-host", "x-original-url"),
        *("cf-connecting-ip", "cf-connecting-ipv6", "cf-ray", "cdn-loop", "fastly-client-ip"),
        *("fly-client-ip", "x-appengine-user-ip", "x-azure-clientip", "x-amzn-trace-id"),
        *(
            "x-scheme",
            "x-rewrite-url",
            "x-proxy-user-ip",
            "proxy-connection",
            "x-envoy-peer-metadata",
        ),
    }
)
"""Headers that only something between the asker and us adds."""
FORWARDING_STARTS = ("x-forwarded", "x-envoy-", "x-original-forwarded", "x-vercel-")


def address_of(request: HTTPConnection) -> str:
    """What counts as one asker: an IPv4 address, or the /64 that IPv6 gives to one customer."""
    peer = request.client.host if request.client else ""
    try:
        address = ip_address(peer.partition("%")[0])
    except ValueError:
        return peer
    if isinstance(address, IPv6Address) and address.ipv4_mapped is None:
        return str(ip_network((address, 64), strict=False))
    return str(getattr(address, "ipv4_mapped", None) or address)


def is_at_this_machine(request: HTTPConnection) -> bool:
    """Whether nothing speaks against it that the asker sits here.

    A proxy on this machine has a loopback address, too, and often sends its own name for us as
    `Host`. So whatever shows that one is between counts: its headers; HTTP/1.0, which nginx speaks
    to what is behind it and browsers do not; a page of another name in `Origin` or `Referer`.
    """
    headers = request.headers
    peer = request.client.host if request.client else ""
    host = split_host(headers.get("host", ""))
    return (
        is_loopback(peer)
        and host is not None
        and is_loopback(host)
        and request.scope.get("http_version") != "1.0"
        and not any(_tells_of_a_proxy(name) for name in headers)
        and all(_is_here(headers[name]) for name in ("origin", "referer") if name in headers)
    )


def _tells_of_a_proxy(name: str) -> bool:
    return name in FORWARDING or name.startswith(FORWARDING_STARTS)


def _is_here(url: str) -> bool:
    """Whether a page's address is one of this machine."""
    try:
        return is_loopback(urlsplit(url).hostname or "")
    except ValueError:
        return False
