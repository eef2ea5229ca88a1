"""Work that takes longer than a request: adding and trying again, one at a time, in order."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from video_rag.api.problems import TooMany
from video_rag.errors import VideoRagError
from video_rag.library import Library, Wishes
from video_rag.settings.redaction import known, redact, redact_urls, remember, secrets_of, visit
from video_rag.text.addresses import public

State = Literal["queued", "working", "done", "failed"]
MOST_WAITING = 100
MOST_KEPT = 200
BROKEN = "something broke inside video-rag; the server's log says what"


@dataclass
class Addition:
    """One request to work, and what became of it. `source` is the path, URL or video id."""

    addition_id: int
    source: str
    state: State = "queued"
    video_ids: list[str] = field(default_factory=list)
    failures: list[dict[str, str]] = field(default_factory=list)

    def row(self) -> dict[str, Any]:
        """As JSON."""
        return dict(vars(self))


Work = Callable[[], Iterator[VideoRagError | str]]
"""Yields the id of each video that is through, or why there is none."""


def _failure(error: VideoRagError) -> dict[str, str]:
    return {"message": redact(str(error)), "hint": redact_urls(error.hint)}


class Additions:
    """Remembers the latest requests in memory; what they made is in the ledger.

    Each request has a thread of its own that waits for its turn: one that dies of a bug takes no
    other with it, and daemons do not keep the process from ending, which the ledger makes harmless.
    """

    def __init__(self, library: Library) -> None:
        self._library = library
        self._known: OrderedDict[int, Addition] = OrderedDict()
        self._waiting: deque[tuple[Addition, Work]] = deque()
        self._threads: list[threading.Thread] = []
        self._turn = threading.Lock()
        self._stopped = threading.Event()
        self._last = 0

    def add(self, url: str, wishes: Wishes) -> Addition:
        """Add what lies behind a path or URL, as soon as it is its turn."""

        def work() -> Iterator[VideoRagError | str]:
            for added in self._library.add([url], wishes):
                if added.error:
                    yield added.error
                elif added.status:
                    yield added.status.video.video_id

        visit(url)
        remember(secrets_of(url))  # a key that was pasted into the wrong field
        return self._submit(known(public(url)), work)

    def retry(self, video_id: str) -> Addition:
        """Try a video again, as soon as it is its turn."""

        def work() -> Iterator[VideoRagError | str]:
            for status in self._library.retry([video_id]):
                yield status.video.video_id

        return self._submit(video_id, work)

    def latest(self) -> list[Addition]:
        """The latest requests, newest first."""
        return list(reversed(self._known.values()))

    def close(self, seconds: float = 5.0) -> None:
        """Begin nothing more; give the one at work so long to end."""
        self._stopped.set()
        for thread in self._threads:
            thread.join(seconds if thread.is_alive() else None)

    def _submit(self, source: str, work: Work) -> Addition:
        if len(self._waiting) >= MOST_WAITING:
            raise TooMany("too many videos wait already", hint="add more when some are through")
        self._last += 1
        addition = self._known[self._last] = Addition(self._last, source)
        while len(self._known) > MOST_KEPT:
            self._known.popitem(last=False)
        self._waiting.append((addition, work))
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        thread = threading.Thread(target=self._take_turn, name="video-rag-add", daemon=True)
        self._threads.append(thread)
        thread.start()
        return addition

    def _take_turn(self) -> None:
        with self._turn:
            addition, work = self._waiting.popleft()
            if not self._stopped.is_set():
                self._do(addition, work)

    def _do(self, addition: Addition, work: Work) -> None:
        addition.state = "working"
        is_through = False
        try:
            for result in work():
                if isinstance(result, VideoRagError):
                    addition.failures.append(_failure(result))
                else:
                    addition.video_ids.append(result)
                if self._stopped.is_set():
                    break
            is_through = True
        except VideoRagError as error:
            addition.failures.append(_failure(error))
            is_through = True
        finally:  # also when a bug ends this thread, with a traceback in the log
            if not is_through:
                addition.failures.append({"message": BROKEN, "hint": ""})
            addition.state = "failed" if addition.failures else "done"
