"""Logs that stay small: what visitors can cause again and again is told a few times a minute."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

LOGGERS = ("video_rag", "uvicorn.error", "asyncio")
MOST_PER_MINUTE = 10
MOST_KINDS = 1000
MINUTE = 60.0


class Seldom(logging.Filter):
    """Lets so many records of one kind through in a minute; the next says what was left out."""

    def __init__(self, most: int = MOST_PER_MINUTE) -> None:
        super().__init__()
        self.most = most
        self._seen: dict[tuple[str, int, str], tuple[float, int]] = {}
        self._lock = threading.Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether this one is told; the events of the work are, each of them."""
        if hasattr(record, "event"):
            return True
        kind = (record.name, record.levelno, str(record.msg)[:200])
        now = time.monotonic()
        with self._lock:
            if len(self._seen) > MOST_KINDS:
                self._seen.clear()
            since, count = self._seen.get(kind, (now, 0))
            left_out = 0
            if now - since >= MINUTE:
                left_out, since, count = max(0, count - self.most), now, 0
            self._seen[kind] = (since, count + 1)
        if left_out:
            record.msg = f"{record.getMessage()} ({left_out} more like this were left out)"
            record.args = ()
        return count < self.most


@contextmanager
def small_logs() -> Iterator[None]:
    """Keep the logs small for as long as a server runs in this process."""
    installed = [(logging.getLogger(name), Seldom()) for name in LOGGERS]
    for logger, seldom in installed:
        logger.addFilter(seldom)
    try:
        yield
    finally:
        for logger, seldom in installed:
            logger.removeFilter(seldom)
