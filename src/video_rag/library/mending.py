"""What is missing from the disk, or is not what it was, is forgotten, so that it is made again."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from video_rag.errors import Unavailable
from video_rag.knowledge import Here
from video_rag.library.shelf import Shelf
from video_rag.library.wiring import Parts
from video_rag.model import Page
from video_rag.stores.files import Files

log = logging.getLogger("video_rag")


def forget_lost(shelf: Shelf, *, thorough: bool = False) -> None:
    """Look at every result, every document and every base that is here.

    `thorough` reads what did not change since, too.
    """
    for digest in shelf.blobs.lost(list(shelf.ledger.digests()), thorough=thorough):
        log.warning("the result %s… was lost or damaged; it is made again", digest[:12])
        shelf.ledger.lose(digest)
    is_here = shelf.parts.is_home or not isinstance(shelf.settings.library.documents, Path)
    rows = shelf.ledger.all_results(("page",)).items() if is_here else ()
    pages = {video_id: shelf.maybe(results, "page", Page) for video_id, results in rows}
    some = not_whole(shelf.tools.documents, [page for page in pages.values() if page])
    broken = {page.path for page in some}
    for video_id, page in pages.items():
        if page and page.path in broken:
            log.warning("the document %s was deleted; it is written again", page.path)
            shelf.ledger.commit(video_id, "save", {})
    for name in shelf.parts.published_to():
        for video_id in sorted(absent(shelf.parts, name, thorough=thorough)):
            log.warning("%s is gone from %s; it is published again", video_id, name)
            shelf.ledger.commit(video_id, f"publish@{name}", {})


def not_whole(documents: Files, pages: Sequence[Page]) -> list[Page]:
    """The documents that miss a file or a picture; what people write into them is theirs."""
    there = documents.there([name for page in pages for name in (page.path, *page.files)])
    return [page for page in pages if not {page.path, *page.files} <= there.keys()]


def absent(parts: Parts, name: str, *, thorough: bool = False) -> set[str]:
    """The videos that a base should hold and does not; a base elsewhere is not asked."""
    if name == "embedded" and not parts.is_home:
        return set()  # its own host looks after it
    base = parts.knowledge(name)
    if not isinstance(base, Here):
        return set()
    return base.absent(parts.ledger.published(name), thorough=thorough)


def refuse_absent(parts: Parts, name: str, *, thorough: bool = False) -> None:
    """Raise `Unavailable`, with the remedy, for a base that lost what was published to it."""
    if gone := absent(parts, name, thorough=thorough):
        videos = "1 video" if len(gone) == 1 else f"{len(gone)} videos"
        raise Unavailable(
            f"the knowledge base {name} has lost {videos} of {len(parts.ledger.published(name))}",
            hint="`video-rag run` publishes them again, and recognises nothing anew",
        )
