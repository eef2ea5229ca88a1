"""Connections: how many there may be, and how long each may take to say what it wants.

uvicorn has a limit for requests and a time-out between them, and neither for a visitor that opens a
connection and says nothing, or says it by the letter. Such ones make room for others here: of more
connections than are allowed, the one goes that has waited longest, of the same address first. Those
that are being answered stay.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections import Counter
from collections.abc import Callable
from typing import Any, Literal

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from video_rag.api.quiet import small_logs

log = logging.getLogger("video_rag")

MOST_HEAD = 32_768
"""Bytes of the first lines and headers of a request."""
STALLED_SECONDS = 120.0
"""So long may a visitor take nothing of an answer."""
PAUSE_SECONDS = 0.1
"""Between two tries to let somebody in while the system has no more files to give."""
FILES_FOR_OTHERS = 0.5
"""The part of the files that a process may open which stays for databases, videos and models."""

Phase = Literal["", "head", "body"]


class Crowd:
    """Everyone who is connected, and who of these did not ask yet, the oldest first."""

    def __init__(self, most: int, seconds: float) -> None:
        self.most = most
        self.most_of_one = max(1, most // 2)
        self.seconds = seconds
        self.waiting: dict[Visitor, None] = {}
        self.by_address: Counter[str] = Counter()

    def make_room(self, address: str) -> bool:
        """Let go of who has waited longest, where one more is one too many; false: all are busy."""
        if self.by_address[address] >= self.most_of_one:
            return self.let_go(address)
        return self.by_address.total() < self.most or self.let_go()

    def let_go(self, address: str | None = None) -> bool:
        """Hang up on who has waited longest, here or at one address; false: nobody waits."""
        for visitor in self.waiting:
            if address is None or visitor.address == address:
                visitor.leave()
                return True
        return False


class Visitor(H11Protocol):
    """One connection, with an end to its patience."""

    def __init__(
        self, config: uvicorn.Config, state: ServerState, app_state: dict[str, Any], crowd: Crowd
    ) -> None:
        super().__init__(config, state, app_state)
        self.address = ""
        self._crowd = crowd
        self._phase: Phase = ""
        self._is_here = False
        self._timer: asyncio.TimerHandle | None = None
        self._stalled: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin to wait for a request."""
        super().connection_made(transport)
        self.address = self.client[0] if self.client else ""
        self._is_here = True
        self._crowd.by_address[self.address] += 1
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        super().connection_lost(exc)
        self._gone()
        self.resume_writing()

    def data_received(self, data: bytes) -> None:
        """Go on with a request."""
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        self._watch()

    def pause_writing(self) -> None:
        """The visitor does not take what we send."""
        super().pause_writing()
        self._stalled = self.loop.call_later(STALLED_SECONDS, self.leave)

    def resume_writing(self) -> None:
        """It does again."""
        super().resume_writing()
        if self._stalled:
            self._stalled.cancel()
            self._stalled = None

    def leave(self) -> None:
        """Hang up at once, also on who does not take what was sent."""
        self._gone()
        self.transport.abort()

    def _watch(self) -> None:
        """Give each phase of a request its time, however many pieces it comes in."""
        if self._is_here and (phase := self._now()) != self._phase:
            self._enter(phase)

    def _now(self) -> Phase:
        if self.conn.their_state is h11.IDLE:
            return "head"
        return "body" if self.conn.their_state is h11.SEND_BODY else ""

    def _enter(self, phase: Phase) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        self._crowd.waiting.pop(self, None)
        self._phase = phase
        if phase:
            self._timer = self.loop.call_later(self._crowd.seconds, self.leave)
        if phase == "head":
            self._crowd.waiting[self] = None

    def _gone(self) -> None:
        if self._is_here:
            self._is_here = False
            self._enter("")
            self._crowd.by_address[self.address] -= 1
            if not self._crowd.by_address[self.address]:
                del self._crowd.by_address[self.address]


class Server(uvicorn.Server):
    """uvicorn's, with a door of its own: it lets in one after the other, and not too many."""

    def __init__(
        self, config: uvicorn.Config, crowd: Crowd, opened: Callable[[], None] = lambda: None
    ) -> None:
        super().__init__(config)
        self._crowd = crowd
        self._opened = opened
        self._doors: list[asyncio.Task[None]] = []

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Open, and answer until it is told to end."""
        with small_logs():
            await super().serve(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open the door of each socket, which listens already."""
        await super().startup(sockets=[])
        self._doors = [asyncio.create_task(self._let_in(listener)) for listener in sockets or []]
        self._opened()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let nobody in any more, then end as uvicorn does."""
        for door in self._doors:
            door.cancel()
        await asyncio.gather(*self._doors, return_exceptions=True)
        await super().shutdown(sockets)

    async def _let_in(self, listener: socket.socket) -> None:
        listener.setblocking(False)
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, address = await loop.sock_accept(listener)
            except OSError as error:
                await self._without(error)
                continue
            if not self._crowd.make_room(address[0] if address else ""):
                connection.close()
                continue
            try:
                await loop.connect_accepted_socket(self._visitor, connection)
            except OSError as error:
                connection.close()
                await self._without(error)

    async def _without(self, error: OSError) -> None:
        """A visitor who is gone again is no news; a system that gives no more files is told."""
        if error.errno in {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}:
            log.warning("no connection can be opened: %s", error.strerror)
            self._crowd.let_go()
            await asyncio.sleep(PAUSE_SECONDS)

    def _visitor(self) -> Visitor:
        return Visitor(self.config, self.server_state, self.lifespan.state, self._crowd)


def most_connections(wanted: int) -> int:
    """So many as are wanted, if the system gives a process files for them."""
    try:
        import resource
    except ModuleNotFoundError:  # Windows, whose limit is far off
        return wanted
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return wanted
    return max(8, min(wanted, int(soft * (1 - FILES_FOR_OTHERS))))
