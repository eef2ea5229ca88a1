"""Puts the documents of one video into a dataset, and proves that they can be found there.

The way of one document: look what is there → adopt what is already right → take its proof away →
post under its name (which replaces in place) → say whose it is → wait → compare the segments →
retrieve one of them → keep revision and fingerprint in its metadata, the proof. Killed anywhere,
the next call goes on from what Dify holds.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from typing import NamedTuple

from video_rag.dify.datasets import (
    MAX_QUERY,
    Action,
    Datasets,
    RemoteDocument,
    Segment,
    Technique,
)
from video_rag.dify.errors import PROVIDER_IS_AWAY
from video_rag.errors import BackendError, Conflict, NotFound, Rejected, Unavailable
from video_rag.knowledge.dify import rules
from video_rag.knowledge.dify.fields import Fields, Values
from video_rag.knowledge.dify.text import Part, fingerprint, fold, in_words
from video_rag.knowledge.dify.waiting import Waiting
from video_rag.knowledge.dify.words import has_words, joined, keywords

log = logging.getLogger("video_rag")

ATTEMPTS = 3
REFUSED = "Dify could not index it: "
PROBE_DEPTHS = (10, 500)
"""Segments asked for to find one; a second, deep look where many others hold the same words."""


class Put(NamedTuple):
    """What became of one document."""

    document_id: str
    wrote: bool
    """Whether anything was changed in Dify."""


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
        self.waiting = Waiting(datasets, dataset_id, options)
        self._turn = turn

    def put(
        self,
        part: Part,
        present: Sequence[RemoteDocument],
        values: Values,
        revision: str,
        *,
        force: bool,
    ) -> Put:
        """Make one document be there just once, findable.

        `present` are those that are taken for it. Raises `Conflict` when somebody changed it by
        hand. `force` overwrites that, and proves anew what seems done.
        """
        ranked = sorted(present, key=lambda row: _rank(row, revision))
        keep = ranked[0] if ranked else None
        if keep and not force and self._is_done(keep, revision):
            put = Put(keep.id, wrote=self._adopt(keep, values))
        else:
            with self._turn():
                row, held = self._write(part, keep, values, force=force)
            self._seal(row, held, {**values, "revision": revision})
            put = Put(row.id, wrote=True)
        # a disabled document lets a second one of its name be made, and one that was renamed
        for other in (one for one in ranked if one.id != put.document_id):
            self.remove(other)
        return Put(put.document_id, wrote=put.wrote or len(ranked) > 1)

    def remove(self, row: RemoteDocument) -> None:
        """Delete a document in whatever state it is."""
        if row.archived:
            self._switch("un_archive", row.id)
        self.datasets.delete_document(self.dataset_id, row.id)

    def _is_done(self, row: RemoteDocument, revision: str) -> bool:
        """Whether nothing is to be done: it is whole, switched on, and as it was published."""
        if row.metadata.get("revision") != revision or not is_findable(row):
            return False
        held = self.datasets.segments(self.dataset_id, row.id)
        return not is_edited(row, held) and all(segment.enabled for segment in held)

    def _adopt(self, row: RemoteDocument, values: Values) -> bool:
        """Say whose it is where a document from before says nothing; whether it did."""
        if row.metadata.get("library") or not values.get("library"):
            return False
        self.fields.set({row.id: {"library": values["library"]}})
        return True

    def _write(
        self, part: Part, keep: RemoteDocument | None, values: Values, *, force: bool
    ) -> Held:
        """Post unless Dify already holds these very passages; returns what it holds then."""
        try:
            keep = self.waiting.settled(keep) if keep else None
        except Unavailable as error:  # the worker that had it may have died: a post begins anew
            log.warning("%s", error)
        if keep is None:
            return self._post(part, values)
        if keep.indexing_status == "completed":
            held = self.datasets.segments(self.dataset_id, keep.id)
            if not force and is_edited(keep, held):
                raise Conflict(
                    f"{in_words(part.name)} was changed by hand in Dify",
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
            leave = self.waiting.enter()
            try:
                posted = self.datasets.post(self.dataset_id, part.name, part.text, **body)
                self._mark(posted.document_id, values)  # meanwhile: it is waited for anyway
                row = self.waiting.finished(posted, part.name, leave)
            finally:
                leave()
            if row is None:
                fault = "it was deleted while it was indexed"
            elif row.indexing_status == "error":
                fault = f"{REFUSED}{row.error}"
            elif row.indexing_status == "paused":
                raise Rejected(f"{in_words(part.name)} is paused in Dify", hint="resume it there")
            else:
                held = self.datasets.segments(self.dataset_id, row.id)
                fault = self._fault(row, held, part) or ""
                if not fault:
                    return row, held
            log.warning("%s: %s (try %d of %d)", part.name, fault, attempt + 1, ATTEMPTS)
        raise _failed(part.name, fault)

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
    is_away = re.match(PROVIDER_IS_AWAY, fault.removeprefix(REFUSED), re.IGNORECASE)
    said = fault if in_words(name) == "it" else f"{in_words(name)}: {fault}"
    if is_away or any(word in fault.lower() for word in passing):
        hint = "is the embedding model's server running? Then publish again"
        return Unavailable(said, hint=hint)
    return Rejected(said, hint="look at the document in Dify, then publish again")
