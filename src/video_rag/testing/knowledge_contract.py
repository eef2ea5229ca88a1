"""What every knowledge base must do: subclass `KnowledgeTests` and give it a `base` fixture."""

from __future__ import annotations

import pytest

from video_rag.chunking import ChunkOptions, cut
from video_rag.knowledge import Knowledge
from video_rag.model import Chunk, Document, Query, Receipt, Section, Segment, Video

SHARK = ("Sharks have a skeleton of cartilage.", "They smell blood from far away.")
VOLCANO = ("Lava is molten rock from a volcano.", "It cools down to basalt.")
CHINESE = ("鲨鱼的骨骼是软骨。", "它们很远就能闻到血的气味。")


def lecture(
    lines: tuple[str, ...] = SHARK,
    *,
    video_id: str = "file:1",
    language: str = "en",
    collection: str = "default",
    published: str | None = None,
    title: str = "A talk",
) -> Document:
    """A document whose lines follow each other every ten seconds."""
    segments = tuple(
        Segment(start=10.0 * number, end=10.0 * number + 9, text=text)
        for number, text in enumerate(lines)
    )
    video = Video(
        video_id=video_id,
        source="folder",
        url=f"/talks/{video_id}.mp4",
        title=title,
        collection=collection,
        published=published,
    )
    section = Section(
        start=0,
        end=segments[-1].end,
        heading="",
        language=language,
        origin="sidecar",
        segments=segments,
    )
    return Document(video=video, sections=(section,))


def passages(document: Document) -> list[Chunk]:
    """Every line of a lecture as a passage of its own."""
    options = ChunkOptions(max_seconds=10, overlap=0)
    return cut(document, lambda seconds: f"{document.video.url}#t={seconds:g}", options)


def give(base: Knowledge, document: Document, previous: Receipt | None = None) -> str:
    """Publish a document."""
    return base.publish(document, passages(document), previous)


def found(base: Knowledge, text: str, **filters: str) -> list[str]:
    """The ids of the videos that a search finds, the best first, each once."""
    hits = base.search(Query.model_validate({"text": text, **filters}))
    return list(dict.fromkeys(hit.chunk.video_id for hit in hits))


class KnowledgeTests:
    """The contract of `knowledge.Knowledge`."""

    def test_what_was_published_is_found_as_it_was_given(self, base: Knowledge) -> None:
        """A hit carries the whole passage."""
        document = lecture()
        give(base, document)
        hits = base.search(Query(text="what is a shark's skeleton made of?"))
        assert hits[0].chunk == passages(document)[0]

    def test_the_same_store_has_the_same_stamp(self, base: Knowledge) -> None:
        """Whatever is published to it."""
        stamp = base.stamp()
        give(base, lecture())
        assert base.stamp() == stamp != ""

    def test_better_passages_come_first(self, base: Knowledge) -> None:
        """Scores are positive and fall."""
        give(base, lecture())
        give(base, lecture(VOLCANO, video_id="file:2"))
        hits = base.search(Query(text="volcano lava blood"))
        assert hits[0].chunk.video_id == "file:2"
        assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
        assert all(hit.score > 0 for hit in hits)

    def test_chinese_is_found_in_either_script(self, base: Knowledge) -> None:
        """Traditional characters find simplified ones."""
        give(base, lecture(CHINESE, language="zh"))
        give(base, lecture(VOLCANO, video_id="file:2"))
        assert found(base, "鯊魚的骨骼")[0] == "file:1"

    def test_publishing_twice_leaves_one_document(self, base: Knowledge) -> None:
        """Also when the first call left a receipt."""
        remote = give(base, lecture())
        sent = Receipt(knowledge="k", document_id="file:1", revision="r", remote_id=remote)
        assert give(base, lecture(), sent) == remote
        chunks = [hit.chunk.chunk_id for hit in base.search(Query(text="sharks skeleton blood"))]
        assert len(chunks) == len(set(chunks)) == 2

    def test_publishing_again_replaces_what_was_there(self, base: Knowledge) -> None:
        """Words that are gone find nothing."""
        give(base, lecture())
        give(base, lecture(VOLCANO))
        assert found(base, "cartilage") == []
        assert found(base, "basalt") == ["file:1"]

    def test_withdrawing_removes_and_may_be_repeated(self, base: Knowledge) -> None:
        """A document that is not there is no error."""
        give(base, lecture())
        give(base, lecture(VOLCANO, video_id="file:2"))
        base.withdraw("file:1", None)
        base.withdraw("file:1", None)
        base.withdraw("file:never", None)
        assert found(base, "sharks volcano") == ["file:2"]

    def test_filters_narrow(self, base: Knowledge) -> None:
        """By collection, language, video and date of publication."""
        give(base, lecture(collection="sea", published="2026-01-31"))
        give(base, lecture(video_id="file:2", collection="zoo", published="2026-03-01"))
        give(base, lecture(CHINESE, video_id="file:3", language="zh"))
        assert found(base, "shark skeleton", collection="zoo") == ["file:2"]
        assert found(base, "shark 鲨鱼", language="zh") == ["file:3"]
        assert found(base, "shark", video_id="file:1") == ["file:1"]
        assert found(base, "shark", since="2026-02-01") == ["file:2"]
        assert found(base, "shark", until="2026-01-31") == ["file:1"]
        assert found(base, "shark", since="2026-01-31", until="2026-03-01", collection="x") == []

    def test_no_more_than_the_limit_is_found(self, base: Knowledge) -> None:
        """Whatever matches."""
        for number in range(4):
            give(base, lecture(video_id=f"file:{number}"))
        assert len(base.search(Query(text="sharks", limit=3))) == 3

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "   ",
            "the of and is",
            "是什么呢？",
            '"',
            'AND OR NOT NEAR("a" b)',
            "words:shark*",
            "a-b {c} (d ^e",
            "🦈🌋",
            "\x00'; drop table",
            "zzzunheardof",
            "shark " * 20_000,
            "鲨鱼" * 20_000,
        ],
    )
    def test_any_text_may_be_asked(self, base: Knowledge, text: str) -> None:
        """Nothing in it is syntax."""
        give(base, lecture())
        for hit in base.search(Query(text=text)):
            assert hit.chunk.video_id == "file:1"

    def test_an_empty_base_finds_nothing_and_is_well(self, base: Knowledge) -> None:
        """`check` says one line."""
        assert base.search(Query(text="shark")) == []
        assert len(base.check().splitlines()) == 1
