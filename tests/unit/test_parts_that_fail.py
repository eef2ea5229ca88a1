"""A part that fails costs itself, not the video."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from video_rag.errors import ContentError
from video_rag.model import Frames, Line, Media, MediaSet, Noun
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
