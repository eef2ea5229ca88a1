"""Waits while Dify indexes, and posts no more than it takes.

Dify indexes one document of a workspace at a time unless it was set up otherwise, and lets the rest
wait. So one of ours waits there at most, and a document that waits is not stuck as long as others
get on.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from video_rag.dify.datasets import Datasets, Posted, RemoteDocument
from video_rag.errors import Unavailable
from video_rag.knowledge.dify import rules
from video_rag.knowledge.dify.text import in_words

FIRST_PAUSE = 0.03
"""Seconds until the first look at the indexing; each further pause is half as long again."""
FINISHED = frozenset({"completed", "error", "paused"})
LOOKS = 4
"""So often within `wait_seconds` a document that waits looks whether others get on."""


class Waiting:
    """The way of one process's documents through the indexing of one dataset."""

    def __init__(self, datasets: Datasets, dataset_id: str, options: rules.Options) -> None:
        self._datasets = datasets
        self._dataset_id = dataset_id
        self._options = options
        self._gate = threading.Lock()
        self._moved = 0.0

    def enter(self) -> Callable[[], None]:
        """Wait until Dify has begun with what was posted before; gives what lets the next one in.

        To be called when this one has begun, or came to an end; twice is harmless.
        """
        self._gate.acquire()
        inside = [True]

        def leave() -> None:
            if inside:
                inside.clear()
                self._gate.release()

        return leave

    def settled(self, row: RemoteDocument) -> RemoteDocument | None:
        """The document once its indexing has come to an end; None when it is gone."""
        if row.indexing_status in FINISHED:
            return row
        return self.finished(Posted(row.id, ""), row.name)

    def finished(
        self, posted: Posted, name: str, begun: Callable[[], None] = lambda: None
    ) -> RemoteDocument | None:
        """The document when its indexing has come to an end; None when it is gone.

        Raises `Unavailable` when nothing moves for `wait_seconds`.
        """
        pause, seen, since = FIRST_PAUSE, ("", 0), time.monotonic()
        others = _Others(self._datasets, self._dataset_id, self._options.wait_seconds / LOOKS)
        while True:
            time.sleep(min(pause, self._options.poll_seconds))
            pause *= 1.5
            progress = self._datasets.progress(self._dataset_id, posted) if posted.batch else None
            status = progress.indexing_status if progress else ""
            if status == "completed":
                self._moved = time.monotonic()
                return RemoteDocument(id=posted.document_id, name=name, indexing_status=status)
            if progress is None or status in FINISHED:
                # a later post has superseded this one: the document itself knows
                row = self._datasets.document(self._dataset_id, posted.document_id)
                if row is None or row.indexing_status in FINISHED:
                    return row
                status = row.indexing_status
            if status != "waiting":
                begun()
            moved = (status, progress.completed_segments if progress else 0)
            if moved != seen:
                seen, since = moved, time.monotonic()
                self._moved = since
            elif status == "waiting":
                since = max(since, self._moved, others.moved())
            if time.monotonic() - since > self._options.wait_seconds:
                raise Unavailable(
                    f"Dify does not get on with {in_words(name)}: {status} for "
                    f"{self._options.wait_seconds:g} s",
                    hint="is its worker running? `video-rag dify check` tells; then publish again",
                )


class _Others:
    """Whether any document of the dataset gets on, looked at every now and then."""

    def __init__(self, datasets: Datasets, dataset_id: str, every: float) -> None:
        self._datasets = datasets
        self._dataset_id = dataset_id
        self._every = every
        self._looked = time.monotonic()
        self._seen: frozenset[tuple[str, str]] | None = None
        self._moved = 0.0

    def moved(self) -> float:
        """When one was last seen to have got on; 0 for never."""
        now = time.monotonic()
        if now - self._looked >= self._every:
            rows = self._datasets.unfinished(self._dataset_id)
            found = frozenset((row.id, row.indexing_status) for row in rows)
            if self._seen is not None and found != self._seen:
                self._moved = now
            self._looked, self._seen = now, found
        return self._moved
