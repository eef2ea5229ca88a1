"""document + knowledge base → receipt. The only caller of `Knowledge.publish`."""

from __future__ import annotations

from video_rag.chunking import ChunkOptions, cut
from video_rag.digest import of_value
from video_rag.knowledge import Knowledge
from video_rag.model import Document, Receipt
from video_rag.pipeline.stages import Tools
from video_rag.pipeline.work import Work
from video_rag.stores import Ledger


def publish(
    work: Work, tools: Tools, ledger: Ledger, name: str, base: Knowledge, passages: ChunkOptions
) -> Receipt:
    """Make a knowledge base hold this document, and keep the proof.

    The intent is kept before the call, so that a base without upsert can find what a killed
    process left there.
    """
    document = work.read("document", Document)
    chunks = cut(document, tools.link(document.video), passages)
    revision = of_value([chunk.model_dump(mode="json") for chunk in chunks])
    previous = ledger.receipt(name, document.document_id)
    sent = Receipt(
        knowledge=name,
        document_id=document.document_id,
        revision=revision,
        remote_id=previous.remote_id if previous else "",
    )
    ledger.keep(sent)
    remote_id = base.publish(document, chunks, previous)
    done = sent.model_copy(update={"state": "done", "remote_id": remote_id})
    ledger.keep(done)
    if not ledger.results(document.document_id):  # the video was removed meanwhile
        base.withdraw(document.document_id, done)
        ledger.drop(name, document.document_id)
    return done
