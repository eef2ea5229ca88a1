"""What a stream of small grey pictures shows: settled states, free of what merely moves.

The method, measured in `benchmarks/slides`: compare pictures a second apart in blocks; ignore
blocks that keep changing (a camera inset, an embedded video, burnt-in subtitles) for as long as
they do; wait until the rest is at rest; compare that with the slide shown before. Only flags are
kept of the past, and pictures of the next `AHEAD` samples: memory does not grow with time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from hashlib import shake_256
from typing import Any

import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
Flags = NDArray[np.bool_]

LONG, SHORT = 320, 180
"""Sides of the small picture, in pixels; portrait videos stand it on end."""
CELL, BLOCK = 5, 4
"""A cell is 5 x 5 pixels, a block 4 x 4 cells: 9 x 16 blocks in all."""
STEP = 18
"""Grey levels that a pixel must move by; twice what codecs and camera noise do to a still."""
AHEAD, RECENT, LONG_AGO = 20, 20, 120
"""Samples looked ahead and back when asking whether a block keeps changing."""
CURSOR = 3
"""A blob of changed cells no larger than this square is a mouse cursor or a page number."""
INSET = 0.3
"""Share of blocks up to which what keeps moving is part of a slide."""
FILM = 0.5
"""Share of blocks in motion from which the picture as a whole is a film."""


@dataclass(frozen=True)
class Sample:
    """A picture at a time; `picture` is whatever the caller wants back."""

    at: float
    grey: Grey
    picture: Any


@dataclass(frozen=True)
class State:
    """Something shown long enough to be read: since `at`, best seen in `picture`."""

    at: float
    grey: Grey
    picture: Any
    mask: Flags
    film: bool = False


@dataclass
class _Entry:
    sample: Sample
    cells: Flags
    blocks: Flags


@dataclass
class StateFinder:
    """Feed it samples in order of time, about one a second; it yields states `AHEAD` later."""

    gap: float = 20.0
    """Least seconds between two pictures of a film."""
    builds: bool = False
    """Whether each step of a slide that grows is a state of its own."""
    _past: deque[Flags] = field(default_factory=lambda: deque(maxlen=LONG_AGO))
    _queue: deque[_Entry] = field(default_factory=deque)
    _recent: deque[Sample] = field(default_factory=lambda: deque(maxlen=8))
    _last: Grey | None = None
    _current: State | None = None
    _mask: Flags = field(default_factory=lambda: np.zeros((1, 1), dtype=np.bool_))
    _started: bool = False
    _rested: float = 0.0

    def news(self, grey: Grey, before: Grey | None = None) -> Flags | None:
        """The pixels in which this differs from the picture `before` it, or the last sample.

        As far as can be told without the samples to come; `None` when it is nothing but the
        cursor and blocks that keep moving.
        """
        before = self._last if before is None else before
        if before is None:
            return None
        pixels = changed_pixels(before, grey)
        if self._mask.mean() <= INSET:  # after a film, the mask is that of the film for a while
            pixels &= ~grow(self._mask, CELL * BLOCK)
        return pixels if is_significant(cell_flags(pixels)) else None

    def feed(self, sample: Sample) -> Iterator[State]:
        """Take the next sample; yields the states that ended."""
        if self._last is None:
            self._last = sample.grey
            self._mask = np.zeros_like(block_flags(changed_cells(sample.grey, sample.grey)))
        cells = changed_cells(self._last, sample.grey)
        self._queue.append(_Entry(sample, cells, block_flags(cells)))
        self._last = sample.grey
        if len(self._queue) > AHEAD:
            yield from self._decide()

    def finish(self) -> Iterator[State]:
        """No more samples: yields what is left."""
        while self._queue:
            yield from self._decide()
        if self._current is not None:
            yield self._current
            self._current = None

    def _decide(self) -> Iterator[State]:
        entry = self._queue.popleft()
        coming = [later.blocks for later in self._queue]
        if not self._started:
            self._rested = entry.sample.at
        film = is_film([*list(self._past)[-6:], entry.blocks, *coming[:6]])
        mask = moving_blocks(list(self._past), coming) if coming or self._past else self._mask
        self._mask = mask
        if film or not self._is_at_rest(entry, mask):
            self._recent.append(entry.sample)
            late = entry.sample.at - self._rested >= self.gap
            yield from self._in_motion(entry.sample, mask, taken=film or late)
        else:
            yield from self._at_rest(entry.sample, mask)
            self._recent.clear()
            self._rested = entry.sample.at
        if self._started:
            self._past.append(entry.blocks)
        self._started = True

    def _is_at_rest(self, entry: _Entry, mask: Flags) -> bool:
        """Nothing but masked blocks moved on the way here (or moves next, at the very start)."""
        if not self._queue:
            return True
        cells = entry.cells if self._started else self._queue[0].cells
        return not is_significant(cells & ~grow(mask))

    def _in_motion(self, sample: Sample, mask: Flags, *, taken: bool) -> Iterator[State]:
        """Films and other unrest: a picture now and then."""
        if not taken or is_blank(sample.grey):
            return
        current = self._current
        if current is not None and sample.at - current.at < self.gap:
            return
        nothing = np.zeros_like(mask)
        yield from self._replace(State(sample.at, sample.grey, sample.picture, nothing, film=True))

    def _at_rest(self, sample: Sample, mask: Flags) -> Iterator[State]:
        current = self._current
        if is_blank(sample.grey):
            return
        if current is None or current.film:
            at = self._since(sample, None)
            yield from self._replace(State(at, sample.grey, sample.picture, mask))
            return
        pixels = grow(mask, CELL * BLOCK)
        change = compare(current.grey, sample.grey, pixels)
        if change == "same":
            known = np.where(pixels, sample.grey, current.grey)
            self._current = State(current.at, known, current.picture, current.mask)
        elif change == "grown" and not self.builds:
            self._current = State(current.at, sample.grey, sample.picture, mask)
        else:
            at = self._since(sample, current.grey)
            yield from self._replace(State(at, sample.grey, sample.picture, mask))

    def _since(self, sample: Sample, before: Grey | None) -> float:
        """When most of what is new in `sample` came up: at a cut the cut, in a fade its middle."""
        at = sample.at
        new = None if before is None else changed_pixels(before, sample.grey)
        for earlier in reversed(self._recent):
            still_missing = changed_pixels(earlier.grey, sample.grey)
            missing = still_missing.mean() if new is None else still_missing[new].mean()
            if missing >= 0.5:
                break
            at = earlier.at
        return at

    def _replace(self, state: State) -> Iterator[State]:
        if self._current is not None:
            yield self._current
        self._current = state


def changed_pixels(before: Grey, after: Grey) -> Flags:
    """The pixels that moved by more than `STEP` grey levels."""
    low, high = np.minimum(before, after), np.maximum(before, after)
    return np.asarray(high - low > STEP, dtype=np.bool_)


def changed_cells(before: Grey, after: Grey) -> Flags:
    """The cells in which at least two pixels changed."""
    return cell_flags(changed_pixels(before, after))


def cell_flags(pixels: Flags) -> Flags:
    """From pixels to cells: two of 25 count, one is noise."""
    ones = pixels.view(np.uint8)  # five strided sums: four times faster than reshaping
    rows = np.add.reduce([ones[offset::CELL] for offset in range(CELL)], dtype=np.uint8)
    cells = np.add.reduce([rows[:, offset::CELL] for offset in range(CELL)], dtype=np.uint8)
    return np.asarray(cells >= 2)


def block_flags(cells: Flags) -> Flags:
    """The blocks that contain a changed cell."""
    height, width = cells.shape
    shape = (height // BLOCK, BLOCK, width // BLOCK, BLOCK)
    return np.asarray(cells.reshape(shape).any(axis=(1, 3)))


def grow(flags: Flags, times: int = BLOCK) -> Flags:
    """From blocks to cells (or, with `CELL * BLOCK`, to pixels)."""
    return flags.repeat(times, axis=0).repeat(times, axis=1)


def is_significant(cells: Flags) -> bool:
    """Whether a connected blob of changed cells is larger than a cursor."""
    spots = np.argwhere(cells)
    if len(spots) <= CURSOR:
        return False
    if len(spots) > 200:  # too much for any number of cursors
        return True
    left = {(int(row), int(column)) for row, column in spots}
    while left:
        if _exceeds_cursor(_take_blob(left)):
            return True
    return False


def _take_blob(left: set[tuple[int, int]]) -> list[tuple[int, int]]:
    """Remove one 8-connected blob from `left` and give it back."""
    blob, todo = [], [left.pop()]
    while todo:
        row, column = todo.pop()
        blob.append((row, column))
        around = {(row + i, column + j) for i in (-1, 0, 1) for j in (-1, 0, 1)} & left
        left -= around
        todo.extend(around)
    return blob


def _exceeds_cursor(blob: list[tuple[int, int]]) -> bool:
    rows = [row for row, _ in blob]
    columns = [column for _, column in blob]
    extent = max(max(rows) - min(rows), max(columns) - min(columns)) + 1
    return extent > CURSOR and len(blob) > 2 * CURSOR - 1


def compare(before: Grey, after: Grey, ignored: Flags) -> str:
    """`same`, `grown` (all that was there still is, and there is more) or `other`."""
    pixels = changed_pixels(before, after) & ~ignored
    if not is_significant(cell_flags(pixels)):
        return "same"
    if is_blank(before):
        return "other"
    lost = pixels & is_drawn(before)
    covers_most = pixels.sum() > 0.4 * max(int((~ignored).sum()), 1)
    return "other" if covers_most or is_significant(cell_flags(lost)) else "grown"


def is_drawn(grey: Grey) -> Flags:
    """The pixels that are part of something drawn: their neighbours differ from them."""
    drawn = np.zeros(grey.shape, dtype=np.bool_)
    rows, columns = changed_pixels(grey[1:], grey[:-1]), changed_pixels(grey[:, 1:], grey[:, :-1])
    drawn[1:] |= rows
    drawn[:-1] |= rows
    drawn[:, 1:] |= columns
    drawn[:, :-1] |= columns
    return drawn


def is_blank(grey: Grey) -> bool:
    """Whether this is the black before, between and after what is shown."""
    return bool(np.percentile(grey[::3, ::3], 99.5) < 40 and grey.mean() < 28)


def is_film(window: list[Flags]) -> bool:
    """Whether most of the picture keeps moving."""
    return bool(keeps_changing(window).mean() > FILM) if window else False


def keeps_changing(window: list[Flags]) -> Flags:
    """Blocks that change often and in a row; slides that follow fast change only now and then."""
    flags = np.array(window)
    count = len(flags)
    twice = (flags[1:] & flags[:-1]).sum(axis=0)
    often = flags.sum(axis=0) >= max(3, 0.35 * count)
    return np.asarray(often & (twice >= max(2, 0.15 * count)))


def moving_blocks(past: list[Flags], coming: list[Flags]) -> Flags:
    """The blocks to ignore now, since they move on their own before, after, or again and again."""
    sides = [np.array(side) for side in (past[-RECENT:], coming) if side]
    each = [keeps_changing(list(side)) for side in sides]
    busy = np.logical_or.reduce(each)
    if busy.mean() > FILM:  # a film that just ended says nothing about the slide after it
        return keeps_changing(coming) if coming else np.zeros_like(busy)
    if len(past) >= LONG_AGO // 2:
        history = np.array(past)
        in_a_row = (history[1:] & history[:-1]).mean(axis=0)
        busy = busy | ((history.mean(axis=0) >= 0.25) & (in_a_row >= 0.04))
    often = np.logical_or.reduce([side.sum(axis=0) >= 3 for side in sides])
    arriving = np.logical_xor.reduce(each) if len(each) > 1 else np.zeros_like(busy)
    rim = (often & _around(busy)) | _around(arriving)
    return np.asarray(busy | rim | _subtitles([*sides, np.array(past or coming)], busy))


def _around(flags: Flags) -> Flags:
    """Flagged blocks and those beside them: the rim of an inset moves less than its middle."""
    padded = np.pad(flags, 1)
    height, width = flags.shape
    shifts = [padded[i : i + height, j : j + width] for i in range(3) for j in range(3)]
    return np.asarray(np.logical_or.reduce(shifts))


def _subtitles(windows: list[NDArray[np.bool_]], busy: Flags) -> Flags:
    """Bottom rows in which blocks change again and again while the rest stands still."""
    found = np.zeros_like(busy)
    lowest = busy.shape[0] - max(2, busy.shape[0] // 5)
    for window in windows:
        alone = (window & ~busy).sum(axis=(1, 2)) <= busy.size // 4
        times = window[alone][:, lowest:].sum(axis=0)
        rows = (times >= max(3, 0.1 * len(window))).sum(axis=1) >= 3
        found[lowest:] |= rows[:, None]
    return found


def picture_hash(grey: Grey, mask: Flags) -> str:
    """A 64-bit perceptual hash in 16 hex digits; pictures alike differ in four bits at most.

    Each bit is the side of a random plane that the picture's outlines lie on (random hyperplane
    hashing: Charikar, STOC 2002), so the share of differing bits is the angle between two pictures
    over pi. On the benchmark's video a slide shown again differs in 0 to 2 bits (6 once the speaker
    is in another corner), one with another bullet in 7 or more, any other in 10 or more; hashes of
    coarse fields or low frequencies, which are made for photographs, could not tell slides of one
    template apart. Masked blocks do not count; a picture without outlines gives 0.
    """
    level = grey.astype(np.float32)
    outlines = np.zeros_like(level)
    outlines[1:] += np.abs(level[1:] - level[:-1])
    outlines[:, 1:] += np.abs(level[:, 1:] - level[:, :-1])
    outlines[outlines < STEP / 2] = 0
    seen = ~grow(mask, CELL * BLOCK)
    if not outlines[seen].any():
        return "0" * 16
    centred = np.where(seen, outlines - outlines[seen].mean(), 0)
    sides = np.einsum("ij,j->i", _planes(centred.size), centred.ravel())  # BLAS would spin threads
    bits = sides > 0
    return np.packbits(bits).tobytes().hex()


@cache
def _planes(size: int) -> NDArray[np.float32]:
    """64 rows of +1 and -1, the same on every machine."""
    stream = np.frombuffer(shake_256(b"video-rag slides").digest(64 * size // 8), dtype=np.uint8)
    return np.unpackbits(stream).reshape(64, size).astype(np.float32) * 2 - 1
