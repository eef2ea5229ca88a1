"""Puts the documents of one video into a dataset, and proves that they can be found there.

The way of one document: look what is there → adopt what is already right → take its proof away →
post under its name (which replaces in place) → say whose it is → wait → compare the segments →
retrieve one of them → keep revision and fingerprint in its metadata, the proof. Killed anywhere,
the next call goes on from what Dify holds.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress

from video_rag.dify.datasets import (
    MAX_QUERY,
    Action,
    Datasets,
    Posted,
    RemoteDocument,
    Segment,
    Technique,
)
from video_rag.errors import BackendError, Conflict, NotFound, Rejected, Unavailable
from video_rag.knowledge.dify import rules
from video_rag.knowledge.dify.fields import Fields, Values
from video_rag.knowledge.dify.text import Part, fingerprint, fold
from video_rag.knowledge.dify.words import has_words, joined, keywords

log = logging.getLogger("video_rag")

ATTEMPTS = 3
FIRST_PAUSE = 0.03
"""Seconds until the first look at the indexing; each further pause is half as long again."""
PROBE_DEPTHS = (10, 500)
"""Segments asked for to find one; a second, deep look where many others hold the same words."""
FINISHED = frozenset({"completed", "error", "paused"})


Held = tuple[RemoteDocument, Sequence[Segment]]


class Publisher:
    """Writes to one dataset."""

    def __init__(
        self,
        datasets: Datasets,
        dataset_id: str,
        options: rules.Options,
        technique: Technique,
        turn: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self.datasets = datasets
        self.dataset_id = dataset_id
        self.options = options
        self.technique = technique
        self.fields = Fields(datasets, dataset_id)
        self._turn = turn

    def put(
        self,
        part: Part,
        present: Sequence[RemoteDocument],
        values: Values,
        revision: str,
        *,
        force: bool,
    ) -> str:
        """Make one document be there just once, findable; returns its id.

        `present` are the documents that bear its name. Raises `Conflict` when somebody changed it
        by hand. `force` overwrites that, and proves anew what seems done.
        """
        ranked = sorted(present, key=lambda row: _rank(row, revision))
        keep = ranked[0] if ranked else None
        if keep and not force and self._is_done(keep, revision):
            document_id = keep.id
        else:
            with self._turn():
                row, held = self._write(part, keep, values, force=force)
            self._seal(row, held, {**values, "revision": revision})
            document_id = row.id
        for other in ranked[1:]:  # a disabled document lets a second one of its name be made
            self.remove(other)
        return document_id

    def remove(self, row: RemoteDocument) -> None:
        """Delete a document in whatever state it is."""
        if row.archived:
            self._switch("un_archive", row.id)
        self.datasets.delete_document(self.dataset_id, row.id)

    def _is_done(self, row: RemoteDocument, revision: str) -> bool:
        """Whether nothing is to be done; reads the segments only where the list leaves a doubt."""
        if row.metadata.get("revision") != revision or not is_findable(row):
            return False
        return is_untouched(row) or not is_edited(
            row, self.datasets.segments(self.dataset_id, row.id)
        )

    def settled(self, row: RemoteDocument) -> RemoteDocument | None:
        """The document once its indexing has come to an end; None when it is gone."""
        if row.indexing_status in FINISHED:
            return row
        return self._wait(Posted(row.id, ""), row.name)

    def _write(
        self, part: Part, keep: RemoteDocument | None, values: Values, *, force: bool
    ) -> Held:
        """Post unless Dify already holds these very passages; returns what it holds then."""
        try:
            keep = self.settled(keep) if keep else None
        except Unavailable as error:  # the worker that had it may have died: a post begins anew
            log.warning("%s", error)
        if keep is None:
            return self._post(part, values)
        if keep.indexing_status == "completed":
            held = self.datasets.segments(self.dataset_id, keep.id)
            if not force and is_edited(keep, held):
                raise Conflict(
                    f"{part.name} was changed by hand in Dify",
                    hint="take over the change, or overwrite it: video-rag publish --force",
                )
            if self._wake(keep):
                held = self._awake(keep)
            if self._fault(keep, held, part) is None:
                return keep, held
        else:
            self._wake(keep)
        if keep.metadata.get("fingerprint"):
            self.fields.set({keep.id: {"revision": "", "fingerprint": ""}})
        return self._post(part, values)

    def _post(self, part: Part, values: Values) -> Held:
        """Send, wait, compare, probe; again when Dify lost something on the way."""
        body = rules.indexing(self.options, self.technique)
        fault = ""
        for attempt in range(ATTEMPTS):
            posted = self.datasets.post(self.dataset_id, part.name, part.text, **body)
            self._mark(posted.document_id, values)  # meanwhile: it is waited for anyway
            row = self._wait(posted, part.name)
            if row is None:
                fault = "it was deleted while it was indexed"
            elif row.indexing_status == "error":
                fault = f"Dify could not index it: {row.error}"
            elif row.indexing_status == "paused":
                raise Rejected(f"{part.name} is paused in Dify", hint="resume it there")
            else:
                held = self.datasets.segments(self.dataset_id, row.id)
                fault = self._fault(row, held, part) or ""
                if not fault:
                    return row, held
            log.warning("%s: %s (try %d of %d)", part.name, fault, attempt + 1, ATTEMPTS)
        raise _failed(part.name, fault)

    def _wait(self, posted: Posted, name: str) -> RemoteDocument | None:
        """The document when its indexing has come to an end; None when it is gone.

        Raises `Unavailable` when nothing moves for `wait_seconds`.
        """
        pause, seen, since = FIRST_PAUSE, ("", 0), time.monotonic()
        while True:
            time.sleep(min(pause, self.options.poll_seconds))
            pause *= 1.5
            progress = self.datasets.progress(self.dataset_id, posted) if posted.batch else None
            status = progress.indexing_status if progress else ""
            if status == "completed":
                return RemoteDocument(id=posted.document_id, name=name, indexing_status=status)
            if progress is None or status in FINISHED:
                # a later post has superseded this one: the document itself knows
                row = self.datasets.document(self.dataset_id, posted.document_id)
                if row is None or row.indexing_status in FINISHED:
                    return row
                status = row.indexing_status
            moved = (status, progress.completed_segments if progress else 0)
            if moved != seen:
                seen, since = moved, time.monotonic()
            elif time.monotonic() - since > self.options.wait_seconds:
                raise Unavailable(
                    f"Dify does not get on with {name}: {status} for "
                    f"{self.options.wait_seconds:g} s",
                    hint="is its worker running? `video-rag dify check` tells; then publish again",
                )

    def _fault(self, row: RemoteDocument, held: Sequence[Segment], part: Part) -> str | None:
        """What is wrong with an indexed document, in words; None when it is proven."""
        if not held:
            return "it has no segments"
        if [fold(segment.content) for segment in held] != [fold(text) for text in part.segments]:
            return "it does not hold these passages"
        if not all(segment.enabled and segment.status == "completed" for segment in held):
            return "its segments are switched off"
        if self.technique == "economy" and self.options.keywords:
            held = self._with_keywords(row, held)
        return None if self.is_found(row, held) else "it cannot be found by its own words"

    def _with_keywords(self, row: RemoteDocument, held: Sequence[Segment]) -> list[Segment]:
        """Every segment with all its words as keywords."""
        found = []
        for segment in held:
            wanted = keywords(segment.content)
            if set(segment.keywords) != set(wanted):
                self.datasets.set_keywords(self.dataset_id, row.id, segment, wanted)
            found.append(segment.model_copy(update={"keywords": wanted}))
        return found

    def is_found(self, row: RemoteDocument, held: Sequence[Segment]) -> bool:
        """Whether a retrieve of one of its segments finds the document."""
        if self.technique == "economy":
            # the segment with the most keywords matches all of them, and so comes among the first
            words = max((segment.keywords for segment in held), key=len)
            query = joined(words, MAX_QUERY)
            if not query:
                return not any(map(has_words, (segment.content for segment in held)))
        else:
            query = held[0].content[:MAX_QUERY]
        for depth in PROBE_DEPTHS:
            model = rules.retrieval(self.options, self.technique, depth)
            records = self.datasets.retrieve(self.dataset_id, query, model)
            if any(record.document_id == row.id for record in records):
                return True
        return False

    def _mark(self, document_id: str, values: Values) -> None:
        """Say whose it is before it is proven; a refusal is no loss, the seal says it again."""
        with suppress(Rejected, NotFound):
            self.fields.set({document_id: values})

    def _seal(self, row: RemoteDocument, held: Sequence[Segment], values: Values) -> None:
        """Keep the proof: what the document holds now, by revision and fingerprint."""
        self.fields.set({row.id: {**values, "fingerprint": fingerprint(held)}})

    def _wake(self, row: RemoteDocument) -> bool:
        """Take a document out of the archive and switch it on: else a post makes a second one."""
        if row.archived:
            log.warning("%s was in Dify's archive: taken out", row.name)
            self._switch("un_archive", row.id)
        if not row.enabled:
            log.warning("%s was switched off in Dify: switched on", row.name)
            self._switch("enable", row.id)
        return row.archived or not row.enabled

    def _awake(self, row: RemoteDocument) -> list[Segment]:
        """The segments once they are on again, which takes Dify's worker a moment."""
        for pause in (0.2, 0.5, 1.0, 2.0):
            held = self.datasets.segments(self.dataset_id, row.id)
            if all(segment.enabled for segment in held):
                return held
            time.sleep(pause)
        return held

    def _switch(self, action: Action, document_id: str) -> None:
        """Change a status; Dify refuses a second change within about a second."""
        for attempt in range(ATTEMPTS):
            try:
                self.datasets.set_status(self.dataset_id, action, [document_id])
            except Rejected as error:
                if "being indexed" not in str(error) or attempt + 1 == ATTEMPTS:
                    raise
                time.sleep(1.1)
            else:
                return


def is_findable(row: RemoteDocument) -> bool:
    """Whether a document is indexed and switched on."""
    return row.indexing_status == "completed" and row.enabled and not row.archived


def is_untouched(row: RemoteDocument) -> bool:
    """Whether a listed document is as long as when it was finished."""
    told = str(row.metadata.get("fingerprint") or "").rpartition("-")[2]
    return told == str(row.word_count)


def is_edited(row: RemoteDocument, held: Sequence[Segment]) -> bool:
    """Whether somebody changed the text of a document that was finished."""
    told = str(row.metadata.get("fingerprint") or "")
    return bool(told) and told.partition("-")[0] != fingerprint(held).partition("-")[0]


def _rank(row: RemoteDocument, revision: str) -> tuple[bool, bool, bool]:
    """Of several documents of one name the best one stays."""
    return (
        row.metadata.get("revision") != revision,
        not row.enabled or row.archived,
        row.indexing_status != "completed",
    )


def _failed(name: str, fault: str) -> BackendError:
    """Why a document could not be published after several tries."""
    passing = ("refused", "timed out", "timeout", "connect", "rate limit", "429", "503")
    if any(word in fault.lower() for word in passing):
        return Unavailable(
            f"{name}: {fault}",
            hint="is the embedding model's server running? Then publish again",
        )
    return Rejected(f"{name}: {fault}", hint="look at the document in Dify, then publish again")
