"""Whether a platform's subtitles belong to the video: by length, language, title and speech.

Platforms mix them up: Bilibili serves those of another video now and then. A wrong refusal is
worse than a miss, so only facts refuse: they run on after the end, they are in a language that was
neither promised nor is spoken, or something else is heard. Everything else is a doubt, which makes
us listen to a few seconds when a recogniser is here, and which is told in the notes when none is.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import StatisticsError, correlation

from video_rag.errors import ContentError
from video_rag.model import MediaSet, Transcript, Video
from video_rag.processors._speech import Hear, Verdict, compared
from video_rag.text import timecode, tokens
from video_rag.text.languages import guess

_JUDGED = frozenset({"platform", "platform-auto"})
"""What the owner put beside or inside a video is the owner's choice."""
_MIXED_UP = "bilibili"
"""The site whose automatic subtitles are compared with the speech even without a doubt."""

_BEYOND_SECONDS = 30.0
_BEYOND_SHARE = 0.05
"""A line may begin after the video's end by the larger of these: a share above the 4.3 % between
the frame rates of film and television, and seconds enough for the credits of a short clip."""
_STRAY_SHARE = 0.05
"""Fewer lines than this beyond the end are strays, such as a subtitler's name at 99:59:59."""

_LONG = 300.0
"""Seconds from which a video that is covered in part makes doubtful."""
_ENDS_BEFORE = 0.6
_BEGINS_AFTER = 0.3
"""Shares of a long video."""
_TITLE_WORDS = 3
_MANY_TERMS = 200
"""Words of title and chapters, and index terms of the text, below which a title tells nothing."""

_PIECE = 200
_PIECES = 20
"""Characters of a piece whose language is guessed, and how many are looked at."""
_AGREED = 0.9
"""Share of the pieces that must be in one language."""
_BOTH = (0.05, 0.85)
"""Between these shares of letters that are not Latin a text may be in two languages: below are
names and quotations, above terms and formulas."""
_TOLD_APART = frozenset({"zh", "ja", "ko", "en", "fr", "de", "ru", "ar", "th", "vi", "tr"})
"""Languages that a guess does not take for one another, nor for a near one such as Catalan."""

_TOLD_FROM_THOSE = frozenset(
    {"es", "it", "pt", "nl", "sv", "da", "no", "fi", "pl", "cs", "hu", "ro", "id"}
)
"""Languages that a guess may take for a near one, but for none of those above."""

_SAME_TEXT = 0.9
"""Share of lines two tracks have in common when one was only given another name."""
_RELATED = 0.1
"""Correlation of when two tracks speak, or how much. All of 66 pairs of one talk in English and
Chinese reach it, and a third of 483 pairs of two talks."""
_BIN = 10
"""Seconds in which the amount of text is counted."""
_HINT = "another track, or speech recognition where it is set up, is used instead"

_HAN = re.compile("[\u3400-\u9fff]")
_LETTER = re.compile(r"[^\W\d_]")
_LAST_LATIN = "\u024f"


@dataclass(frozen=True)
class Known:
    """What is known of a video before its words."""

    duration: float | None
    """Seconds; a site that says 0 does not know."""
    title: str
    """With the titles of its chapters."""
    spoken: str | None
    is_mixed_up: bool
    """Whether its site is one that mixes automatic subtitles up."""
    hear: Hear | None
    """None where there is no sound."""


def judged(
    tracks: Sequence[Transcript], video: Video, media: MediaSet, hear: Hear | None
) -> tuple[list[Transcript], list[ContentError]]:
    """The tracks that belong to a video, and for each of the others the reason why not.

    A track that is kept in doubt says so in its notes. Nothing but a platform's tracks is refused.
    """
    chapters = video.chapters or media.chapters
    known = Known(
        duration=media.duration if media.duration is not None else video.duration,
        title="\n".join([video.title, media.title or "", *(one.title for one in chapters)]),
        spoken=video.language,
        is_mixed_up=video.video_id.startswith(_MIXED_UP),
        hear=hear,
    )
    kept: list[Transcript] = []
    refused: list[ContentError] = []
    for track in tracks:
        try:
            kept.append(_looked_at(track, known))
        except ContentError as error:
            refused.append(error)
    return _compared_with_each_other(kept), refused


def _looked_at(track: Transcript, known: Known) -> Transcript:
    """The track as it can be used, with notes. Raises `ContentError` when it does not belong."""
    if track.origin not in _JUDGED:
        return _language_noted(track)
    if known.duration:
        track = _inside(track, known.duration)
    track = _in_its_language(track, known.spoken)
    doubts = list(_doubts(track, known))
    if not doubts and not (known.is_mixed_up and track.origin == "platform-auto"):
        return track
    verdict = _listened(track, known)
    if verdict.fits is False:
        raise _refusal(track, verdict.why)
    if verdict.fits:
        return _noted(track, f"{_name(track)}: {verdict.why}") if verdict.why else track
    if verdict.is_odd:
        doubts.append(verdict.why)
    elif doubts:
        doubts[-1] += f"; not compared with the speech: {verdict.why}"
    return _noted(track, f"{_name(track)} doubtful: {', '.join(doubts)}") if doubts else track


def _listened(track: Transcript, known: Known) -> Verdict:
    """Whether the track is what is said."""
    if known.spoken not in {None, track.language}:
        return Verdict(None, f"{known.spoken} is spoken")
    if known.hear is None:
        return Verdict(None, "no sound is here")
    return compared(track, known.hear, known.duration or track.segments[-1].end)


def _inside(track: Transcript, duration: float) -> Transcript:
    """The track without strays after the end. Raises `ContentError` when it goes on by far."""
    limit = duration + max(_BEYOND_SECONDS, _BEYOND_SHARE * duration)
    inside = tuple(segment for segment in track.segments if segment.start <= limit)
    strays = len(track.segments) - len(inside)
    if not strays:
        return track
    if strays >= _STRAY_SHARE * len(track.segments):
        beyond = timecode.clock(track.segments[-1].end - duration)
        raise _refusal(track, f"they run {beyond} past the end of the video")
    lines = "1 line" if strays == 1 else f"{strays} lines"
    return _noted(
        track.model_copy(update={"segments": inside}),
        f"{_name(track)}: {lines} after the end of the video left out",
    )


def _in_its_language(track: Transcript, spoken: str | None) -> Transcript:
    """The track under the language that its text is in.

    Automatic subtitles are in the spoken language, or a translation that is named as such. Raises
    `ContentError` when they are neither.
    """
    really = _language_of(track)
    if really in {None, track.language}:
        return track
    if track.origin == "platform-auto" and spoken not in {None, really}:
        raise _refusal(track, f"their text is {really}, but {spoken} is spoken")
    return _noted(
        track.model_copy(update={"language": really}), f"{_name(track)}: their text is {really}"
    )


def _language_noted(track: Transcript) -> Transcript:
    really = _language_of(track, _TOLD_FROM_THOSE)
    if really in {None, track.language}:
        return track
    return _noted(track, f"{_name(track)}: their text looks like {really}")


def _language_of(track: Transcript, near: frozenset[str] = frozenset()) -> str | None:
    """The language of a text where it is beyond doubt: neither short nor mixed nor a near one.

    Of two languages, what the track is called and what it looks like, one may be of `near`.
    """
    pieces = list(_pieces(track))
    found = Counter(map(guess, pieces[:: max(1, len(pieces) // _PIECES)]))
    if not found or track.language not in _TOLD_APART | near:
        return None
    language, times = found.most_common(1)[0]
    is_told = language in _TOLD_APART or (language in near and track.language in _TOLD_APART)
    if not is_told or times < _AGREED * found.total():
        return None
    return None if language != track.language and _is_in_both(pieces) else language


def _pieces(track: Transcript) -> Iterator[str]:
    """The text in pieces long enough to tell their language; what is left at the end is dropped."""
    piece = ""
    for segment in track.segments:
        piece += f"{segment.text}\n"
        if len(piece) >= _PIECE:
            yield piece
            piece = ""


def _is_in_both(pieces: Sequence[str]) -> bool:
    """Whether a text may have two languages one above the other, as is common in China."""
    letters: list[str] = _LETTER.findall("".join(pieces))
    share = sum(letter > _LAST_LATIN for letter in letters) / max(1, len(letters))
    return _BOTH[0] <= share <= _BOTH[1]


def _doubts(track: Transcript, known: Known) -> Iterator[str]:
    """What does not prove anything, but is odd."""
    first, last = track.segments[0].start, max(segment.end for segment in track.segments)
    if known.duration and known.duration >= _LONG:
        whole = timecode.clock(known.duration)
        if last < _ENDS_BEFORE * known.duration:
            yield f"they end at {timecode.clock(last)} of {whole}"
        if first > _BEGINS_AFTER * known.duration:
            yield f"they begin at {timecode.clock(first)} of {whole}"
    if _is_titled_alike(track, known) and not _is_on_topic(track, known.title):
        yield "no word of the title is in them"


def _is_titled_alike(track: Transcript, known: Known) -> bool:
    """Whether the title is, as far as can be told, in the language of the track."""
    if known.spoken is not None:
        return known.spoken == track.language
    return guess(known.title) in {track.language, "und"}


def _is_on_topic(track: Transcript, title: str) -> bool:
    """False when a long text has none of the words of its title, in the same script."""
    spoken = Counter(tokens.terms("\n".join(segment.text for segment in track.segments)))
    is_han = sum(n for term, n in spoken.items() if _HAN.match(term)) * 2 > spoken.total()
    wanted = {
        term
        for term in tokens.terms(title)
        if not term.isdigit() and bool(_HAN.match(term)) == is_han
    }
    if len(wanted) < _TITLE_WORDS or spoken.total() < _MANY_TERMS:
        return True
    return not wanted.isdisjoint(spoken)


def _compared_with_each_other(tracks: list[Transcript]) -> list[Transcript]:
    """The tracks, the first of a pair with a note when they cannot be of one talk."""
    for one, other in combinations(range(len(tracks)), 2):
        first, second = tracks[one], tracks[other]
        if first.language != second.language and (why := _odd_pair(first, second)):
            tracks[one] = _noted(tracks[one], f"{_name(first)} and {second.label} {why}")
    return tracks


def _odd_pair(one: Transcript, other: Transcript) -> str:
    lines, others = ({s.text for s in track.segments} for track in (one, other))
    if len(lines & others) >= _SAME_TEXT * max(len(lines), len(others)):
        return "have the same text"
    if min(len(one.segments), len(other.segments)) >= _PIECES and not _are_related(one, other):
        return "do not speak at the same times: one may be of another video"
    return ""


def _are_related(one: Transcript, other: Transcript) -> bool:
    """Whether they pause together, or say much and little at the same times."""
    end = min(one.segments[-1].end, other.segments[-1].end)
    amounts = [_amounts(track, end) for track in (one, other)]
    pauses = [_speaking(track, end) for track in (one, other)]
    for left, right in (amounts, pauses):
        try:
            if correlation(left, right) >= _RELATED:
                return True
        except StatisticsError:  # one speaks evenly all the time: nothing can be told
            return True
    return False


def _amounts(track: Transcript, end: float) -> list[float]:
    """Characters in each `_BIN` of seconds."""
    counted = [0.0] * (int(end / _BIN) + 1)
    for segment in track.segments:
        at = int((segment.start + segment.end) / 2 / _BIN)
        if at < len(counted):
            counted[at] += len(segment.text)
    return counted


def _speaking(track: Transcript, end: float) -> list[float]:
    """1.0 for each second in which there is a line, else 0.0."""
    seconds = [0.0] * (int(end) + 1)
    for segment in track.segments:
        for at in range(int(segment.start), min(int(segment.end) + 1, len(seconds))):
            seconds[at] = 1.0
    return seconds


def _refusal(track: Transcript, why: str) -> ContentError:
    return ContentError(f"{_name(track)} refused: {why}", hint=_HINT)


def _name(track: Transcript) -> str:
    return f"subtitles {track.label}"


def _noted(track: Transcript, note: str) -> Transcript:
    if note in track.notes:  # it was judged before
        return track
    return track.model_copy(update={"notes": (*track.notes, note)})
