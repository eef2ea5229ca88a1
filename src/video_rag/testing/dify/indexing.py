"""The workers that index documents after they were posted, as Dify's Celery does."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

from video_rag.testing.dify import keywords, segmenting
from video_rag.testing.dify.records import DONE, Child, Dataset, Document, Segment
from video_rag.testing.dify.state import World
from video_rag.testing.dify.wire import ApiError

_BEFORE_PARSING, _BEFORE_SPLITTING, _BEFORE_END = 0.3, 0.2, 0.5
"""Shares of `index_seconds`."""


class _Void(Exception):
    """The document was deleted or posted again meanwhile."""


class Indexer:
    """Threads that empty the queue of a world until it is closed."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._closing = Event()
        self._threads = [Thread(target=self._run, daemon=True) for _ in range(world.workers)]

    def start(self) -> None:
        """Begin to work."""
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Stop; what is being indexed stays unfinished."""
        self._closing.set()
        with self._world.changed:
            self._world.changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        world = self._world
        while True:
            with world.changed:
                world.changed.wait_for(
                    lambda: self._closing.is_set() or (world.worker_alive and world.queue)
                )
                if self._closing.is_set():
                    return
                dataset, document, run = world.queue.popleft()
            try:
                self._index(dataset, document, run)
            except _Void:
                continue

    def _index(self, dataset: Dataset, document: Document, run: int) -> None:
        with self._step(dataset, document, run):
            forget_segments(dataset, document)
            document.error = None
            document.times = {}
            self._reach(document, "parsing", "processing_started_at")
            snapshot = dataset.table
        self._pause(_BEFORE_PARSING)
        with self._step(dataset, document, run):
            self._reach(document, "cleaning", "parsing_completed_at")
        try:
            passages = segmenting.segments(document.upload, document.rule, document.doc_form)
        except ApiError as error:
            with self._step(dataset, document, run):
                self._fail(document, error.message)
            return
        with self._step(dataset, document, run):
            self._reach(document, "splitting", "cleaning_completed_at")
        self._pause(_BEFORE_SPLITTING)
        with self._step(dataset, document, run):
            self._store(document, passages)
            self._reach(document, "indexing", "splitting_completed_at")
        economy = dataset.technique == "economy" and document.doc_form == "text_model"
        words = [keywords.keywords(one.text) for one in passages] if economy else []
        self._pause(_BEFORE_END)
        with self._step(dataset, document, run):
            self._finish(dataset, document, words, snapshot)

    @contextmanager
    def _step(self, dataset: Dataset, document: Document, run: int) -> Iterator[None]:
        world = self._world
        with world.lock:
            there = world.datasets.get(dataset.id) is dataset
            if not there or dataset.documents.get(document.id) is not document:
                raise _Void
            if document.run != run or self._closing.is_set():
                raise _Void
            yield

    def _pause(self, share: float) -> None:
        if seconds := share * self._world.index_seconds:
            self._closing.wait(seconds)

    def _reach(self, document: Document, status: str, ended: str) -> None:
        document.status = status
        document.times[ended] = int(time.time())

    def _fail(self, document: Document, message: str) -> None:
        document.status, document.error = "error", message
        document.times["stopped_at"] = int(time.time())

    def _store(self, document: Document, passages: list[segmenting.Passage]) -> None:
        """Write the segments' rows; nothing of them can be found yet."""
        world = self._world
        document.segments = [
            Segment(
                id=world.new_id(),
                node_id=world.new_id(),
                document_id=document.id,
                position=position,
                content=passage.text,
                serial=world.new_serial(),
                children=[
                    Child(world.new_id(), text, number)
                    for number, text in enumerate(passage.children, start=1)
                ],
            )
            for position, passage in enumerate(passages, start=1)
        ]
        document.word_count = sum(segment.words for segment in document.segments)

    def _finish(
        self,
        dataset: Dataset,
        document: Document,
        words: list[list[str]],
        snapshot: keywords.Table,
    ) -> None:
        embeds = dataset.technique == "high_quality" and bool(document.segments)
        try:
            self._world.embed(one.content for one in document.segments if embeds)
        except ApiError as error:
            self._fail(document, error.message)
            return
        document.tokens = 0
        if embeds or words:
            for segment in document.segments:
                complete(segment, tokens=_tokens(segment.content) if embeds else 0)
                document.tokens += segment.tokens
        for segment, found in zip(document.segments, words, strict=False):
            segment.keywords = found
        if words:
            # The table is read when the work begins and written when it ends.
            base = snapshot if self._world.loses_parallel_segments else dataset.table
            nodes = (segment.node_id for segment in document.segments)
            dataset.table = keywords.added(base, zip(nodes, words, strict=True))
        document.in_index = True
        self._reach(document, DONE, "completed_at")


def complete(segment: Segment, *, tokens: int) -> None:
    """A segment that can be found from now on."""
    segment.status, segment.enabled, segment.tokens = DONE, True, tokens
    segment.completed_at = int(time.time())


def forget_segments(dataset: Dataset, document: Document) -> None:
    """Take a document's segments out of the index and away."""
    if document.segments:
        gone = [segment.node_id for segment in document.segments]
        dataset.table = keywords.removed(dataset.table, gone)
        document.segments = []


def enqueue(world: World, dataset: Dataset, document: Document) -> None:
    """Have a document indexed when a worker has time; older postings of it are void."""
    with world.changed:
        document.run += 1
        document.status = "waiting"
        document.times = {}
        world.queue.append((dataset, document, document.run))
        world.changed.notify()


def content_hash(text: str) -> str:
    """What Dify shows as a segment's `index_node_hash`."""
    return hashlib.sha256(f"{text}None".encode()).hexdigest()


def _tokens(text: str) -> int:
    return max(1, len(text) // 4)
