"""Routes of segments and child chunks."""

from __future__ import annotations

import time
from collections import Counter

from video_rag.testing.dify import keywords
from video_rag.testing.dify.calls import Call
from video_rag.testing.dify.indexing import complete
from video_rag.testing.dify.payloads import (
    ChildChunkPayload,
    SegmentCreateItem,
    SegmentCreatePayload,
    SegmentUpdateArgs,
    SegmentUpdatePayload,
)
from video_rag.testing.dify.records import DONE, Child, Dataset, Document, Segment
from video_rag.testing.dify.shapes import child_json, page, segment_json
from video_rag.testing.dify.state import World
from video_rag.testing.dify.wire import (
    NO_CONTENT,
    Reply,
    Routes,
    invalid,
    not_found,
    validated,
)

routes = Routes("/v1/datasets/{dataset}/documents/{document}/segments")


@routes.add("GET", "")
def list_segments(call: Call) -> Reply:
    """The segments in order."""
    found = call.document
    keyword = call.request.query.get("keyword", "").casefold()
    status = call.request.query.get("status")
    rows = [
        segment
        for segment in sorted(found.segments, key=lambda one: one.position)
        if keyword in segment.content.casefold() and status in {None, segment.status}
    ]
    limit = call.request.number("limit", 20)
    number = call.request.number("page", 1)
    shown, said = page(rows, number, limit)
    said["has_more"] = number * min(limit, 100) < len(rows)
    data = [segment_json(call.world, segment) for segment in shown]
    return Reply({"data": data, "doc_form": found.doc_form, **said})


@routes.add("POST", "")
def create_segments(call: Call) -> Reply:
    """New segments at the end of a document."""
    kept = call.dataset
    found = _ready(call)
    asked = validated(SegmentCreatePayload, call.request.json).segments
    if asked is None:
        return Reply({"error": "Segments is required"}, 400)
    for item in asked:
        _need_content(found, item.content, item.answer)
    made = [_create(call.world, kept, found, item) for item in asked]
    data = [segment_json(call.world, segment) for segment in made]
    return Reply({"data": data, "doc_form": found.doc_form})


def _create(world: World, dataset: Dataset, document: Document, item: SegmentCreateItem) -> Segment:
    segment = Segment(
        id=world.new_id(),
        node_id=world.new_id(),
        document_id=document.id,
        position=max((one.position for one in document.segments), default=0) + 1,
        content=item.content,
        serial=world.new_serial(),
        answer=item.answer,
        keywords=[],
    )
    economy = dataset.technique == "economy"
    complete(segment, tokens=0 if economy else max(1, len(item.content) // 4))
    if economy:
        _index(dataset, segment, item.keywords)
    document.segments.append(segment)
    document.word_count = (document.word_count or 0) + segment.words
    return segment


@routes.add("GET", "/{segment}")
def get_segment(call: Call) -> Reply:
    """One segment."""
    found = call.document
    return Reply({"data": segment_json(call.world, call.segment), "doc_form": found.doc_form})


@routes.add("POST", "/{segment}")
def update_segment(call: Call) -> Reply:
    """New content or keywords for a segment."""
    kept = call.dataset
    found = call.document
    changed = call.segment
    asked = validated(SegmentUpdatePayload, call.request.json).segment
    _need_content(found, asked.content or changed.content, asked.answer)
    apply_change(call.world, kept, found, changed, asked)
    return Reply({"data": segment_json(call.world, changed), "doc_form": found.doc_form})


def apply_change(
    world: World, dataset: Dataset, document: Document, segment: Segment, asked: SegmentUpdateArgs
) -> None:
    """What a change of a segment does, by the API as by the web's editor."""
    segment.updated_at, segment.updated_by = int(time.time()), world.account_id
    if asked.enabled is False:
        segment.enabled = False
        dataset.table = keywords.removed(dataset.table, [segment.node_id])
        return
    before = segment.words
    edited = asked.content is not None and asked.content != segment.content
    segment.content = asked.content if asked.content is not None else segment.content
    segment.answer = asked.answer or segment.answer
    segment.enabled, segment.status = True, DONE
    document.word_count = (document.word_count or 0) + segment.words - before
    if dataset.technique != "economy":
        segment.keywords = asked.keywords or segment.keywords
    elif edited:
        dataset.table = keywords.removed(dataset.table, [segment.node_id])
        _index(dataset, segment, asked.keywords)
    elif asked.keywords and Counter(asked.keywords) != Counter(segment.keywords or ()):
        # The old ones stay in the table: Dify only adds where the text is the same.
        _index(dataset, segment, asked.keywords)


@routes.add("DELETE", "/{segment}")
def delete_segment(call: Call) -> Reply:
    """Take a segment away."""
    kept = call.dataset
    found = call.document
    gone = call.segment
    found.segments.remove(gone)
    found.word_count = (found.word_count or 0) - gone.words
    kept.table = keywords.removed(kept.table, [gone.node_id])
    return NO_CONTENT


@routes.add("GET", "/{segment}/child_chunks")
def list_children(call: Call) -> Reply:
    """The child chunks of a segment."""
    found = call.segment
    limit = min(call.request.number("limit", 20), 100)
    shown, said = page(found.children, call.request.number("page", 1), limit)
    pages = -(-len(found.children) // limit)
    data = [child_json(found, child) for child in shown]
    said = {"total": said["total"], "total_pages": pages, "page": said["page"], "limit": limit}
    return Reply({"data": data, **said})


@routes.add("POST", "/{segment}/child_chunks")
def create_child(call: Call) -> Reply:
    """A new child chunk."""
    found = call.segment
    asked = validated(ChildChunkPayload, call.request.json)
    position = max((child.position for child in found.children), default=0) + 1
    child = Child(call.world.new_id(), asked.content, position, "customized")
    found.children.append(child)
    return Reply({"data": child_json(found, child)})


@routes.add("PATCH", "/{segment}/child_chunks/{child}")
def update_child(call: Call) -> Reply:
    """Another text for a child chunk."""
    found = call.segment
    changed = call.child
    changed.content = validated(ChildChunkPayload, call.request.json).content
    changed.type, changed.updated_at = "customized", int(time.time())
    return Reply({"data": child_json(found, changed)})


@routes.add("DELETE", "/{segment}/child_chunks/{child}")
def delete_child(call: Call) -> Reply:
    """Take a child chunk away."""
    found = call.segment
    found.children.remove(call.child)
    return NO_CONTENT


def _index(dataset: Dataset, segment: Segment, given: list[str] | None) -> None:
    segment.keywords = given or keywords.keywords(segment.content)
    dataset.table = keywords.added(dataset.table, [(segment.node_id, segment.keywords)])


def _ready(call: Call) -> Document:
    found = call.document
    if found.status != DONE:
        raise not_found("Document is not completed.")
    if not found.enabled:
        raise not_found("Document is disabled.")
    return found


def _need_content(document: Document, content: str, answer: str | None) -> None:
    if document.doc_form == "qa_model" and not (answer or "").strip():
        raise invalid("Answer is required")
    if not content.strip():
        raise invalid("Content is empty")
