"""What every knowledge base must do: subclass `KnowledgeTests` and give it a `base` fixture."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from urllib.parse import unquote

import pytest

from video_rag.chunking import ChunkOptions, cut
from video_rag.knowledge import INDEXED, Knowledge
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
    also_in: tuple[str, ...] = (),
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
        also_in=also_in,
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


def give(
    base: Knowledge, document: Document, previous: Receipt | None = None, *, force: bool = False
) -> str:
    """Publish a document."""
    return base.publish(document, passages(document), previous, force=force)


def places(base: Knowledge, text: str) -> list[tuple[str, float]]:
    """Where the passages are that a search finds: video and start."""
    return [(hit.chunk.video_id, hit.chunk.start) for hit in base.search(Query(text=text))]


def found(base: Knowledge, text: str, **filters: str | int) -> list[str]:
    """The ids of the videos that a search finds, the best first, each once."""
    hits = base.search(Query.model_validate({"text": text, **filters}))
    return list(dict.fromkeys(hit.chunk.video_id for hit in hits))


class KnowledgeTests:
    """The contract of `knowledge.Knowledge`."""

    def test_what_was_published_is_found_as_it_was_given(self, base: Knowledge) -> None:
        """A hit tells what a citation needs.

        Times are exact to a twentieth of a second. A base may return bare passages (an empty
        `chunk_id`), without the times of lines and with a link that only opens the video: the
        library completes them.
        """
        document = lecture(collection="sea", published="2026-01-31", title="A talk [of] fish")
        linked = document.video.model_copy(update={"url": "https://talks.example/1?a=(b)"})
        document = document.model_copy(update={"video": linked})
        give(base, document)
        chunk = base.search(Query(text="what is a shark's skeleton made of?"))[0].chunk
        wanted = passages(document)[0]
        assert abs(chunk.start - wanted.start) <= 0.06
        assert abs(chunk.end - wanted.end) <= 0.06
        for name in ("video_id", "title", "text", "language", "origin", "collection", "published"):
            assert getattr(chunk, name) == getattr(wanted, name), name
        bare = () if chunk.chunk_id else (document.video.url,)
        assert unquote(chunk.url) in {*bare, wanted.url}
        assert chunk.chunk_id in {"", wanted.chunk_id}

    def test_a_place_in_a_local_file_is_found_with_its_times(self, base: Knowledge) -> None:
        """Such a video has no address that opens elsewhere."""
        give(base, lecture())
        chunk = base.search(Query(text="smell blood from far away"))[0].chunk
        assert (chunk.video_id, chunk.start, chunk.end) == ("file:1", 10.0, 19.0)

    def test_the_same_store_has_the_same_stamp(self, base: Knowledge) -> None:
        """Whatever is published to it."""
        stamp = base.stamp()
        give(base, lecture())
        assert base.stamp() == stamp != ""

    def test_better_passages_come_first(self, base: Knowledge) -> None:
        """Scores fall."""
        give(base, lecture())
        give(base, lecture(VOLCANO, video_id="file:2"))
        hits = base.search(Query(text="volcano lava blood"))
        assert hits[0].chunk.video_id == "file:2"
        assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)

    def test_scores_are_positive(self, base: Knowledge) -> None:
        """Whatever was found fits a little."""
        give(base, lecture())
        give(base, lecture(VOLCANO, video_id="file:2"))
        assert all(hit.score > 0 for hit in base.search(Query(text="volcano lava blood")))

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
        assert sorted(places(base, "sharks skeleton blood")) == [("file:1", 0.0), ("file:1", 10.0)]

    def test_forcing_leaves_one_document(self, base: Knowledge) -> None:
        """It proves anew what is there already."""
        remote = give(base, lecture())
        assert give(base, lecture(), force=True) == remote
        assert sorted(places(base, "sharks skeleton blood")) == [("file:1", 0.0), ("file:1", 10.0)]

    def test_a_revision_names_the_content(self, base: Knowledge) -> None:
        """The same before and after publishing, another for other words, times or places."""
        document = lecture()
        first = base.revision(document, passages(document))
        give(base, document)
        give(base, lecture(VOLCANO, video_id="file:2"))
        assert base.revision(document, passages(document)) == first != ""
        for other in (
            lecture(VOLCANO),
            lecture(video_id="file:2"),
            lecture(title="Another talk"),
            lecture(SHARK[:1]),
        ):
            assert base.revision(other, passages(other)) != first

    def test_what_a_base_holds_is_told_each_document_once(self, base: Knowledge) -> None:
        """All are found, none of them twice, and their passages are counted when asked for."""
        documents = {f"file:{number}": lecture(video_id=f"file:{number}") for number in range(3)}
        for document in documents.values():
            give(base, document)
        give(base, lecture(), force=True)
        base.withdraw("file:0", None)
        held = {holding.document_id: holding for holding in base.holdings(thorough=True)}
        assert [holding.document_id for holding in base.holdings()].count("file:1") == 1
        assert held.keys() == {"file:1", "file:2"}
        for video_id, holding in held.items():
            document = documents[video_id]
            assert (holding.state, holding.problem) == (INDEXED, "")
            assert holding.segments == 2
            assert holding.remote_ids
            assert holding.revision in {"", base.revision(document, passages(document))}

    def test_an_empty_base_holds_nothing(self, base: Knowledge) -> None:
        """Before anything is published, and after it was withdrawn."""
        assert base.holdings() == base.holdings(thorough=True) == []
        give(base, lecture())
        base.withdraw("file:1", None)
        assert base.holdings() == []

    def test_as_many_write_at_once_as_the_base_takes(self, base: Knowledge) -> None:
        """Nothing is lost."""
        ids = [f"file:{number}" for number in range(2 * base.writers)]
        with ThreadPoolExecutor(base.writers) as pool:
            list(pool.map(lambda video_id: give(base, lecture(video_id=video_id)), ids))
        assert sorted(found(base, "skeleton of cartilage", limit=50)) == sorted(ids)
        assert sorted(holding.document_id for holding in base.holdings()) == sorted(ids)

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

    def test_a_video_is_found_in_each_of_its_collections(self, base: Knowledge) -> None:
        """By its whole name only, with other filters too; a later publication may change them."""
        give(base, lecture(collection="sea", also_in=("zoo", "动物 | ocean")))
        give(base, lecture(video_id="file:2", collection="zoo"))
        for name, videos in (
            ("sea", ["file:1"]),
            ("zoo", ["file:1", "file:2"]),
            ("动物 | ocean", ["file:1"]),
            ("se", []),
            ("ocean", []),
            ("|", []),
        ):
            assert sorted(found(base, "shark skeleton", collection=name)) == videos, name
        assert found(base, "shark skeleton", collection="zoo", video_id="file:1") == ["file:1"]
        assert found(base, "shark skeleton", collection="sea", video_id="file:2") == []
        hit = base.search(Query(text="shark skeleton", collection="sea"))[0]
        assert hit.chunk.collections == ("sea", "zoo", "动物 | ocean")
        give(base, lecture(collection="sea"))
        assert found(base, "shark skeleton", collection="zoo") == ["file:2"]
        assert found(base, "shark skeleton", collection="sea") == ["file:1"]

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
