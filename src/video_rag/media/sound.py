"""Sound as samples, laid where the file's clock has them: silence fills gaps.

    sound = decoded(path, start=60.0, seconds=20.0)
    sound.samples  # mono float32 at SAMPLE_RATE, from second `sound.begin` of the video on

Recordings lose packets, and joined files change rate, channels or clock midway. Whoever counts
samples then tells wrong times from there on; so each frame goes to its own time.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from video_rag.errors import ContentError
from video_rag.media.opening import opened
from video_rag.media.opening import packets as packets_of
from video_rag.text import timecode

if TYPE_CHECKING:
    import numpy as np
    from av import AudioFrame
    from av.container import InputContainer
    from numpy.typing import NDArray

    Samples = NDArray[np.float32]

SAMPLE_RATE = 16_000
"""What Whisper and voice detectors take."""
_JITTER = 0.1
"""Seconds that a frame may lie beside the end of the one before: clocks are rounded."""
_OVERLAP = 2.0
"""Seconds the clock may go back over sound, which it replaces; more is a new clock."""
_SILENCE = 4 * 3600.0
"""Seconds of silence that gaps may add up to: beyond, the clock is damaged and not the sound."""
_CLOCKLESS = frozenset({"aac", "loas", "ac3", "eac3", "dts", "dtshd"})
"""Formats that are bare packets: their times are counted at the first packet's rate."""
_TOLD_GAP = 3.0
"""Seconds from which a gap is worth a note."""
_TOLD = 5
"""Places that a note names."""


@dataclass(frozen=True)
class Sound:
    """One track of sound."""

    samples: Samples
    """Mono, between -1 and 1, `SAMPLE_RATE` of them a second."""
    begin: float = 0.0
    """The second of the video at which they begin."""
    notes: tuple[str, ...] = ()
    """What is missing, in words."""


def decoded(path: Path, start: float = 0.0, seconds: float | None = None, track: int = 0) -> Sound:
    """The sound of a file, or `seconds` of it from `start` on, give or take a packet.

    `track` counts the sound tracks from 0. Damaged packets are left out. Empty when there is no
    such track. Raises `ContentError` when the file is none that can be read.
    """
    end = math.inf if seconds is None else start + seconds
    tape = _Tape()
    with opened(path) as container:
        streams = container.streams.audio
        if track < len(streams) and streams[track].codec_context is None:
            raise ContentError(f"the sound of {path} is in an unknown codec", hint="convert it")
        if track < len(streams):
            for at, frame in _frames(container, track, start, tape):
                place = tape.place(at, frame)
                if place >= end:
                    break
                if place + frame.samples / frame.sample_rate > start:
                    tape.lay(place, frame)
            tape.close()
    return tape.sound(is_whole=seconds is None and start <= 0.0)


def _frames(
    container: InputContainer, track: int, start: float, tape: _Tape
) -> Iterator[tuple[float | None, AudioFrame]]:
    """The frames from about `start` on, each with its second of the video, if it has one."""
    from av.error import FFmpegError

    origin = (container.start_time or 0) / 1_000_000
    if start > 0.0:
        with suppress(FFmpegError):  # without an index: from wherever we are, the clock tells
            container.seek(int((start + origin) * 1_000_000))
    clockless = container.format.name in _CLOCKLESS
    packets = packets_of(container, container.streams.audio[track])
    while True:
        try:
            packet = next(packets)
        except StopIteration:
            return
        except FFmpegError:
            tape.breaks_off = True
            return
        try:
            frames = packet.decode()
        except FFmpegError:
            tape.damaged += 1
            continue
        for frame in frames:
            if frame.samples and frame.sample_rate:
                time = None if clockless and tape.has_begun else frame.time
                yield (None if time is None else time - origin), frame


class _Tape:
    """Takes frames and puts each where it belongs."""

    def __init__(self) -> None:
        self.damaged = 0
        self.breaks_off = False
        self._pieces: list[tuple[int, Any]] = []
        """First sample, counted from the begin of the video, and 16-bit samples."""
        self._runs: list[tuple[float, float]] = []
        """What is covered: seconds, in order, without the run that is being written."""
        self._run: tuple[float, float] | None = None
        self._kind: tuple[str, str, int] | None = None
        self._resampler: Any = None
        self._cursor = 0
        self._shift = 0.0
        self._silence = 0.0
        self._jumps: list[float] = []

    @property
    def has_begun(self) -> bool:
        """Whether a frame was laid."""
        return self._run is not None

    def place(self, at: float | None, frame: AudioFrame) -> float:
        """The second at which a frame belongs, given what was laid before."""
        if self._run is None:
            return max(0.0, at or 0.0)
        expected = self._run[1]
        if at is None or abs(at + self._shift - expected) <= _JITTER:
            return expected
        place = at + self._shift
        late = place < expected - _OVERLAP
        if late and self._covers(place, frame.samples / frame.sample_rate):
            return self._jump(place, expected)
        if self._silence + abs(place - expected) > _SILENCE:
            return self._jump(place, expected)
        return max(0.0, place)

    def _jump(self, place: float, expected: float) -> float:
        """Another clock begins: what follows is counted on from here."""
        self._shift += expected - place
        self._jumps.append(expected)
        return expected

    def _covers(self, start: float, length: float) -> bool:
        """Whether there is sound at a place already."""
        runs = [*self._runs[max(0, bisect_left(self._runs, (start, start)) - 1) :][:2]]
        runs += [self._run] if self._run else []
        return any(
            min(end, start + length) - max(begin, start) > _JITTER * 0.1 for begin, end in runs
        )

    def lay(self, place: float, frame: AudioFrame) -> None:
        """Put a frame at its second."""
        from av import AudioResampler
        from av.error import FFmpegError

        length = frame.samples / frame.sample_rate
        kind = (frame.format.name, frame.layout.name, frame.sample_rate)
        is_apart = self._run is None or place != self._run[1]
        if is_apart or kind != self._kind:
            self.close()
        if is_apart:
            self._begin_run(place)
        try:
            if self._resampler is None:
                self._resampler = AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
                self._kind = kind
            frame.pts = None  # the place is known; the resampler shall not fill or cut
            self._write(self._resampler.resample(frame))
        except (FFmpegError, ValueError):  # a layout or rate that cannot be: this frame is lost
            self.damaged += 1
            self._resampler = None
        if self._run is not None:
            self._run = (self._run[0], place + length)

    def _begin_run(self, place: float) -> None:
        if self._run is not None:
            insort(self._runs, self._run)
            self._silence += abs(place - self._run[1])
        self._run = (place, place)
        self._cursor = round(place * SAMPLE_RATE)

    def close(self) -> None:
        """Write what the resampler still holds."""
        from av.error import FFmpegError

        if self._resampler is not None:
            try:
                self._write(self._resampler.resample(None))
            except (FFmpegError, ValueError):
                self.damaged += 1
        self._resampler = None
        if self._run is not None:
            self._cursor = round(self._run[1] * SAMPLE_RATE)

    def _write(self, frames: Sequence[AudioFrame]) -> None:
        for frame in frames:
            samples = frame.to_ndarray()[0]
            self._pieces.append((self._cursor, samples))
            self._cursor += len(samples)

    @property
    def span(self) -> float:
        """Seconds from the first sample to the last."""
        if not self._pieces:
            return 0.0
        end = max(start + len(samples) for start, samples in self._pieces)
        return (end - min(start for start, _ in self._pieces)) / SAMPLE_RATE

    def sound(self, *, is_whole: bool) -> Sound:
        """Everything that was laid."""
        import numpy as np

        if not self._pieces:
            return Sound(np.zeros(0, np.float32), 0.0, tuple(self._notes(is_whole=is_whole)))
        first = min(start for start, _ in self._pieces)
        end = max(start + len(samples) for start, samples in self._pieces)
        whole = np.zeros(end - first, np.float32)
        for start, samples in self._pieces:
            whole[start - first : start - first + len(samples)] = samples
        whole /= np.float32(32768)
        return Sound(whole, first / SAMPLE_RATE, tuple(self._notes(is_whole=is_whole)))

    def _notes(self, *, is_whole: bool) -> Iterator[str]:
        if not is_whole:
            return
        clock = timecode.clock
        runs = sorted([*self._runs, *([self._run] if self._run else [])])
        gaps, covered = [], 0.0
        for start, end in runs:
            if covered and start - covered >= _TOLD_GAP:
                gaps.append(f"{clock(covered)}-{clock(start)}")
            covered = max(covered, end)
        if gaps:
            yield f"no sound is stored at {_some(gaps)}"
        if self._jumps:
            at = _some([clock(jump) for jump in self._jumps])
            yield f"the clock of the sound jumps at {at}: times after it are counted on"
        if self.damaged:
            packets = "1 packet" if self.damaged == 1 else f"{self.damaged} packets"
            yield f"{packets} of sound damaged and left out"
        if self.breaks_off:
            yield f"the sound breaks off at {clock(covered)}"


def _some(places: list[str]) -> str:
    return ", ".join(places[:_TOLD]) + ", …" * (len(places) > _TOLD)
