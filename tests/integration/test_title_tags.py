"""Titles inside files: a lecture's own one counts, a program's or a series' does not."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from video_rag.library import Library
from video_rag.settings import load_settings
from video_rag.sources.folder.titles import own_title


def tagged(path: Path, title: str, *, shade: int) -> Path:
    """A second of grey with a title tag, and a line of words beside it."""
    with av.open(str(path), "w") as container:
        container.metadata["title"] = title
        stream = container.add_stream("mpeg4", rate=5)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        picture = np.full((48, 64, 3), shade, dtype=np.uint8)
        for _ in range(5):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    words = f"1\n00:00:00,100 --> 00:00:00,900\nLesson of shade {shade} begins.\n"
    path.with_suffix(".srt").write_text(words, encoding="utf-8")
    return path


def titles(folder: Path) -> dict[str, str]:
    library = Library(load_settings({"pipeline": {"transcribers": ["subtitles"], "reader": ""}}))
    list(library.add([str(folder)]))
    found = {Path(s.video.url).name: s.video.title for s in library.videos()}
    library.close()
    return found


def test_several_files_with_one_title_tag_keep_their_file_names(tmp_path: Path) -> None:
    folder = tmp_path / "course"
    folder.mkdir()
    for number in (1, 2, 3):
        tagged(folder / f"week {number}.mp4", "Thermodynamics 101", shade=40 * number)
    tagged(folder / "zoo.mp4", "A walk in the zoo", shade=200)
    assert titles(folder) == {
        "week 1.mp4": "week 1",
        "week 2.mp4": "week 2",
        "week 3.mp4": "week 3",
        "zoo.mp4": "A walk in the zoo",
    }


def test_a_title_that_a_program_wrote_is_none(tmp_path: Path) -> None:
    folder = tmp_path / "course"
    folder.mkdir()
    tagged(folder / "entropy.mp4", "PowerPoint Presentation", shade=90)
    assert titles(folder) == {"entropy.mp4": "entropy"}


@pytest.mark.parametrize(
    "title",
    [
        "PowerPoint Presentation",
        "PowerPoint 演示文稿",
        "Microsoft PowerPoint - lecture3.pptx",
        "Untitled",
        "Untitled 3",
        "无标题",
        "Presentation1",
        "Slide 1",
        "output",
    ],
)
def test_titles_of_programs(title: str) -> None:
    assert own_title(title, ()) is None


@pytest.mark.parametrize(
    "title",
    ["Lecture 3: Entropy", "Word embeddings", "Slides and ladders", "Video compression", "标题党"],
)
def test_titles_of_lectures(title: str) -> None:
    assert own_title(title, ()) == title
