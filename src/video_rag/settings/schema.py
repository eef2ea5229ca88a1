"""What can be set: the tables, their fields, defaults and limits. Read by `settings`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from functools import cache
from socket import gethostname
from typing import Any

from pydantic import (
    Field,
    PrivateAttr,
    model_validator,
)
from pydantic.fields import FieldInfo

from video_rag.settings.buckets import BlobsSettings, Place
from video_rag.settings.kinds import (
    Cron,
    Folder,
    Languages,
    Name,
    Names,
    OptionalFile,
    OptionalName,
    Section,
    Zone,
    absolute,
)
from video_rag.settings.redaction import hide, remember, secrets_of, shown
from video_rag.settings.server import ServerSettings
from video_rag.settings.upkeep import BackupSettings, CleanSettings

DEFAULT_HOME = "~/.video-rag"
_FOLDERS = {
    ("library", "media"): "media",
    ("library", "documents"): "documents",
    ("blobs", "url"): "blobs",
    ("backup", "to"): "backups",
}
"""Where things lie in the home unless the setting names another place."""
_WITH_FOLDERS = ("library", "blobs", "backup")


class LibrarySettings(Section):
    """Where things lie and what they are called."""

    media: Place = Field(
        description="Folder or bucket for downloaded videos.",
        json_schema_extra={"default": "<home>/media"},
    )
    documents: Place = Field(
        description="Folder or bucket in which the Markdown of every video lies as a readable "
        "file.",
        json_schema_extra={"default": "<home>/documents"},
    )
    copy_local: bool = Field(
        False,
        description="Whether videos that are files of one machine are copied to `media`, so that "
        "every machine can work on them.",
    )
    keep_media: bool = Field(
        True, description="Whether downloaded video and sound stay once a video is ready."
    )
    media_bytes: int | None = Field(
        None, gt=0, description="Most bytes that downloads may take; unset: the whole disk."
    )
    collection: Name = Field(
        "default", description="Collection that videos join when none is named."
    )
    host: OptionalName = Field(
        "",
        description="Where several machines work together, the name of the one whose folders hold "
        "the documents and the embedded knowledge base; unset: every machine has them.",
    )
    languages: Languages = Field(
        ("zh", "en"),
        min_length=1,
        description="Languages in order of preference, when one of several must be chosen.",
    )


class LedgerSettings(Section):
    """Where the facts about videos are kept."""

    url: str = Field(
        "",
        description="PostgreSQL database, `postgresql://user:password@host:5432/name`, for several "
        "machines; unset: a SQLite file in the home.",
    )


class PipelineSettings(Section):
    """Which plug-ins turn a video into a document, and how jobs are run."""

    transcribers: Names = Field(
        ("subtitles", "whisper"), description="Transcribers, tried in this order."
    )
    sound_track: OptionalName = Field(
        "",
        description="Sound track that is listened to where there are several: a number from 1, or "
        "a language; unset: the default one, else the one in the spoken language, else the one "
        "with speech.",
    )
    sampler: OptionalName = Field(
        "slides", description="Sampler that finds the key frames; `none` looks at no picture."
    )
    reader: OptionalName = Field(
        "rapidocr", description="Reader of text in the key frames; `none` reads none."
    )
    composer: Name = Field("timeline", description="Composer of speech and slides into a document.")
    passage_seconds: float = Field(
        90.0, ge=10, le=600, description="Greatest length of a passage, in seconds."
    )
    claim_seconds: float = Field(
        120.0,
        ge=1,
        le=86_400,
        description="Seconds after which the claim of a worker that fell silent expires.",
    )
    host: OptionalName = Field(
        "",
        description="Name of this machine, by which the files that lie on it are found when "
        "several work together; unset: its host name.",
    )
    downloads: int = Field(
        4, ge=1, le=32, description="Videos of different sites that are fetched at once."
    )
    queue: Name = Field(
        "inline", description="Queue that runs the jobs; `celery` shares them with other machines."
    )
    memory_bytes: int | None = Field(
        None,
        gt=0,
        description="Memory that the stages of `video-rag worker` may take together on a machine; "
        "unset: four fifths of what the machine, or its container, has.",
    )
    drain_seconds: float = Field(
        600.0,
        ge=0,
        le=86_400,
        description="How long `video-rag worker` goes on with what it has begun once it is told to "
        "end.",
    )
    observers: Names = Field(("logs",), description="Observers that hear every event.")

    @property
    def machine(self) -> str:
        """The name of this machine: `host`, else its host name."""
        return self.host or gethostname()


class SearchSettings(Section):
    """Where and how passages are looked up."""

    knowledge: Name = Field("embedded", description="Knowledge base that is searched.")
    embedder: OptionalName = Field(
        "", description="Embedder of passages and questions; `none` searches by words alone."
    )
    reranker: OptionalName = Field(
        "", description="Reranker of the best passages; `none` keeps their order."
    )
    limit: int = Field(10, ge=1, le=100, description="Passages that a search gives.")
    synonyms: OptionalFile = Field(
        None,
        description="File of names of one thing, a group on each line (`car, automobile`), used "
        "beside a small list of our own.",
    )


class AskSettings(Section):
    """Who answers questions."""

    answerer: Name = Field("extractive", description="Answerer; `extractive` needs no model.")
    passages: int = Field(5, ge=1, le=50, description="Most passages that an answer cites.")
    keep_days: int = Field(
        90,
        ge=0,
        le=36_500,
        description="Days for which `report retrieval` knows what was asked; 0 keeps nothing.",
    )


class GuardSettings(Section):
    """What video-rag may open."""

    allow_private: bool = Field(
        False, description="Whether URLs may lead to private and local network addresses."
    )


class ScheduleSettings(Section):
    """When `video-rag schedule` does what."""

    tick: Cron = Field(
        "*/5 * * * *",
        description="When `tick` is due, in five fields of cron; `none`: never.",
    )
    run: Cron = Field(
        "0 3 * * *", description="When `run` is due, in five fields of cron; `none`: never."
    )
    timezone: Zone = Field(
        "",
        description="Time zone of these and of the cron of subscriptions, such as `Asia/Shanghai`; "
        "unset: this machine's.",
    )


Plugins = dict[str, dict[str, Any]]


def _family(what: str) -> Any:
    return Field(default_factory=dict, description=f"Options of {what}, a table for each plug-in.")


class Settings(Section):
    """Everything that can be set. Made by `load_settings`, passed on as a value."""

    home: Folder = Field(
        description="Folder of the library.", json_schema_extra={"default": DEFAULT_HOME}
    )
    library: LibrarySettings = Field(description="Where things lie and what they are called.")
    blobs: BlobsSettings = Field(description="Where results lie, and how buckets are reached.")
    backup: BackupSettings = Field(description="Where backups go, and what opens them.")
    clean: CleanSettings = Field(
        default_factory=CleanSettings, description="What `video-rag clean` lets go."
    )
    ledger: LedgerSettings = Field(
        default_factory=LedgerSettings, description="Where the facts about videos are kept."
    )
    pipeline: PipelineSettings = Field(
        default_factory=PipelineSettings, description="How a video becomes a document."
    )
    search: SearchSettings = Field(
        default_factory=SearchSettings, description="Where and how passages are looked up."
    )
    ask: AskSettings = Field(default_factory=AskSettings, description="Who answers questions.")
    server: ServerSettings = Field(
        default_factory=ServerSettings, description="The web page and its API."
    )
    guard: GuardSettings = Field(
        default_factory=GuardSettings, description="What video-rag may open."
    )
    schedule: ScheduleSettings = Field(
        default_factory=ScheduleSettings, description="When `video-rag schedule` does what."
    )
    sources: Plugins = _family("sources")
    transcribers: Plugins = _family("transcribers")
    samplers: Plugins = _family("samplers")
    readers: Plugins = _family("readers")
    composers: Plugins = _family("composers")
    renderers: Plugins = _family("renderers")
    embedders: Plugins = _family("embedders")
    rerankers: Plugins = _family("rerankers")
    knowledge: Plugins = _family("knowledge bases")
    answerers: Plugins = _family("answerers")
    queues: Plugins = _family("queues")
    observers: Plugins = _family("observers")

    _origins: dict[str, str] = PrivateAttr(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _complete(cls, data: dict[str, Any]) -> dict[str, Any]:
        """Folders that are not named lie in the home; secrets are wrapped and known at once."""
        data = {name: hide(name, value) for name, value in data.items()}
        remember(secrets_of(data))
        data["home"] = data.get("home") or DEFAULT_HOME
        tables = {name: data.get(name) or {} for name in _WITH_FOLDERS}
        if not all(isinstance(table, Mapping) for table in tables.values()):
            return data
        with contextlib.suppress(ValueError):  # a home that is no path: its own check says so
            home = absolute(data["home"])
            for (table, key), folder in _FOLDERS.items():
                tables[table] = {**tables[table], key: tables[table].get(key) or home / folder}
            data |= tables
        return data

    @property
    def origins(self) -> dict[str, str]:
        """Where each dotted name was set; what is missing has its default."""
        return self._origins

    def section(self, family: str, name: str) -> dict[str, Any]:
        """The options given to plug-in `name` of `family`; empty when there are none."""
        if family not in families():
            raise KeyError(family)
        return dict(getattr(self, family).get(name, {}))

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """Never a secret, also not the login inside a URL."""
        for name, value in super().__repr_args__():
            yield name, shown(value) if name in families() else value


@cache
def sections() -> dict[str, type[Section]]:
    """The tables of named settings."""
    found = {name: info.annotation for name, info in Settings.model_fields.items()}
    return {
        name: kind
        for name, kind in found.items()
        if isinstance(kind, type) and issubclass(kind, Section)
    }


@cache
def families() -> frozenset[str]:
    """The tables that hold a table for each plug-in."""
    return frozenset(Settings.model_fields) - frozenset(sections()) - {"home"}


@cache
def named() -> dict[str, FieldInfo]:
    """The fields that have a name of their own, by dotted name."""
    fields = {"home": Settings.model_fields["home"]}
    for top, kind in sections().items():
        fields |= {f"{top}.{key}": info for key, info in kind.model_fields.items()}
    return fields
