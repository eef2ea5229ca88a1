"""A library that the version before made opens, answers and grows; nothing costly is done again.

`fixtures/library-1/make.py` made it: subtitles in English and Chinese, speech recognised by real
Whisper weights, slides read by OCR, and a page that was downloaded. Neither the weights nor the
server are there any more. Each test runs a program of its own, which looks at what it loaded.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from video_rag.stores.forward import SCHEMA_VERSION

PACKED = Path(__file__).parent.parent / "fixtures" / "library-1" / "library-1.tar.xz"
ROOT = Path("/tmp/video-rag-library-1")
"""Where it was made: the paths of its files are absolute."""

PROGRAM = """
import sys
from pathlib import Path
from video_rag.stores.forward import SCHEMA_VERSION
from video_rag.answerers import Done
from video_rag.library import Library
from video_rag.model import Query, Question
from video_rag.observers import StageStarted
from video_rag.processors.rapidocr import RapidOcr
from video_rag.processors.slides import Slides
from video_rag.processors.subtitles import Subtitles
from video_rag.processors.whisper import Whisper
from video_rag.settings import load_settings
from video_rag.sources.folder import Folder
from video_rag.sources.ytdlp import YtDlp

class Seen:
    def __init__(self): self.started = set()
    def __call__(self, event):
        if isinstance(event, StageStarted): self.started.add((event.video_id, event.stage))

def names(library, text):
    return [hit.chunk.title for hit in library.search(Query(text=text))]

def costly():
    return sorted({"faster_whisper", "rapidocr", "yt_dlp"} & set(sys.modules))

def opened(**settings):
    library = Library(load_settings(settings), [seen])
    list(library.run())
    for path in (ROOT / "talks",):
        list(library.add([str(path)]))
    return library

def finished(library):
    found = {status.video.title: status for status in library.videos()}
    assert all(s.state == "ready" for s in found.values()), found
    return set(found)

ROOT, seen = Path("/tmp/video-rag-library-1"), Seen()
KEPT = {"Lighthouses", "Tides", "Volcano slides", "植物", "A film page"}
"""


@pytest.fixture
def library_1() -> Iterator[Path]:
    """The library, unpacked where it was; other tests that want it wait."""
    with ROOT.with_name(f"{ROOT.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        shutil.rmtree(ROOT, ignore_errors=True)
        with tarfile.open(PACKED) as packed:
            packed.extractall(ROOT.parent, filter="data")
        yield ROOT
        shutil.rmtree(ROOT)


def run(program: str) -> None:
    """Run a program with the library as its home."""
    home = {"VIDEO_RAG_HOME": str(ROOT / "home")}
    subprocess.run(
        [sys.executable, "-c", PROGRAM + program],
        env={**os.environ, **home},
        cwd=ROOT / "home",
        check=True,
    )


def test_it_opens_answers_and_grows_without_doing_costly_work_again(library_1: Path) -> None:
    new = "1\n00:00:01,000 --> 00:00:04,000\nA saddle is put on the horse.\n"
    run(f"""
library = opened()
assert finished(library) == KEPT
assert costly() == []
assert not any(stage == "fetch" for id, stage in seen.started if id.startswith("web:"))
assert names(library, "lighthouse keeper")[0] == "Lighthouses"
assert names(library, "obsidian")[0] == "Volcano slides"
assert names(library, "光合作用")[0] == "植物"
assert names(library, "penguins")[0] == "A film page"
done = list(library.ask(Question(text="Who climbs the stairs every evening?")))[-1]
assert isinstance(done, Done) and done.answer.citations[0].title == "Lighthouses", done
(ROOT / "talks" / "Horses.en.srt").write_text({new!r})
list(library.add([str(ROOT / "talks")]))
assert names(library, "saddle")[0] == "Horses"
assert finished(library) == KEPT | {{"Horses"}}
assert costly() == []
library.close()
""")
    assert (library_1 / "home" / f"library.db.before-{SCHEMA_VERSION}").is_file()


LATER = """
for plugin in (Whisper, RapidOcr, Slides, YtDlp):
    plugin.accepts = (*range(1, plugin.version + 1),)
    plugin.version += 1
for plugin in (Subtitles, Folder):
    plugin.version += 1
"""


def test_later_versions_of_all_plug_ins_do_no_costly_work_again(library_1: Path) -> None:
    run(f"""{LATER}
library = opened()
assert finished(library) == KEPT
assert costly() == [], costly()
home_made = {{id for id, stage in seen.started if stage == "fetch"}}
assert home_made and all(id.startswith("file:") for id in home_made), home_made
assert all(stage != "fetch" for id, stage in seen.started if id.startswith("web:"))
assert names(library, "lighthouse keeper")[0] == "Lighthouses"
library.close()
{LATER}
seen.started.clear()
library = opened()  # what was taken over once stays
assert finished(library) == KEPT
assert costly() == [], costly()
assert ("file:bb36fa15a501e5fe", "listen") in seen.started
library.close()
""")


def test_what_was_deleted_to_save_room_is_not_downloaded_for_a_better_reading(
    library_1: Path,
) -> None:
    for film in (library_1 / "home" / "media").rglob("*.mp4"):
        film.unlink()
    run(f"""{LATER}
library = opened(library={{"keep_media": False}})
assert finished(library) == KEPT
assert costly() == [], costly()
assert names(library, "penguins")[0] == "A film page"
library.close()
""")


def test_a_new_title_recognises_no_speech_again(
    library_1: Path,
) -> None:
    run("""
from video_rag.library import Wishes
library = opened()
list(library.add([str(ROOT / "talks" / "Lighthouses.opus")], Wishes(title="Keepers")))
assert finished(library) == KEPT - {"Lighthouses"} | {"Keepers"}
assert costly() == [], costly()
library.close()
""")


def test_another_option_of_a_recogniser_does_ask_it_again(library_1: Path) -> None:
    run("""
library = opened(transcribers={"whisper": {"model": str(ROOT / "none"), "beam_size": 1}})
states = {status.video.title: status.state for status in library.videos()}
assert states == dict.fromkeys(KEPT, "ready") | {"Lighthouses": "failed"}, states
assert costly() == ["faster_whisper"], costly()
library.close()
""")
