"""The embedded knowledge base against the contract, and what only it must stand."""

from __future__ import annotations

import multiprocessing
import signal
import sqlite3
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from video_rag import plugins
from video_rag.errors import Rejected, Unavailable, UsageError
from video_rag.knowledge import ranking
from video_rag.knowledge.embedded import Embedded
from video_rag.model import Query
from video_rag.testing.knowledge_contract import (
    CHINESE,
    SHARK,
    VOLCANO,
    KnowledgeTests,
    found,
    give,
    lecture,
    passages,
)


class Topics:
    """A tiny embedder that knows a few words in two languages, and counts its work."""

    version = 1

    class Options(plugins.Options):
        sign: int = 1
        key: str = plugins.inert("", description="changes nothing")

    def __init__(self, **options: object) -> None:
        self.options = self.Options.model_validate(options)
        self.seen: list[str] = []
        self.is_away = False

    def embed(self, texts: Sequence[str], *, query: bool = False) -> NDArray[np.float32]:
        if self.is_away:
            raise Unavailable("away")
        if not query:
            self.seen.extend(texts)
        topics = (("shark", "鲨", "fish"), ("volcano", "lava", "eruption"))
        rows = [[1e-3 + sum(t.lower().count(w) for w in ws) for ws in topics] for t in texts]
        vectors = np.asarray(rows, dtype=np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def make(home: Path, embedder: Topics | None = None) -> Embedded:
    return Embedded(Embedded.Options(), home=home, embedder=embedder)


class TestLexical(KnowledgeTests):
    @pytest.fixture
    def base(self, tmp_path: Path) -> Embedded:
        return make(tmp_path)


def test_a_hit_is_the_passage_that_was_published(tmp_path: Path) -> None:
    base, document = make(tmp_path), lecture(collection="sea", published="2026-01-31")
    give(base, document)
    hits = base.search(Query(text="sharks skeleton smell blood"))
    assert sorted((hit.chunk for hit in hits), key=lambda chunk: chunk.start) == passages(document)


def test_vectors_find_what_shares_no_word(tmp_path: Path) -> None:
    base = make(tmp_path, Topics())
    give(base, lecture(CHINESE, language="zh"))
    give(base, lecture(VOLCANO, video_id="file:2"))
    assert found(base, "big fish")[0] == "file:1"
    assert found(base, "eruption")[0] == "file:2"
    assert found(base, "big fish", language="en") == ["file:2"]


def test_unchanged_passages_are_not_embedded_again(tmp_path: Path) -> None:
    embedder = Topics()
    base = make(tmp_path, embedder)
    give(base, lecture())
    give(base, lecture((*SHARK, "A new line.")))
    assert len(embedder.seen) == 3
    give(make(tmp_path, Topics(key="other")), lecture((*SHARK, "A new line.")))
    assert len(embedder.seen) == 3


def test_another_embedder_says_so_and_publishing_mends_it(tmp_path: Path) -> None:
    give(make(tmp_path, Topics()), lecture())
    other = Topics(sign=2)
    base = make(tmp_path, other)
    with pytest.raises(Rejected, match="no passage has a vector") as caught:
        base.search(Query(text="shark"))
    assert "publish again" in caught.value.hint
    give(base, lecture(VOLCANO, video_id="file:2"))
    assert len(other.seen) == 4
    assert found(base, "fish")[0] == "file:1"


def test_an_embedder_that_was_away_is_asked_again(tmp_path: Path) -> None:
    embedder = Topics()
    base = make(tmp_path, embedder)
    embedder.is_away = True
    with pytest.raises(Unavailable):
        give(base, lecture())
    embedder.is_away = False
    give(base, lecture())
    assert found(base, "fish") == ["file:1"]


def test_a_base_without_an_embedder_stays_searchable_after_one(tmp_path: Path) -> None:
    give(make(tmp_path, Topics()), lecture())
    assert found(make(tmp_path), "cartilage") == ["file:1"]


def test_what_another_process_wrote_is_found_by_its_vector(tmp_path: Path) -> None:
    reader = make(tmp_path, Topics())
    give(make(tmp_path, Topics()), lecture())
    assert found(reader, "fish") == ["file:1"]
    give(make(tmp_path, Topics()), lecture(VOLCANO, video_id="file:2"))
    assert found(reader, "eruption")[0] == "file:2"


def test_overlapping_passages_of_a_video_are_one_hit(tmp_path: Path) -> None:
    document = lecture()
    first, second = passages(document)
    overlapping = second.model_copy(update={"start": 3.0, "text": first.text, "lines": first.lines})
    base = make(tmp_path)
    base.publish(document, [first, overlapping], None)
    assert [hit.chunk.start for hit in base.search(Query(text="cartilage"))] == [0.0]


def test_the_translation_of_a_moment_is_not_a_second_hit(tmp_path: Path) -> None:
    english, chinese = lecture(), lecture(CHINESE, language="zh")
    both = english.model_copy(update={"translations": chinese.sections})
    base = make(tmp_path)
    give(base, both)
    hits = base.search(Query(text="shark skeleton cartilage 鲨鱼", limit=10))
    assert [hit.chunk.start for hit in hits] == sorted({hit.chunk.start for hit in hits})


def test_context_decides_between_like_passages(tmp_path: Path) -> None:
    line = "The answer is forty-two."
    base = make(tmp_path)
    give(base, lecture((line, "We spoke about bees."), video_id="file:bees"))
    give(base, lecture((line, "We spoke about stars."), video_id="file:stars"))
    assert found(base, "what is the answer about stars?")[0] == "file:stars"


def test_the_title_counts(tmp_path: Path) -> None:
    base = make(tmp_path)
    give(base, lecture(("Let me show it.",), title="2015__eulers-formula-old"))
    give(base, lecture(("Let me show it.",), video_id="file:2", title="Sharks"))
    assert found(base, "Euler's formula")[0] == "file:1"


def test_an_index_of_another_form_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    give(make(tmp_path, Topics()), lecture())
    with sqlite3.connect(tmp_path / "knowledge.db") as db:
        db.execute("delete from passage_terms")
    db.close()
    monkeypatch.setattr(ranking, "FORM", "another")
    embedder = Topics()
    assert found(make(tmp_path), "cartilage") == ["file:1"]
    assert found(make(tmp_path, embedder), "fish") == ["file:1"]
    assert embedder.seen == []


@pytest.mark.parametrize("rubbish", [b"not a database at all " * 100, b"SQLite format 3\x00" * 90])
def test_a_damaged_file_is_named_with_a_remedy(tmp_path: Path, rubbish: bytes) -> None:
    (tmp_path / "knowledge.db").write_bytes(rubbish)
    for call in (
        lambda base: base.search(Query(text="shark")),
        lambda base: give(base, lecture()),
        lambda base: base.check(),
    ):
        with pytest.raises(Rejected, match=r"knowledge\.db is damaged") as caught:
            call(make(tmp_path))
        assert "move knowledge.db" in caught.value.hint


def test_damage_in_the_middle_is_found_by_the_check(tmp_path: Path) -> None:
    base = make(tmp_path)
    give(base, lecture(tuple(f"Line {number} of many." for number in range(200))))
    with sqlite3.connect(tmp_path / "knowledge.db") as db:
        db.execute("pragma wal_checkpoint(truncate)")
    db.close()
    path = tmp_path / "knowledge.db"
    data = bytearray(path.read_bytes())
    data[8192 : len(data) - 4096] = b"\xa5" * (len(data) - 12288)
    path.write_bytes(data)
    with pytest.raises(Rejected, match="is damaged"):
        base.check()


def test_a_base_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "knowledge.db") as db:
        db.execute("pragma user_version = 99")
    db.close()
    with pytest.raises(Rejected, match="newer version"):
        make(tmp_path).check()


def test_a_folder_that_cannot_be_made_is_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UsageError, match="file is no folder"):
        make(tmp_path / "file" / "home").search(Query(text="shark"))


def test_threads_share_one_base(tmp_path: Path) -> None:
    base, failed = make(tmp_path, Topics()), []

    def work(number: int) -> None:
        try:
            give(base, lecture(video_id=f"file:{number}"))
            assert f"file:{number}" in found(base, "cartilage", video_id=f"file:{number}")
        except (AssertionError, Rejected, Unavailable) as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert base.check().startswith("16 passages of 8 videos")


def publish_for_ever(home: Path, name: str) -> None:
    base, number = make(home), 0
    while True:
        number += 1
        words = tuple(f"Revision{number} of {name}, line {line}." for line in range(20))
        give(base, lecture(words, video_id=f"file:{name}"))


def revisions(base: Embedded, name: str) -> list[str]:
    """The revision that each stored passage of a document belongs to."""
    with base._database.reading() as db:
        rows = db.execute("select chunk from passages where document_id = ?", (f"file:{name}",))
        return [row[0].split("Revision")[1].split(" ")[0] for row in rows.fetchall()]


def test_processes_that_publish_and_die_leave_whole_documents(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    names = ("one", "two")
    writers = [spawn.Process(target=publish_for_ever, args=(tmp_path, name)) for name in names]
    for writer in writers:
        writer.start()
    base = make(tmp_path)
    deadline = time.monotonic() + 60
    seen: dict[str, set[str]] = {name: set() for name in names}
    while min(map(len, seen.values())) < 3 and time.monotonic() < deadline:
        for name in names:
            stored = revisions(base, name)
            assert len(stored) in {0, 20}
            assert len(set(stored)) <= 1
            seen[name].update(stored)
        base.search(Query(text="revision line"))
    for writer in writers:
        writer.kill()
        writer.join()
        assert writer.exitcode == -signal.SIGKILL
        writer.close()
    assert min(map(len, seen.values())) >= 3
    for name in names:
        assert len(revisions(base, name)) == 20
        give(base, lecture(video_id=f"file:{name}"))
    assert base.check().startswith("4 passages of 2 videos")
