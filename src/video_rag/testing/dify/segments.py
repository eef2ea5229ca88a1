"""Routes of segments and child chunks."""

from __future__ import annotations

import time
from collections import Counter

from video_rag.testing.dify import keywords
from video_rag.testing.dify.indexing import complete
from video_rag.testing.dify.payloads import (
    ChildChunkPayload,
    SegmentCreateItem,
    SegmentCreatePayload,
    SegmentUpdateArgs,
    SegmentUpdatePayload,
)
from video_rag.testing.dify.shapes import child_json, page, segment_json
from video_rag.testing.dify.state import DONE, Child, Dataset, Document, Segment, World
from video_rag.testing.dify.wire import (
    NO_CONTENT,
    Reply,
    Request,
    Routes,
    invalid,
    not_found,
    validated,
)

routes = Routes("/v1/datasets/{dataset}/documents/{document}/segments")


@routes.add("GET", "")
def list_segments(world: World, request: Request, dataset: str, document: str) -> Reply:
    """The segments in order."""
    found = world.dataset(dataset).document(document)
    keyword = request.query.get("keyword", "").casefold()
    status = request.query.get("status")
    rows = [
        segment
        for segment in sorted(found.segments, key=lambda one: one.position)
        if keyword in segment.content.casefold() and status in {None, segment.status}
    ]
    limit = request.number("limit", 20)
    number = request.number("page", 1)
    shown, said = page(rows, number, limit)
    said["has_more"] = number * min(limit, 100) < len(rows)
    data = [segment_json(world, segment) for segment in shown]
    return Reply({"data": data, "doc_form": found.doc_form, **said})


@routes.add("POST", "")
def create_segments(world: World, request: Request, dataset: str, document: str) -> Reply:
    """New segments at the end of a document."""
    kept = world.dataset(dataset)
    found = _ready(kept, document)
    asked = validated(SegmentCreatePayload, request.json).segments
    if asked is None:
        return Reply({"error": "Segments is required"}, 400)
    for item in asked:
        _need_content(found, item.content, item.answer)
    made = [_create(world, kept, found, item) for item in asked]
    data = [segment_json(world, segment) for segment in made]
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
def get_segment(world: World, request: Request, dataset: str, document: str, segment: str) -> Reply:
    """One segment."""
    found = world.dataset(dataset).document(document)
    return Reply(
        {"data": segment_json(world, _segment(found, segment)), "doc_form": found.doc_form}
    )


@routes.add("POST", "/{segment}")
def update_segment(
    world: World, request: Request, dataset: str, document: str, segment: str
) -> Reply:
    """New content or keywords for a segment."""
    kept = world.dataset(dataset)
    found = kept.document(document)
    changed = _segment(found, segment)
    asked = validated(SegmentUpdatePayload, request.json).segment
    _need_content(found, asked.content or changed.content, asked.answer)
    apply_change(world, kept, found, changed, asked)
    return Reply({"data": segment_json(world, changed), "doc_form": found.doc_form})


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
def delete_segment(
    world: World, request: Request, dataset: str, document: str, segment: str
) -> Reply:
    """Take a segment away."""
    kept = world.dataset(dataset)
    found = kept.document(document)
    gone = _segment(found, segment)
    found.segments.remove(gone)
    found.word_count = (found.word_count or 0) - gone.words
    kept.table = keywords.removed(kept.table, [gone.node_id])
    return NO_CONTENT


@routes.add("GET", "/{segment}/child_chunks")
def list_children(
    world: World, request: Request, dataset: str, document: str, segment: str
) -> Reply:
    """The child chunks of a segment."""
    found = _segment(world.dataset(dataset).document(document), segment)
    limit = min(request.number("limit", 20), 100)
    shown, said = page(found.children, request.number("page", 1), limit)
    pages = -(-len(found.children) // limit)
    data = [child_json(found, child) for child in shown]
    said = {"total": said["total"], "total_pages": pages, "page": said["page"], "limit": limit}
    return Reply({"data": data, **said})


@routes.add("POST", "/{segment}/child_chunks")
def create_child(
    world: World, request: Request, dataset: str, document: str, segment: str
) -> Reply:
    """A new child chunk."""
    found = _segment(world.dataset(dataset).document(document), segment)
    asked = validated(ChildChunkPayload, request.json)
    position = max((child.position for child in found.children), default=0) + 1
    child = Child(world.new_id(), asked.content, position, "customized")
    found.children.append(child)
    return Reply({"data": child_json(found, child)})


@routes.add("PATCH", "/{segment}/child_chunks/{child}")
def update_child(
    world: World, request: Request, dataset: str, document: str, segment: str, child: str
) -> Reply:
    """Another text for a child chunk."""
    found = _segment(world.dataset(dataset).document(document), segment)
    changed = _child(found, child)
    changed.content = validated(ChildChunkPayload, request.json).content
    changed.type, changed.updated_at = "customized", int(time.time())
    return Reply({"data": child_json(found, changed)})


@routes.add("DELETE", "/{segment}/child_chunks/{child}")
def delete_child(
    world: World, request: Request, dataset: str, document: str, segment: str, child: str
) -> Reply:
    """Take a child chunk away."""
    found = _segment(world.dataset(dataset).document(document), segment)
    found.children.remove(_child(found, child))
    return NO_CONTENT


def _index(dataset: Dataset, segment: Segment, given: list[str] | None) -> None:
    segment.keywords = given or keywords.keywords(segment.content)
    dataset.table = keywords.added(dataset.table, [(segment.node_id, segment.keywords)])


def _ready(dataset: Dataset, document_id: str) -> Document:
    found = dataset.document(document_id)
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


def _segment(document: Document, segment_id: str) -> Segment:
    for segment in document.segments:
        if segment.id == segment_id:
            return segment
    raise not_found("Segment not found.")


def _child(segment: Segment, child_id: str) -> Child:
    for child in segment.children:
        if child.id == child_id:
            return child
    raise not_found("Child chunk not found.")
