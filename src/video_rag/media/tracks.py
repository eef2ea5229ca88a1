"""Which of several tracks is the film, and which is listened to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from video_rag.media.opening import opened, packets, unbroken
from video_rag.text.languages import normalise

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

_STILLS = frozenset({"mjpeg", "png", "bmp", "gif", "webp", "tiff", "jpegxl", "jpeg2000"})
"""Codecs in which covers are stored; films may be, too."""
_ASIDE = ("commentary", "description", "described", "评论", "解说")
"""In the name of a track that is not the talk itself."""
_LOOKED_AT = 5_000
"""Packets by which every track has shown whether it moves."""
_MOVES = 1.0
"""Seconds between the first and the last picture of what moves."""


def film(container: InputContainer, path: Path) -> VideoStream | None:
    """The video track with the moving picture; a cover, marked as one or not, is none, and so is
    what no decoder here knows.

    Of several the default one, then the largest.
    """
    from av.stream import Disposition

    covers = Disposition.attached_pic | Disposition.still_image | Disposition.timed_thumbnails
    streams = [one for one in container.streams.video if one.codec_context is not None]
    found = [one for one in streams if not one.disposition & covers]
    doubtful = len(found) > 1 or any(one.codec_context.name in _STILLS for one in found)
    if not doubtful:
        return found[0] if found else None
    moving = _moving(path, [one.index for one in found])

    def rank(one: VideoStream) -> tuple[bool, bool, int]:
        is_default = bool(one.disposition & Disposition.default)
        return one.index not in moving, not is_default, -(one.width * one.height)

    best = min(found, key=rank)
    is_still = best.index not in moving and best.codec_context.name in _STILLS
    return None if is_still and container.streams.audio else best


def _moving(path: Path, indices: Sequence[int]) -> set[int]:
    """The tracks, by index, whose packets lie apart; looked for in a container of its own."""
    first: dict[int, float] = {}
    moving: set[int] = set()
    with opened(path) as container:
        streams = [container.streams[index] for index in indices]
        # of what is damaged further on, what was seen decides
        for number, packet in enumerate(unbroken(packets(container, *streams))):
            if number > _LOOKED_AT or len(moving) == len(indices):
                break
            if packet.pts is None or packet.time_base is None:
                continue
            index, at = packet.stream.index, float(packet.pts * packet.time_base)
            if abs(at - first.setdefault(index, at)) >= _MOVES:
                moving.add(index)
    return moving


@dataclass(frozen=True)
class SoundTracks:
    """The sound tracks of a file in the order in which they are asked for speech."""

    groups: tuple[tuple[int, ...], ...]
    """Numbers from 0, best first; those in one group are told apart by nothing but their sound."""
    names: tuple[str, ...]
    """Each track for people: `2 (de, Director's commentary)`."""
    note: str = ""
    """What was wished and cannot be had."""


def sound_tracks(path: Path, wished: str, spoken: str | None) -> SoundTracks:
    """Who is listened to first: the track wished for (a number from 1, or a language), else the
    default one, else those in the spoken language; commentaries and descriptions last.

    A wish that can be met leaves no choice. Raises `ContentError`.
    """
    with opened(path) as container:
        streams = list(container.streams.audio)
        names = tuple(_named(number, one) for number, one in enumerate(streams, start=1))
        taken = _wished(streams, wished)
        if taken:
            return SoundTracks((tuple(taken),), names)
        ranks = _ranks(streams, spoken)
    order = sorted(range(len(ranks)), key=lambda number: (ranks[number], number))
    groups = tuple(tuple(group) for _, group in groupby(order, key=ranks.__getitem__))
    note = f"there is no sound track {wished!r}, as [pipeline] sound_track wishes"
    return SoundTracks(groups, names, note if wished and names else "")


def _wished(streams: Sequence[Any], wished: str) -> list[int]:
    if wished.isdecimal():
        return [int(wished) - 1] if 0 < int(wished) <= len(streams) else []
    tag = normalise(wished)
    return [n for n, one in enumerate(streams) if tag and _language(one) == tag]


def _ranks(streams: Sequence[Any], spoken: str | None) -> list[tuple[bool, bool, bool]]:
    """Lower is better. Where all are default, as in Matroska if nothing is said, none is."""
    from av.stream import Disposition

    aside = Disposition.comment | Disposition.visual_impaired | Disposition.descriptions
    aside |= Disposition.karaoke | Disposition.clean_effects
    default = [n for n, one in enumerate(streams) if one.disposition & Disposition.default]
    ranks = []
    for number, one in enumerate(streams):
        title = one.metadata.get("title", "").lower()
        is_aside = bool(one.disposition & aside) or any(word in title for word in _ASIDE)
        is_spoken = spoken is not None and _language(one) == spoken
        ranks.append((is_aside, default != [number], not is_spoken))
    return ranks


def _language(stream: Any) -> str | None:
    return normalise(stream.metadata.get("language"))


def _named(number: int, stream: Any) -> str:
    facts = [_language(stream), " ".join(stream.metadata.get("title", "").split())]
    known = ", ".join(fact for fact in facts if fact)
    return f"{number} ({known})" if known else str(number)
