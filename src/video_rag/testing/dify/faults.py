"""Answers that go wrong on the way, a given share of them or the next ones."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from threading import Lock
from typing import Literal

Kind = Literal["500", "502", "503", "429", "rate-limit", "timeout", "reset", "after"]
RATE_LIMITED = "Sorry, you have reached the knowledge base request rate limit of your subscription."


@dataclass
class Faults:
    """Which answers are replaced by a fault.

    `500`, `502` (a proxy's HTML page), `503` and `429` (both with `Retry-After`), `rate-limit`
    (the cloud's 403), `timeout` (silence, then the connection ends) and `reset` do nothing;
    `after` does the work and loses the answer.
    """

    rate: float = 0.0
    """The share of requests, 0…1."""
    kinds: tuple[Kind, ...] = ("500", "timeout", "rate-limit", "reset", "after")
    seed: int = 0
    path: str = ""
    """Only paths in which this regular expression is found."""
    silence: float = 0.2
    """Seconds that a `timeout` says nothing before the connection ends."""
    retry_after: int = 0
    """Seconds, in the header of a `429` or `503`."""
    _next: list[tuple[Kind, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311 - faults need no secrecy
        self._lock = Lock()

    def queue(self, kind: Kind, path: str = "", times: int = 1) -> None:
        """The next requests whose path fits get this fault."""
        with self._lock:
            self._next += [(kind, path)] * times

    def pick(self, path: str) -> Kind | None:
        """The fault of this request, or none."""
        with self._lock:
            for waiting in self._next:
                if re.search(waiting[1], path):
                    self._next.remove(waiting)
                    return waiting[0]
            if not self.rate or not re.search(self.path, path):
                return None
            return self._random.choice(self.kinds) if self._random.random() < self.rate else None
