"""Looks at what a library stores: its ledger, results and documents."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from video_rag import disk
from video_rag.errors import Unavailable
from video_rag.library.mending import is_whole
from video_rag.library.wiring import Parts
from video_rag.model import Page
from video_rag.pipeline.results import load
from video_rag.stores.local import Local
from video_rag.stores.sql import Sql

_AGAIN = "`video-rag run` makes them again"


def looks(parts: Parts, ledger: Sql, *, thorough: bool) -> Iterator[tuple[str, Callable[[], str]]]:
    """Each thing with a look at it, which gives a line or raises a `VideoRagError`."""
    blobs = Local(parts.settings.home / "blobs")
    documents = parts.settings.library.documents
    yield "library", lambda: ledger.check(thorough=thorough)
    yield "results", lambda: _results(ledger, blobs, thorough=thorough)
    yield "documents", lambda: _documents(ledger, blobs, documents)


def writable(folder: Path) -> str:
    """The folder, which is made if it is not there. Raises what keeps us from writing there."""
    disk.make_folder(folder)
    probe = folder / ".doctor"
    with disk.told(folder):
        probe.write_bytes(b"")
        probe.unlink()
        list(folder.iterdir())
    return str(folder)


def _results(ledger: Sql, blobs: Local, *, thorough: bool) -> str:
    named = list(ledger.digests())
    if lost := list(blobs.lost(named, thorough=thorough)):
        raise Unavailable(
            f"{len(lost)} of {len(named)} results are missing or damaged", hint=_AGAIN
        )
    return f"{len(named)} in {blobs.folder}{', all read' if thorough else ''}"


def _documents(ledger: Sql, blobs: Local, folder: Path) -> str:
    rows = [row["page"] for row in ledger.all_results(("page",)).values() if "page" in row]
    gone = [page for page in (load(blobs, row, Page) for row in rows) if not is_whole(folder, page)]
    if gone:
        raise Unavailable(
            f"{len(gone)} of {len(rows)} documents are not whole in {folder}, such as "
            f"{gone[0].path}",
            hint=_AGAIN,
        )
    if rows:
        writable(folder)
    return f"{len(rows)} in {folder}"
