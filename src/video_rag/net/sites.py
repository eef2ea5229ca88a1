"""What is remembered of each web site: when it may be visited, and until when it is left alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

_SHORT = {
    "youtu.be": "youtube.com",
    "youtube-nocookie.com": "youtube.com",
    "b23.tv": "bilibili.com",
}
"""Hosts that are a better-known site under another name."""
_FAMILIES = ("youtube.com", "bilibili.com", "vimeo.com", "twitch.tv")
"""Sites whose every host counts as the site itself: `space.bilibili.com`, `music.youtube.com`."""
_PREFIXES = ("www.", "m.", "mobile.")
_DEFAULT_PORTS = {"http": "80", "https": "443"}


WRONG_SECONDS = 3600.0
"""A clock that was so far ahead was wrong: what it wrote down counts no longer once it is right."""


@dataclass(frozen=True)
class SiteState:
    """What is known of one site; times are seconds since the epoch."""

    site: str
    cooling_until: float = 0.0
    """Nothing is asked of the site before."""
    since: float = 0.0
    """When the wall was hit that the site cools down from."""
    reason: str = ""
    """The wall that was hit, as in `VideoRagError.reason`."""
    message: str = ""
    """What the site said then, one line without secrets."""
    strikes: int = 0
    """Walls hit since the last success; each makes the next cool-down longer."""
    next_visit: float = 0.0
    """The earliest start of the next visit, so that visits are spread also across processes."""
    day: str = ""
    """The UTC day that `visits` counts, ISO 8601."""
    visits: int = 0
    """Videos fetched on that day."""

    def is_cooling(self, now: float) -> bool:
        """Whether nothing may be asked of it yet; a wall hit in the future is none."""
        return now < self.cooling_until and self.since <= now + WRONG_SECONDS


class Sites(Protocol):
    """The memory of all sites, shared by every process of a library."""

    def site(self, name: str) -> SiteState:
        """What is known of a site; an empty state for one that is unknown."""

    def sites(self) -> list[SiteState]:
        """Every site that was visited, by name."""

    def change(self, name: str, change: Callable[[SiteState], SiteState]) -> SiteState:
        """Replace a state by what `change` makes of it, in one transaction; returns the new one."""


def site_of(url: str) -> str:
    """The site of a URL, as people know it: `https://www.youtube.com/…` → `youtube.com`.

    Host in lower case, without `www.` and the like and without a port that goes without saying;
    "" for what has no host. There is no list of public suffixes here: `a.example.com` and
    `b.example.com` are two sites, except where they are known to be one.
    """
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2].lower()
    except ValueError:
        return ""
    default = _DEFAULT_PORTS.get(parts.scheme)
    if default:
        host = host.removesuffix(f":{default}")
    name, colon, port = host.partition(":") if "[" not in host else (host, "", "")
    name = name.rstrip(".")
    for prefix in _PREFIXES:
        if name.startswith(prefix) and name.count(".") > 1:
            name = name.removeprefix(prefix)
    name = next((site for site in _FAMILIES if name.endswith(f".{site}")), name)
    return _SHORT.get(name, name) + colon + port
