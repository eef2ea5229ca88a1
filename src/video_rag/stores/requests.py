"""What somebody asked the library to do: kept before they are told so, until it is done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from video_rag.choices import RequestKind, RequestState

OPEN: frozenset[RequestState] = frozenset({"queued", "working"})
"""States of a request that is still to be worked on."""


@dataclass(frozen=True)
class Obstacle:
    """Why something that was asked for was not done, and what to do about it."""

    error: str
    """The class of the error, such as `Unavailable`."""
    message: str
    hint: str = ""
    about: str = ""
    """The video or address that it is about, if it is not the whole."""


@dataclass(frozen=True)
class Progress:
    """How far a request is, in the words of the stage that works for it."""

    video_id: str = ""
    stage: str = ""
    share: float = 0.0
    """Of the stage, 0.0 to 1.0."""
    note: str = ""
    result: Mapping[str, Any] = field(default_factory=dict)
    """What has come of it so far, as JSON; which names it has depends on the kind."""
    is_handed_over: bool = False
    """Whether all of it is with the workers: it ends when its videos are settled."""
    held: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Of videos that workers have, what each base held before: tells what is new and updated."""


@dataclass(frozen=True)
class Request:
    """A wish and what became of it. Times are seconds since the epoch."""

    request_id: str
    kind: RequestKind
    wish: Mapping[str, Any]
    """What is wanted, as JSON; addresses in it keep their tokens, as fetching needs them."""
    about: str
    """The same in few words that anybody may read."""
    asked_by: str
    """Who asked: the id of an API key, or the name of a command."""
    asked: float
    state: RequestState = "queued"
    attempts: int = 0
    """How often somebody began to work on it."""
    begun: float | None = None
    ended: float | None = None
    progress: Progress = Progress()
    video_ids: tuple[str, ...] = ()
    """The videos that were worked on, as far as it is."""
    failures: tuple[Obstacle, ...] = ()
    is_unwanted: bool = False
    """Whether somebody cancelled it; who works on it stops at the next video."""
    trace_id: str = ""
    """What led to it, together with all else that followed from that: see `video_rag.causes`."""


@dataclass(frozen=True)
class Requested:
    """Which requests are wanted: the newest first, before one of them."""

    limit: int = 100
    states: frozenset[RequestState] = frozenset()
    """None: all."""
    before: str = ""
    """The id of the last one that is known."""


class Requests(Protocol):
    """The requests of a ledger. Every method is one transaction."""

    def submit(self, request: Request, once: str = "") -> Request:
        """Keep a new request, and return it; or the earlier one that was kept with `once`.

        Raises `Conflict` when that one asks for something else.
        """

    def get(self, request_id: str) -> Request:
        """One request. Raises `NotFound`."""

    def page(self, wanted: Requested) -> list[Request]:
        """Some requests, the newest first."""

    def due(self) -> list[Request]:
        """What is to be worked on, in the order it was asked for."""

    def counts(self) -> dict[tuple[str, str], int]:
        """How many there are, by kind and state."""

    def waiting(self) -> int:
        """How many have not ended."""

    def keep(self, request: Request) -> bool:
        """Keep how far a request is; a cancellation that came meanwhile stays.

        Returns whether it is still wanted.
        """

    def cancel(self, request_id: str) -> Request:
        """Take a request back, unless it has ended. Raises `NotFound`."""

    def again(self, request_id: str) -> Request:
        """Put a request that has ended among the due ones once more. Raises `NotFound`."""

    def tidy(self, most: int) -> int:
        """Forget the oldest ended ones but for so many; returns how many."""
