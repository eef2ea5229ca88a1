"""Remembers what is searched for and asked, for `report retrieval`."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from video_rag import causes
from video_rag.errors import VideoRagError
from video_rag.settings.redaction import redact
from video_rag.stores import Ledger
from video_rag.stores.owner import now
from video_rag.stores.questions import Asked, Kind, Outcome

_PACE = 2.0
"""Seconds between two writings: who asks waits for none of them."""
_LONGEST = 500
"""Characters of a question that are kept."""
_MOST = 10_000
"""Questions that wait to be written; of more, a ledger that is away is to blame."""
_DAY = 86_400.0
_PART: ContextVar[bool] = ContextVar("video_rag_part", default=False)
"""Whether a search is a part of a question that is remembered already."""


@dataclass
class Found:
    """What came of a question; filled in by who answers it."""

    found: int = 0
    outcome: Outcome = "nothing"
    is_over: bool = False
    """Whether it came to an end: who goes away in the middle was neither answered nor refused."""


class Remembering:
    """Keeps questions in the ledger, a few seconds late; a kill takes those along."""

    def __init__(self, ledger: Ledger, days: int) -> None:
        self._ledger = ledger
        self._days = days
        self._waiting: list[Asked] = []
        self._lock, self._writing = threading.Lock(), threading.Lock()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    @contextmanager
    def of(self, kind: Kind, text: str, collection: str | None, base: str) -> Iterator[Found]:
        """Remember one question, however it ends; searches within it are parts of it."""
        found, at, begun = Found(), now(), time.monotonic()
        is_part, _ = _PART.get(), _PART.set(True)
        try:
            yield found
        except VideoRagError:
            found.outcome, found.is_over = "failed", True
            raise
        finally:
            _PART.set(is_part)
            if self._days and found.is_over and not is_part:
                seconds, cause = time.monotonic() - begun, causes.current()
                said = redact(" ".join(text.split()))[:_LONGEST]
                what = Asked(at, kind, said, collection or "", base, found.outcome, found.found,
                             round(seconds, 3), cause.asked_by, cause.request_id)  # fmt: skip
                self._note(what)

    def close(self) -> None:
        """Write what waits, and end."""
        self._closing.set()
        if self._thread:
            self._thread.join()
        self._write()

    def _note(self, asked: Asked) -> None:
        with self._lock:
            self._waiting = [*self._waiting[-_MOST:], asked]
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._write_soon, daemon=True)
                self._thread.start()

    def _write_soon(self) -> None:
        self._closing.wait(_PACE)
        self._write()

    def _write(self) -> None:
        with self._writing:
            with self._lock:
                rows, self._waiting = self._waiting, []
            if not rows:
                return
            try:
                self._ledger.questions.keep(rows, now() - self._days * _DAY)
            except VideoRagError:  # no report is worth the search that it is about
                return
