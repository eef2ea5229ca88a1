"""Tiny videos with known slides, words and times, made with PyAV, Pillow and numpy alone.

    shown = slide_lecture(folder / "talk.mkv", ["Queues", "Citations"], seconds_each=4.0)
    assert shown[1].start == 4.0

No ffmpeg binary and no fonts are needed for Latin text; give `font` for others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from av.container import OutputContainer
    from PIL.Image import Image

Pixels = NDArray[np.uint8]
"""Height x width x 3, RGB."""
Sound = NDArray[np.int16]
"""One channel of samples."""

RATE = 16_000
"""Samples of sound per second."""
SOUND_CODECS = {
    ".mp3": "libmp3lame",
    ".wav": "pcm_s16le",
    ".flac": "flac",
    ".ogg": "libopus",
    ".oga": "flac",
    ".opus": "libopus",
    ".webm": "libopus",
    ".aiff": "pcm_s16be",
    ".au": "pcm_s16be",
    ".caf": "pcm_s16be",
    ".w64": "pcm_s16le",
    ".tta": "tta",
    ".wv": "wavpack",
}
"""By suffix; AAC for the others."""
TEXT_CODECS = {".mkv": "subrip", ".mp4": "mov_text", ".m4v": "mov_text", ".mov": "mov_text"}


@dataclass(frozen=True)
class Shown:
    """What is to be seen, or said, from `start` to `end` (seconds)."""

    start: float
    end: float
    text: str


@dataclass(frozen=True)
class Track:
    """An embedded subtitle track; `language` is an ISO 639-2 code (`eng`, `zho`)."""

    language: str
    lines: Sequence[Shown]
    title: str = ""


@dataclass(frozen=True)
class Extras:
    """What a file may hold beside its pictures."""

    sound: Sound | None = None
    subtitles: Sequence[Track] = ()
    title: str = ""
    codec: str = "libx264"
    pixel_format: str = "yuv420p"
    options: dict[str, str] = field(default_factory=lambda: {"preset": "ultrafast", "crf": "24"})
    """Of the video encoder."""


@dataclass(frozen=True)
class Style:
    """How slides are shown and recorded."""

    inset: bool = False
    """A speaker in the lower right corner who never sits still."""
    noise: float = 0.0
    """Standard deviation of the camera's noise in grey levels."""
    fade: float = 0.0
    """Seconds in which one slide turns into the next."""
    font: str | None = None
    """A font file; without one there is Latin text only."""


def slide_lecture(
    path: Path,
    slides: Sequence[str],
    *,
    seconds_each: float | Sequence[float] = 3.0,
    size: tuple[int, int] = (640, 360),
    fps: int = 10,
    style: Style | None = None,
    extras: Extras | None = None,
) -> list[Shown]:
    """A lecture of text slides; gives back what is shown when.

    `seconds_each` may be one number or one for each slide.
    """
    style = style or Style()
    lengths = (
        [seconds_each] * len(slides) if isinstance(seconds_each, int | float) else seconds_each
    )
    ends = np.cumsum(lengths).tolist()
    shown = [
        Shown(end - length, end, text)
        for end, length, text in zip(ends, lengths, slides, strict=True)
    ]
    pictures = [np.asarray(slide_image(text, size, font=style.font)) for text in slides]
    frames = _play(shown, pictures, fps=fps, fade=style.fade)
    if style.inset or style.noise:
        frames = _filmed(frames, style, fps=fps)
    write_video(path, frames, fps=fps, extras=extras or Extras())
    return shown


def slide_image(
    text: str,
    size: tuple[int, int] = (640, 360),
    *,
    font: str | None = None,
    ink: str = "#1d2733",
    paper: str = "#fbfaf7",
) -> Image:
    """A slide: the first line of `text` as its title, the others as bullets."""
    from PIL import Image, ImageDraw, ImageFont

    width, height = size
    image = Image.new("RGB", size, paper)
    draw = ImageDraw.Draw(image)
    top = height * 0.1
    for number, line in enumerate(text.splitlines()):
        points = max(6, round(height * (0.09 if number == 0 else 0.06)))
        face = ImageFont.truetype(font, points) if font else ImageFont.load_default(points)
        bullet = "" if number == 0 else "- "
        draw.text((width * 0.07, top), bullet + line, fill=ink, font=face)
        top += points * (2.2 if number == 0 else 1.7)
    return image


def silent_video(path: Path, *, seconds: float = 2.0, size: tuple[int, int] = (320, 180)) -> None:
    """One slide and no sound."""
    slide_lecture(path, ["Silence\nnothing is said here"], seconds_each=seconds, size=size)


def padded(clip: bytes, filling: bytes) -> bytes:
    """The bytes of an MP4 file, longer by a box with `filling` that players skip.

    Its kind is `free` (ISO/IEC 14496-12 §8.1.2). It adds eight bytes of its own.
    """
    return clip + (8 + len(filling)).to_bytes(4, "big") + b"free" + filling


def tone(path: Path, seconds: float = 2.0, *, hertz: float = 440.0) -> None:
    """A sine tone: sound without pictures. The file's suffix says the format."""
    import av

    with av.open(str(path), "w") as container:
        stream = _sound_stream(container, path)
        _encode_sound(container, stream, sine(seconds, hertz=hertz))


def sine(seconds: float, *, hertz: float = 440.0) -> Sound:
    """A quiet sine tone."""
    times = np.arange(round(seconds * RATE)) / RATE
    return np.asarray(np.sin(2 * np.pi * hertz * times) * 6000, dtype=np.int16)


def write_video(
    path: Path, frames: Iterable[Pixels], *, fps: int, extras: Extras | None = None
) -> None:
    """Write pictures of one size, and the extras, as a video file; its suffix says the format."""
    import av

    extras = extras or Extras()
    with ExitStack() as stack:
        whole = {"movflags": "+faststart"} if path.suffix in {".mp4", ".m4v", ".mov"} else {}
        container = stack.enter_context(av.open(str(path), "w", container_options=whole))
        if extras.title:
            container.metadata["title"] = extras.title
        frames = iter(frames)
        first = next(frames)
        video: Any = container.add_stream(extras.codec, fps, options=dict(extras.options))
        video.height, video.width = first.shape[:2]
        video.pix_fmt = extras.pixel_format
        sound = _sound_stream(container, path) if extras.sound is not None else None
        texts = [_text_stream(container, path, track) for track in extras.subtitles]
        container.start_encoding()
        for text, track in zip(texts, extras.subtitles, strict=True):
            _write_lines(container, path, text, track)
        for number, pixels in enumerate(_chain(first, frames)):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, fps)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if sound is not None and extras.sound is not None:
            _encode_sound(container, sound, extras.sound)


def _chain(first: Pixels, rest: Iterator[Pixels]) -> Iterator[Pixels]:
    yield first
    yield from rest


def _play(
    shown: Sequence[Shown], pictures: Sequence[Pixels], *, fps: int, fade: float
) -> Iterator[Pixels]:
    """The frames: at `n / fps` seconds what is shown then, mixed with the slide before it."""
    current = 0
    for number in range(round(shown[-1].end * fps)):
        at = number / fps
        while current + 1 < len(shown) and at >= shown[current].end - 1e-9:
            current += 1
        since = at - shown[current].start
        if current and since < fade:
            share = since / fade
            mixed = pictures[current - 1] * (1 - share) + pictures[current] * share
            yield mixed.astype(np.uint8)
        else:
            yield pictures[current]


def _filmed(frames: Iterable[Pixels], style: Style, *, fps: int) -> Iterator[Pixels]:
    """The frames as a camera sees them: with noise, and with a speaker in the corner."""
    random = np.random.default_rng(7)
    for number, plain in enumerate(frames):
        pixels = plain.astype(np.int16)
        if style.inset:
            height, width = pixels.shape[:2]
            corner = speaker(height // 4, width // 5, number / fps)
            pixels[-corner.shape[0] :, -corner.shape[1] :] = corner
        if style.noise:
            pixels += random.normal(0, style.noise, pixels.shape[:2])[..., None].astype(np.int16)
        yield np.clip(pixels, 0, 255).astype(np.uint8)


def speaker(height: int, width: int, at: float) -> NDArray[np.int16]:
    """A head that sways before a bright wall."""
    rows, columns = np.mgrid[0:height, 0:width]
    x = width * (0.5 + 0.22 * np.sin(2.1 * at) + 0.08 * np.sin(5.3 * at))
    y = height * (0.55 + 0.12 * np.sin(3.4 * at))
    head = ((columns - x) / (0.2 * width)) ** 2 + ((rows - y) / (0.32 * height)) ** 2 < 1
    picture = np.full((height, width, 3), (196, 201, 190), dtype=np.int16)
    picture[head] = (120, 78, 60)
    return picture


def _sound_stream(container: OutputContainer, path: Path) -> Any:
    codec = SOUND_CODECS.get(path.suffix, "aac")
    rate = 48_000 if codec == "libopus" else RATE
    stream: Any = container.add_stream(codec, rate=rate, layout="mono")
    stream.bit_rate = 48_000
    return stream


def _encode_sound(container: OutputContainer, stream: Any, sound: Sound) -> None:
    import av

    frame = av.AudioFrame.from_ndarray(sound.reshape(1, -1), format="s16", layout="mono")
    frame.sample_rate, frame.pts = RATE, 0
    frame.time_base = Fraction(1, RATE)
    container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def _text_stream(container: OutputContainer, path: Path, track: Track) -> Any:
    stream = container.add_mux_stream(TEXT_CODECS[path.suffix])
    stream.time_base = Fraction(1, 1000)
    stream.metadata["language"] = track.language
    if track.title:
        stream.metadata["title"] = track.title
    return stream


def _write_lines(container: OutputContainer, path: Path, stream: Any, track: Track) -> None:
    """Subtitle packets as the formats store them: bare text, in mp4 after its length."""
    import av

    for line in track.lines:
        data = line.text.encode()
        if TEXT_CODECS[path.suffix] == "mov_text":
            data = len(data).to_bytes(2, "big") + data
        packet = av.Packet(data)
        packet.stream = stream
        packet.time_base = Fraction(1, 1000)
        packet.pts = packet.dts = round(line.start * 1000)
        packet.duration = round((line.end - line.start) * 1000)
        container.mux(packet)
