"""document + knowledge base → receipt. The only caller of `Knowledge.publish`."""

from __future__ import annotations

from collections.abc import Sequence

from video_rag.knowledge import Knowledge
from video_rag.model import Chunk, Document, Receipt
from video_rag.stores import Ledger


def publish(
    document: Document,
    chunks: Sequence[Chunk],
    ledger: Ledger,
    name: str,
    base: Knowledge,
    *,
    force: bool = False,
) -> Receipt:
    """Make a knowledge base hold this document, and keep the proof.

    The intent is kept before the call, so that a base without upsert can find what a killed
    process left there.
    """
    previous = ledger.receipt(name, document.document_id)
    sent = Receipt(
        knowledge=name,
        document_id=document.document_id,
        revision=base.revision(document, chunks),
        remote_id=previous.remote_id if previous else "",
    )
    ledger.keep(sent)
    remote_id = base.publish(document, chunks, previous, force=force)
    done = sent.model_copy(update={"state": "done", "remote_id": remote_id})
    ledger.keep(done)
    if not ledger.results(document.document_id):  # the video was removed meanwhile
        base.withdraw(document.document_id, done)
        ledger.drop(name, document.document_id)
    return done
