"""Which track of a video is its transcript: by what it is for, and how much of the video it has.

Forced subtitles hold signs and foreign speech alone, a commentary is another talk, and half a
translation is no transcript: none of them leads where something better is here. What is left out
is told.
"""

from __future__ import annotations

from collections.abc import Sequence

from video_rag.errors import ContentError
from video_rag.model import BEST_ORIGIN, MediaSet, Transcript
from video_rag.text.labels import COMMENTARY, DEFAULT, FORCED, HEARING_IMPAIRED

_LONG = 300.0
"""Seconds from which the share of a video that a track covers says what it is."""
_FULL = 0.3
"""A track marked as forced that covers so much of a long video has what is said: muxers set the
mark also so that a player shows the only track."""
_PART = 0.5
"""A track that covers less than this share of what the fullest one does leads no document."""
_THIN = 0.05
"""Below it a long video has more to say than its subtitles: told, as speech may be rare."""


def with_coverage(track: Transcript, duration: float | None) -> Transcript:
    """A subtitle with the share of `duration` seconds in which it shows a line."""
    if not duration or track.origin in {"asr", "slides"}:
        return track
    shown, until = 0.0, 0.0
    for segment in sorted(track.segments, key=lambda one: one.start):
        start, end = max(segment.start, until), min(segment.end, duration)
        shown += max(0.0, end - start)
        until = max(until, end)
    return track.model_copy(update={"coverage": round(min(1.0, shown / duration), 3)})


def transcripts_of(
    tracks: Sequence[Transcript], media: MediaSet
) -> tuple[list[Transcript], list[ContentError]]:
    """The tracks that are transcripts, and for each of the others the reason why not.

    Subtitles without a video are all there is, so they stay whatever they are for.
    """
    if not media.of("video") and not media.of("audio"):
        return list(tracks), []
    tracks = [with_coverage(track, media.duration) for track in tracks]
    forced = [track for track in tracks if _is_forced(track, media.duration)]
    others = [track for track in tracks if track not in forced]
    plain = [track for track in others if COMMENTARY not in track.roles]
    commentaries = [track for track in others if track not in plain] if plain else []
    refused = [_left_out(track, "forced: only signs and foreign speech") for track in forced]
    refused += [_left_out(track, "a commentary, not what is said") for track in commentaries]
    return [_thin_noted(track, media) for track in plain or others], refused


def main_first(
    tracks: Sequence[Transcript], spoken: str | None, wished: Sequence[str]
) -> tuple[Transcript, ...]:
    """The main track first.

    That is the speaker's language if known, then the best origin, the preferred language, the one
    without descriptions of sounds, and the file's default; but none that has far less than others.
    """
    fullest = max((track.coverage or 0.0 for track in tracks), default=0.0)

    def is_part(track: Transcript) -> bool:
        return track.coverage is not None and track.coverage < _PART * fullest

    def rank(track: Transcript) -> tuple[bool, bool, int, int, bool, bool]:
        place = wished.index(track.language) if track.language in wished else len(wished)
        return (
            is_part(track),
            track.language != spoken,
            BEST_ORIGIN.index(track.origin),
            place,
            HEARING_IMPAIRED in track.roles,
            DEFAULT not in track.roles,
        )

    ordered = sorted(tracks, key=rank)
    parts = [track for track in ordered if is_part(track)]
    if parts:
        notes = (*ordered[0].notes, *(_part_note(track) for track in parts))
        ordered[0] = ordered[0].model_copy(update={"notes": notes})
    return tuple(ordered)


def _is_forced(track: Transcript, duration: float | None) -> bool:
    is_long = duration is not None and duration >= _LONG
    return FORCED in track.roles and not (is_long and (track.coverage or 0.0) >= _FULL)


def _thin_noted(track: Transcript, media: MediaSet) -> Transcript:
    is_long = media.duration is not None and media.duration >= _LONG
    if not is_long or track.coverage is None or track.coverage >= _THIN:
        return track
    return track.model_copy(
        update={
            "notes": (*track.notes, f"{_name(track)} cover only {track.coverage:.1%} of the video")
        }
    )


def _left_out(track: Transcript, why: str) -> ContentError:
    return ContentError(
        f"{_name(track)} left out: {why}",
        hint="put the full subtitles beside the video, or set up speech recognition",
    )


def _part_note(track: Transcript) -> str:
    return f"{_name(track)} do not lead: they cover {track.coverage:.0%} of the video, others more"


def _name(track: Transcript) -> str:
    return f"subtitles {track.label}"
