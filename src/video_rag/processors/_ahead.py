"""An iterator that another thread runs ahead of its reader."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from queue import Full, Queue
from threading import Event
from typing import TypeVar, cast

Item = TypeVar("Item")

HELD = 4
"""Items that wait to be read; decoded pictures of 4K take 12 MB each."""
_POLL_SECONDS = 0.05
_END = object()


def ahead(items: Iterator[Item], held: int = HELD) -> Generator[Item, None, None]:
    """The same items in the same order, made by another thread while the reader works.

    Decoders let go of the interpreter's lock, so the two really run side by side. An exception of
    `items` is raised here. Close the generator (`contextlib.closing`) before what `items` reads
    from is closed: only then has the thread surely ended.
    """
    made: Queue[Item | object] = Queue(held)
    left = Event()

    def work() -> None:
        try:
            for item in items:
                if not _put(made, item, left):
                    return
        finally:
            _put(made, _END, left)

    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as pool:
        working = pool.submit(work)
        try:
            while (item := made.get()) is not _END:
                yield cast("Item", item)
            working.result()
        finally:
            left.set()


def _put(queue: Queue[Item], item: Item, left: Event) -> bool:
    """Wait until there is room; false when the reader has left."""
    while not left.is_set():
        try:
            queue.put(item, timeout=_POLL_SECONDS)
        except Full:
            continue
        return True
    return False
