"""Speech recognition where no word matters, with the real library and a model of one letter.

Words, languages and times are tested in `test_real_whisper` with real weights; what stands here
stays tested where those cannot be had: settings, silence, files that are no sound, downloads.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from model_hub import serve_model
from tiny_whisper import LETTER, build_tiny_whisper, write_sound
from video_rag.errors import BadSettings, ContentError, Unavailable
from video_rag.media import SAMPLE_RATE, decoded
from video_rag.model import Media, MediaSet, Transcript, Video
from video_rag.processors.whisper.models import _repository, _with_progress, model_folder
from video_rag.processors.whisper.transcriber import Whisper
from video_rag.processors.whisper.trust import trusted
from video_rag.testing.clips import Extras, sine, slide_lecture, tone

transcribing = pytest.importorskip("faster_whisper.transcribe", reason="needs the extra asr")

VIDEO = Video(video_id="file:1", source="folder", url="/talk.wav", title="talk")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny_whisper(tmp_path_factory.mktemp("whisper") / "model")


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sounds")
    write_sound(folder / "speech.wav", 5.0, is_speech=True)
    write_sound(folder / "noise.wav", 5.0, is_speech=False)
    return folder


Heard = Any
Transcribe = Callable[..., list[Transcript]]


@pytest.fixture
def transcribe(model: Path, sounds: Path) -> Transcribe:
    def run(name: str, *, video: Video = VIDEO, progress=lambda *_: None, **options):
        wanted = {"model": str(model), "beam_size": 1, "device": "cpu"}
        whisper = Whisper(Whisper.Options(**(wanted | options)))
        file = Media(kind="audio", path=name, digest="", size=1)
        media = MediaSet(files=(file,), duration=5.0, has_speech_track=True)
        return whisper.transcribe(video, media, lambda path: sounds / path, progress)

    return run


def test_speech_becomes_segments_inside_the_sound(transcribe: Transcribe) -> None:
    (track,) = transcribe("speech.wav", language="en")
    assert (track.language, track.origin) == ("en", "asr")
    assert {segment.text for segment in track.segments} == {LETTER}
    for segment in track.segments:
        assert 0.0 <= segment.start <= segment.end <= 5.0
        assert segment.confidence is not None
        assert 0.0 <= segment.confidence <= 1.0
    json.loads(track.model_dump_json())


def test_the_language_of_the_video_is_taken(transcribe: Transcribe) -> None:
    video = VIDEO.model_copy(update={"language": "zh"})
    assert transcribe("speech.wav", video=video)[0].language == "zh"


def test_an_unknown_language_of_the_video_is_detected_instead(transcribe: Transcribe) -> None:
    video = VIDEO.model_copy(update={"language": "eo"})
    (track,) = transcribe("speech.wav", video=video)
    assert track.language not in {"eo", "und"}


def test_a_language_that_the_model_does_not_know_is_a_bad_setting(transcribe: Transcribe) -> None:
    with pytest.raises(BadSettings, match="'klingon'"):
        transcribe("speech.wav", language="klingon")


def test_without_speech_no_model_is_asked_for(transcribe: Transcribe) -> None:
    assert transcribe("noise.wav", model="no-such-model") == []


def test_without_sound_nothing_is_done() -> None:
    whisper = Whisper(Whisper.Options(model="no-such-model"))
    file = Media(kind="video", path="silent.mp4", digest="", size=1)
    assert whisper.transcribe(VIDEO, MediaSet(files=(file,)), Path, lambda *_: None) == []


def test_a_file_that_is_no_sound_is_the_videos_fault(sounds: Path, transcribe: Transcribe) -> None:
    (sounds / "text.wav").write_text("no sound at all")
    with pytest.raises(ContentError):
        transcribe("text.wav")


def test_sound_is_decoded_to_mono_floats(sounds: Path) -> None:
    sound = decoded(sounds / "speech.wav")
    assert len(sound.samples) == 5 * SAMPLE_RATE
    assert (sound.begin, sound.notes) == (0.0, ())
    assert sound.samples.dtype == "float32"
    assert 0.1 < abs(sound.samples).max() <= 1.0


def heard(start: float, end: float, text: str, *, no_speech: float = 0.0) -> Heard:
    return transcribing.Segment(
        id=0,
        seek=0,
        start=start,
        end=end,
        text=text,
        tokens=[],
        avg_logprob=-0.5,
        compression_ratio=1.0,
        no_speech_prob=no_speech,
        words=None,
        temperature=0.0,
    )


def test_what_is_probably_no_speech_is_dropped_and_said() -> None:
    told = [heard(0, 2, " Hello "), heard(2, 4, "Thanks for watching!", no_speech=0.95)]
    segments, notes = trusted(told, 0.0, 5.0, 0.9)
    assert [segment.text for segment in segments] == ["Hello"]
    assert notes == ("1 segment dropped: probably no speech (at 0:02)",)


def test_times_are_moved_by_the_start_of_the_sound_and_cut_at_its_end() -> None:
    told = [heard(-0.1, 2, "one"), heard(4, 29.5, "two"), heard(29.5, 31, "three")]
    segments, notes = trusted(told, 1.5, 5.0, 0.9)
    assert [(segment.start, segment.end) for segment in segments] == [(1.5, 3.5), (5.5, 6.5)]
    assert segments[0].confidence == pytest.approx(0.607)
    assert notes == ("1 segment dropped: probably no speech (at 0:06)",)


def test_silence_between_words_needs_no_segment() -> None:
    assert trusted([heard(0, 1, "  ")], 0.0, 5.0, 0.9) == ((), ())


def test_when_nothing_can_be_trusted_it_is_said(transcribe: Transcribe) -> None:
    with pytest.raises(ContentError, match="no speech that can be trusted"):
        transcribe("speech.wav", language="en", no_speech=0.0)


# --- a few seconds, to check subtitles ---------------------------------------------------------


def hearing(model: Path | str, **more: Any) -> Whisper:
    return Whisper(Whisper.Options(model=str(model), device="cpu", **more))


@pytest.mark.parametrize(("name", "start"), [("noise.wav", 1.0), ("speech.wav", 60.0)])
def test_where_nobody_speaks_nothing_is_heard(
    model: Path, sounds: Path, name: str, start: float
) -> None:
    assert hearing(model).hear(sounds / name, start, 3.0) == ""


def test_without_the_model_here_nobody_listens_and_no_server_is_asked(
    sounds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve_model(tmp_path) as address:
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", address)
        whisper = hearing("tiny", download_root=tmp_path / "models")
        assert whisper.hear(sounds / "speech.wav", 1.0, 3.0) is None
    assert not (tmp_path / "models").exists()


@pytest.mark.parametrize("name", ["tone.wav", "tone.m4a", "tone.mp3", "tone.mkv"])
@pytest.mark.parametrize("start", [0.0, 7.3])
def test_a_part_of_the_sound_begins_where_it_was_asked_for(
    tmp_path: Path, name: str, start: float
) -> None:
    if name.endswith("mkv"):
        slide_lecture(tmp_path / name, ["One", "Two"], seconds_each=6.0, extras=Extras(sine(12.0)))
    else:
        tone(tmp_path / name, 12.0)
    sound = decoded(tmp_path / name, start, 2.0)
    assert sound.begin == pytest.approx(start, abs=0.15)
    assert len(sound.samples) / SAMPLE_RATE == pytest.approx(2.0, abs=0.3)


def test_a_part_is_what_stands_there_in_the_whole(sounds: Path) -> None:
    whole = decoded(sounds / "speech.wav").samples
    sound = decoded(sounds / "speech.wav", 2.0, 1.0)
    part, first = sound.samples, round(sound.begin * SAMPLE_RATE)
    assert (part == whole[first : first + len(part)]).all()


# --- where the model comes from ----------------------------------------------------------------


def ask_for(model: str, root: Path) -> Path:
    return model_folder(model, root, lambda *_: None)


def test_a_directory_is_taken_as_it_is(model: Path, tmp_path: Path) -> None:
    assert ask_for(str(model), tmp_path) == model


def test_a_directory_without_a_model_is_a_bad_setting(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match=r"lacks model\.bin and tokenizer\.json"):
        ask_for(str(tmp_path), tmp_path)


@pytest.mark.parametrize("name", ["/no/such/folder", "smal", "./model", "~/nobody's/model"])
def test_an_unknown_model_lists_the_known_ones(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadSettings) as caught:
        ask_for(name, tmp_path)
    assert "large-v3" in caught.value.hint


def test_a_broken_model_is_a_bad_setting(tmp_path: Path, transcribe: Transcribe) -> None:
    for name in ("model.bin", "tokenizer.json"):
        (tmp_path / name).write_bytes(b"broken")
    with pytest.raises(BadSettings, match="cannot be loaded"):
        transcribe("speech.wav", model=str(tmp_path))


def test_offline_the_message_names_the_ways_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(Unavailable, match="HF_HUB_OFFLINE") as caught:
        ask_for("small", tmp_path)
    for way in ("[transcribers.whisper] model", "HF_ENDPOINT", "subtitle file"):
        assert way in caught.value.hint


def test_a_server_that_does_not_answer_is_asked_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:1")
    with pytest.raises(Unavailable, match="faster-whisper-tiny is not on this machine"):
        ask_for("tiny", tmp_path)


def test_the_names_lead_to_the_librarys_own_repositories() -> None:
    from faster_whisper.utils import _MODELS

    assert {name: _repository(name) for name in _MODELS} == _MODELS
    assert _repository("someone/their-model") == "someone/their-model"


def test_a_model_is_downloaded_once_and_then_found(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[float, str]] = []
    with serve_model(model) as address:
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", address)
        template = address + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
        folder = model_folder("tiny", tmp_path, lambda share, text: seen.append((share, text)))
    assert (folder / "model.bin").read_bytes() == (model / "model.bin").read_bytes()
    assert "asking for the speech model" in seen[0][1]
    assert all(0.0 <= share <= 1.0 for share, _ in seen)
    assert ask_for("tiny", tmp_path) == folder  # the server is gone


def test_a_download_tells_how_far_it_is() -> None:
    shares: list[float] = []
    go_on = threading.Event()

    def download(bars: Any) -> str:
        with bars(name="huggingface_hub.snapshot_download", total=200, unit="B") as bar:
            bar.update(50)
            go_on.wait(timeout=30)
            bar.update(150)
        return "folder"

    def watch(share: float, text: str) -> None:
        shares.append(share)
        go_on.set()

    assert _with_progress(download, "some/model", watch) == "folder"
    assert shares[0] in {0.0, 0.25}
    assert shares == sorted(shares)
