"""A platform that serves another video's subtitles: real yt-dlp, a server on loopback, a library.

The recogniser is a plug-in that is installed as any package is; it mishears 30 % of the words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lectures import Ear, as_vtt, install_ear, lecture
from video_rag import plugins
from video_rag.cli import main
from video_rag.library import Added, Library
from video_rag.model import Query, Transcript
from video_rag.processors.subtitles import Subtitles
from video_rag.settings import load_settings
from video_rag.testing.clips import tone
from web import Page, Site, serve

SECONDS = 200.0
TITLE = "How a shepherd counts the flock on the hill"
OWN = lecture("sheep", SECONDS)
FOREIGN = lecture("stars", SECONDS)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("sound") / "talk.m4a"
    tone(path, SECONDS)
    return path.read_bytes()


@pytest.fixture
def site(sound: bytes) -> Iterator[Site]:
    with serve() as site:
        site.pages["/talk.m4a"] = Page(sound, "audio/mp4")
        yield site


@pytest.fixture
def listening(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file with what is said, for the recogniser that is installed meanwhile."""
    install_ear(tmp_path / "packages")
    monkeypatch.syspath_prepend(tmp_path / "packages")
    plugins.installed.cache_clear()
    spoken = tmp_path / "spoken.vtt"
    spoken.write_text(as_vtt(OWN), encoding="utf-8")
    Ear.asked.clear()
    yield spoken
    monkeypatch.undo()
    plugins.installed.cache_clear()


Add = Callable[..., Added]


@pytest.fixture
def add(site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[Add]:
    """Adds a page whose subtitles are these; the library stays open until the test ends."""
    monkeypatch.setenv("VIDEO_RAG_GUARD__ALLOW_PRIVATE", "true")
    opened: list[Library] = []

    def run(*tracks: Transcript, transcribers: list[str], **ears: object) -> Added:
        marks = ""
        for number, track in enumerate(tracks):
            site.pages[f"/{number}.vtt"] = Page(as_vtt(track).encode(), "text/vtt")
            marks += f'<track kind="subtitles" srclang="{track.language}" src="{number}.vtt">'
        page = f"<html><head><title>{TITLE}</title></head><body>"
        page += f'<audio src="talk.m4a">{marks}</audio></body></html>'
        site.pages["/page.html"] = Page(page.encode(), "text/html")
        monkeypatch.setenv("VIDEO_RAG_PIPELINE__TRANSCRIBERS", ",".join(transcribers))
        for name, value in ears.items():
            monkeypatch.setenv(f"VIDEO_RAG_TRANSCRIBERS__EAR__{name.upper()}", str(value))
        opened.append(Library(load_settings()))
        (added,) = opened[-1].add([f"{site.url}/page.html"])
        return added

    yield run
    for library in opened:
        library.close()


def told(added: Added) -> tuple[str, list[str]]:
    """Where the words come from, and the notes of the document."""
    assert added.status is not None
    assert added.status.state == "ready", added
    library = Library(load_settings())
    document = library.document(added.status.video.video_id)
    library.close()
    return document.sections[0].origin, list(document.notes)


def test_the_own_subtitles_are_taken_without_a_word(add: Add, listening: Path) -> None:
    added = add(OWN, transcribers=["subtitles", "ear"], spoken=str(listening))
    assert told(added) == ("platform", [])


def test_those_of_a_longer_video_give_way_to_recognition_and_show_says_why(
    add: Add, listening: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    longer = lecture("stars", 3 * SECONDS)
    added = add(longer, transcribers=["subtitles", "ear"], spoken=str(listening))
    origin, notes = told(added)
    assert origin == "asr"
    assert len(notes) == 1
    assert notes[0].startswith("subtitles en (platform) refused: they run 6:3")
    assert added.status is not None
    capsys.readouterr()
    assert main(["show", added.status.video.video_id]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "subtitles en (platform) refused: they run 6:3" in shown
    library = Library(load_settings())
    assert library.search(Query(text="galaxy nebula")) == []
    assert library.search(Query(text="shepherd pasture")) != []
    library.close()


def test_those_of_a_video_as_long_are_told_by_their_title_and_a_few_seconds_of_speech(
    add: Add, listening: Path
) -> None:
    added = add(FOREIGN, transcribers=["subtitles", "ear"], spoken=str(listening))
    origin, (note,) = told(added)
    assert origin == "asr"
    assert note.startswith("subtitles en (platform) refused: something else is said (listened at")


def test_an_upgrade_that_judges_anew_does_not_listen_again(
    add: Add, listening: Path, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIDEO_RAG_LIBRARY__KEEP_MEDIA", "false")
    ears = {"transcribers": ["subtitles", "ear"], "spoken": str(listening)}
    first = told(add(FOREIGN, **ears))
    assert len(Ear.asked) >= 2
    Ear.asked.clear()
    monkeypatch.setattr(Subtitles, "version", Subtitles.version + 1)
    site.pages.pop("/talk.m4a")  # nor is what was deleted to save room fetched for it
    assert told(add(FOREIGN, **ears)) == first
    monkeypatch.setattr(Subtitles, "version", Subtitles.version + 1)
    assert told(add(FOREIGN, **ears)) == first
    assert Ear.asked == []


def test_another_option_of_a_recogniser_listens_again(add: Add, listening: Path) -> None:
    ears = {"transcribers": ["subtitles", "ear"], "spoken": str(listening)}
    first = told(add(FOREIGN, **ears))
    asked = list(Ear.asked)
    Ear.asked.clear()
    assert told(add(FOREIGN, **ears, changed=0.2)) == first
    assert Ear.asked == asked


def test_a_recogniser_that_is_not_ready_leaves_a_doubt(add: Add, listening: Path) -> None:
    added = add(FOREIGN, transcribers=["subtitles", "ear"], spoken=str(listening), is_ready=False)
    origin, (note,) = told(added)
    assert origin == "platform"
    assert note.startswith("subtitles en (platform) doubtful: no word of the title is in them; ")
    assert note.endswith("not compared with the speech: no recogniser is here")


def test_whisper_without_its_model_is_no_recogniser_and_fetches_nothing(
    add: Add, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("huggingface_hub", reason="needs the extra asr")
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("VIDEO_RAG_TRANSCRIBERS__WHISPER__DOWNLOAD_ROOT", str(tmp_path / "models"))
    origin, (note,) = told(add(FOREIGN, transcribers=["subtitles", "whisper"]))
    assert origin == "platform"
    assert note.endswith("not compared with the speech: no recogniser is here")


def test_the_next_best_track_is_used_when_one_is_refused(add: Add, listening: Path) -> None:
    other = lecture("sheep", 3 * SECONDS, language="zh")
    added = add(other, OWN, transcribers=["subtitles", "ear"], spoken=str(listening))
    origin, (note,) = told(added)
    assert origin == "platform"
    assert note.startswith("subtitles zh (platform) refused: they run")


def test_when_nothing_else_is_there_the_refusal_is_the_error(add: Add) -> None:
    added = add(lecture("stars", 3 * SECONDS), transcribers=["subtitles"])
    assert added.status is not None
    assert added.status.state == "failed"
    (failure,) = added.status.failures
    assert failure.stage == "listen"
    assert "refused: they run" in failure.message
    assert "speech recognition" in failure.hint
