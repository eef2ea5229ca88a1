"""The clips that other tests stand on hold what they claim."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from video_rag.testing.clips import (
    Extras,
    Shown,
    Style,
    Track,
    silent_video,
    sine,
    slide_image,
    slide_lecture,
    tone,
)

LINES = [Shown(0.5, 2.0, "hello there"), Shown(2.5, 4.0, "good-bye")]
CHINESE = [Shown(0.5, 2.0, "你好"), Shown(2.5, 4.0, "再见")]


def said(path: Path, number: int) -> list[tuple[float, float, str]]:
    """The lines of an embedded subtitle track, as PyAV decodes them."""
    found = []
    with av.open(str(path)) as container:
        stream = container.streams.subtitles[number]
        for packet in container.demux(stream):
            text = bytes(packet)[2:] if path.suffix == ".mp4" else bytes(packet)
            if text and packet.pts is not None and packet.duration:
                start = float(packet.pts * packet.time_base)
                length = float(packet.duration * packet.time_base)
                found.append((start, start + length, text.decode()))
    return found


def test_slides_are_shown_when_it_says(tmp_path: Path) -> None:
    path = tmp_path / "v.mp4"
    shown = slide_lecture(path, ["One", "Two", "Three"], seconds_each=[1.0, 2.0, 1.5])
    assert shown == [Shown(0.0, 1.0, "One"), Shown(1.0, 3.0, "Two"), Shown(3.0, 4.5, "Three")]
    with av.open(str(path)) as container:
        frames = [
            (frame.time, frame.to_ndarray(format="gray")) for frame in container.decode(video=0)
        ]
    assert len(frames) == 45
    for at, picture in frames:
        (text,) = [each.text for each in shown if each.start <= at + 1e-6 < each.end]
        wanted = np.asarray(slide_image(text).convert("L"), dtype=float)
        assert np.abs(wanted - picture).mean() < 5


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_subtitles_keep_words_times_and_language(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"v{suffix}"
    tracks = (Track("eng", LINES), Track("zho", CHINESE))
    slide_lecture(path, ["One", "Two"], extras=Extras(subtitles=tracks, title="标题 Title"))
    with av.open(str(path)) as container:
        assert [each.metadata["language"] for each in container.streams.subtitles] == ["eng", "zho"]
        assert container.metadata["title"] == "标题 Title"
    assert said(path, 0) == [(line.start, line.end, line.text) for line in LINES]
    assert said(path, 1) == [(line.start, line.end, line.text) for line in CHINESE]


def test_sound_lies_beside_the_pictures(tmp_path: Path) -> None:
    slide_lecture(tmp_path / "v.mp4", ["One"], extras=Extras(sound=sine(3.0)))
    with av.open(str(tmp_path / "v.mp4")) as container:
        assert container.streams.audio[0].codec_context.name == "aac"
        samples = sum(frame.samples for frame in container.decode(audio=0))
    assert samples / 16_000 == pytest.approx(3.0, abs=0.15)


def test_a_silent_video_has_no_sound(tmp_path: Path) -> None:
    silent_video(tmp_path / "v.mp4")
    with av.open(str(tmp_path / "v.mp4")) as container:
        assert len(container.streams.video) == 1
        assert len(container.streams.audio) == 0


@pytest.mark.parametrize("suffix", [".mp3", ".m4a", ".wav", ".flac", ".ogg", ".opus"])
def test_a_tone_has_the_length_asked_for(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"tone{suffix}"
    tone(path, 1.5)
    with av.open(str(path)) as container:
        assert len(container.streams.video) == 0
        resampler = av.AudioResampler(format="s16", layout="mono", rate=16_000)
        sound = np.concatenate(
            [
                piece.to_ndarray()[0]
                for frame in [*container.decode(audio=0), None]
                for piece in resampler.resample(frame)
            ]
        )
    assert len(sound) / 16_000 == pytest.approx(1.5, abs=0.15)
    strongest = np.abs(np.fft.rfft(sound[4000:20000])).argmax()
    assert strongest == pytest.approx(440, abs=5)


def test_a_speaker_moves_and_noise_is_seen(tmp_path: Path) -> None:
    slide_lecture(tmp_path / "v.mp4", ["One"], style=Style(inset=True, noise=4.0))
    with av.open(str(tmp_path / "v.mp4")) as container:
        frames = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
    moved = np.abs(frames[0].astype(int) - frames[12])
    assert moved[-90:, -128:].max() > 40
    assert moved[:200, :400].max() < 40


def test_the_same_call_shows_the_same_pictures(tmp_path: Path) -> None:
    for name in ("a.mkv", "b.mkv"):
        slide_lecture(tmp_path / name, ["One", "Two"], style=Style(noise=3.0, fade=0.5))
    with av.open(str(tmp_path / "a.mkv")) as one, av.open(str(tmp_path / "b.mkv")) as other:
        for first, second in zip(one.decode(video=0), other.decode(video=0), strict=True):
            assert (first.to_ndarray() == second.to_ndarray()).all()
