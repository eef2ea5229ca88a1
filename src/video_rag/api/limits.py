"""How much one visitor may ask of the server, by address and by key: more is answered 429."""

from __future__ import annotations

import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import anyio
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from video_rag.api.neighbours import address_of
from video_rag.api.problems import TooMany, problem

MOST_REMEMBERED = 10_000
"""Visitors; of more, those that were quiet longest are forgotten."""


class Rates:
    """So many a minute for each name; what was not used adds up to one minute's worth."""

    def __init__(self, per_minute: int, what: str, clock: Callable[[], float] = time.monotonic):
        self._per_minute = per_minute
        self._what = what
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, name: str) -> None:
        """Count one. Raises `TooMany` with the seconds to wait; 0 a minute counts nothing."""
        if not self._per_minute:
            return
        with self._lock:
            now = self._clock()
            left, since = self._left.pop(name, (float(self._per_minute), now))
            left = min(self._per_minute, left + (now - since) * self._per_minute / 60)
            self._left[name] = (left - 1 if left >= 1 else left, now)
            if len(self._left) > MOST_REMEMBERED:
                self._left.popitem(last=False)
        if left < 1:
            raise TooMany(
                f"more than {self._per_minute} {self._what} in a minute",
                hint="send fewer, or raise the limit in [server]",
                retry_after=(1 - left) * 60 / self._per_minute,
            )


class Turns:
    """Questions that are answered at once: each takes a thread for as long as its answer takes.

    These threads are their own, so that slow answers hold up nothing else.
    """

    def __init__(self, at_once: int, of_one: int, waiting: int) -> None:
        self.room = anyio.CapacityLimiter(at_once)
        self.threads = anyio.CapacityLimiter(at_once)
        self._of_one = of_one
        self._most = at_once + waiting
        self._here: Counter[str] = Counter()

    @contextmanager
    def of(self, who: str) -> Iterator[None]:
        """One more question of somebody, answered or waiting. Raises `TooMany`."""
        if self._here[who] >= self._of_one:
            raise TooMany(
                f"{self._of_one} of your questions are being answered already",
                hint="ask again when one is through, or raise [server] answers_per_caller",
                retry_after=5.0,
            )
        if self._here.total() >= self._most:
            raise TooMany("too many questions wait already", hint="ask again", retry_after=15.0)
        self._here[who] += 1
        try:
            yield
        finally:
            self._here[who] -= 1
            if not self._here[who]:
                del self._here[who]


class Pace:
    """ASGI middleware: counts the requests of each address; health checks are free."""

    def __init__(self, app: ASGIApp, *, rates: Rates) -> None:
        self.app = app
        self.rates = rates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or refuse."""
        app = self.app
        if scope["type"] == "http" and not scope["path"].startswith("/health/"):
            try:
                self.rates.take(address_of(HTTPConnection(scope)))
            except TooMany as error:
                app = problem(error)
        await app(scope, receive, send)
