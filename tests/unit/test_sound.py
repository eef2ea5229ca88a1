"""Sound by the clock of its file, and which track is listened to or looked at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.stream import Disposition
from hypothesis import given, settings
from hypothesis import strategies as st

from video_rag import media
from video_rag.media import SAMPLE_RATE, decoded, sound_tracks
from video_rag.media.sound import _Tape
from video_rag.processors.slides import Slides
from video_rag.testing import clips

Packets = list[tuple[float, Any]]


def beeps(seconds: float, *at: float) -> clips.Sound:
    """Silence with a loud half second at each of these times."""
    sound = np.zeros(round(seconds * clips.RATE), np.int16)
    for start in at:
        tone = clips.sine(0.5) * 4
        first = round(start * clips.RATE)
        sound[first : first + len(tone)] = tone
    return sound


def heard_at(sound: media.Sound) -> list[float]:
    """When a loud half second begins, in seconds of the video."""
    loud = np.abs(sound.samples) > 0.3
    blocks = loud[: len(loud) // 800 * 800].reshape(-1, 800).any(axis=1)
    starts = np.flatnonzero(blocks & ~np.concatenate([[False], blocks[:-1]]))
    return [round(float(start) * 0.05 + sound.begin, 2) for start in starts]


def write(path: Path, sound: clips.Sound, changed: Callable[[Packets], Packets]) -> Path:
    """Sound as AAC whose packets were changed: lost, late, in another order."""
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("aac", rate=clips.RATE, layout="mono")
        frame = av.AudioFrame.from_ndarray(sound.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = clips.RATE, 0, Fraction(1, clips.RATE)
        packets = [*stream.encode(frame), *stream.encode(None)]
        timed = [(float(packet.pts * packet.time_base), packet) for packet in packets]
        for at, packet in changed(timed):
            packet.pts = packet.dts = round(at / packet.time_base)
            container.mux(packet)
    return path


def without(*spans: tuple[float, float]) -> Callable[[Packets], Packets]:
    def changed(packets: Packets) -> Packets:
        return [row for row in packets if not any(a <= row[0] < b for a, b in spans)]

    return changed


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".m4a", ".mka"])
def test_sound_after_lost_packets_stands_where_the_player_has_it(
    tmp_path: Path, suffix: str
) -> None:
    told = beeps(40.0, 2.0, 18.0, 36.0)
    path = write(tmp_path / f"gap{suffix}", told, without((5.0, 15.0), (25.0, 32.0)))
    sound = decoded(path)
    assert heard_at(sound) == pytest.approx([2.0, 18.0, 36.0], abs=0.11)
    assert sound.notes == ("no sound is stored at 0:05-0:15, 0:25-0:32",)
    assert heard_at(decoded(path, 16.0, 6.0)) == pytest.approx([18.0], abs=0.11)


def test_sound_that_begins_late_is_late(tmp_path: Path) -> None:
    path = tmp_path / "late.mkv"
    extras = clips.Extras(sound=beeps(6.0, 1.0))
    clips.slide_lecture(tmp_path / "talk.mkv", ["One"], seconds_each=6.0, extras=extras)
    shifted(tmp_path / "talk.mkv", path, lambda kind: 3.0 if kind == "audio" else 0.0)
    assert heard_at(decoded(path)) == pytest.approx([4.0], abs=0.11)


def shifted(source: Path, target: Path, by: Callable[[str], float]) -> Path:
    """The same packets, later by so many seconds for each kind of track."""
    with av.open(str(source)) as old, av.open(str(target), "w") as new:
        streams = {one: new.add_stream_from_template(one) for one in old.streams}
        for packet in old.demux():
            if packet.dts is None:
                continue
            later = round(by(packet.stream.type) / packet.time_base)
            packet.pts, packet.dts = packet.pts + later, packet.dts + later
            packet.stream = streams[packet.stream]
            new.mux(packet)
    return target


@pytest.mark.parametrize("suffix", [".mkv", ".ts", ".mp4"])
def test_a_file_that_begins_at_a_later_time_is_not_cut_off(tmp_path: Path, suffix: str) -> None:
    extras = clips.Extras(sound=beeps(20.0, 12.0))
    clips.slide_lecture(
        tmp_path / "talk.mkv", ["One", "Two"], seconds_each=10.0, extras=extras, fps=5
    )
    path = shifted(tmp_path / "talk.mkv", tmp_path / f"late{suffix}", lambda _: 300.0)
    found = media.probe(path)
    assert found.notes == ()
    assert found.duration == pytest.approx(20.0, abs=0.5)
    assert heard_at(decoded(path)) == pytest.approx([12.0], abs=0.11)


def test_damaged_packets_cost_themselves_alone(tmp_path: Path) -> None:
    path = tmp_path / "talk.mp3"
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libmp3lame", rate=clips.RATE, layout="mono")
        frame = av.AudioFrame.from_ndarray(
            beeps(30.0, 2.0, 25.0).reshape(1, -1), format="s16", layout="mono"
        )
        frame.sample_rate, frame.pts, frame.time_base = clips.RATE, 0, Fraction(1, clips.RATE)
        container.mux([*stream.encode(frame), *stream.encode(None)])
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 4000] = b"\x55" * 4000
    path.write_bytes(data)
    assert heard_at(decoded(path))[0] == pytest.approx(2.0, abs=0.11)
    assert len(decoded(path).samples) > 25 * SAMPLE_RATE


@pytest.mark.parametrize(("suffix", "form"), [(".aac", "adts"), (".ts", "mpegts")])
def test_rate_and_channels_may_change_midway(tmp_path: Path, suffix: str, form: str) -> None:
    parts = []
    kinds = [(16_000, "mono"), (48_000, "stereo"), (22_050, "mono")]
    for number, (rate, layout) in enumerate(kinds):
        part = tmp_path / f"{number}{suffix}"
        with av.open(str(part), "w", format=form) as container:
            stream: Any = container.add_stream("aac", rate=rate, layout=layout)
            frame = av.AudioFrame.from_ndarray(
                beeps(4.0, 1.0).reshape(1, -1), format="s16", layout="mono"
            )
            frame.sample_rate, frame.pts, frame.time_base = clips.RATE, 0, Fraction(1, clips.RATE)
            for packet in [*stream.encode(frame), *stream.encode(None)]:
                later = round(4.0 * number / packet.time_base)
                packet.pts, packet.dts = packet.pts + later, packet.dts + later
                container.mux(packet)
        parts.append(part.read_bytes())
    path = tmp_path / f"joined{suffix}"
    path.write_bytes(b"".join(parts))
    assert heard_at(decoded(path)) == pytest.approx([1.0, 5.0, 9.0], abs=0.3)


def frame_of(seconds: float) -> Any:
    frame = av.AudioFrame.from_ndarray(
        np.full((1, round(seconds * SAMPLE_RATE)), 10_000, np.int16), format="s16", layout="mono"
    )
    frame.sample_rate = SAMPLE_RATE
    return frame


def laid(times: Sequence[float | None], length: float = 0.25) -> media.Sound:
    tape = _Tape()
    for at in times:
        frame = frame_of(length)
        tape.lay(tape.place(at, frame), frame)
    tape.close()
    return tape.sound(is_whole=True)


@given(st.lists(st.integers(0, 200), unique=True, min_size=1, max_size=40))
@settings(max_examples=60)
def test_packets_in_any_order_stand_at_their_own_times(places: list[int]) -> None:
    sound = laid([place * 0.25 for place in places])
    filled = np.flatnonzero(sound.samples.reshape(-1, SAMPLE_RATE // 4).any(axis=1))
    begin = round(sound.begin / 0.25)
    assert sorted(places) == [begin + int(place) for place in filled]


def test_a_clock_that_begins_anew_counts_on(tmp_path: Path) -> None:
    sound = laid([*(n * 0.25 for n in range(40)), *(n * 0.25 for n in range(40))])
    assert len(sound.samples) == 20 * SAMPLE_RATE
    assert sound.notes == ("the clock of the sound jumps at 0:10: times after it are counted on",)


@given(st.lists(st.one_of(st.none(), st.floats(-1e7, 1e7)), min_size=1, max_size=12))
@settings(max_examples=40)
def test_no_clock_is_too_damaged_and_none_takes_all_the_memory(times: list[float | None]) -> None:
    tape = _Tape()
    for at in times:
        frame = frame_of(0.25)
        tape.lay(tape.place(at, frame), frame)
    assert tape.span <= 4 * 3600 + 60


# --- which track ------------------------------------------------------------------------------


def with_tracks(path: Path, *tracks: tuple[dict[str, str], int]) -> Path:
    """A file of silent sound tracks, each with metadata and disposition."""
    with av.open(str(path), "w") as container:
        streams: list[Any] = []
        for metadata, disposition in tracks:
            stream: Any = container.add_stream("aac", rate=clips.RATE, layout="mono")
            stream.metadata.update(metadata)
            stream.disposition = Disposition(disposition)
            streams.append(stream)
        for stream in streams:
            frame = av.AudioFrame.from_ndarray(
                beeps(2.0).reshape(1, -1), format="s16", layout="mono"
            )
            frame.sample_rate, frame.pts, frame.time_base = clips.RATE, 0, Fraction(1, clips.RATE)
            container.mux([*stream.encode(frame), *stream.encode(None)])
    return path


DEFAULT, COMMENT = int(Disposition.default), int(Disposition.comment)


@pytest.mark.parametrize(
    ("tracks", "wished", "spoken", "groups"),
    [
        ([({"language": "deu"}, 0), ({"language": "eng"}, DEFAULT)], "", "de", ((1,), (0,))),
        ([({"language": "deu"}, 0), ({"language": "eng"}, 0)], "", "en", ((1,), (0,))),
        ([({"language": "deu"}, DEFAULT), ({"language": "eng"}, DEFAULT)], "", None, ((0, 1),)),
        ([({"language": "eng"}, COMMENT), ({"language": "eng"}, 0)], "", "en", ((1,), (0,))),
        ([({"title": "Commentary"}, 0), ({"title": "Film"}, 0)], "", None, ((1,), (0,))),
        ([({"language": "deu"}, 0), ({"language": "eng"}, DEFAULT)], "1", None, ((0,),)),
        ([({"language": "eng"}, DEFAULT), ({"language": "deu"}, 0)], "German", None, ((1,),)),
    ],
    ids=["default", "spoken", "all default", "commentary", "title", "number", "language"],
)
def test_the_sound_track_is_the_default_one_else_the_spoken_one(
    tmp_path: Path,
    tracks: list[tuple[dict[str, str], int]],
    wished: str,
    spoken: str | None,
    groups: tuple[tuple[int, ...], ...],
) -> None:
    found = sound_tracks(with_tracks(tmp_path / "talk.mkv", *tracks), wished, spoken)
    assert (found.groups, found.note) == (groups, "")


def test_a_sound_track_that_is_not_there_is_said(tmp_path: Path) -> None:
    found = sound_tracks(with_tracks(tmp_path / "talk.mkv", ({}, DEFAULT)), "3", None)
    assert found.groups == ((0,),)
    assert found.note == "there is no sound track '3', as [pipeline] sound_track wishes"


def covered(path: Path, *, cover_first: bool, film: bool, marked: bool) -> Path:
    """A file with a cover, which may be marked as one, before or after the film."""
    with av.open(str(path), "w") as new:

        def add_cover() -> Any:
            stream: Any = new.add_stream("mjpeg", rate=1)
            stream.width, stream.height, stream.pix_fmt = 1280, 720, "yuvj420p"
            stream.disposition = Disposition.attached_pic if marked else Disposition(0)
            return stream

        cover = add_cover() if cover_first else None
        moving: Any = new.add_stream("libx264", rate=5, options={"preset": "ultrafast"})
        moving.width, moving.height, moving.pix_fmt = 320, 180, "yuv420p"
        sound: Any = new.add_stream("aac", rate=clips.RATE, layout="mono")
        cover = cover or add_cover()
        still = av.VideoFrame(1280, 720, "yuvj420p")
        new.mux([*cover.encode(still), *cover.encode(None)])
        for number in range(60 if film else 0):
            text = "First" if number < 30 else "Second"
            pixels = np.asarray(clips.slide_image(text, (320, 180)))
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 5)
            new.mux(moving.encode(frame))
        new.mux(moving.encode(None))
        frame = av.AudioFrame.from_ndarray(beeps(12.0).reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = clips.RATE, 0, Fraction(1, clips.RATE)
        new.mux([*sound.encode(frame), *sound.encode(None)])
    return path


@pytest.mark.parametrize("cover_first", [True, False])
@pytest.mark.parametrize("marked", [True, False])
def test_the_picture_is_the_film_and_no_cover_before_or_after_it(
    tmp_path: Path, cover_first: bool, marked: bool
) -> None:
    path = covered(tmp_path / "talk.mkv", cover_first=cover_first, film=True, marked=marked)
    shots = list(Slides(Slides.Options()).sample(path, lambda *_: None))
    assert [round(shot.at) for shot in shots] == [0, 6]


def test_a_cover_that_nobody_marked_is_no_picture(tmp_path: Path) -> None:
    path = tmp_path / "book.mka"
    with av.open(str(path), "w", format="matroska") as new:
        cover: Any = new.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 64, "yuvj420p"
        sound: Any = new.add_stream("aac", rate=clips.RATE, layout="mono")
        new.mux([*cover.encode(av.VideoFrame(64, 64, "yuvj420p")), *cover.encode(None)])
        frame = av.AudioFrame.from_ndarray(beeps(6.0).reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = clips.RATE, 0, Fraction(1, clips.RATE)
        new.mux([*sound.encode(frame), *sound.encode(None)])
    found = media.probe(path)
    assert (found.has_picture, found.has_audio) == (False, True)


def test_the_size_of_the_picture_may_change_midway(tmp_path: Path) -> None:
    parts = []
    for size, texts in [((320, 180), ["One", "Two"]), ((640, 480), ["Three", "Four"])]:
        part = tmp_path / f"{size[0]}.ts"
        clips.slide_lecture(part, texts, seconds_each=5.0, size=size, fps=5)
        parts.append(part.read_bytes())
    path = tmp_path / "joined.ts"
    path.write_bytes(b"".join(parts))
    assert len(list(Slides(Slides.Options()).sample(path, lambda *_: None))) >= 3


def test_a_track_in_an_unknown_codec_is_a_note_and_no_crash(tmp_path: Path) -> None:
    path = tmp_path / "talk.mov"
    extras = clips.Extras(sound=beeps(3.0, 1.0))
    clips.slide_lecture(path, ["One"], seconds_each=3.0, extras=extras)
    path.write_bytes(path.read_bytes().replace(b"avc1", b"zqx1"))
    found = media.probe(path)
    assert (found.has_picture, found.has_audio) == (False, True)
    assert found.notes == ("a picture track is in a codec that is not known here",)
    assert list(Slides(Slides.Options()).sample(path, lambda *_: None)) == []
    assert heard_at(decoded(path)) == pytest.approx([1.0], abs=0.11)
