"""Looks at everything that could keep video-rag from working, and says what to do."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

from video_rag import disk
from video_rag.errors import VideoRagError
from video_rag.library import mending
from video_rag.library.wiring import Parts
from video_rag.operations import ledgers, storage
from video_rag.queues import Shared
from video_rag.settings import Settings
from video_rag.settings.redaction import redact_urls
from video_rag.stores.files import Folder
from video_rag.stores.sql import Sql

LOW_DISK_BYTES = 2 * 1024**3
NO_DISK_BYTES = 1024**2


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; `note` works, but not as well as it could."""

    name: str
    state: Literal["ok", "note", "wrong"]
    detail: str
    hint: str = ""


@runtime_checkable
class Checked(Protocol):
    """A plug-in that can look after itself."""

    def check(self) -> str:
        """One line on how it is. Raises a `VideoRagError` with the remedy."""


@runtime_checkable
class Watched(Protocol):
    """A plug-in that has more to say of itself than one line."""

    def findings(self) -> Iterable[tuple[Literal["ok", "note", "wrong"], str, str]]:
        """Rows of state, text, and what to do; no network."""


def examine(settings: Settings, *, thorough: bool = False) -> list[Finding]:
    """Everything that the settings make use of; `thorough` reads all that is stored."""
    findings = [_home(settings.home), _disk(settings.home), _sqlite()]
    try:
        ledger = Sql(ledgers.place(settings))
    except VideoRagError as error:
        return [*findings, Finding("library", "wrong", str(error), error.hint)]
    try:
        parts = Parts(settings, ledger)
        stored = storage.looks(parts, ledger, thorough=thorough)
        findings += [tried(name, look) for name, look in stored]
        findings += [tried(name, look) for name, look in _parts(parts, thorough=thorough)]
        findings += _more(parts)
        findings += _queue(parts)
    finally:
        ledger.close()
    return findings


def _parts(parts: Parts, *, thorough: bool) -> Iterator[tuple[str, Callable[[], str]]]:
    settings = parts.settings
    chosen = {
        "samplers": [settings.pipeline.sampler],
        "readers": [settings.pipeline.reader],
        "transcribers": settings.pipeline.transcribers,
        "embedders": [settings.search.embedder],
        "rerankers": [settings.search.reranker],
        "answerers": [settings.ask.answerer],
    }
    yield "sources", lambda: ", ".join(_sources(parts))
    for family, names in chosen.items():
        for name in filter(None, names):
            yield f"{family}.{name}", partial(_built, parts, family, name)
    for name in parts.published_to():
        yield f"knowledge.{name}", partial(_base, parts, name, thorough=thorough)


def _more(parts: Parts) -> Iterator[Finding]:
    """What sources say of themselves, such as cookies that end and sites that are left alone."""
    for name, source in parts.sources().items():
        if isinstance(source, Watched):
            for state, text, hint in source.findings():
                yield Finding(f"sources.{name}", state, text, hint)


def _queue(parts: Parts) -> Iterator[Finding]:
    """What a queue on a server says of itself."""
    queue = parts.queue()
    if not isinstance(queue, Shared):
        return
    found = tried("queue", queue.check)
    yield found
    if found.state == "ok" and isinstance(queue, Watched):
        for state, text, hint in queue.findings():
            yield Finding("queue", state, text, hint)


def _sources(parts: Parts) -> list[str]:
    return [f"{name}: {_look(source)}" for name, source in parts.sources().items()]


def _built(parts: Parts, family: str, name: str) -> str:
    return _look(parts.build(family, name))


def _base(parts: Parts, name: str, *, thorough: bool) -> str:
    if name == "embedded" and not parts.is_home:
        return f"on {parts.settings.library.host}, which looks after it"
    said = _look(parts.knowledge(name))
    mending.refuse_absent(parts, name, thorough=thorough)
    return said


def _look(plugin: Any) -> str:
    return plugin.check() if isinstance(plugin, Checked) else "ready"


def tried(name: str, look: Callable[[], str]) -> Finding:
    """What a look finds: its line, or its error with the remedy."""
    try:
        return Finding(name, "ok", look())
    except VideoRagError as error:
        return Finding(name, "wrong", redact_urls(str(error)), redact_urls(error.hint))


def _home(home: Path) -> Finding:
    return tried("home", lambda: storage.writable(Folder(home)))


def _disk(home: Path) -> Finding:
    free = shutil.disk_usage(disk.nearest_folder(home)).free
    detail = f"{free / 1024**3:.1f} GiB free"
    if free < NO_DISK_BYTES:
        error = disk.full(home)
        return Finding("disk", "wrong", str(error), error.hint)
    if free < LOW_DISK_BYTES:
        return Finding("disk", "note", detail, "free some space: downloads and slides need it")
    return Finding("disk", "ok", detail)


def _sqlite() -> Finding:
    detail = f"SQLite {sqlite3.sqlite_version}"
    with sqlite3.connect(":memory:") as db:
        options = {row[0] for row in db.execute("PRAGMA compile_options")}
    db.close()
    if "ENABLE_FTS5" not in options:
        hint = "use a Python whose SQLite has full-text search, such as the system's"
        return Finding("search", "wrong", f"{detail} without FTS5", hint)
    return Finding("search", "ok", f"{detail} with FTS5")
