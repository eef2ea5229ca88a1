"""Speech recognition with real weights: real words, real languages, real times."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from real_models import whisper_base
from video_rag.media import SAMPLE_RATE, decoded
from video_rag.model import Media, MediaSet, Transcript, Video
from video_rag.processors.whisper import Whisper
from video_rag.text.tokens import fold

pytest.importorskip("faster_whisper", reason="needs the extra asr")
pytestmark = [pytest.mark.slow, pytest.mark.shared, pytest.mark.xdist_group("whisper")]

JFK = (
    "and so my fellow americans ask not what your country can do for you "
    "ask what you can do for your country"
)


@pytest.fixture(scope="session")
def whisper() -> Whisper:
    """One model for all tests: loading it takes as long as hearing half a minute."""
    options = {"model": str(whisper_base()), "device": "cpu", "compute_type": "int8", "threads": 2}
    return Whisper(Whisper.Options(**options, beam_size=2))


@pytest.fixture(scope="module")
def speech(
    whisper: Whisper, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Transcript, list[tuple[float, str]]]:
    """What is heard in the clear speech, and the progress that was told."""
    clip = Path(__file__).resolve().parents[2].parent / "shared" / "media" / "jfk.flac"
    if not clip.exists():
        pytest.skip("needs the files in ../shared, which lie beside the project, not in it")
    path = alone(clip, tmp_path_factory.mktemp("speech"))
    told: list[tuple[float, str]] = []
    video = Video(video_id="file:1", source="folder", url=str(path), title="talk")
    file = Media(kind="audio", path=str(path), digest="", size=1)
    files = MediaSet(files=(file,), has_speech_track=True)
    (track,) = whisper.transcribe(
        video, files, Path, lambda share, text: told.append((share, text))
    )
    return track, told


Listen = Callable[..., Transcript]


@pytest.fixture
def listen(whisper: Whisper) -> Listen:
    def run(path: Path, *, title: str = "talk", **media: Any) -> Transcript:
        video = Video(video_id="file:1", source="folder", url=str(path), title=title)
        file = Media(kind="audio", path=str(path), digest="", size=1)
        files = MediaSet(files=(file,), has_speech_track=True, **media)
        (track,) = whisper.transcribe(video, files, Path, lambda *_: None)
        return track

    return run


def plain(track: Transcript) -> str:
    text = " ".join(segment.text for segment in track.segments)
    return " ".join("".join(c if c.isalnum() else " " for c in fold(text)).split())


def alone(path: Path, folder: Path) -> Path:
    """A copy that no other name lies beside."""
    return Path(shutil.copy(path, folder / path.name))


def written(path: Path, *parts: np.ndarray) -> Path:
    """Samples one after the other as a FLAC file."""
    samples = (np.concatenate(parts) * 32767).astype(np.int16).reshape(1, -1)
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("flac", rate=SAMPLE_RATE, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.sample_rate, frame.pts = SAMPLE_RATE, 0
        frame.time_base = Fraction(1, SAMPLE_RATE)
        container.mux([*stream.encode(frame), *stream.encode(None)])
    return path


Speech = tuple[Transcript, list[tuple[float, str]]]


def test_clear_speech_is_right_word_for_word(speech: Speech) -> None:
    track, _ = speech
    assert (track.language, track.origin, plain(track), track.notes) == ("en", "asr", JFK, ())


def test_speech_becomes_segments_inside_the_sound_in_order_and_with_confidence(
    speech: Speech,
) -> None:
    track, _ = speech
    starts = [one.start for one in track.segments]
    assert starts == sorted(starts)
    for segment in track.segments:
        assert 0.0 <= segment.start < segment.end <= 11.1
        assert segment.confidence is not None
        assert 0.5 < segment.confidence <= 1.0


def test_progress_grows_to_the_last_segment(speech: Speech) -> None:
    _, told = speech
    heard = [share for share, text in told if "heard until" in text]
    assert heard == sorted(heard)
    assert 0.8 < heard[-1] <= 1.0


def test_a_short_clip_in_doubt_takes_the_language_of_the_library(
    shared: Path, tmp_path: Path, listen: Listen
) -> None:
    path = alone(shared / "media" / "friday.mp4", tmp_path)
    track = listen(path, languages=("zh", "en"))
    assert track.language == "en"
    assert "crown jewel" in plain(track)
    (note,) = track.notes
    assert "in doubt" in note
    assert "[library] languages" in note


def test_a_short_clip_in_doubt_takes_the_language_of_its_title(
    shared: Path, tmp_path: Path, listen: Listen
) -> None:
    path = alone(shared / "media" / "friday.mp4", tmp_path)
    track = listen(path, title="You and the girl that is Friday", languages=("zh", "it"))
    assert track.language == "en"
    assert "its title" in track.notes[0]


def test_a_speaker_who_changes_language_is_written_in_the_one_he_speaks(
    shared: Path, tmp_path: Path, listen: Listen
) -> None:
    track = listen(alone(shared / "media" / "multilingual.mp3", tmp_path))
    early = " ".join(one.text for one in track.segments if one.end <= 29)
    late = " ".join(one.text for one in track.segments if one.start >= 31)
    assert "hereby granted, free of charge" in early
    assert "Software" in late
    assert {"und", "die", "der"} <= set(late.split())
    assert any(note.startswith("also spoken: ") for note in track.notes)


def test_a_few_words_in_another_language_within_half_a_minute_are_their_own(
    shared: Path, tmp_path: Path, listen: Listen
) -> None:
    english = decoded(shared / "media" / "jfk.flac").samples
    german = decoded(shared / "media" / "multilingual.mp3", 42.0, 10.0).samples
    path = written(tmp_path / "both.flac", english, np.zeros(8000, np.float32), german)
    track = listen(path)
    assert plain(track).startswith(JFK[:60])
    assert {"und", "die"} & {word for one in track.segments for word in one.text.split()}


def test_speech_after_a_gap_stands_where_the_player_has_it(
    shared: Path, tmp_path: Path, listen: Listen
) -> None:
    first = decoded(shared / "media" / "friday.mp4").samples
    english = decoded(shared / "media" / "jfk.flac").samples  # not twice: a model in a loop guesses
    whole = written(tmp_path / "w.flac", first, np.zeros(12 * SAMPLE_RATE, np.float32), english)
    last = len(first) / SAMPLE_RATE
    path = tmp_path / "gap.mka"
    with av.open(str(whole)) as old, av.open(str(path), "w", format="matroska") as new:
        stream = new.add_stream_from_template(old.streams.audio[0])
        for packet in old.demux(old.streams.audio[0]):
            if packet.dts is None or (
                last + 0.2 <= float(packet.pts * packet.time_base) < last + 11.8
            ):
                continue
            packet.stream = stream
            new.mux(packet)
    track = listen(path)
    (start,) = (one.start for one in track.segments if "fellow" in one.text)
    assert start == pytest.approx(last + 12, abs=1.0)
    (stolen,) = (one for one in track.segments if "stolen" in one.text)
    assert stolen.end == pytest.approx(last, abs=1.0)
    assert any("no sound is stored at 0:06" in note for note in track.notes)


def test_the_track_with_the_speech_is_found(shared: Path, tmp_path: Path, listen: Listen) -> None:
    english = (decoded(shared / "media" / "jfk.flac").samples * 32767).astype(np.int16)
    path = tmp_path / "two.mkv"
    with av.open(str(path), "w") as container:
        streams: list[Any] = [
            container.add_stream("flac", rate=SAMPLE_RATE, layout="mono") for _ in range(2)
        ]
        hum = (np.sin(np.arange(len(english)) * 0.05) * 3000).astype(np.int16)
        for stream, samples in zip(streams, [hum, english], strict=True):
            stream.disposition = av.stream.Disposition(0)
            frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
            frame.sample_rate, frame.pts = SAMPLE_RATE, 0
            frame.time_base = Fraction(1, SAMPLE_RATE)
            container.mux([*stream.encode(frame), *stream.encode(None)])
    track = listen(path)
    assert plain(track) == JFK
    assert track.notes == ("listened to sound track 2 of 2",)


def test_a_few_seconds_are_heard_the_same_every_time(shared: Path, whisper: Whisper) -> None:
    said = whisper.hear(shared / "media" / "jfk.flac", 0.0, 11.0)
    assert said is not None
    assert "fellow Americans" in said
    assert whisper.hear(shared / "media" / "jfk.flac", 0.0, 11.0) == said
