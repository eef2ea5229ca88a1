"""Results that are deleted, emptied or changed on the disk cost their own video until `run`."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from video_rag.errors import Lost
from video_rag.library import Library
from video_rag.model import Query
from video_rag.settings import load_settings

LECTURE = Path(__file__).parents[2] / "examples" / "lecture.mp4"
WORDS = ["otter", "lynx", "heron", "badger", "weasel", "marten", "kestrel", "plover", "curlew"]


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def flipped(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def deleted(path: Path) -> None:
    path.unlink()


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    """A lecture with slides, and nine subtitle files."""
    talks = tmp_path / "talks"
    talks.mkdir()
    shutil.copy(LECTURE, talks)
    for word in WORDS:
        text = f"1\n00:00:01,000 --> 00:00:04,000\nThe {word} sleeps by the river.\n"
        (talks / f"{word}.srt").write_text(text)
    library = Library(load_settings())
    assert all(item.status for item in library.add([str(talks)]))
    assert states(library) == ["ready"] * 10
    yield library
    library.close()


def blob_folder(library: Library) -> Path:
    return library.settings.home / "blobs"


def states(library: Library) -> list[str]:
    return [status.state for status in library.videos()]


def whole(library: Library, video_id: str) -> dict[str, str]:
    """What a video has, by name, all of it read."""
    found = library.ledger.results(video_id)
    for result in found.values():
        if result.value is None:
            library.blobs.get(result.digest)
    page = Path(library.page(video_id)).read_text("utf-8")
    return {name: result.digest for name, result in found.items()} | {"page": page}


def others_work(library: Library, talks: Path) -> None:
    """Whatever is wrong with one video, the other nine are listed, read, found and added again."""
    assert len(library.videos()) == 10
    for word in WORDS:
        video_id = library.find(word)
        assert library.document(video_id).sections
        assert library.search(Query(text=word))[0].chunk.video_id == video_id
    items = list(library.add([str(talks / f"{word}.srt") for word in WORDS]))
    assert [item.status.state if item.status else item.error for item in items] == ["ready"] * 9


@pytest.mark.slow
@pytest.mark.parametrize("damage", [deleted, emptied, flipped])
def test_each_kind_of_result_is_made_again_and_the_other_videos_work_meanwhile(
    library: Library, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    video_id = library.find("lecture")
    before = whole(library, video_id)
    blobs = {name for name, row in library.ledger.results(video_id).items() if row.value is None}
    kinds = {name.partition("/")[0]: name for name in sorted(blobs)}
    assert set(kinds) == {
        *("document", "frames", "slides", "transcript", "image"),
        *("heard@subtitles", "seen@slides", "lines@rapidocr"),
    }
    for name in kinds.values():
        digest = library.ledger.results(video_id)[name].digest
        damage(blob_folder(library) / digest[:2] / digest[2:])
        others_work(library, tmp_path / "talks")
        list(library.run())
        assert states(library) == ["ready"] * 10
        assert whole(library, video_id) == before, name


@pytest.mark.slow
def test_a_document_that_was_deleted_is_written_again_and_one_that_was_edited_stays(
    library: Library,
) -> None:
    page, other = (Path(library.page(library.find(name))) for name in ("lecture", "otter"))
    picture = next(page.with_suffix("").glob("*.jpg"))
    was = page.read_bytes()
    other.write_text("my own notes")
    for file in (page, picture):
        file.unlink()
        list(library.run())
        assert page.read_bytes() == was
        assert picture.is_file()
    assert other.read_text() == "my own notes"


@pytest.mark.slow
def test_a_lost_document_is_told_with_its_remedy_and_the_remedy_helps(library: Library) -> None:
    video_id = library.find("otter")
    digest = library.ledger.results(video_id)["document"].digest
    flipped(blob_folder(library) / digest[:2] / digest[2:])
    with pytest.raises(Lost) as caught:
        library.document(video_id)
    assert "run" in caught.value.hint
    list(library.run())
    assert library.document(video_id).sections
