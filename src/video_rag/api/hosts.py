"""Names of hosts: what a `Host` header says, and what means this machine."""

from __future__ import annotations

import re
from ipaddress import IPv6Address, ip_address

_NAME = re.compile(
    r"(?P<name>[A-Za-z0-9_.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::(?P<port>\d{1,5}))?"
)


def split_host(value: str) -> str | None:
    """The name or address in a `Host`, without brackets and port; None for what is no host."""
    match = _NAME.fullmatch(value)
    if match is None or int(match["port"] or 0) > 65_535:
        return None
    name = match["name"]
    if not name.startswith("["):
        return name.lower()
    try:
        return str(IPv6Address(name[1:-1]))
    except ValueError:
        return None


def is_loopback(host: str) -> bool:
    """Whether a name or address means this machine, and only people on it can reach it."""
    if host.lower() == "localhost":
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback
