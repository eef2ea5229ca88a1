"""What is made of a video: the document, its page and its passages."""

from __future__ import annotations

from typing import Literal

from video_rag.model.noun import Noun, Others
from video_rag.model.videos import Video
from video_rag.model.words import Origin, Segment, Slide, join_lines


class Section(Noun):
    """What a reader would call a paragraph: speech and slides that belong together."""

    start: float
    end: float
    heading: str
    language: str
    origin: Origin
    segments: tuple[Segment, ...] = ()
    slides: tuple[Slide, ...] = ()
    chapter: str = ""

    @property
    def text(self) -> str:
        """What was said, without times."""
        return join_lines(segment.text for segment in self.segments)


class Document(Noun):
    """One video, ready to read. `sections` follow the main language, `translations` the others."""

    video: Video
    sections: tuple[Section, ...]
    translations: tuple[Section, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def document_id(self) -> str:
        """A document is known by its video."""
        return self.video.video_id

    @property
    def slides(self) -> tuple[Slide, ...]:
        """Every slide, in order of time."""
        return tuple(slide for section in self.sections for slide in section.slides)


class Page(Noun):
    """Where the readable file of a document lies, relative to the documents' folder."""

    path: str
    digest: str
    language: str | None = None
    """The document's main language."""
    duration: float | None = None
    """Seconds; for subtitles whose video is elsewhere, where the last line ends."""
    files: tuple[str, ...] = ()
    """Pictures beside it, relative to the same folder."""


class Chunk(Noun):
    """The unit that is retrieved: a passage of one document in one language."""

    chunk_id: str
    """Hash of document, language, start and text: equal words in two videos stay two chunks."""
    video_id: str
    title: str
    heading: str
    start: float
    end: float
    text: str
    """What is said, and by whom where that is known; see `join_spoken`."""
    language: str
    origin: Origin
    lines: tuple[Segment, ...]
    """The spoken lines that `text` is made of, each with its times."""
    slide_text: str = ""
    """What the slides say that were shown meanwhile."""
    image: str = ""
    """Digest of the slide's picture, if there is one."""
    source: str = ""
    """The path or URL that the video came from."""
    url: str = ""
    """A link that opens the video at `start`."""
    collection: str = "default"
    also_in: Others = ()
    """Other collections that hold its video."""
    published: str | None = None

    @property
    def collections(self) -> tuple[str, ...]:
        """Every collection that holds its video, the first one first."""
        return (self.collection, *self.also_in)

    @property
    def speakers(self) -> tuple[str, ...]:
        """Who is known to speak in it, in order."""
        return tuple(dict.fromkeys(line.speaker for line in self.lines if line.speaker))


class Receipt(Noun):
    """Proof that a document was given to a knowledge base."""

    knowledge: str
    document_id: str
    revision: str
    remote_id: str = ""
    state: Literal["sent", "done"] = "sent"
