"""Passages that a base elsewhere returned as bare text, completed from the library's own documents.

Dify keeps the words and the address of a passage, but not when each line was said, nor the
pictures; with them a citation names the seconds of the quoted line and not of the passage.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Sequence
from threading import Lock

from video_rag.model import Chunk, Document, Hit

KEPT = 64
"""Documents whose passages are kept in memory."""
_WORD = re.compile(r"[\u3400-\u9fff]|[^\W\u3400-\u9fff]+")
"""A Chinese character, or a word of other letters."""


class Recall:
    """Finds the passage that an address names."""

    def __init__(
        self,
        digest: Callable[[str], str],
        passages: Callable[[str], tuple[Document, Sequence[Chunk]]],
    ) -> None:
        """`digest` names the present document of a video, empty for one that is not here."""
        self._digest = digest
        self._passages = passages
        self._kept: OrderedDict[str, Sequence[Chunk]] = OrderedDict()
        self._lock = Lock()

    def complete(self, hits: Sequence[Hit]) -> list[Hit]:
        """The same hits, with whole passages where the library has them."""
        return [
            hit if hit.chunk.chunk_id else hit.model_copy(update={"chunk": self._whole(hit.chunk)})
            for hit in hits
        ]

    def _whole(self, bare: Chunk) -> Chunk:
        digest = self._digest(bare.video_id)
        if not digest:
            return bare
        same = [chunk for chunk in self._of(digest, bare.video_id) if _is_at(chunk, bare)]
        return next((chunk for chunk in same if chunk.text == bare.text), None) or (
            same[0] if len(same) == 1 and _is_alike(same[0], bare) else bare
        )

    def _of(self, digest: str, video_id: str) -> Sequence[Chunk]:
        """The passages of a document; many threads ask."""
        with self._lock:
            known = self._kept.get(digest)
        if known is None:
            known = self._passages(video_id)[1]
        with self._lock:
            self._kept[digest] = known
            self._kept.move_to_end(digest)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return known


def _is_at(chunk: Chunk, bare: Chunk) -> bool:
    """Whether both are the same place; addresses have tenths of a second."""
    return abs(chunk.start - bare.start) <= 0.06 and abs(chunk.end - bare.end) <= 0.06


def _is_alike(chunk: Chunk, bare: Chunk) -> bool:
    """Whether the base has nearly the library's words: it may fold spaces and signs."""
    ours, theirs = set(_WORD.findall(chunk.text)), set(_WORD.findall(bare.text))
    return len(ours & theirs) >= 0.5 * max(len(ours), 1)
