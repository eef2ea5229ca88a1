"""Two machines with one ledger: what lies on one of them is not missed, or made, by the other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import postgres
from video_rag.errors import Unavailable
from video_rag.library import Library
from video_rag.model import Query
from video_rag.operations.doctor import examine
from video_rag.settings import Settings, load_settings

TALK = "1\n00:00:01,000 --> 00:00:04,000\nA loom has a shuttle of forty grams.\n"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with postgres.running() as server, server.database() as one:
        yield one


def machine(tmp_path: Path, url: str, name: str, keeper: str = "box1") -> Settings:
    """A machine with a home of its own; results lie where all find them."""
    home = tmp_path / name
    home.mkdir(exist_ok=True)
    values = {
        "home": str(home),
        "ledger": {"url": url},
        "blobs": {"url": str(tmp_path / "results")},
        "library": {"host": keeper},
        "pipeline": {"host": name},
    }
    return load_settings(values, env={}, cwd=home)


def states(library: Library) -> list[str]:
    return [one.state for one in library.videos()]


def test_a_machine_without_the_embedded_base_changes_nothing_of_it(
    tmp_path: Path, url: str
) -> None:
    talk = tmp_path / "loom.srt"
    talk.write_text(TALK)
    before = Library(machine(tmp_path, url, "box1", keeper=""))  # a laptop's, before the move
    list(before.add([str(talk)]))
    before.close()
    first = Library(machine(tmp_path, url, "box1"))
    assert (states(first), list(first.run())) == (["ready"], [])
    assert first.search(Query(text="shuttle"))

    second = Library(machine(tmp_path, url, "box2"))
    assert states(second) == ["ready"]
    assert list(second.run()) == []  # which looks for what was lost
    with pytest.raises(Unavailable, match="lies on box1") as told:
        second.search(Query(text="shuttle"))
    assert "[search] knowledge" in told.value.hint
    second.refuse_lost(None)  # nothing that this machine could say
    assert states(second) == states(first) == ["ready"]
    second.close()
    found = {one.name: one for one in examine(machine(tmp_path, url, "box2"))}
    for name in ("knowledge.embedded", "documents"):
        assert (found[name].state, "box1" in found[name].detail) == ("ok", True), found[name]
    assert not (tmp_path / "box2" / "knowledge.db").exists()

    (tmp_path / "box1" / "knowledge.db").unlink()
    first.close()
    first = Library(machine(tmp_path, url, "box1"))
    assert states(first) == ["queued"]  # its own loss it sees, and mends
    assert [one.state for one in first.run()] == ["ready"]
    assert first.search(Query(text="shuttle"))
    first.close()
