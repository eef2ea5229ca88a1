"""Subtitle files and the subtitle tracks inside video files.

Files in the wild are dirty; every oddity is read, or refused with file, line and reason, or named
in `Transcript.notes`. Nothing is dropped in silence.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from video_rag.errors import ContentError, NotFound
from video_rag.model import Media, MediaSet, Origin, Segment, Transcript, join_lines
from video_rag.processors import Progress
from video_rag.processors.subtitles.cues import Cue, Parsed
from video_rag.processors.subtitles.encoding import decode, named_language
from video_rag.processors.subtitles.formats import parse
from video_rag.processors.subtitles.neighbours import beside, frame_rate
from video_rag.processors.subtitles.speakers import with_speakers
from video_rag.processors.subtitles.tidy import notes_of, tidy
from video_rag.processors.subtitles.tracks import TEXT_CODECS, read_tracks
from video_rag.text import timecode
from video_rag.text.languages import guess, normalise

_PICTURES = b"\x00\x00\x01\xba"
"""How an MPEG program stream begins; DVD subtitles are one, with the suffix of MicroDVD."""
_LARGEST = 64 * 2**20
"""Bytes; a day of subtitles has 3 MB, so this is something else."""
_BEYOND_SHARE = 0.1
_BEYOND_SECONDS = 30.0
"""A cue may begin after the video's end by the larger of these: a share above the 4.3 % between the
frame rates of film and television, and seconds enough for the credits of a short clip."""
_STRAY_SHARE = 0.05
"""Fewer cues than this beyond the end are strays, such as a subtitler's name at 99:59:59."""


def read_all(
    media: MediaSet, locate: Callable[[str], Path], progress: Progress
) -> list[Transcript]:
    """See `Subtitles.transcribe`."""
    found: list[Transcript | ContentError] = []
    files = media.of("subtitles")
    for number, file in enumerate(files):
        path = locate(file.path)
        progress(number / len(files), f"reading {path.name}")
        duration = media.duration if len(files) < len(media.files) else None
        rate = partial(frame_rate, [locate(other.path) for other in media.of("video")])
        found.append(_sidecar(path, file, duration, rate))
    for file in media.of("video"):
        path = locate(file.path)
        progress(1.0, f"looking for subtitles in {path.name}")
        found += _embedded(path)
    good = [track for track in found if isinstance(track, Transcript)]
    return _with_refused(good, [one for one in found if isinstance(one, ContentError)])


def _sidecar(
    path: Path, file: Media, duration: float | None, rate: Callable[[], float | None]
) -> Transcript | ContentError:
    """The transcript of one subtitle file, or why there is none."""
    try:
        track = read_subtitles(
            path, language=file.language, origin=file.origin or "sidecar", rate=rate
        )
        name = path.name if track.origin == "sidecar" else ""
        track = track.model_copy(update={"roles": file.roles, "name": name})
        is_platforms = track.origin in {"platform", "platform-auto"}  # judged by `belonging`
        return track if duration is None or is_platforms else _fitting(track, duration, path)
    except ContentError as error:
        return error


def _embedded(path: Path) -> list[Transcript | ContentError]:
    """The transcripts of a video file's subtitle tracks, or why there is none."""
    try:
        tracks = read_tracks(path)
    except ContentError as error:
        return [error]
    found: list[Transcript | ContentError] = []
    for track in tracks:
        name = f"{path}: subtitle track {track.number} ({track.codec})"
        if track.codec not in TEXT_CODECS:
            hint = "put a subtitle file of the same name beside the video"
            found.append(ContentError(f"{name} is not text and was not read", hint=hint))
        elif transcript := _transcript(track.parsed, track.language, "embedded"):
            told = {"roles": track.roles, "name": track.name}
            found.append(transcript.model_copy(update=told))
        else:
            found.append(ContentError(f"{name} is empty"))
    return found


def _fitting(track: Transcript, duration: float, path: Path) -> Transcript:
    """The track, if it can belong to a video of this length; a few stray cues are cut off.

    Raises `ContentError` when it goes on after the end of the video by far.
    """
    limit = duration + max(_BEYOND_SECONDS, _BEYOND_SHARE * duration)
    inside = tuple(segment for segment in track.segments if segment.start <= limit)
    strays = len(track.segments) - len(inside)
    if not strays:
        return track
    last = track.segments[-1].start
    if strays >= _STRAY_SHARE * len(track.segments):
        raise ContentError(
            f"{path} belongs to another video: it goes on until {timecode.clock(last)}, "
            f"the video ends at {timecode.clock(duration)}",
            hint="check which video it was made for, and rename or remove it",
        )
    cues = "1 cue" if strays == 1 else f"{strays} cues"
    note = f"{cues} dropped: after the end of the video (the last at {timecode.clock(last)})"
    return track.model_copy(update={"segments": inside, "notes": (*track.notes, note)})


def _with_refused(good: list[Transcript], refused: list[ContentError]) -> list[Transcript]:
    """The good tracks, the first one telling about the others; raises when there is none."""
    if refused and not good:
        reasons = "; ".join(str(error) for error in refused)
        raise ContentError(reasons, hint=refused[0].hint)
    if not refused:
        return good
    notes = (*good[0].notes, *(str(error) for error in refused))
    return [good[0].model_copy(update={"notes": notes}), *good[1:]]


def read_subtitles(
    path: Path,
    *,
    language: str | None = None,
    origin: Origin = "sidecar",
    rate: Callable[[], float | None] | None = None,
) -> Transcript:
    """The transcript in a subtitle file of any kind in `formats`.

    `language` is what its name or the platform says; else the file's header, else its words decide.
    Raises `NotFound` when there is no such file, and `ContentError` with file, line and reason when
    nothing in it can be used. `rate` tells the video's frames per second.
    """
    data = _read(path)
    if data.startswith(_PICTURES):
        raise ContentError(
            f"{path}: no cues found: subtitles as pictures (VobSub) are not read",
            hint="give them as text, such as SubRip (.srt)",
        )
    frames = rate() if rate and path.suffix.lower() == ".sub" else None
    named = normalise(language) or named_language(data)
    text, encoding_note = decode(data, named, lambda: beside(path))
    parsed = parse(text, frames)
    if named is None and encoding_note and (said := _language_of(parsed)):
        # two encodings may give the same ASCII words, and those the language, which then decides
        again, note = decode(data, said, lambda: beside(path))
        if again != text:
            encoding_note, parsed = note, parse(again, frames)
    transcript = _transcript(parsed, language or parsed.language, origin, encoding_note)
    if transcript is None:
        why = parsed.other or "; ".join(notes_of(parsed.problems, parsed.place))
        raise ContentError(
            f"{path}: no cues found (is it a subtitle file?){': ' * bool(why)}{why}",
            hint="give a WebVTT, SubRip (.srt), SubStation Alpha (.ass, .ssa), TTML, .sbv, .lrc or "
            "MicroDVD (.sub) file, or Bilibili's or YouTube's JSON",
        )
    return transcript


def _language_of(parsed: Parsed) -> str | None:
    """The language that the words of a file look like."""
    found = guess("\n".join(line for cue in parsed.cues for line in cue.lines))
    return None if found == "und" else found


def _transcript(
    parsed: Parsed, language: str | None, origin: Origin, note: str = ""
) -> Transcript | None:
    """The tidied cues as a transcript; None when there are no words."""
    segments = tuple(map(_segment, with_speakers(tidy(parsed))))
    if not segments:
        return None
    return Transcript(
        language=normalise(language) or guess("\n".join(segment.text for segment in segments)),
        origin=origin,
        segments=segments,
        notes=(*filter(None, [note]), *notes_of(parsed.problems, parsed.place)),
    )


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > _LARGEST:
            raise ContentError(
                f"{path}: too large for a subtitle file ({path.stat().st_size} bytes)",
                hint="check that it is not a video with a subtitle's name",
            )
        return path.read_bytes()
    except FileNotFoundError as error:
        raise NotFound(f"{path} does not exist", hint="check the path") from error
    except OSError as error:
        raise ContentError(
            f"{path} cannot be read: {error.strerror}", hint="check its permissions and its disk"
        ) from error


def _segment(cue: Cue) -> Segment:
    end = cue.start if cue.end is None else cue.end
    return Segment(start=cue.start, end=end, text=join_lines(cue.lines), speaker=cue.speaker)
