"""An iterator that another thread runs ahead of its reader."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from queue import Full, Queue
from threading import Event, Thread
from typing import TypeVar

Item = TypeVar("Item")

HELD = 4
"""Items that wait to be read; decoded pictures of 4K take 12 MB each."""
_POLL_SECONDS = 0.05


class _End:
    """What the thread says last: why it ended, if it was no good reason."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


def ahead(items: Iterator[Item], held: int = HELD) -> Generator[Item, None, None]:
    """The same items in the same order, made by another thread while the reader works.

    Decoders let go of the interpreter's lock, so the two really run side by side. An exception of
    `items` is raised here. Close the generator (`contextlib.closing`) before what `items` reads
    from is closed: only then has the thread surely ended.
    """
    made: Queue[Item | _End] = Queue(held)
    left = Event()

    def work() -> None:
        error = None
        try:
            for item in items:
                if not _put(made, item, left):
                    return
        except BaseException as raised:  # noqa: BLE001 - not handled here: the reader gets it
            error = raised
        _put(made, _End(error), left)

    thread = Thread(target=work, name="ahead", daemon=True)
    thread.start()
    try:
        while not isinstance(item := made.get(), _End):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        left.set()
        thread.join()


def _put(queue: Queue[Item], item: Item, left: Event) -> bool:
    """Wait until there is room; false when the reader has left."""
    while not left.is_set():
        try:
            queue.put(item, timeout=_POLL_SECONDS)
        except Full:
            continue
        return True
    return False
