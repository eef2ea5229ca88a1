"""Key frames of real clips, made on the spot with known slides at known times."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from fractions import Fraction
from io import BytesIO
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from video_rag import plugins
from video_rag.errors import ContentError, NotFound
from video_rag.processors import Sampler
from video_rag.processors.slides import Picture, Slides
from video_rag.testing.clips import (
    Extras,
    Pixels,
    Style,
    sine,
    slide_image,
    slide_lecture,
    speaker,
    tone,
    write_video,
)

TEXTS = [
    "Queues\nbrokers deliver again\nworkers fail",
    "Retrieval\nwords and vectors\nfused by rank",
    "Citations\nevery claim has a second\nof a video",
    "Captions\nthey keep the times\nof each line",
]
SIZE = (640, 360)


def sample(path: Path, **options: object) -> list[Picture]:
    return list(Slides(Slides.Options(**options)).sample(path, lambda share, word: None))


def times(pictures: Sequence[Picture]) -> list[float]:
    return [picture.at for picture in pictures]


def image(picture: Picture) -> Image.Image:
    return Image.open(BytesIO(picture.jpeg))


def likeness(picture: Picture, text: str, size: tuple[int, int] = SIZE) -> float:
    """Mean difference in grey levels between a key frame and a slide."""
    wanted = np.asarray(slide_image(text, size).convert("L"), dtype=float)
    got = np.asarray(image(picture).convert("L"), dtype=float)
    return float(np.abs(wanted - got).mean())


def hold(pixels: Pixels, seconds: float, fps: int = 10) -> Iterator[Pixels]:
    for _ in range(round(seconds * fps)):
        yield pixels


def slide(text: str, size: tuple[int, int] = SIZE) -> Pixels:
    return np.array(slide_image(text, size))


def film(seconds: float, fps: int = 10, size: tuple[int, int] = SIZE) -> Iterator[Pixels]:
    """Stripes that rush past: everything moves all the time."""
    columns = np.arange(size[0])
    for number in range(round(seconds * fps)):
        row = (127 + 120 * np.sin(columns / 25 + number * 1.3)).astype(np.uint8)
        yield np.broadcast_to(row[None, :, None], (size[1], size[0], 3))


def chain(*parts: Iterator[Pixels]) -> Iterator[Pixels]:
    for part in parts:
        yield from part


def test_it_is_a_sampler() -> None:
    sampler: Sampler = Slides(Slides.Options())
    assert plugins.load("samplers", "slides") is type(sampler)


def test_every_slide_is_found_once_at_its_time(tmp_path: Path) -> None:
    path = tmp_path / "talk.mp4"
    shown = slide_lecture(path, TEXTS, seconds_each=[3.0, 4.5, 6.2, 3.3])
    pictures = sample(path)
    assert times(pictures) == pytest.approx([each.start for each in shown], abs=0.15)
    for picture, each in zip(pictures, shown, strict=True):
        assert likeness(picture, each.text) < 3
        assert len(picture.phash) == 16
    assert len({picture.phash for picture in pictures}) == len(TEXTS)


def test_a_speaker_in_the_corner_and_noise_make_no_slides(tmp_path: Path) -> None:
    path = tmp_path / "talk.mp4"
    shown = slide_lecture(
        path, TEXTS, seconds_each=9.0, style=Style(inset=True, noise=3.0), extras=Extras()
    )
    assert times(sample(path)) == pytest.approx([each.start for each in shown], abs=0.3)


def test_a_speaker_who_appears_moves_and_leaves_makes_no_slides(tmp_path: Path) -> None:
    plain = slide(TEXTS[0])

    def frames() -> Iterator[Pixels]:
        for number in range(600):
            pixels = plain.copy()
            picture = speaker(90, 130, number / 10).astype(np.uint8)
            if 150 <= number < 300:
                pixels[-90:, -130:] = picture
            if 300 <= number < 450:
                pixels[:90, -130:] = picture
            yield pixels

    write_video(tmp_path / "talk.mp4", frames(), fps=10)
    assert times(sample(tmp_path / "talk.mp4")) == [0.0]


@pytest.mark.parametrize("fade", [0.5, 1.0, 2.0])
def test_a_fade_gives_one_settled_picture(tmp_path: Path, fade: float) -> None:
    path = tmp_path / "talk.mp4"
    shown = slide_lecture(path, TEXTS, seconds_each=6.0, style=Style(fade=fade))
    pictures = sample(path)
    assert times(pictures) == pytest.approx([each.start + fade / 2 for each in shown], abs=1.1)
    for picture, each in zip(pictures, shown, strict=True):
        assert likeness(picture, each.text) < 3


def test_of_a_slide_that_grows_the_last_state_is_taken(tmp_path: Path) -> None:
    lines = ["Bullets", "one comes first", "two comes later", "three is the last"]
    steps = ["\n".join(lines[:count]) for count in range(1, 5)]
    path = tmp_path / "talk.mp4"
    slide_lecture(path, [*steps, TEXTS[0]], seconds_each=4.0)
    pictures = sample(path)
    assert times(pictures) == pytest.approx([0.0, 16.0], abs=0.15)
    assert likeness(pictures[0], steps[-1]) < 3
    assert times(sample(path, builds=True)) == pytest.approx([0, 4, 8, 12, 16], abs=0.15)


def test_slides_that_differ_by_one_bullet_are_two(tmp_path: Path) -> None:
    path = tmp_path / "talk.mp4"
    slide_lecture(path, ["Same\nalpha beta\ngamma ray", "Same\nomega psi\ngamma ray"])
    first, second = sample(path)
    assert times([first, second]) == pytest.approx([0.0, 3.0], abs=0.15)
    assert apart(first, second) > 4


def apart(one: Picture, other: Picture) -> int:
    """The bits in which two hashes differ."""
    return (int(one.phash, 16) ^ int(other.phash, 16)).bit_count()


def test_a_slide_that_returns_is_known_by_its_hash(tmp_path: Path) -> None:
    path = tmp_path / "talk.mp4"
    texts = [TEXTS[0], TEXTS[1], TEXTS[0]]
    slide_lecture(path, texts, seconds_each=8.0, style=Style(noise=2.0))
    first, second, third = sample(path)
    assert apart(first, third) <= 4
    assert apart(first, second) > 8


def test_a_cursor_makes_no_slides(tmp_path: Path) -> None:
    plain = slide(TEXTS[0])

    def frames() -> Iterator[Pixels]:
        for number in range(400):
            pixels = plain.copy()
            resting = number // 40
            row, column = 30 + resting * 25, 40 + resting * 55
            pixels[row : row + 12, column : column + 8] = 20
            yield pixels

    write_video(tmp_path / "talk.mp4", frames(), fps=10)
    assert times(sample(tmp_path / "talk.mp4")) == [0.0]


def test_subtitles_burnt_into_the_picture_make_no_slides(tmp_path: Path) -> None:
    plain = slide(TEXTS[0])
    words = [
        "so this is it",
        "and then we see",
        "what happened here",
        "to all of them",
        "in the end",
    ]

    def frames() -> Iterator[Pixels]:
        for number in range(500):
            pixels = plain.copy()
            line = slide_image(words[number // 30 % 5], SIZE)
            pixels[-50:, 100:500] = np.asarray(line)[30:80, :400]
            yield pixels

    write_video(tmp_path / "talk.mp4", frames(), fps=10)
    assert times(sample(tmp_path / "talk.mp4")) == [0.0]


def test_a_black_lead_in_is_skipped(tmp_path: Path) -> None:
    black = np.zeros((360, 640, 3), dtype=np.uint8)
    frames = chain(
        hold(black, 3), hold(slide(TEXTS[0]), 4), hold(black, 3), hold(slide(TEXTS[0]), 3)
    )
    write_video(tmp_path / "talk.mp4", frames, fps=10)
    assert times(sample(tmp_path / "talk.mp4")) == pytest.approx([3.0], abs=0.15)


def test_a_black_video_has_no_pictures(tmp_path: Path) -> None:
    write_video(tmp_path / "b.mp4", hold(np.zeros((90, 160, 3), np.uint8), 3), fps=10)
    assert sample(tmp_path / "b.mp4") == []


def test_coloured_screens_are_slides(tmp_path: Path) -> None:
    colours = [np.full((180, 320, 3), colour, np.uint8) for colour in (60, 230, 140)]
    write_video(tmp_path / "c.mp4", chain(*(hold(each, 3) for each in colours)), fps=10)
    assert times(sample(tmp_path / "c.mp4")) == pytest.approx([0.0, 3.0, 6.0], abs=0.15)


def test_a_film_gives_a_frame_now_and_then(tmp_path: Path) -> None:
    write_video(tmp_path / "film.mp4", film(65), fps=10)
    assert times(sample(tmp_path / "film.mp4")) == pytest.approx([0, 20, 40, 60], abs=1.1)
    assert len(sample(tmp_path / "film.mp4", gap=60)) == 2


def test_after_a_film_the_slides_are_found_again(tmp_path: Path) -> None:
    frames = chain(hold(slide(TEXTS[0]), 30), film(30), hold(slide(TEXTS[1]), 30))
    write_video(tmp_path / "talk.mp4", frames, fps=10)
    pictures = sample(tmp_path / "talk.mp4")
    assert pictures[0].at == 0.0
    assert pictures[-1].at == pytest.approx(60.0, abs=1.1)
    assert likeness(pictures[0], TEXTS[0]) < 3
    assert likeness(pictures[-1], TEXTS[1]) < 3
    assert 3 <= len(pictures) <= 4


@pytest.mark.parametrize("size", [(16, 16), (180, 320), (320, 180), (322, 182)])
def test_every_size_is_taken(tmp_path: Path, size: tuple[int, int]) -> None:
    bright, dark = (np.full((size[1], size[0], 3), grey, np.uint8) for grey in (220, 90))
    write_video(tmp_path / "v.mp4", chain(hold(bright, 3), hold(dark, 3)), fps=10)
    pictures = sample(tmp_path / "v.mp4")
    assert len(pictures) == 2
    assert image(pictures[0]).size == size


@pytest.mark.parametrize(
    ("codec", "pixel_format", "suffix"),
    [
        ("libx265", "yuv420p10le", ".mp4"),
        ("libx264", "yuv444p", ".mkv"),
        ("libvpx-vp9", "yuv420p", ".webm"),
        ("mjpeg", "yuvj420p", ".avi"),
        ("ffv1", "gray16le", ".mkv"),
        ("png", "rgb24", ".mov"),
    ],
)
def test_every_codec_is_taken(tmp_path: Path, codec: str, pixel_format: str, suffix: str) -> None:
    extras = Extras(codec=codec, pixel_format=pixel_format, options={})
    path = tmp_path / f"v{suffix}"
    slide_lecture(path, TEXTS[:2], size=(320, 180), extras=extras)
    pictures = sample(path)
    assert times(pictures) == pytest.approx([0.0, 3.0], abs=0.3)
    assert likeness(pictures[1], TEXTS[1], (320, 180)) < 6


def test_a_video_of_one_frame_has_one_slide(tmp_path: Path) -> None:
    write_video(tmp_path / "v.mp4", iter([slide(TEXTS[0])]), fps=25)
    assert times(sample(tmp_path / "v.mp4")) == [0.0]


def test_wide_pictures_are_scaled_down(tmp_path: Path) -> None:
    write_video(tmp_path / "v.mp4", hold(slide(TEXTS[0]), 1), fps=10)
    (picture,) = sample(tmp_path / "v.mp4", width=320)
    assert image(picture).size == (320, 180)
    assert image(picture).format == "JPEG"
    assert "jfif" in image(picture).info


def test_a_turned_video_is_shown_upright(tmp_path: Path) -> None:
    """Telephones store what was held upright lying, with a matrix that turns it clockwise."""
    path = tmp_path / "v.mp4"
    write_video(path, hold(slide(TEXTS[0]), 1), fps=10)
    upright = struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 1 << 30)
    turned = struct.pack(">9i", 0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30)
    whole = path.read_bytes()
    track = whole.index(b"tkhd")
    path.write_bytes(whole[:track] + whole[track:].replace(upright, turned, 1))
    (picture,) = sample(path)
    wanted = np.asarray(slide_image(TEXTS[0], SIZE).convert("L").rotate(-90, expand=True), float)
    assert image(picture).size == (360, 640)
    assert np.abs(wanted - np.asarray(image(picture).convert("L"), float)).mean() < 3


def remux(source: Path, target: Path, *, delay: float) -> None:
    """The same packets, `delay` seconds later."""
    with av.open(str(source)) as old, av.open(str(target), "w") as new:
        track = old.streams.video[0]
        copy = new.add_stream_from_template(track)
        for packet in old.demux(track):
            if packet.dts is None or packet.pts is None:
                continue
            late = int(delay / packet.time_base)
            packet.pts, packet.dts = packet.pts + late, packet.dts + late
            packet.stream = copy
            new.mux(packet)


def test_times_count_from_the_start_of_the_file(tmp_path: Path) -> None:
    slide_lecture(tmp_path / "v.mkv", TEXTS[:2])
    remux(tmp_path / "v.mkv", tmp_path / "late.ts", delay=100.0)
    assert times(sample(tmp_path / "late.ts")) == pytest.approx([0.0, 3.0], abs=0.3)


def variable(path: Path, shown: Sequence[tuple[float, str]]) -> None:
    """A recording that stores a frame only when the picture changes."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for at, text in shown:
            frame = av.VideoFrame.from_image(slide_image(text, SIZE))
            frame.pts, frame.time_base = round(at * 1000), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def test_frames_at_odd_times_are_all_seen(tmp_path: Path) -> None:
    shown = [
        (0.0, TEXTS[0]),
        (10.2, TEXTS[1]),
        (10.6, TEXTS[2]),
        (45.0, TEXTS[3]),
        (70.0, TEXTS[0]),
    ]
    variable(tmp_path / "v.mkv", shown)
    assert times(sample(tmp_path / "v.mkv")) == pytest.approx([0.0, 10.6, 45.0, 70.0], abs=0.01)


def test_sound_alone_has_no_pictures(tmp_path: Path) -> None:
    tone(tmp_path / "t.m4a")
    assert sample(tmp_path / "t.m4a") == []


def test_cover_art_is_no_video(tmp_path: Path) -> None:
    buffer = BytesIO()
    slide_image("An album", (64, 64)).save(buffer, "PNG")
    path = tmp_path / "song.mp3"
    with av.open(str(path), "w") as container:
        sound = container.add_stream("libmp3lame", rate=16_000, layout="mono")
        cover = container.add_mux_stream("png", width=64, height=64)
        cover.disposition = av.stream.Disposition.attached_pic
        picture = av.Packet(buffer.getvalue())
        picture.stream, picture.pts, picture.dts = cover, 0, 0
        container.start_encoding()
        container.mux(picture)
        frame = av.AudioFrame.from_ndarray(sine(1.0)[None], format="s16", layout="mono")
        frame.sample_rate = 16_000
        container.mux(sound.encode(frame))
        container.mux(sound.encode(None))
    with av.open(str(path)) as container:
        assert len(container.streams.video) == 1
    assert sample(path) == []


@pytest.mark.parametrize("content", [b"", b"this is a text file, not a film\n" * 50])
def test_files_that_are_no_video_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "v.mp4").write_bytes(content)
    with pytest.raises(ContentError, match=r"v\.mp4") as caught:
        sample(tmp_path / "v.mp4")
    assert caught.value.hint


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        sample(tmp_path / "nowhere.mp4")


def test_an_mp4_without_its_index_is_refused(tmp_path: Path) -> None:
    """As a broken upload leaves it."""
    slide_lecture(tmp_path / "v.mp4", TEXTS)
    whole = (tmp_path / "v.mp4").read_bytes()
    index = whole.index(b"moov") - 4
    length = int.from_bytes(whole[index : index + 4], "big")
    (tmp_path / "v.mp4").write_bytes(whole[:index] + whole[index + length :])
    with pytest.raises(ContentError):
        sample(tmp_path / "v.mp4")


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_of_a_file_that_breaks_off_the_beginning_is_kept(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"v{suffix}"
    slide_lecture(path, TEXTS)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * 0.6)])
    found = times(sample(path))
    assert found[:2] == pytest.approx([0.0, 3.0], abs=0.15)
    assert len(found) < len(TEXTS)


def test_a_damaged_file_gives_what_can_be_decoded(tmp_path: Path) -> None:
    slide_lecture(tmp_path / "v.ts", TEXTS)
    data = bytearray((tmp_path / "v.ts").read_bytes())
    middle = len(data) // 2
    data[middle : middle + 4000] = bytes(4000)
    (tmp_path / "v.ts").write_bytes(data)
    assert sample(tmp_path / "v.ts")[0].at == pytest.approx(0.0, abs=0.15)


def test_progress_rises_to_one(tmp_path: Path) -> None:
    slide_lecture(tmp_path / "v.mp4", TEXTS)
    seen: list[float] = []
    list(
        Slides(Slides.Options()).sample(tmp_path / "v.mp4", lambda share, word: seen.append(share))
    )
    assert seen == sorted(seen)
    assert seen[0] == 0.0
    assert seen[-1] == 1.0


def test_looking_can_be_broken_off(tmp_path: Path) -> None:
    slide_lecture(tmp_path / "v.mp4", TEXTS, seconds_each=30.0, fps=2)
    looking = Slides(Slides.Options()).sample(tmp_path / "v.mp4", lambda share, word: None)
    assert next(looking).at == 0.0
    looking.close()
    (tmp_path / "v.mp4").unlink()


@pytest.mark.shared
def test_a_film_clip_gives_a_handful_of_frames(shared: Path) -> None:
    found = times(sample(shared / "media" / "tears-of-steel-clip.webm"))
    assert 2 <= len(found) <= 8
    assert found[0] == 0.0
