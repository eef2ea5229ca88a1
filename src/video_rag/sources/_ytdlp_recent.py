"""The facts of videos that were just looked up, so that fetching them need not ask again."""

from __future__ import annotations

import threading
import time
from typing import Any

_MOST = 8
_FRESH = 300.0
"""Seconds; sites sign the addresses of their files for some minutes to hours."""


class Recent:
    """The last few videos that were looked up; each is given out once."""

    def __init__(self) -> None:
        self._facts: dict[str, tuple[float, dict[str, Any]]] = {}
        self._lock = threading.Lock()

    def keep(self, url: str, info: dict[str, Any]) -> None:
        """Remember yt-dlp's facts about a video's page for a while."""
        with self._lock:
            self._facts.pop(url, None)
            self._facts[url] = (time.monotonic(), info)
            while len(self._facts) > _MOST:
                del self._facts[next(iter(self._facts))]

    def take(self, url: str) -> dict[str, Any] | None:
        """What is remembered of a page, unless it is too old; forgotten here."""
        with self._lock:
            kept, info = self._facts.pop(url, (0.0, {}))
        return info if info and time.monotonic() - kept < _FRESH else None
