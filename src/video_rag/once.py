"""Something that is made when it is first needed, once for all threads.

So a command imports and makes only what it uses: `video-rag list` neither the search nor the
downloads.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

Made = TypeVar("Made")


class Once(Generic[Made]):
    """Gives what `make` makes, the same each time."""

    def __init__(self, make: Callable[[], Made]) -> None:
        self._make = make
        self._made: tuple[Made] | None = None
        self._lock = Lock()

    def __call__(self) -> Made:
        """The thing itself. Raises what `make` raises; the next call tries again."""
        with self._lock:
            if self._made is None:
                self._made = (self._make(),)
            return self._made[0]
