"""What is missing from the disk, or is not what it was, is forgotten, so that it is made again."""

from __future__ import annotations

import logging

from video_rag.library.shelf import Shelf
from video_rag.model import Page

log = logging.getLogger("video_rag")


def forget_lost(shelf: Shelf, *, thorough: bool = False) -> None:
    """Look at every result and every document; `thorough` reads what did not change since, too."""
    for digest in shelf.blobs.lost(list(shelf.ledger.digests()), thorough=thorough):
        log.warning("the result %s… was lost or damaged; it is made again", digest[:12])
        shelf.ledger.lose(digest)
    for video_id, results in shelf.ledger.all_results(("page",)).items():
        page = shelf.maybe(results, "page", Page)
        if page and not _is_whole(shelf, page):
            log.warning("the document %s was deleted; it is written again", page.path)
            shelf.ledger.commit(video_id, "save", {})


def _is_whole(shelf: Shelf, page: Page) -> bool:
    """Whether a document and its pictures are there; what people write into them is theirs."""
    folder = shelf.settings.library.documents
    return all((folder / name).is_file() for name in (page.path, *page.files))
