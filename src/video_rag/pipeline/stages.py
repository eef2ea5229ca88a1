"""fetch · listen · look · read · compose · save: one short function each."""

from __future__ import annotations

from collections.abc import Collection, Generator, Sequence
from contextlib import closing
from pathlib import Path

from video_rag.digest import of_bytes
from video_rag.errors import ContentError
from video_rag.model import (
    Document,
    Frame,
    Frames,
    Line,
    MediaSet,
    Page,
    Slide,
    Slides,
    Transcripts,
    Video,
)
from video_rag.net import guard
from video_rag.pipeline import before
from video_rag.pipeline.tools import Tools, fetch, is_gone, located
from video_rag.pipeline.work import Work
from video_rag.plugins import Part
from video_rag.processors import Reader, Sampler
from video_rag.settings.redaction import redact
from video_rag.text import timecode
from video_rag.text.addresses import public

__all__ = ["as_listed", "compose", "fetch", "listen", "look", "read", "save", "with_media_facts"]


def listen(work: Work, tools: Tools) -> Transcripts:
    """Take the words of the first transcriber that has any that belong to the video."""
    from video_rag.pipeline import listening  # judges words by rules that take long to import

    return listening.listen(work, tools)


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
        name, tools.sampler, film.digest, Frames, is_gone=lambda: is_gone([film], tools)
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
        notes = (redact(str(error)),)
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
    unseen = dict.fromkeys(frame.image for frame in frames if frame.image not in seen)
    with closing(_lines(work, reader, unseen)) as found:
        for number, (frame, end) in enumerate(zip(frames, ends, strict=False)):
            work.progress(number / len(frames), f"slide {number + 1} of {len(frames)}")
            known = seen.get(frame.image)
            if known is None:
                lines = next(found)
                if isinstance(lines, ContentError):
                    why = redact(str(lines))
                    at = timecode.clock(frame.at)
                    notes.append(f"the slide at {at} could not be read: {why}")
                    unread.add(frame.image)
                    lines = []
                known = Slide(start=frame.at, end=end, image=frame.image, lines=tuple(lines))
                seen[frame.image] = known
            slides.append(known.model_copy(update={"start": frame.at, "end": end}))
    if reader:
        good = tuple(slide for slide in slides if slide.image not in unread)
        work.keep(f"lines@{reader.name}", reader, None, Slides(slides=good))
    return Slides(slides=tuple(slides), notes=tuple(notes))


def _lines(
    work: Work, reader: Part[Reader] | None, images: Collection[str]
) -> Generator[list[Line] | ContentError, None, None]:
    """What is read in each picture; nothing in any without a reader."""
    if reader is None:
        yield from ([] for _ in images)
    elif images:
        from video_rag.pipeline import reading  # its threads' module takes long to import

        yield from reading.read_all(reader.get(), images, work.blobs.get)


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
    video = for_readers(video)
    if transcripts.main and transcripts.main.segments:
        language, end = transcripts.main.language, transcripts.main.segments[-1].end
        known = {"language": video.language or language, "duration": video.duration or end}
        video = video.model_copy(update=known)
    return tools.composer.get().compose(video, media, transcripts, work.read("slides", Slides))


def for_readers(video: Video) -> Video:
    """A video as its document has it: no address in it opens what only we may fetch."""
    beside = tuple(f.model_copy(update={"url": public(f.url)}) for f in video.beside)
    known = {"url": public(video.url), "beside": beside}
    return video.model_copy(update={**known, "copies": ()})  # a copy alone changes no word


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


def as_listed(video: Video, media: MediaSet | None, page: Page | None) -> Video:
    """A video as lists show it: with what is known once its file and its words were looked at."""
    if media:
        video = with_media_facts(video, media)
    if page:
        known = {"language": page.language, "duration": page.duration}
        video = video.model_copy(update=known)
    return video


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
        tools.documents.write(path, work.blobs.get(image))
    tools.documents.write(page.path, data)
    earlier = work.previous("page", Page)
    if earlier:
        tools.documents.discard({earlier.path, *earlier.files} - {page.path, *page.files})
    return page
