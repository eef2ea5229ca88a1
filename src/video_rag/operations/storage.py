"""Looks at what a library stores: its ledger, results and documents."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from video_rag.errors import Unavailable
from video_rag.library.mending import not_whole
from video_rag.library.storing import blobs_of, documents_of
from video_rag.library.wiring import Parts
from video_rag.model import Page
from video_rag.pipeline.results import load
from video_rag.settings.buckets import is_bucket
from video_rag.stores import Blobs
from video_rag.stores.files import Files
from video_rag.stores.sql import Sql

_AGAIN = "`video-rag run` makes them again"


def looks(parts: Parts, ledger: Sql, *, thorough: bool) -> Iterator[tuple[str, Callable[[], str]]]:
    """Each thing with a look at it, which gives a line or raises a `VideoRagError`."""
    blobs = blobs_of(parts.settings, parts.identify)
    documents = documents_of(parts.settings, parts.identify)
    yield "library", lambda: ledger.check(thorough=thorough)
    yield "results", lambda: _results(ledger, blobs, thorough=thorough)
    if is_bucket(parts.settings.library.media):
        yield "media", lambda: writable(parts.media.files)
    if parts.is_home or is_bucket(parts.settings.library.documents):
        yield "documents", lambda: _documents(ledger, blobs, documents)
    else:
        yield "documents", lambda: f"on {parts.settings.library.host}, which looks after them"


def writable(files: Files) -> str:
    """The place, which is made if it is a folder. Raises what keeps us from writing there."""
    files.check()
    return files.where


def _results(ledger: Sql, blobs: Blobs, *, thorough: bool) -> str:
    named = list(ledger.digests())
    if lost := list(blobs.lost(named, thorough=thorough)):
        raise Unavailable(
            f"{len(lost)} of {len(named)} results are missing or damaged", hint=_AGAIN
        )
    return f"{len(named)} in {blobs.where}{', all read' if thorough else ''}"


def _documents(ledger: Sql, blobs: Blobs, documents: Files) -> str:
    rows = [row["page"] for row in ledger.all_results(("page",)).values() if "page" in row]
    gone = not_whole(documents, [load(blobs, row, Page) for row in rows])
    if gone:
        raise Unavailable(
            f"{len(gone)} of {len(rows)} documents are not whole in {documents.where}, such as "
            f"{gone[0].path}",
            hint=_AGAIN,
        )
    if rows:
        writable(documents)
    return f"{len(rows)} in {documents.where}"
