"""Key frames at slide changes, by PyAV: one settled picture of everything a video shows."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from video_rag import plugins
from video_rag.errors import ContentError
from video_rag.media import film, opened, unbroken
from video_rag.media import packets as packets_of
from video_rag.processors import Progress
from video_rag.processors._ahead import ahead

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream

    from video_rag.processors._changes import Grey, Sample, State, StateFinder

DENSE = 0.15
"""Seconds between frames up to which those that no other frame refers to need no decoding."""
HELD_APART = 0.1
"""Seconds between frames kept back to find the moment of a change."""
FEW_CORES = 2
"""Up to so many cores, H.264 is decoded in slice threads: see `_threading`."""


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

    version = 2
    accepts = (1,)  # frames that were picked stay, and what was read in them

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
        from video_rag.processors._changes import StateFinder

        with opened(path) as container:
            stream = film(container, path)
            if not len(container.streams):
                raise _undecodable(path)
            if stream is None:
                return
            finder = StateFinder(gap=self.options.gap, builds=self.options.builds)
            camera = _Camera(self.options.every, self.options.width, _aspect(stream))
            seen = False
            with closing(ahead(_frames(container, stream))) as frames:
                for look in camera.looks(frames):
                    seen = True
                    _report(progress, look.at, container)
                    for sample in camera.samples(look, finder):
                        yield from map(self._picture, finder.feed(sample))
            if not seen:
                raise _undecodable(path)
            yield from map(self._picture, finder.finish())
        progress(1.0, "looked at every slide")

    def _picture(self, state: State) -> Picture:
        from video_rag.processors._changes import picture_hash

        jpeg = _jpeg(state.picture, self.options.width, self.options.quality)
        return Picture(round(state.at, 3), jpeg, picture_hash(state.grey, state.mask))


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
    passed: list[tuple[float, VideoFrame]]
    repeats: int
    """How often to count it: more than once when no other frame followed for long."""


class _Camera:
    """Looks at a video now and then, and keeps the stills that may be wanted."""

    def __init__(self, every: float, width: int, aspect: float) -> None:
        from av.video.reformatter import VideoReformatter

        self.every, self.width, self.aspect = every, width, aspect
        self._shrink, self._fit = VideoReformatter(), VideoReformatter()  # kept: five times faster
        self._size: tuple[int, int] | None = None
        self._kept: tuple[Grey, _Still] | None = None

    def looks(self, frames: Iterator[tuple[float, VideoFrame]]) -> Iterator[_Look]:
        """A look about every so many seconds, and at the last frame.

        Screen recordings may store a frame only when something changes: a frame that stays is
        looked at whenever it comes, and counted as often as it would have been seen.
        """
        from video_rag.processors._changes import AHEAD

        last = float("-inf")
        passed: list[tuple[float, VideoFrame]] = []
        for at, frame, until in _with_end(frames):
            stays = until - at
            if at - last < self.every - 1e-3 and stays < 1.5 * self.every:
                if not passed or at - passed[-1][0] >= HELD_APART:
                    passed.append((at, frame))
                continue
            long = 2 * self.every <= stays < float("inf")
            repeats = min(int(stays / self.every), AHEAD + 2) if long else 1
            yield _Look(at, frame, self.small(frame), passed, repeats)
            last, passed = at, []

    def samples(self, look: _Look, finder: StateFinder) -> Iterator[Sample]:
        """The look at the moment of its change, then again for as long as it stays."""
        from video_rag.processors._changes import Sample

        still = self._still(look, finder)
        yield Sample(self._moment(look, finder), look.grey, still)
        for again in range(1, look.repeats):
            yield Sample(look.at + again * self.every, look.grey, still)

    def small(self, frame: VideoFrame) -> Grey:
        """The small grey picture to compare; portrait videos stand on end."""
        import numpy as np

        from video_rag.processors._changes import LONG, SHORT

        if self._size is None:
            self._size = (LONG, SHORT) if frame.width >= frame.height else (SHORT, LONG)
        small = self._shrink.reformat(frame, *self._size, "gray", interpolation="AREA", threads=1)
        return np.asarray(small.to_ndarray(), dtype=np.uint8)

    def _still(self, look: _Look, finder: StateFinder) -> _Still:
        """The frame, or the one kept before it when that shows the same: memory stays small."""
        if self._kept is not None and finder.news(look.grey, self._kept[0]) is None:
            return self._kept[1]
        frame = look.frame
        if frame.width > self.width:
            height = max(2, round(frame.height * self.width / frame.width))
            frame = self._fit.reformat(frame, self.width, height)
        still = _Still(frame, look.frame.rotation, self.aspect)
        self._kept = look.grey, still
        return still

    def _moment(self, look: _Look, finder: StateFinder) -> float:
        """When the change since the look before came up, found by halving the frames between."""
        from video_rag.processors._changes import changed_pixels

        news = finder.news(look.grey)
        if news is None:
            return look.at
        low, high = 0, len(look.passed)
        while low < high:
            middle = (low + high) // 2
            missing = changed_pixels(self.small(look.passed[middle][1]), look.grey)[news].mean()
            low, high = (low, middle) if missing < 0.5 else (middle + 1, high)
        return look.passed[low][0] if low < len(look.passed) else look.at


def _undecodable(path: Path) -> ContentError:
    return ContentError(
        f"no picture of {path.name} can be decoded",
        hint="the file is damaged or its codec unknown; fetch or convert it again",
    )


def _aspect(stream: VideoStream) -> float:
    """Width of a pixel over its height, when it is one that can be."""
    aspect = float(stream.sample_aspect_ratio or 1)
    return aspect if 0.2 < aspect < 5 else 1.0


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
    """Frames with their times from the start of the file, which never run backwards."""
    stream.thread_type = _threading(stream)
    rate = float(stream.average_rate or stream.base_rate or 25)
    begin = (container.start_time or 0) / 1_000_000
    last = 0.0
    for sparing in (True, False):  # some encoders mark no frame as referred to
        found = False
        for frame in _decoded(container, stream, sparing=sparing):
            at = frame.time - begin if frame.pts is not None else last + found / rate
            last = max(last, at)
            found = True
            yield last, frame
        if found:
            return
        container.seek(0)


def _threading(stream: VideoStream) -> str:
    """How the decoder should share its work among cores.

    Frame threads cost more than they give on two cores, one of which compares the pictures: with
    H.264 whose referred frames alone are decoded, slice threads were 1.2 to 1.8 times as fast
    (benchmarks/slides). VP9 is the other way round, and so is any machine with cores to spare.
    """
    few = (os.cpu_count() or 1) <= FEW_CORES
    return "SLICE" if few and stream.codec_context.name == "h264" else "AUTO"


def _decoded(
    container: InputContainer, stream: VideoStream, *, sparing: bool
) -> Iterator[VideoFrame]:
    """What can be decoded: broken packets are passed over, a file that breaks off just ends.

    `sparing` leaves out frames that no other refers to, which halves the work, where frames are
    dense; a recording with a frame every few seconds is decoded in full.
    """
    from av.error import FFmpegError

    unit = float(stream.time_base or 0)
    recent: deque[float] = deque(maxlen=16)
    packets = unbroken(packets_of(container, stream))
    for packet in packets:
        if packet.pts is not None:
            at = packet.pts * unit
            dense = any(abs(at - other) <= DENSE for other in reversed(recent))
            stream.codec_context.skip_frame = "NONREF" if sparing and dense else "DEFAULT"
            recent.append(at)
        try:
            frames = packet.decode()
        except FFmpegError:
            continue
        yield from (frame for frame in frames if not frame.is_corrupt)


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
