"""Removing, killed at each of its steps: after the next command the video is wholly gone."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from video_rag.library import Library
from video_rag.model import Query
from video_rag.settings import load_settings

LECTURE = Path(__file__).parents[2] / "examples" / "lecture.mp4"
STEPS = {
    "before anything": "Sql.leave",
    "before it is withdrawn": "Embedded.withdraw",
    "when it is withdrawn": "files.Folder.discard",
    "when its documents are gone": "Folder.discard",
    "when its media are gone": "Sql.remove",
    "when it is forgotten": "Local.sweep",
}
PROGRAM = """
import os, signal, sys
from video_rag.knowledge.embedded import Embedded
from video_rag.library import Library
from video_rag.settings import load_settings
from video_rag.sources.folder import Folder
from video_rag.stores import files
from video_rag.stores.local import Local
from video_rag.stores.sql import Sql

def die(*args, **more):
    os.kill(os.getpid(), signal.SIGKILL)

library = Library(load_settings())
setattr({owner}, {name!r}, die)
library.remove(library.find("lecture"))
"""


def test_it_is_wholly_there_or_wholly_gone_after_the_next_command(tmp_path: Path) -> None:
    """A step that kills is stopped at in turn, in a library of two videos."""
    shutil.copy(LECTURE, tmp_path)
    (tmp_path / "otter.srt").write_text("1\n00:00:01,000 --> 00:00:04,000\nThe otter sleeps.\n")
    settings = load_settings({"pipeline": {"reader": "", "sampler": "slides"}})
    for when, place in STEPS.items():
        library = Library(settings)
        assert all(item.status for item in library.add([str(tmp_path)])), when
        page = Path(library.page(library.find("lecture")))
        library.close()
        owner, _, name = place.rpartition(".")
        program = PROGRAM.format(owner=owner, name=name)
        done = subprocess.run([sys.executable, "-c", program], env=os.environ, check=False)
        assert done.returncode == -signal.SIGKILL, when
        library = Library(settings)  # what any command begins with
        is_there = place == "Sql.leave"
        assert len(library.videos()) == (2 if is_there else 1), when
        assert bool(library.search(Query(text="inverted index"))) == is_there, when
        assert page.is_file() == is_there, when
        assert page.with_suffix("").is_dir() == is_there, when
        assert library.ledger.leaving() == []
        assert library.search(Query(text="otter"))
        library.close()
    assert (tmp_path / "lecture.mp4").is_file()


def test_a_video_being_removed_can_be_added_again(tmp_path: Path) -> None:
    path = tmp_path / "otter.srt"
    path.write_text("1\n00:00:01,000 --> 00:00:04,000\nThe otter sleeps.\n")
    library = Library(load_settings())
    (item,) = library.add([str(path)])
    assert item.status
    video_id = item.status.video.video_id
    library.ledger.leave(video_id)
    assert library.videos() == []
    library.close()
    library = Library(load_settings())
    assert library.videos() == []
    (item,) = library.add([str(path)])
    assert item.status
    assert item.status.state == "ready"
    assert library.search(Query(text="otter"))
    library.close()


@pytest.mark.parametrize("known", [True, False])
def test_what_another_process_removes_is_no_error(tmp_path: Path, known: bool) -> None:
    path = tmp_path / "otter.srt"
    path.write_text("1\n00:00:01,000 --> 00:00:04,000\nThe otter sleeps.\n")
    one, other = Library(load_settings()), Library(load_settings())
    (item,) = one.add([str(path)])
    assert item.status
    video_id = item.status.video.video_id
    if known:
        assert other.find("otter") == video_id
    one.remove(video_id)
    assert other.videos() == []
    assert list(other.run()) == []
    one.close()
    other.close()
