"""Many documents → one knowledge base: what would change there, and making it so."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal

from video_rag.errors import Unavailable, VideoRagError
from video_rag.knowledge import INDEXED, Holding, Knowledge
from video_rag.model import Chunk, Document, Receipt
from video_rag.pipeline.publish import publish
from video_rag.stores import Ledger

Action = Literal["create", "update", "unchanged", "conflict", "remove"]
Passages = Callable[[str], tuple[Document, Sequence[Chunk]]]
Claim = Callable[[str, str], AbstractContextManager[bool]]

GIVE_UP = 5
"""So many documents in a row that fail because the base is away end a bulk: the rest would too."""


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

    def changes(
        self, video_ids: Iterable[str], *, known: set[str], prune: bool, force: bool
    ) -> Iterator[Change]:
        """What differs for these videos; reads, and writes nothing.

        With `prune`, documents of videos that are not in `known` are to be removed.
        """
        held = {holding.document_id: holding for holding in self.base.holdings()}
        for video_id in video_ids:
            yield self._change(video_id, held.get(video_id), force=force)
        for document_id in sorted(held.keys() - known) if prune else ():
            yield Change("remove", document_id, "the library does not have it")

    def carry_out(self, changes: Iterable[Change], *, force: bool) -> Iterator[Outcome]:
        """Make the changes, as many at once as the base takes; each gives its outcome.

        What fails because the base was away is tried once more at the end.
        """

        def one(change: Change) -> Outcome:
            return self._one(change, force=force)

        pool = ThreadPoolExecutor(self.base.writers, thread_name_prefix="publish")
        late: list[Outcome] = []
        try:
            for outcome in pool.map(one, changes):
                if isinstance(outcome.error, Unavailable) and self._away < GIVE_UP:
                    late.append(outcome)  # of a long bulk some meet a bad moment
                else:
                    yield outcome
            is_away = self._away >= GIVE_UP
            yield from late if is_away else pool.map(one, [outcome.change for outcome in late])
        finally:
            pool.shutdown(cancel_futures=True)

    def _change(self, video_id: str, held: Holding | None, *, force: bool) -> Change:
        document, chunks = self._passages(video_id)
        revision = self.base.revision(document, chunks)
        if held is None:
            return Change("create", video_id)
        if held.state == "edited" and not force:
            return Change("conflict", video_id, held.problem)
        if held.state != INDEXED:
            return Change("update", video_id, held.problem)
        receipt = self._ledger.receipt(self.name, video_id)
        if revision != (held.revision or _proven(receipt)):
            return Change("update", video_id, "the library has another version")
        if _proven(receipt) != revision or not receipt:  # another machine published it, or a kill
            return Change("update", video_id, "the receipt is missing")
        return Change("update", video_id, "forced") if force else Change("unchanged", video_id)

    def _one(self, change: Change, *, force: bool) -> Outcome:
        if change.action == "unchanged":
            return Outcome(change)
        if self._away >= GIVE_UP:
            error = Unavailable(
                f"{change.document_id} was not tried: the base is away",
                hint="when it is back, publish again: it goes on where it was",
            )
            return Outcome(change, error)
        try:
            self._do(change, force=force)
        except VideoRagError as error:
            self._away = self._away + 1 if isinstance(error, Unavailable) else 0
            return Outcome(change, error)
        self._away = 0
        return Outcome(change)

    def _do(self, change: Change, *, force: bool) -> None:
        video_id = change.document_id
        with self._claim(video_id, f"publish@{self.name}") as is_ours:
            if not is_ours:
                raise Unavailable(
                    f"another process is publishing {video_id}",
                    hint="wait for it; publishing again is harmless",
                )
            if change.action == "remove":
                self.base.withdraw(video_id, self._ledger.receipt(self.name, video_id))
                self._ledger.drop(self.name, video_id)
                return
            document, chunks = self._passages(video_id)
            publish(document, chunks, self._ledger, self.name, self.base, force=force)


def _proven(receipt: Receipt | None) -> str:
    return receipt.revision if receipt and receipt.state == "done" else ""
