"""fetch · listen · look · read · compose · save: one short function each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from video_rag.composers import Composer
from video_rag.digest import of_bytes
from video_rag.errors import BackendError, ContentError, NeedsExtra, UsageError
from video_rag.model import (
    Document,
    Frame,
    Frames,
    Media,
    MediaSet,
    Page,
    Slide,
    Slides,
    Transcript,
    Transcripts,
    Video,
)
from video_rag.net import guard
from video_rag.pipeline import before
from video_rag.pipeline.files import discard, write
from video_rag.pipeline.work import Work
from video_rag.plugins import Part
from video_rag.processors import (
    Listener,
    Reader,
    Sampler,
    Transcriber,
    belonging,
    inputs_of,
    leading,
)
from video_rag.renderers import Renderer
from video_rag.sources import Source
from video_rag.text import timecode


@dataclass(frozen=True)
class Tools:
    """The plug-ins and folders that the stages work with."""

    sources: Mapping[str, Source]
    transcribers: Sequence[Part[Transcriber]]
    sampler: Part[Sampler] | None
    reader: Part[Reader] | None
    composer: Part[Composer]
    renderer: Part[Renderer]
    media: Path
    documents: Path
    languages: Sequence[str]
    sound_track: str = ""

    def locate(self, path: str) -> Path:
        """Where a `Media.path` really lies."""
        return self.media / path

    def link(self, video: Video) -> Callable[[float], str]:
        """From seconds to a link that opens this video there."""
        source = self.sources[video.source]
        return lambda seconds: source.link(video, seconds)


def fetch(work: Work, tools: Tools) -> MediaSet:
    """Bring the files of a video here."""
    video = work.read("video", Video)
    with work.scratch() as scratch:
        return tools.sources[video.source].fetch(video, scratch)


def located(work: Work, tools: Tools) -> Callable[[str], Path]:
    """Where a file of this video lies; one that was dropped when it was ready is fetched again."""

    def locate(path: str) -> Path:
        place = tools.locate(path)
        if place.exists() or Path(path).is_absolute():
            return place
        kinds = {file.path: file.kind for file in work.read("media", MediaSet).files}
        again = fetch(work, tools)
        files = [file for file in again.files if file.path == path] or again.of(kinds[path])
        if not files:
            raise ContentError(f"{path} is gone, and fetching the video again did not bring it")
        return tools.locate(files[0].path)

    return locate


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
        name, part, inputs, Transcripts, is_gone=lambda: _is_gone(media.files, tools)
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


def _is_gone(files: Sequence[Media], tools: Tools) -> bool:
    """Whether one of these is not here any more, though it was: it would be fetched again."""
    return any(not (Path(f.path).is_absolute() or tools.locate(f.path).exists()) for f in files)


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


def look(work: Work, tools: Tools) -> Frames:
    """Take the frames at which a slide changes.

    A picture that cannot be decoded is a note where there may be words, else the error.
    """
    media = work.read("media", MediaSet)
    if tools.sampler is None or not media.has_picture:
        return Frames()
    film, name = media.of("video")[0], f"seen@{tools.sampler.name}"
    before.seen(work, tools.sampler)
    known = work.earlier(
        name, tools.sampler, film.digest, Frames, is_gone=lambda: _is_gone([film], tools)
    )
    if known and all(work.blobs.exists(frame.image) for frame in known.frames):
        work.images += [frame.image for frame in known.frames]
        return known
    work.kept.clear()
    made = _sampled(work, tools.sampler, located(work, tools)(film.path), media)
    work.keep(name, tools.sampler, film.digest, made)
    return made


def _sampled(work: Work, sampler: Part[Sampler], path: Path, media: MediaSet) -> Frames:
    """The frames that can be taken: without words the error is the video's, else a note."""
    frames: list[Frame] = []
    notes: tuple[str, ...] = ()
    try:
        shots = sampler.get().sample(path, work.progress)
        frames.extend(
            Frame(at=shot.at, image=work.put_image(shot.jpeg), phash=shot.phash) for shot in shots
        )
    except ContentError as error:
        if not (frames or media.has_speech_track or media.of("subtitles")):
            raise
        notes = (str(error),)
    return Frames(frames=tuple(frames), notes=notes)


def read(work: Work, tools: Tools) -> Slides:
    """Read the text of each frame; equal pictures are read once, and one that fails is a note."""
    looked = work.read("frames", Frames)
    frames = looked.frames
    media = work.read("media", MediaSet)
    ends = [*(frame.at for frame in frames[1:]), max(media.duration or 0.0, _last(frames))]
    reader = tools.reader if frames else None
    seen = {slide.image: slide for slide in _read_before(work, reader).slides}
    slides = []
    notes, unread = list(looked.notes), set[str]()
    for number, (frame, end) in enumerate(zip(frames, ends, strict=False)):
        work.progress(number / len(frames), f"slide {number + 1} of {len(frames)}")
        known = seen.get(frame.image)
        if known is None:
            try:
                lines = reader.get().read(work.blobs.get(frame.image)) if reader else []
            except ContentError as error:
                lines = []
                unread.add(frame.image)
                notes.append(f"the slide at {timecode.clock(frame.at)} could not be read: {error}")
            known = Slide(start=frame.at, end=end, image=frame.image, lines=tuple(lines))
            seen[frame.image] = known
        slides.append(known.model_copy(update={"start": frame.at, "end": end}))
    if reader:
        good = tuple(slide for slide in slides if slide.image not in unread)
        work.keep(f"lines@{reader.name}", reader, None, Slides(slides=good))
    return Slides(slides=tuple(slides), notes=tuple(notes))


def _read_before(work: Work, reader: Part[Reader] | None) -> Slides:
    """Pictures with the lines that were read in them before."""
    if reader is None:
        return Slides()
    before.lines(work, reader)
    return work.earlier(f"lines@{reader.name}", reader, None, Slides) or Slides()


def _last(frames: Sequence[Frame]) -> float:
    return frames[-1].at if frames else 0.0


def compose(work: Work, tools: Tools) -> Document:
    """Interleave speech and slides."""
    media, transcripts = work.read("media", MediaSet), work.read("transcript", Transcripts)
    video = with_media_facts(work.read("video", Video), media)
    if transcripts.main and transcripts.main.segments:
        language, end = transcripts.main.language, transcripts.main.segments[-1].end
        known = {"language": video.language or language, "duration": video.duration or end}
        video = video.model_copy(update=known)
    return tools.composer.get().compose(video, media, transcripts, work.read("slides", Slides))


def with_media_facts(video: Video, media: MediaSet) -> Video:
    """A video with what the look inside its file and at its own page told; a given title stays."""
    known = {
        "title": video.title if video.is_title_given else media.title or video.title,
        "duration": media.duration if media.duration is not None else video.duration,
        "published": media.published or video.published,
        "channel": media.channel or video.channel,
        "chapters": video.chapters or media.chapters,
    }
    return video.model_copy(update=known)


def save(work: Work, tools: Tools) -> Page:
    """Write the readable file of a document and its pictures where people look for them."""
    document = work.read("document", Document)
    tag = of_bytes(document.document_id.encode())[:8]
    name = f"{guard.safe_name(document.video.title)} [{tag}]"
    pictures = {s.image: f"{name}/{s.image[:12]}.jpg" for s in document.slides}
    renderer = tools.renderer.get()
    data = renderer.render(
        document, tools.link(document.video), lambda slide: pictures[slide.image]
    )
    page = Page(
        path=name + renderer.suffix,
        digest=of_bytes(data),
        language=document.video.language,
        duration=document.video.duration,
        files=tuple(pictures.values()),
    )
    for image, path in pictures.items():
        write(tools.documents / path, work.blobs.get(image))
    write(tools.documents / page.path, data)
    earlier = work.previous("page", Page)
    if earlier:
        discard(tools.documents, {earlier.path, *earlier.files} - {page.path, *page.files})
    return page
