"""Key frames at slide changes, by PyAV: one settled picture of everything a video shows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from video_rag import plugins
from video_rag.errors import ContentError
from video_rag.processors import Progress
from video_rag.processors.changes import (
    AHEAD,
    LONG,
    SHORT,
    Grey,
    Sample,
    State,
    StateFinder,
    changed_pixels,
    difference_hash,
)

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream

SLOW = 10
"""Frames per second below which all are decoded: reference frames alone lie too far apart."""
HELD_APART = 0.1
"""Seconds between frames kept back to find the moment of a change."""


@dataclass(frozen=True)
class Picture:
    """A key frame: shown from `at` seconds, as JPEG, with its perceptual hash."""

    at: float
    jpeg: bytes
    phash: str


class Slides:
    """Picks one picture per slide: settled, without fades, builds, cursor and camera inset.

    `at` is when the slide came up, counted from the start of the file as players do; the picture
    is its last state when it grew by bullets. Films give a frame every `gap` seconds at most.
    """

    version = 1

    class Options(plugins.Options):
        """How frames are picked."""

        every: float = Field(
            1.0, gt=0, le=10, description="Seconds between looks; shorter slides may be missed"
        )
        gap: float = Field(
            20.0, ge=1, description="Least seconds between frames of a film or other unrest"
        )
        builds: bool = Field(
            False, description="Take every step of a slide that grows, not only the last"
        )
        width: int = Field(
            1280, ge=64, description="Widest picture in pixels; larger ones are scaled down"
        )
        quality: int = Field(85, ge=1, le=95, description="JPEG quality")

    def __init__(self, options: Options) -> None:
        self.options = options

    def sample(self, path: Path, progress: Progress) -> Iterator[Picture]:
        """The key frames of a video file in order of time; none when it has no picture track.

        Raises `ContentError` when nothing can be decoded. A file that breaks off midway gives
        what came before.
        """
        with _opened(path) as container:
            stream = _picture_track(container)
            if stream is None:
                return
            finder = StateFinder(gap=self.options.gap, builds=self.options.builds)
            last = None
            for last in _looks(container, stream, self.options.every):
                _report(progress, last.at, container)
                for sample in self._samples(last, finder):
                    yield from map(self._picture, finder.feed(sample))
            if last is None:
                raise ContentError(
                    f"no picture of {path.name} can be decoded",
                    hint="the file is damaged or its codec unknown; fetch or convert it again",
                )
            yield from map(self._picture, finder.finish())
        progress(1.0, "looked at every slide")

    def _samples(self, look: _Look, finder: StateFinder) -> Iterator[Sample]:
        """The look at the moment of its change, then again for as long as it stays."""
        frame = look.frame
        if frame.width > self.options.width:
            height = max(2, round(frame.height * self.options.width / frame.width))
            frame = frame.reformat(width=self.options.width, height=height)
        still = _Still(frame, look.frame.rotation, look.aspect)
        yield Sample(_moment(look, finder), look.grey, still)
        for again in range(1, look.repeats):
            yield Sample(look.at + again * self.options.every, look.grey, still)

    def _picture(self, state: State) -> Picture:
        jpeg = _jpeg(state.picture, self.options.width, self.options.quality)
        return Picture(round(state.at, 3), jpeg, difference_hash(state.grey, state.mask))


@dataclass(frozen=True)
class _Still:
    """A frame and how to show it."""

    frame: VideoFrame
    rotation: int
    """Degrees counter-clockwise."""
    aspect: float
    """Width of a pixel over its height."""


@dataclass(frozen=True)
class _Look:
    """One look at the video: a frame, its small grey picture, and the frames passed on the way."""

    at: float
    frame: VideoFrame
    grey: Grey
    aspect: float
    passed: list[tuple[float, VideoFrame]]
    repeats: int
    """How often to count it: more than once when no other frame followed for long."""


@contextmanager
def _opened(path: Path) -> Iterator[InputContainer]:
    """Open a media file; PyAV's errors, then and later, become ours."""
    import av

    try:
        with av.open(str(path), metadata_errors="replace") as container:
            yield container
    except (av.error.FFmpegError, OSError) as error:
        raise ContentError(
            f"{path.name} cannot be read as a video: {error}",
            hint="check that the file is there and complete; fetch or convert it again",
        ) from error


def _picture_track(container: InputContainer) -> VideoStream | None:
    """The first video stream that moves; cover art of a song is none."""
    from av.stream import Disposition

    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic:
            return stream
    return None


def _looks(container: InputContainer, stream: VideoStream, every: float) -> Iterator[_Look]:
    """A look about every so many seconds, and at the last frame.

    Screen recordings may store a frame only when something changes: a frame that stays is looked
    at whenever it comes, and counted as often as it would have been seen.
    """
    aspect = float(stream.sample_aspect_ratio or 1)
    aspect = aspect if 0.2 < aspect < 5 else 1.0
    last = float("-inf")
    passed: list[tuple[float, VideoFrame]] = []
    for at, frame, until in _with_end(_frames(container, stream)):
        stays = until - at
        if at - last < every - 1e-3 and stays < 1.5 * every:
            if not passed or at - passed[-1][0] >= HELD_APART:
                passed.append((at, frame))
            continue
        repeats = min(int(stays / every), AHEAD + 2) if 2 * every <= stays < float("inf") else 1
        yield _Look(at, frame, _small(frame), aspect, passed, repeats)
        last, passed = at, []


def _with_end(
    frames: Iterator[tuple[float, VideoFrame]],
) -> Iterator[tuple[float, VideoFrame, float]]:
    """Each frame with the time of the next one; the last one ends never."""
    before = next(frames, None)
    if before is None:
        return
    for following in frames:
        yield (*before, following[0])
        before = following
    yield (*before, float("inf"))


def _frames(container: InputContainer, stream: VideoStream) -> Iterator[tuple[float, VideoFrame]]:
    """Frames with their times from the start of the file, which never run backwards.

    Only frames that others refer to are decoded, which halves the work, unless there are too few.
    """
    stream.thread_type = "AUTO"
    rate = float(stream.average_rate or stream.base_rate or 25)
    begin = (container.start_time or 0) / 1_000_000
    last = 0.0
    kinds: tuple[Literal["NONREF", "DEFAULT"], ...] = ("NONREF", "DEFAULT")
    for skip in kinds[rate < SLOW :]:
        stream.codec_context.skip_frame = skip
        found = False
        for frame in _decoded(container, stream):
            at = frame.time - begin if frame.pts is not None else last + found / rate
            last = max(last, at)
            found = True
            yield last, frame
        if found:
            return
        container.seek(0)


def _decoded(container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
    """What can be decoded: broken packets are passed over, a file that breaks off just ends."""
    from av.error import FFmpegError

    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except FFmpegError:
            return
        if packet is None:
            return
        try:
            frames = packet.decode()
        except FFmpegError:
            continue
        yield from (frame for frame in frames if not frame.is_corrupt)


def _small(frame: VideoFrame) -> Grey:
    """The small grey picture that changes are looked for in; portrait videos stand on end."""
    width, height = (LONG, SHORT) if frame.width >= frame.height else (SHORT, LONG)
    small = frame.reformat(width=width, height=height, format="gray", interpolation="AREA")
    return np.asarray(small.to_ndarray(), dtype=np.uint8)


def _moment(look: _Look, finder: StateFinder) -> float:
    """When the change since the look before came up, found by halving the frames in between."""
    news = finder.news(look.grey)
    if news is None:
        return look.at
    low, high = 0, len(look.passed)
    while low < high:
        middle = (low + high) // 2
        missing = changed_pixels(_small(look.passed[middle][1]), look.grey)[news].mean()
        low, high = (low, middle) if missing < 0.5 else (middle + 1, high)
    return look.passed[low][0] if low < len(look.passed) else look.at


def _jpeg(still: _Still, widest: int, quality: int) -> bytes:
    """The frame as a person sees it: square pixels, upright, no wider than asked.

    By Pillow, since ffmpeg's JPEGs lack the JFIF header that Word documents need.
    """
    from PIL import Image

    frame = still.frame
    width = max(1, round(frame.width * still.aspect))
    pixels = frame.reformat(width=width, height=frame.height, format="rgb24").to_ndarray()
    image = Image.fromarray(pixels)
    if still.rotation:
        image = image.rotate(still.rotation, expand=True)
    image.thumbnail((widest, widest * 16))
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def _report(progress: Progress, at: float, container: InputContainer) -> None:
    duration = (container.duration or 0) / 1_000_000
    progress(min(at / duration, 1.0) if duration else 0.0, "looking at slides")
