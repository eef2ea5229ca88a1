"""Many documents → one knowledge base: what would change there, and making it so."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from threading import Lock
from typing import Literal

from video_rag.causes import carried
from video_rag.errors import Unavailable, VideoRagError
from video_rag.knowledge import INDEXED, Holding, Kept, Knowledge, Patient, Rereading
from video_rag.model import Chunk, Document, Receipt
from video_rag.pipeline.publish import publish
from video_rag.stores import Ledger

Action = Literal["create", "update", "unchanged", "conflict", "remove", "left"]
Passages = Callable[[str], tuple[Document, Sequence[Chunk]]]
log = logging.getLogger("video_rag")

PAUSE = 2.0
"""Seconds between two looks whether a base is back."""
Claim = Callable[[str, str], AbstractContextManager[bool]]

GIVE_UP = 5
"""So many documents in a row that fail because the base is away end a bulk: the rest would too."""


READERS = 8
"""Documents that are looked at at once."""
UNKNOWN = "it does not say which library published it: delete it there if nobody needs it"


@dataclass(frozen=True)
class Change:
    """What is to be done about one document, and why."""

    action: Action
    document_id: str
    reason: str = ""


@dataclass(frozen=True)
class Outcome:
    """What became of a change; an error when it failed."""

    change: Change
    error: VideoRagError | None = None


class Publishing:
    """Brings one knowledge base in line with the library. Killed anywhere, the next one goes on."""

    def __init__(
        self, name: str, base: Knowledge, ledger: Ledger, passages: Passages, claim: Claim
    ) -> None:
        self.name = name
        self.base = base
        self._ledger = ledger
        self._passages = passages
        self._claim = claim
        self._away = 0
        self._waiting = Lock()
        self._was_away = False

    def changes(
        self, video_ids: Iterable[str], *, known: set[str], prune: bool, force: bool
    ) -> Iterator[Change]:
        """What differs for these videos; reads, and writes nothing.

        With `prune`, documents of videos that are not in `known` are to be removed, if this
        library published them: another one's stay, and those that do not say whose are named.
        """
        held = {holding.document_id: holding for holding in self.base.holdings()}

        def one(video_id: str) -> Change:
            return self._looked(video_id, held.get(video_id), force=force)

        with ThreadPoolExecutor(READERS, thread_name_prefix="look") as pool:
            yield from pool.map(carried(one), video_ids)
        for document_id in sorted(held.keys() - known) if prune else ():
            if held[document_id].whose == "ours":
                yield Change("remove", document_id, "the library does not have it")
            elif held[document_id].whose == "unknown":
                yield Change("left", document_id, UNKNOWN)

    def carry_out(self, changes: Iterable[Change], *, force: bool) -> Iterator[Outcome]:
        """Make the changes, as many at once as the base takes; each gives its outcome.

        What fails because the base was away is tried once more at the end.
        """

        def one(change: Change) -> Outcome:
            return self._one(change, force=force)

        work = carried(one)
        pool = ThreadPoolExecutor(self.base.writers, thread_name_prefix="publish")
        late: list[Outcome] = []
        try:
            for outcome in pool.map(work, changes):
                if isinstance(outcome.error, Unavailable) and self._away < GIVE_UP:
                    late.append(outcome)  # of a long bulk some meet a bad moment
                else:
                    yield outcome
            is_away = self._away >= GIVE_UP
            yield from late if is_away else pool.map(work, [outcome.change for outcome in late])
        finally:
            pool.shutdown(cancel_futures=True)

    def _looked(self, video_id: str, held: Holding | None, *, force: bool) -> Change:
        """The change; what seems unchanged is read where only that tells."""
        change = self._change(video_id, held, force=force)
        if change.action != "unchanged" or not isinstance(self.base, Rereading) or held is None:
            return change
        return self._change(video_id, self.base.reread(held), force=force)

    def _change(self, video_id: str, held: Holding | None, *, force: bool) -> Change:
        document, chunks = self._passages(video_id)
        revision = self.base.revision(document, chunks)
        if held is None:
            return Change("create", video_id)
        if held.state == "edited" and not force:
            return Change("conflict", video_id, held.problem)
        reason = self._why(video_id, held, revision) or ("forced" if force else "")
        return Change("update" if reason else "unchanged", video_id, reason)

    def _why(self, video_id: str, held: Holding, revision: str) -> str:
        """What is to be mended about a document that is there; empty when nothing is."""
        if held.state != INDEXED:
            return held.problem
        receipt = self._ledger.receipt(self.name, video_id)
        if revision != (held.revision or _proven(receipt)):
            return "the library has another version"
        if _proven(receipt) != revision or not receipt:  # another machine published it, or a kill
            return "the receipt is missing"
        is_unknown = held.whose == "unknown"
        return "it does not say yet which library's it is" if is_unknown else ""

    def _one(self, change: Change, *, force: bool) -> Outcome:
        if change.action in {"unchanged", "left"}:
            return Outcome(change)
        if self._away >= GIVE_UP:
            error = Unavailable(
                "not tried: the base is away",
                hint="when it is back, publish again: it goes on where it was",
            )
            return Outcome(change, error)
        try:
            wrote = self._patiently(change, force=force)
        except VideoRagError as error:
            self._away = self._away + 1 if isinstance(error, Unavailable) else 0
            return Outcome(change, error)
        self._away = 0
        return Outcome(change if wrote else replace(change, action="unchanged"))

    def _patiently(self, change: Change, *, force: bool) -> bool:
        """Make one change; once more when the base was away meanwhile and came back."""
        try:
            return self._do(change, force=force)
        except Unavailable:
            if not self._came_back():
                raise
            return self._do(change, force=force)

    def _came_back(self) -> bool:
        """Wait for a base that is away. False for one that was there all the time, or stays away.

        One thread waits, the others for it. After that nobody waits again in this bulk.
        """
        base = self.base
        if not isinstance(base, Patient) or not base.patience:
            return False
        with self._waiting:
            if base.answers():
                return self._was_away
            if self._away >= GIVE_UP:
                return False
            log.warning("%s is away: waiting for it for up to %g s", self.name, base.patience)
            self._was_away = True
            end = time.monotonic() + base.patience
            while time.monotonic() < end:
                time.sleep(min(PAUSE, base.patience / 10))
                if base.answers():
                    log.warning("%s is back", self.name)
                    return True
            self._away = GIVE_UP
            return False

    def _do(self, change: Change, *, force: bool) -> bool:
        """Make one change; whether the base had to be written to."""
        video_id = change.document_id
        with self._claim(video_id, f"publish@{self.name}") as is_ours:
            if not is_ours:
                raise Unavailable(
                    "another process is publishing it",
                    hint="wait for it; publishing again is harmless",
                )
            if change.action == "remove":
                self.base.withdraw(video_id, self._ledger.receipt(self.name, video_id))
                self._ledger.drop(self.name, video_id)
                return True
            document, chunks = self._passages(video_id)
            done = publish(document, chunks, self._ledger, self.name, self.base, force=force)
            return not isinstance(done.remote_id, Kept)


def _proven(receipt: Receipt | None) -> str:
    return receipt.revision if receipt and receipt.state == "done" else ""
