"""The stage `listen`: whose words are a video's, and what of them is kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from video_rag.errors import BackendError, ContentError, NeedsExtra, UsageError
from video_rag.model import MediaSet, Transcript, Transcripts, Video
from video_rag.pipeline import before
from video_rag.pipeline.tools import Tools, is_gone, located
from video_rag.pipeline.work import Work
from video_rag.plugins import Part
from video_rag.processors import Listener, Transcriber, belonging, inputs_of, leading


def listen(work: Work, tools: Tools) -> Transcripts:
    """Take the words of the first transcriber that has any that belong to the video.

    A file that one transcriber cannot read, a platform's subtitles that belong to another video,
    and forced subtitles are a note when there are other words, else the error.
    """
    video = work.read("video", Video)
    media = work.read("media", MediaSet).model_copy(
        update={"sound_track": tools.sound_track, "languages": tuple(tools.languages)}
    )
    locate = located(work, tools)
    hear = _hearing(media, tools, locate)
    before.heard(work, tools.transcribers, tools.languages)
    work.kept |= {name: row for name, row in work.results.items() if name.startswith("heard@")}
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
            notes = tuple(str(error) for error in refused)
            ordered = leading.main_first(tracks, video.language, tools.languages)
            return Transcripts(tracks=ordered, notes=notes)
    if refused and not media.has_picture:
        raise refused[0]
    return Transcripts(notes=tuple(str(error) for error in refused))


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
            work.keep(name, part, inputs, Transcripts(notes=(str(error),)))
            raise
        known = Transcripts(tracks=tuple(tracks))
        work.keep(name, part, inputs, known)
    if known.notes:
        raise ContentError(" · ".join(known.notes))
    return list(known.tracks)


def _hearing(
    media: MediaSet, tools: Tools, locate: Callable[[str], Path]
) -> Callable[[float, float], str | None] | None:
    """A way to have some seconds of the video recognised; None when it has no sound."""
    sounds = (*media.of("audio"), *media.of("video")) if media.has_speech_track else ()
    if not sounds:
        return None
    wished = [tools.sound_track] if tools.sound_track else []  # a listener need not know tracks

    def hear(start: float, seconds: float) -> str | None:
        for transcriber in tools.transcribers:
            try:
                listener = transcriber.get()
            except NeedsExtra:
                continue
            if isinstance(listener, Listener):
                said = listener.hear(locate(sounds[0].path), start, seconds, *wished)
                if said is not None:
                    return said
        return None

    return hear
