"""The stage `listen`: whose words are a video's, and what of them is kept."""

from __future__ import annotations

from collections.abc import Callable

from video_rag.errors import BackendError, ContentError, NeedsExtra, UsageError
from video_rag.model import Media, MediaSet, Segment, Transcript, Transcripts, Video
from video_rag.pipeline import before
from video_rag.pipeline.tools import Tools, is_gone, located
from video_rag.pipeline.work import Work
from video_rag.plugins import Part
from video_rag.processors import Listener, Transcriber, belonging, inputs_of, leading
from video_rag.settings.redaction import redact

_KEPT = ("heard@", "pieces@")


def listen(work: Work, tools: Tools) -> Transcripts:
    """Take the words of the first transcriber that has any that belong to the video.

    A file that one transcriber cannot read, a platform's subtitles that belong to another video,
    and forced subtitles are a note when there are other words, else the error.
    """
    video = work.read("video", Video)
    media = work.read("media", MediaSet).model_copy(
        update={"sound_track": tools.sound_track, "languages": tuple(tools.languages)}
    )
    before.heard(work, tools.transcribers, tools.languages)
    work.kept |= {name: row for name, row in work.results.items() if name.startswith(_KEPT)}
    hear = _hearing(work, media, tools)
    refused: list[ContentError] = []
    for transcriber in tools.transcribers:
        try:
            tracks = _heard(work, transcriber, video, media, tools)
            tracks, foreign = belonging.judged(tracks, video, media, hear)
            tracks, unfit = leading.transcripts_of(tracks, media)
            refused += [*foreign, *unfit]
        except ContentError as error:
            refused.append(error)
            continue
        except (BackendError, UsageError) as error:
            for earlier in refused:
                error.add_note(str(earlier))
            raise
        if tracks:
            notes = tuple(redact(str(error)) for error in refused)
            ordered = leading.main_first(tracks, video.language, tools.languages)
            return Transcripts(tracks=ordered, notes=notes)
    if refused and not media.has_picture:
        raise _with_notes(refused[0], media)
    return Transcripts(notes=tuple(redact(str(error)) for error in refused))


def _with_notes(error: ContentError, media: MediaSet) -> ContentError:
    """The error, with what was left out before: a video whose subtitles were the last hope."""
    return (
        ContentError(" · ".join([str(error), *media.notes]), hint=error.hint)
        if media.notes
        else error
    )


def _heard(
    work: Work, part: Part[Transcriber], video: Video, media: MediaSet, tools: Tools
) -> list[Transcript]:
    """What a transcriber gives, or gave before for the same; a refusal is remembered, too."""
    name, inputs = f"heard@{part.name}", inputs_of(part.plugin, video, media)
    known = work.earlier(
        name, part, inputs, Transcripts, is_gone=lambda: is_gone(media.files, tools)
    )
    if known is None:
        work.kept.pop(name, None)  # of other inputs, or of a version that is worse
        try:
            tracks = part.get().transcribe(video, media, located(work, tools), work.progress)
        except ContentError as error:
            work.keep(name, part, inputs, Transcripts(notes=(redact(str(error)),)))
            raise
        known = Transcripts(tracks=tuple(tracks))
        work.keep(name, part, inputs, known)
    if known.notes:
        raise ContentError(" · ".join(known.notes))
    return list(known.tracks)


def _hearing(
    work: Work, media: MediaSet, tools: Tools
) -> Callable[[float, float], str | None] | None:
    """A way to have some seconds of the video recognised; None when it has no sound."""
    sounds = (*media.of("audio"), *media.of("video")) if media.has_speech_track else ()
    if not sounds:
        return None
    ears = [_Ear(work, part, sounds[0], tools) for part in tools.transcribers]

    def hear(start: float, seconds: float) -> str | None:
        told = (ear.hear(start, seconds) for ear in ears)
        return next((said for said in told if said is not None), None)

    return hear


class _Ear:
    """A recogniser that is asked for single pieces of a video, for each of them once.

    What it heard is kept by itself, as its whole transcript is: judging subtitles anew must not
    recognise anything again, nor fetch the sound for it. Each piece is a segment; '' is silence.
    """

    def __init__(self, work: Work, part: Part[Transcriber], sound: Media, tools: Tools) -> None:
        self._work, self._part, self._sound, self._tools = work, part, sound, tools
        self._name = f"pieces@{part.name}"
        # a listener need not know of tracks
        self._wished = [tools.sound_track] if tools.sound_track else []
        self._inputs = [sound.digest, *self._wished]
        known = work.earlier(
            self._name, part, self._inputs, Transcript, is_gone=lambda: is_gone([sound], tools)
        )
        if known is None:
            work.kept.pop(self._name, None)  # of other sound, or of a version that is worse
        self._pieces = known.segments if known else ()

    def hear(self, start: float, seconds: float) -> str | None:
        """What is said there; None when that cannot be told here and now. Raises `ContentError`."""
        place = start, start + seconds
        said = next((one.text for one in self._pieces if (one.start, one.end) == place), None)
        if said is None:
            said = self._listened(start, seconds)
            if said is not None:
                piece = Segment(start=start, end=start + seconds, text=said)
                self._pieces = (*self._pieces, piece)
                heard = Transcript(language="und", origin="asr", segments=self._pieces)
                self._work.keep(self._name, self._part, self._inputs, heard)
        return said

    def _listened(self, start: float, seconds: float) -> str | None:
        try:
            listener = self._part.get()
        except NeedsExtra:
            return None
        if not isinstance(listener, Listener):
            return None
        path = located(self._work, self._tools)(self._sound.path)
        return listener.hear(path, start, seconds, *self._wished)
