"""Bare passages from elsewhere become the library's own."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from video_rag.evidence import recall
from video_rag.evidence.recall import Recall
from video_rag.model import Chunk, Document, Hit
from video_rag.testing.knowledge_contract import SHARK, lecture, passages


class Shelf:
    """Documents by id, whose reading is counted."""

    def __init__(self, *documents: Document) -> None:
        self.documents = {document.document_id: document for document in documents}
        self.read: list[str] = []

    def digest(self, video_id: str) -> str:
        found = self.documents.get(video_id)
        return found.model_dump_json() if found else ""

    def passages(self, video_id: str) -> tuple[Document, Sequence[Chunk]]:
        self.read.append(video_id)
        document = self.documents[video_id]
        return document, passages(document)

    def recall(self) -> Recall:
        return Recall(self.digest, self.passages)


def bare(chunk: Chunk, **other: object) -> Hit:
    """A passage as a base elsewhere returns it."""
    stripped = {"chunk_id": "", "lines": (), "source": "", "image": "", "heading": ""}
    return Hit(chunk=chunk.model_copy(update={**stripped, **other}), score=0.5)


def only(recall: Recall, hit: Hit) -> Chunk:
    (found,) = recall.complete([hit])
    assert found.score == hit.score
    return found.chunk


def test_a_bare_passage_is_completed() -> None:
    shelf = Shelf(lecture())
    first = passages(lecture())[0]
    assert only(shelf.recall(), bare(first)) == first


@pytest.mark.parametrize(
    "text",
    [
        "Sharks  have a skeleton of cartilage.",
        "Sharks have a skeleton of cartilage",
        "Sharks have skeleton of cartilage. ..",
    ],
)
def test_it_may_be_a_little_changed_by_the_base(text: str) -> None:
    first = passages(lecture())[0]
    assert only(Shelf(lecture()).recall(), bare(first, text=text, start=0.04)) == first


def test_chinese_may_be_a_little_changed_too() -> None:
    document = lecture(("「鲨鱼的骨骼是软骨。」",), language="zh")
    (only_one,) = passages(document)
    hit = bare(only_one, text="鲨鱼的骨骼是软骨。」")
    assert only(Shelf(document).recall(), hit) == only_one


@pytest.mark.parametrize(
    "other",
    [
        {"text": "Somebody wrote other words here by hand."},
        {"start": 5.0},
        {"end": 12.0},
        {"video_id": "file:never"},
        {"text": ""},
    ],
)
def test_what_the_library_does_not_have_stays_as_it_is(other: dict[str, object]) -> None:
    hit = bare(passages(lecture())[0], **other)
    assert only(Shelf(lecture()).recall(), hit) == hit.chunk


def test_a_whole_passage_is_not_looked_up() -> None:
    shelf = Shelf(lecture())
    whole = Hit(chunk=passages(lecture())[0], score=1.0)
    assert shelf.recall().complete([whole]) == [whole]
    assert shelf.read == []


def test_of_two_languages_at_one_place_the_one_with_these_words_is_taken() -> None:
    english, chinese = lecture(), lecture(("鲨鱼的骨骼是软骨。",), language="zh")
    both = english.model_copy(update={"translations": chinese.sections})
    shelf = Shelf(both)
    for chunk in passages(both):
        assert only(shelf.recall(), bare(chunk)) == chunk
    assert only(shelf.recall(), bare(passages(both)[0], text="鲨鱼 的")).chunk_id == ""


def test_the_order_and_number_of_hits_stay() -> None:
    hits = [bare(chunk) for chunk in reversed(passages(lecture()))]
    found = Shelf(lecture()).recall().complete(hits)
    assert [hit.chunk.text for hit in found] == list(reversed(SHARK))


def test_a_document_is_read_once_until_it_changes() -> None:
    shelf = Shelf(lecture())
    mind = shelf.recall()
    hit = bare(passages(lecture())[0])
    mind.complete([hit, hit])
    mind.complete([hit])
    assert shelf.read == ["file:1"]
    shelf.documents["file:1"] = lecture(title="Another title")
    assert only(mind, hit).title == "Another title"


def test_no_more_documents_than_a_few_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recall, "KEPT", 2)
    lectures = [lecture(video_id=f"file:{number}") for number in range(3)]
    shelf = Shelf(*lectures)
    mind = shelf.recall()
    for document in (*lectures, lectures[2], lectures[0]):
        mind.complete([bare(passages(document)[0])])
    assert shelf.read == ["file:0", "file:1", "file:2", "file:0"]
