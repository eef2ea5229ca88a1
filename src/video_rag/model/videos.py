"""A video, its files, and the work on it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from video_rag.digest import of_value
from video_rag.model.noun import IsSo, Later, Noun, Others, Told
from video_rag.model.words import Origin

Kind = Literal["video", "audio", "subtitles", "thumbnail"]


class Chapter(Noun):
    """A titled span that the author marked."""

    start: float
    end: float
    title: str


class Beside(Noun):
    """A file that a feed names beside an episode."""

    kind: Literal["transcript", "chapters"]
    url: str
    media_type: str = ""
    """As the feed says it, lower case; often missing, sometimes wrong."""
    language: str | None = None
    is_captions: IsSo = False
    """Whether the feed says that it is made to be shown along with the sound (`rel="captions"`)."""


Besides = Annotated[tuple[Beside, ...], Field(exclude_if=lambda files: not files)]
"""None are not stored, so that what was stored before keeps its digest."""


class Copy(Noun):
    """Another file with the very bytes of a video, whose subtitles belong to the video, too."""

    url: str
    """Its absolute path."""
    fingerprint: str = ""
    """As `Video.fingerprint`, of what lies beside it."""


Copies = Annotated[tuple[Copy, ...], Field(exclude_if=lambda files: not files)]
"""None are not stored, so that what was stored before keeps its digest."""


class Origins(Noun):
    """What must be fetched again when it changes, and nothing else about a video."""

    video_id: str
    source: str
    url: str
    fingerprint: str = ""
    wanted: Later = ""
    beside: Later = ""
    copies: Later = ""


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
    beside: Besides = ()
    """Transcripts and chapters of an episode, which are fetched with it."""

    copies: Copies = ()
    """Other places where the same file lies, sorted."""

    @property
    def collections(self) -> tuple[str, ...]:
        """Every collection that holds it, the first one first."""
        return (self.collection, *self.also_in)

    @property
    def talk(self) -> Video:
        """The video whatever collections hold it: what may decide its words."""
        more = {"beside": (), "copies": ()}
        return self.model_copy(update={"collection": "default", "also_in": (), **more})

    @property
    def origins(self) -> Origins:
        """The part of a video that decides what is fetched."""
        return Origins(
            video_id=self.video_id,
            source=self.source,
            url=self.url,
            fingerprint=self.fingerprint,
            wanted=self.wanted,
            beside=self.besides,
            copies=self.all_copies,
        )

    @property
    def besides(self) -> str:
        """What tells when other files lie beside an episode; tokens in their addresses do not."""
        rows = [(f.kind, f.url.partition("?")[0], f.media_type, f.language) for f in self.beside]
        return of_value(rows)[:12] if rows else ""

    @property
    def all_copies(self) -> str:
        """What tells when copies come or go, or something beside them."""
        rows = [(one.url, one.fingerprint) for one in self.copies]
        return of_value(rows)[:12] if rows else ""


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
    roles: Others = ()
    """For subtitles: what they are for, as `text.labels` names it (`forced`, `commentary` …)."""


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
    sound_track: Later = ""
    """Which sound track is listened to, as `[pipeline] sound_track` wishes; not stored."""
    languages: Others = ()
    """Those preferred in this library, for speech whose language is in doubt; not stored."""

    def of(self, kind: Kind) -> tuple[Media, ...]:
        """The files of one kind."""
        return tuple(file for file in self.files if file.kind == kind)


class Job(Noun):
    """All that ever goes on a queue."""

    video_id: str
    stage: str
