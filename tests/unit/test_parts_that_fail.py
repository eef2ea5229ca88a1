"""A part that fails costs itself, not the video."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from threading import Barrier
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from video_rag.errors import ContentError, Unavailable
from video_rag.model import Frames, Line, Media, MediaSet, Noun, Slides
from video_rag.pipeline import stages
from video_rag.pipeline.results import kept
from video_rag.pipeline.work import Work
from video_rag.plugins import Options, Part
from video_rag.processors import Shot
from video_rag.processors.slides import Picture
from video_rag.stores import Result
from video_rag.stores.local import Local


class _Torn:
    """A sampler that gives some pictures and then cannot go on."""

    version = 1
    options = Options()

    def __init__(self, shots: int) -> None:
        self.shots = shots

    def sample(self, path: Path, progress: object) -> Iterator[Shot]:
        for number in range(self.shots):
            yield Picture(float(number), bytes([number]), "")
        raise ContentError("no picture of talk.mp4 can be decoded")


def looked(tmp_path: Path, media: MediaSet, shots: int = 2) -> tuple[Work, Any, Frames]:
    blobs = Local(tmp_path / "blobs")
    (tmp_path / "talk.mp4").write_bytes(b"x")

    def result(noun: Noun) -> Result:
        return kept(blobs, "", noun, "")

    results = {"media": result(media)}
    work = Work("file:1", blobs, results, tmp_path / "scratch", lambda *_: None)
    tools = SimpleNamespace(
        sampler=SimpleNamespace(name="torn", get=lambda: _Torn(shots)),
        locate=Path,
    )
    frames = stages._sampled(work, tools.sampler, tmp_path / "talk.mp4", media)
    return work, tools, frames


def files(tmp_path: Path, *, speech: bool) -> MediaSet:
    film = Media(kind="video", path=str(tmp_path / "talk.mp4"), digest="", size=1)
    return MediaSet(files=(film,), has_picture=True, has_speech_track=speech, duration=9.0)


def test_a_picture_that_breaks_off_keeps_what_came_before_and_says_so(tmp_path: Path) -> None:
    _, _, frames = looked(tmp_path, files(tmp_path, speech=True))
    assert [frame.at for frame in frames.frames] == [0.0, 1.0]
    assert frames.notes == ("no picture of talk.mp4 can be decoded",)


def test_a_picture_that_fails_leaves_the_words(tmp_path: Path) -> None:
    _, _, frames = looked(tmp_path, files(tmp_path, speech=True), shots=0)
    assert (frames.frames, len(frames.notes)) == ((), 1)


def test_without_sound_a_picture_that_fails_is_the_error(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match="can be decoded"):
        looked(tmp_path, files(tmp_path, speech=False), shots=0)


def test_a_slide_that_cannot_be_read_is_a_note_and_the_others_are_read(tmp_path: Path) -> None:
    work, _tools, frames = looked(tmp_path, files(tmp_path, speech=True))
    work.results["frames"] = kept(work.blobs, "frames", frames, "")

    class Blind:
        """A reader whose library gives up on the first picture."""

        def read(self, image: bytes) -> list[Line]:
            if image == bytes([0]):
                raise ContentError("the picture is a line")
            return [Line(text="a graph", confidence=1.0)]

    reader: Part[Any] = Part("readers", "rapidocr", {})
    reader._made = Blind
    slides = stages.read(work, SimpleNamespace(reader=reader))  # type: ignore[arg-type]
    assert [slide.text for slide in slides.slides] == ["", "a graph"]
    assert any("the picture is a line" in note for note in slides.notes)


def read_by(reader: object, tmp_path: Path, shots: int) -> Slides:
    work, _tools, frames = looked(tmp_path, files(tmp_path, speech=True), shots)
    work.results["frames"] = kept(work.blobs, "frames", frames, "")
    part: Part[Any] = Part("readers", "rapidocr", {})
    part._made = lambda: reader  # type: ignore[assignment]
    return stages.read(work, SimpleNamespace(reader=part))  # type: ignore[arg-type]


class Pair:
    """A reader that is only content when two pictures are read at the same time."""

    at_once = 2

    def __init__(self) -> None:
        self.both = Barrier(2, timeout=30)

    def read(self, image: bytes) -> list[Line]:
        self.both.wait()
        if image == bytes([1]):
            raise ContentError("the picture is a line")
        return [Line(text=f"slide {image[0]}", confidence=1.0)]


def test_slides_are_read_side_by_side_and_stay_in_order(tmp_path: Path) -> None:
    slides = read_by(Pair(), tmp_path, shots=6)
    assert [slide.text for slide in slides.slides] == [
        *("slide 0", "", "slide 2", "slide 3", "slide 4", "slide 5")
    ]
    (note,) = [note for note in slides.notes if "line" in note]
    assert "the slide at 0:01" in note


def test_what_is_no_fault_of_a_picture_ends_the_reading(tmp_path: Path) -> None:
    class Away:
        at_once = 2
        tried: ClassVar[list[bytes]] = []

        def read(self, image: bytes) -> list[Line]:
            self.tried.append(image)
            raise Unavailable("the reader is away")

    with pytest.raises(Unavailable, match="the reader is away"):
        read_by(Away(), tmp_path, shots=40)
    assert len(Away.tried) < 40
    assert not [one for one in threading.enumerate() if one.name.startswith("read")]
