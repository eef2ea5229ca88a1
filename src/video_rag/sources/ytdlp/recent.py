"""The facts of videos that were just looked up, so that fetching them need not ask again."""

from __future__ import annotations

import threading
import time
from typing import Any, NamedTuple

_MOST = 8
_FRESH = 1800.0
"""Seconds; sites sign the addresses of their files for hours, and one that has run out is asked
for again."""


class Facts(NamedTuple):
    """What a visit to a video's page told."""

    info: dict[str, Any]
    """yt-dlp's."""
    notes: tuple[str, ...]
    """Walls that let something through."""


class Recent:
    """The last few videos that were looked up; each is given out once."""

    def __init__(self) -> None:
        self._facts: dict[str, tuple[float, Facts]] = {}
        self._lock = threading.Lock()

    def keep(self, url: str, facts: Facts) -> None:
        """Remember the facts about a video's page for a while."""
        with self._lock:
            self._facts.pop(url, None)
            self._facts[url] = (time.monotonic(), facts)
            while len(self._facts) > _MOST:
                del self._facts[next(iter(self._facts))]

    def take(self, url: str) -> Facts | None:
        """What is remembered of a page, unless it is too old; forgotten here."""
        with self._lock:
            kept, facts = self._facts.pop(url, (0.0, None))
        return facts if facts and time.monotonic() - kept < _FRESH else None
