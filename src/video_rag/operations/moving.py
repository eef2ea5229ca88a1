"""Moving what a library stores into a bucket, another one, or back into folders: copied and proven.

The library goes on as it is while things are copied; what is there and right is left alone, so a
run that was cut off goes on, and one more brings what came meanwhile. At the end everything was
read back. Then results that depend on where documents lie are given the keys that they will have
there, so that nothing is made again once the settings name the new places.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TypeVar

from video_rag.errors import Lost, UsageError
from video_rag.library import Library
from video_rag.library.storing import blobs_of, documents_of, media_of
from video_rag.library.wiring import Parts
from video_rag.model import Media, MediaSet, Page
from video_rag.pipeline.results import load
from video_rag.settings import Settings
from video_rag.settings.buckets import is_bucket, place
from video_rag.stores import Result
from video_rag.stores.files import Files
from video_rag.stores.media import RECORD, MediaFiles, name_of, own

_SIDE_BY_SIDE = 8
_PROVEN = "moved.log"
"""In the home: what has been read back at a new place, one a line; so a run goes on quickly."""

Thing = TypeVar("Thing")
Tell = Callable[[str, int, int], None]
"""Told what is moved (`results`, `media`, `documents`), how many are done, and of how many."""


@dataclass(frozen=True)
class Moved:
    """What became of one kind of things."""

    what: str
    where: str
    """The new place."""
    named: int
    """As many as the ledger names."""
    copied: int
    """As many as this run brought there; the others were there."""
    missing: tuple[str, ...]
    """Those that are not whole at the new place: at the old one they are not, either."""


def target_of(settings: Settings, to: str) -> Settings:
    """The settings with everything below one folder or bucket. Raises `UsageError`."""
    try:
        base = place(to)
    except ValueError as error:
        raise UsageError(
            f"--to {error}", hint="give s3://bucket/prefix, or a folder such as ~/.video-rag"
        ) from None

    def below(name: str) -> Path | str:
        return f"{base}/{name}" if isinstance(base, str) else base / name

    library = settings.library.model_copy(
        update={"media": below("media"), "documents": below("documents")}
    )
    blobs = settings.blobs.model_copy(update={"url": below("blobs")})
    return settings.model_copy(update={"library": library, "blobs": blobs})


def lines_for(settings: Settings) -> list[str]:
    """What `video-rag.toml` must say for these places; defaults need no line."""
    home, library = settings.home, settings.library
    rows = [
        ("blobs", "url", settings.blobs.url, home / "blobs"),
        ("library", "media", library.media, home / "media"),
        ("library", "documents", library.documents, home / "documents"),
    ]
    found: list[str] = []
    for table, key, where, default in rows:
        if where != default:
            found += [] if f"[{table}]" in found else [f"[{table}]"]
            found.append(f"{key} = {json.dumps(str(where), ensure_ascii=False)}")
    return found


def move(library: Library, to: str, tell: Tell) -> Iterator[Moved]:
    """Copy everything below one folder or bucket, a kind after the other."""
    old, new = library.settings, target_of(library.settings, to)
    yield _results(library, new, tell)
    media = _media(library, new, tell)
    yield media
    documents = _documents(library, new, tell)
    yield documents
    if is_bucket(new.library.documents) or old.library.documents != new.library.documents:
        rename(library, library.settings, new, {*media.missing, *documents.missing})


def _results(library: Library, new: Settings, tell: Tell) -> Moved:
    target, source = blobs_of(new, library.parts.identify), library.blobs
    named = list(dict.fromkeys(library.ledger.digests()))
    if target.where == source.where:
        return Moved("results", target.where, len(named), 0, ())
    todo = list(target.lost(named))
    before = len(named) - len(todo)

    def copy(digest: str) -> None:
        with suppress(Lost):
            target.put(source.get(digest))

    for done, _ in enumerate(_at_once(copy, todo), start=before + 1):
        tell("results", done, len(named))
    missing = tuple(target.lost(named, thorough=True))
    return Moved("results", target.where, len(named), len(todo) - len(missing), missing)


def _media(library: Library, new: Settings, tell: Tell) -> Moved:
    target = media_of(new, library.ledger, library.parts.identify)
    source = library.parts.media
    files = dict(_media_files(library))
    if target.where == source.where:
        return Moved("media", target.where, len(files), 0, ())
    proven = _Proven(library.settings.home, target.where)
    copied, missing = 0, []
    for done, (name, file) in enumerate(files.items(), start=1):
        if not (proven.has(name, file.digest) and target.is_there(name, file)):
            outcome = _bring(source, target, name, file)
            if outcome is None:
                missing.append(name)
            else:
                copied += outcome
                proven.add(name, file.digest)
        tell("media", done, len(files))
    _records(source.files, target.files, files)
    return Moved("media", target.where, len(files), copied, tuple(missing))


def _media_files(library: Library) -> Iterator[tuple[str, Media]]:
    """What of the videos' files is ours, by name; what was dropped when it was ready is not."""
    is_copied = library.settings.library.copy_local
    for video_id, row in library.ledger.all_results(("media",)).items():
        if "media" not in row:
            continue
        for file in load(library.blobs, row["media"], MediaSet).files:
            name = name_of(video_id, file)
            is_ours = is_copied or file.path == name
            if is_ours and library.parts.media.is_there(name, file):
                yield name, file


def _bring(source: MediaFiles, target: MediaFiles, name: str, file: Media) -> int | None:
    """1 for a file that was copied, 0 for one that was there, None for one that is not whole."""
    if target.is_whole(name, file):
        return 0
    user = _User()
    path = source.bring(name, file, user)
    if path is not None:
        target.drop([name])
        target.copy(name, path)
        if target.is_whole(name, file):
            return 1
        target.drop([name])
    return None


def _records(source: Files, target: Files, files: Mapping[str, Media]) -> None:
    """What sources keep beside their downloads."""
    for folder in {PurePosixPath(file.path).parent for file in own(list(files.values()))}:
        record = (folder / RECORD).as_posix()
        if data := source.read(record):
            target.write(record, data)


def _documents(library: Library, new: Settings, tell: Tell) -> Moved:
    target = documents_of(new, library.parts.identify)
    source = documents_of(library.settings, library.parts.identify)
    rows = library.ledger.all_results(("page",)).values()
    pages = [load(library.blobs, row["page"], Page) for row in rows if "page" in row]
    names = list(dict.fromkeys(name for page in pages for name in (page.path, *page.files)))
    if target.where == source.where:
        return Moved("documents", target.where, len(names), 0, ())

    def copy(name: str) -> int | None:
        data = source.read(name)
        if data is None:
            return None
        if target.read(name) == data:
            return 0
        target.write(name, data)
        return 1 if target.read(name) == data else None

    outcomes: list[int | None] = []
    for outcome in _at_once(copy, names):
        outcomes.append(outcome)
        tell("documents", len(outcomes), len(names))
    missing = tuple(n for n, one in zip(names, outcomes, strict=True) if one is None)
    return Moved("documents", target.where, len(names), outcomes.count(1), missing)


def rename(library: Library, old: Settings, new: Settings, missing: set[str]) -> None:
    """Give results that were fresh under the old settings the keys that they have under the new."""
    plans = []
    for settings in (old, new):
        parts = Parts(settings, library.ledger)
        sources = parts.sources()
        plans.append(parts.plan(parts.tools(sources), sources))
    before, after = plans
    for video_id, row in library.ledger.all_results(("media", "page")).items():
        for stage in after.stages:
            then = before.stage(stage.name)
            result = row.get(stage.makes)
            if then is None or result is None or stage.name not in {"fetch", "save"}:
                continue
            key = after.keys(stage, row)[0]
            is_fresh = result.key in before.keys(then, row)
            if is_fresh and result.key not in after.keys(stage, row):
                if stage.name == "save" and _names(library, result) & missing:
                    continue
                library.ledger.commit(video_id, stage.name, {stage.makes: replace(result, key=key)})


def _names(library: Library, result: Result) -> set[str]:
    page = load(library.blobs, result, Page)
    return {page.path, *page.files}


def _at_once(call: Callable[[str], Thing], names: list[str]) -> Iterator[Thing]:
    """The results in order; an error ends it, and what has begun is waited for."""
    with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
        futures = [pool.submit(call, name) for name in names]
        try:
            for future in futures:
                yield future.result()
        finally:
            for future in futures:
                future.cancel()


class _User:
    """Holds a copy while it is read."""


class _Proven:
    """What was read back whole at a place; kept in the home, since reading it again costs hours."""

    def __init__(self, home: Path, where: str) -> None:
        self._file = home / _PROVEN
        self._where = where
        self._known: set[str] = set()
        with suppress(OSError):
            self._known = {*self._file.read_text("utf-8").splitlines()}

    def has(self, name: str, digest: str) -> bool:
        return self._line(name, digest) in self._known

    def add(self, name: str, digest: str) -> None:
        with suppress(OSError), self._file.open("a", encoding="utf-8") as file:
            file.write(f"{self._line(name, digest)}\n")

    def _line(self, name: str, digest: str) -> str:
        return json.dumps([self._where, name, digest])
