"""A video that several collections hold is one video: fetched once, found in each, removed once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from talks import SHEEP, STARS, write_talk
from video_rag.errors import UsageError
from video_rag.library import Library, Wishes
from video_rag.model import Query
from video_rag.observers import Event, StageStarted
from video_rag.operations.retrieval import Wanted, retrieve
from video_rag.plugins import Options
from video_rag.settings import load_settings


class Log:
    """Remembers which stages ran."""

    version = 1

    def __init__(self) -> None:
        self.options = Options()
        self.stages: list[str] = []

    def __call__(self, event: Event) -> None:
        if isinstance(event, StageStarted):
            self.stages.append(event.stage)


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def library(log: Log) -> Iterator[Library]:
    library = Library(load_settings(), [log])
    yield library
    library.close()


@pytest.fixture
def talk(tmp_path: Path) -> str:
    return str(write_talk(tmp_path / "talk.srt", SHEEP))


def add(library: Library, url: str, wishes: Wishes) -> str:
    (added,) = library.add([url], wishes)
    assert added.status
    assert added.status.state == "ready"
    return added.status.video.video_id


def found(library: Library, collection: str) -> list[tuple[str, ...]]:
    """The collections of each passage that is found in one of them; none in one that is empty."""
    try:
        hits = library.search(Query(text="sheep wool", collection=collection))
    except UsageError:
        return []
    return [hit.chunk.collections for hit in hits]


def test_two_lists_with_the_same_video_share_it(library: Library, log: Log, talk: str) -> None:
    video_id = add(library, talk, Wishes(collection="farm"))
    assert {"fetch", "listen"} <= set(log.stages)
    log.stages.clear()
    assert add(library, talk, Wishes(collection="barn")) == video_id
    assert log.stages == ["compose", "save", "publish@embedded"]
    for name in ("farm", "barn"):
        assert set(found(library, name)) == {("farm", "barn")}
    log.stages.clear()
    for name in ("farm", "barn"):
        add(library, talk, Wishes(collection=name))
    assert log.stages == []
    library.remove(video_id)
    assert found(library, "farm") == found(library, "barn") == []


def test_a_video_leaves_one_collection_and_stays_in_the_other(library: Library, talk: str) -> None:
    add(library, talk, Wishes(collection="farm"))
    add(library, talk, Wishes(collection="barn"))
    add(library, talk, Wishes(leaves="farm"))
    assert found(library, "farm") == []
    assert set(found(library, "barn")) == {("barn",)}


def test_passages_for_others_are_filtered_by_each_collection(
    library: Library, talk: str, tmp_path: Path
) -> None:
    add(library, talk, Wishes(collection="farm"))
    add(library, talk, Wishes(collection="barn"))
    add(library, str(write_talk(tmp_path / "星.zh.srt", STARS)), Wishes(collection="sky"))
    for name in ("farm", "barn"):
        titles = {one.chunk.title for one in retrieve(library, Wanted("wool 恒星", 5, 0.0, name))}
        assert titles == {"talk"}


def test_a_library_from_before_takes_up_where_it_was(library: Library, log: Log, talk: str) -> None:
    """It has no `talk` among its results; its videos are neither lost nor heard again."""
    video_id = add(library, talk, Wishes())
    results = library.ledger.results(video_id)
    kept = {name: results[name] for name in ("video", "origins")}
    library.ledger.commit(video_id, "give", kept)
    assert "talk" not in library.ledger.results(video_id)
    assert library.status(video_id).state == "ready"
    log.stages.clear()
    add(library, talk, Wishes(collection="farm"))
    assert log.stages == ["compose", "save", "publish@embedded"]
