"""The nouns: frozen values that every layer speaks in.

Times are `float` seconds from the start of the video, named `start`, `end`, `at` or `duration`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Origin = Literal["sidecar", "embedded", "platform", "platform-auto", "asr", "slides"]
"""Where words come from: a subtitle file, a track in the video, the platform's subtitles
(made by people or by a machine), speech recognition, or the slides alone."""

Kind = Literal["video", "audio", "subtitles", "thumbnail"]

BEST_ORIGIN: tuple[Origin, ...] = (
    "sidecar",
    "embedded",
    "platform",
    "platform-auto",
    "asr",
    "slides",
)
"""From the most to the least trusted."""


Later = Annotated[str, Field(exclude_if=lambda text: not text)]
"""A field that came later: an empty one is not stored, so what was stored keeps its digest."""
Told = Annotated[str | None, Field(exclude_if=lambda text: text is None)]
"""The same, for what may be unknown."""
Others = Annotated[tuple[str, ...], Field(exclude_if=lambda names: not names)]
"""Further names, sorted. None are not stored, so that what was stored before keeps its digest."""


class Noun(BaseModel):
    """A frozen value; equal content means equal value."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Chapter(Noun):
    """A titled span that the author marked."""

    start: float
    end: float
    title: str


class Origins(Noun):
    """What must be fetched again when it changes, and nothing else about a video."""

    video_id: str
    source: str
    url: str
    fingerprint: str = ""
    wanted: Later = ""


class Video(Noun):
    """One talk, wherever it lies."""

    video_id: str
    """`<source>:<native id>`; for a local file `file:<first 16 hex digits of its sha256>`."""
    source: str
    """Name of the source plug-in that found it."""
    url: str
    """The absolute path or the URL it came from."""
    title: str
    is_title_given: bool = False
    """Whether a person chose the title; else the title inside the file is better."""
    stem: str = ""
    """The file's name without suffixes, for local files."""
    channel: str | None = None
    published: str | None = None
    """ISO date, `2026-11-23`."""
    duration: float | None = None
    language: str | None = None
    """The language the speaker speaks, when known (BCP 47 primary tag: `en`, `zh`)."""
    chapters: tuple[Chapter, ...] = ()
    collection: str = "default"
    """The one that it joined first."""
    also_in: Others = ()
    """Other collections that hold it."""
    fingerprint: str = ""
    """The source's mark of this revision; a change makes the video be fetched again."""
    wanted: Later = ""
    """What of it is fetched: `video`, `audio`, `subtitles`, or a greatest height such as `480p`;
    empty: as the source is set."""

    @property
    def collections(self) -> tuple[str, ...]:
        """Every collection that holds it, the first one first."""
        return (self.collection, *self.also_in)

    @property
    def talk(self) -> Video:
        """The video whatever collections hold it: what may decide its words."""
        return self.model_copy(update={"collection": "default", "also_in": ()})

    @property
    def origins(self) -> Origins:
        """The part of a video that decides what is fetched."""
        return Origins(
            video_id=self.video_id,
            source=self.source,
            url=self.url,
            fingerprint=self.fingerprint,
            wanted=self.wanted,
        )


class Media(Noun):
    """One file of a video."""

    kind: Kind
    path: str
    """Absolute for files that stay with their owner, else relative to `[library] media`."""
    digest: str
    size: int
    """Bytes."""
    language: str | None = None
    origin: Origin | None = None
    """For subtitles: who made them."""


class MediaSet(Noun):
    """All files of one video, and what a look inside them told."""

    files: tuple[Media, ...]
    duration: float | None = None
    title: str | None = None
    published: Told = None
    """ISO date, where the video's own page says it: lists give rough days, or none."""
    channel: Told = None
    chapters: tuple[Chapter, ...] = ()
    has_speech_track: bool = False
    has_picture: bool = False
    notes: tuple[str, ...] = ()
    """What had to be left out, in words."""

    def of(self, kind: Kind) -> tuple[Media, ...]:
        """The files of one kind."""
        return tuple(file for file in self.files if file.kind == kind)


class Segment(Noun):
    """Words said in one breath."""

    start: float
    end: float
    text: str
    speaker: str | None = None
    confidence: float | None = None


class Transcript(Noun):
    """What was said, in one language."""

    language: str
    """BCP 47 primary tag, or `und`."""
    origin: Origin
    segments: tuple[Segment, ...]
    notes: tuple[str, ...] = ()


class Transcripts(Noun):
    """Every language of one video; the first one is the main one."""

    tracks: tuple[Transcript, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def main(self) -> Transcript | None:
        """The track that the document follows."""
        return self.tracks[0] if self.tracks else None


class Frame(Noun):
    """A still of the video."""

    at: float
    image: str
    """Digest of the image's bytes."""
    phash: str = ""
    """64-bit perceptual hash, 16 hex digits."""


class Frames(Noun):
    """The key frames of one video in order of time."""

    frames: tuple[Frame, ...] = ()


class Line(Noun):
    """A line of text read from an image."""

    text: str
    confidence: float
    box: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    """Left, top, right, bottom as shares of the image's width and height."""


class Slide(Noun):
    """What was shown from `start` to `end`."""

    start: float
    end: float
    image: str
    """Digest of the image's bytes."""
    lines: tuple[Line, ...] = ()

    @property
    def text(self) -> str:
        """The lines of the slide, one under the other."""
        return "\n".join(line.text for line in self.lines)


class Slides(Noun):
    """The slides of one video in order of time."""

    slides: tuple[Slide, ...] = ()
    notes: tuple[str, ...] = ()


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


class Receipt(Noun):
    """Proof that a document was given to a knowledge base."""

    knowledge: str
    document_id: str
    revision: str
    remote_id: str = ""
    state: Literal["sent", "done"] = "sent"


class Query(Noun):
    """What is looked for, and where."""

    text: str
    limit: int = 10
    collection: str | None = None
    language: str | None = None
    video_id: str | None = None
    since: str | None = None
    """ISO date; videos published on it or later."""
    until: str | None = None
    """ISO date; videos published on it or earlier."""


class Hit(Noun):
    """A passage that was found; a higher score is better."""

    chunk: Chunk
    score: float


class Citation(Noun):
    """The proof of a claim: these words, in this video, from `start` to `end`."""

    number: int
    video_id: str
    title: str
    start: float
    end: float
    quote: str
    url: str
    image: str = ""


class Turn(Noun):
    """One message of an earlier conversation."""

    role: Literal["user", "assistant"]
    text: str


class Question(Noun):
    """What a person asks, where to look and what was said before."""

    text: str
    limit: int = 5
    collection: str | None = None
    language: str | None = None
    conversation: tuple[Turn, ...] = ()


class Answer(Noun):
    """The answer's text with `[n]` marks and the citations they name."""

    answer: str
    citations: tuple[Citation, ...] = ()
    refused: bool = False
    model: str | None = None


class Job(Noun):
    """All that ever goes on a queue."""

    video_id: str
    stage: str


def join_lines(lines: Iterable[str]) -> str:
    """Join spoken lines to running text: no space between Chinese or Japanese characters."""
    joined = ""
    for line in lines:
        tight = not joined or (_is_wide(joined[-1]) and _is_wide(line[:1]))
        joined += line if tight else f" {line}"
    return joined


def _is_wide(character: str) -> bool:
    """Whether it is a CJK character, kana or full-width punctuation, which take no spaces."""
    return "\u3000" <= character <= "\u9fff" or "\uff00" <= character <= "\uffef"
