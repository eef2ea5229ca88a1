"""Which language is spoken where: told piece by piece, in doubt by what surrounds the video."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from video_rag.media import SAMPLE_RATE
from video_rag.model import MediaSet, Video
from video_rag.text.languages import guess

if TYPE_CHECKING:
    import numpy as np
    from faster_whisper import WhisperModel
    from numpy.typing import NDArray

    Samples = NDArray[np.float32]

SURE = 0.5
"""Probability from which the model's own opinion on the whole is taken."""
_PIECE_SURE = 0.7
"""Probability from which a piece has a language of its own: it is a few seconds only."""
_POSSIBLE = 0.1
"""Share of the best probability that a language must have to be taken for other reasons."""
_SHORT = 300.0
"""Seconds of sound up to which pieces are short, since looking at more of them costs little."""
_PIECE = 10.0
_LONG_PIECE = 28.0
"""Greatest seconds of a piece in short and in long sound; the model looks at 30 at once."""
_LEAST = 1.5
"""Seconds below which a piece takes its language from the piece before."""
_BREATH_MS = 300
"""Silence between two pieces; people who change their language breathe."""
_UNLIKELY = frozenset({"la", "nn", "haw", "jw", "cy", "mi", "bo", "sa", "yi"})
"""What models call noise and mumbling; no piece is written in them on its own."""

_NEIGHBOURS = 200
"""Names of files beside a video that are looked at for their language."""


@dataclass(frozen=True)
class Piece:
    """A stretch of speech in one language, in seconds of the sound."""

    start: float
    end: float
    language: str


@dataclass(frozen=True)
class Spoken:
    """The languages of one sound."""

    main: str
    """The one that is spoken longest."""
    pieces: tuple[Piece, ...] = ()
    """Neighbours differ, and together they cover the sound; none: all of it is in `main`."""
    notes: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class _Stretch:
    start: float
    end: float
    likely: Mapping[str, float]

    @property
    def length(self) -> float:
        return self.end - self.start


def languages_of(
    model: WhisperModel,
    sound: Samples,
    told: str | None,
    hints: Iterable[tuple[str, str]],
) -> Spoken:
    """The language of each piece of a sound.

    `told` is what is known of the whole. `hints` are other languages that are likely, best first,
    each with the reason: they decide where the model is in doubt, which is then a note.
    """
    stretches = [
        _Stretch(start, end, _likely(model, sound, start, end)) for start, end in pieces(sound)
    ]
    if not stretches:  # no voice is heard, and yet we are asked
        end = len(sound) / SAMPLE_RATE
        stretches = [_Stretch(0.0, end, _likely(model, sound, 0.0, min(end, 30.0)))]
    main, notes = (told, ()) if told else _main(stretches, hints)
    own = [_own(stretch, main) for stretch in stretches]
    runs = _runs(stretches, own, len(sound) / SAMPLE_RATE)
    if len(runs) == 1:
        return Spoken(runs[0].language, (), notes)
    return Spoken(_longest(stretches, own), tuple(runs), notes)


def _likely(model: WhisperModel, sound: Samples, start: float, end: float) -> dict[str, float]:
    part = sound[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)]
    _, _, likely = model.detect_language(part)
    return dict(likely)


def pieces(sound: Samples) -> Iterator[tuple[float, float]]:
    """Stretches of speech, cut at breaths, from a few seconds to as long as the model looks."""
    from faster_whisper.vad import VadOptions, get_speech_timestamps

    longest = _PIECE if len(sound) <= _SHORT * SAMPLE_RATE else _LONG_PIECE
    options = VadOptions(min_silence_duration_ms=_BREATH_MS, max_speech_duration_s=longest)
    found = get_speech_timestamps(sound, options)
    begin = end = 0.0
    for one in found:
        start, stop = one["start"] / SAMPLE_RATE, one["end"] / SAMPLE_RATE
        if end and stop - begin > longest:
            yield begin, end
            begin = start
        elif not end:
            begin = start
        end = stop
    if end:
        yield begin, end


def _main(
    stretches: Sequence[_Stretch], hints: Iterable[tuple[str, str]]
) -> tuple[str, tuple[str, ...]]:
    """The likeliest language of the whole, by other reasons where the sound leaves doubt."""
    whole: dict[str, float] = {}
    length = sum(stretch.length for stretch in stretches) or 1.0
    for stretch in stretches:
        for language, share in stretch.likely.items():
            whole[language] = whole.get(language, 0.0) + share * stretch.length / length
    ranked = sorted(whole, key=whole.__getitem__, reverse=True)
    best = ranked[0]
    if whole[best] >= SURE:
        return best, ()
    heard = ", ".join(f"{one} {whole[one]:.0%}" for one in ranked[:2])
    for language, reason in hints:
        if whole.get(language, 0.0) >= _POSSIBLE * whole[best]:
            return language, (f"spoken language in doubt ({heard}): {language}, by {reason}",)
    return best, (f"spoken language in doubt ({heard}): taken for {best}",)


def _own(stretch: _Stretch, main: str) -> str:
    """The language of a stretch: another one than the main one only if that is sure."""
    best = max(stretch.likely, key=stretch.likely.__getitem__)
    is_sure = stretch.likely[best] >= _PIECE_SURE and best not in _UNLIKELY
    return best if is_sure and stretch.length >= _LEAST else main


def _runs(stretches: Sequence[_Stretch], own: Sequence[str], end: float) -> list[Piece]:
    """Neighbours of one language joined; the breath between two runs is shared out."""
    rows = list(zip(stretches, own, strict=True))
    groups = [list(group) for _, group in groupby(rows, key=lambda row: row[1])]
    cuts = [(before[-1][0].end + after[0][0].start) / 2 for before, after in pairwise(groups)]
    edges = [0.0, *cuts, end]
    return [Piece(edges[n], edges[n + 1], group[0][1]) for n, group in enumerate(groups)]


def _longest(stretches: Sequence[_Stretch], own: Sequence[str]) -> str:
    seconds: dict[str, float] = {}
    for stretch, language in zip(stretches, own, strict=True):
        seconds[language] = seconds.get(language, 0.0) + stretch.length
    return max(seconds, key=seconds.__getitem__)


def hints(video: Video, media: MediaSet, path: Path) -> Iterator[tuple[str, str]]:
    """Languages that a video may be in, likeliest first, each with what speaks for it."""
    titles = [video.title, media.title or "", video.stem]
    titles += [chapter.title for chapter in (*video.chapters, *media.chapters)]
    sources = [("its title", "\n".join(titles)), ("its channel", video.channel or media.channel)]
    for reason, text in sources:
        if (language := guess(text or "")) != "und":
            yield language, reason
    if video.source == "folder":
        try:
            names = sorted(one.stem for one in path.parent.iterdir())[:_NEIGHBOURS]
        except OSError:  # a folder may let us read a file and not list it
            names = []
        if (language := guess(" \n".join(names))) != "und":
            yield language, "the names beside it"
    for language in media.languages:
        yield language, "[library] languages"
