"""Letting go of what is old and can be had again; never of what a video still needs."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from video_rag import disk
from video_rag.errors import Unavailable, UsageError
from video_rag.library import Library
from video_rag.library.storing import documents_of
from video_rag.model import MediaSet, Page, Video
from video_rag.operations.backing.place import Place, objects
from video_rag.pipeline.results import load
from video_rag.stores.files import Stored
from video_rag.stores.hold import hold
from video_rag.stores.media import own
from video_rag.text import ages

_YOUNG = 600.0
"""Seconds for which a result that nothing names is left alone: it may be on its way."""
_HELD_SECONDS = 120.0
_MEDIA = frozenset({"video", "audio"})


@dataclass(frozen=True)
class Cleaned:
    """What went of one kind, or would go."""

    what: str
    many: int
    bytes: int | None = None
    """None where they were not counted."""
    names: tuple[str, ...] = ()
    """Of videos that were removed."""


@dataclass(frozen=True)
class _Download:
    """The downloaded picture and sound of a video that is ready."""

    video_id: str
    size: int
    changed: float


def age(text: str | None) -> float | None:
    """The seconds of `30d`; None for none. Raises `UsageError`."""
    try:
        return ages.seconds(text) if text else None
    except ValueError as error:
        raise UsageError(str(error), hint=ages.HINT) from None


def clean(library: Library, older_than: float | None, *, is_dry: bool) -> Iterator[Cleaned]:
    """Let go of what is older than so many seconds, then of what the settings let go.

    What is kept of a video stays: its words, slides, document and passages. Gives what went, or
    what would go when `is_dry`.
    """
    yield _retention(library, is_dry=is_dry)
    yield _media(library, older_than, is_dry=is_dry)
    young = max(_YOUNG, older_than or _YOUNG)
    named = set(library.ledger.digests())
    many = library.blobs.sweep(named, older_than=young, is_dry=is_dry)
    yield Cleaned("results that nothing needs", many)
    if older_than is not None:
        yield _files(library.settings.home, older_than, is_dry=is_dry)


def thin(library: Library, place: Place, keep: int, *, is_dry: bool) -> Cleaned:
    """Delete all but the newest backups of a place, and what only they were made of.

    What a backup that cannot be read was made of goes, too, unless another one needs it.
    """
    with hold(library.ledger, "library", "backup", _HELD_SECONDS) as is_ours:
        if not is_ours:
            raise Unavailable("a backup is being made", hint="clean again when it is ready")
        found = place.backups()
        old, kept = found[:-keep], found[-keep:]
        needed = {*objects(kept, place)}
        sizes = place.there()
        gone = [name for name in sizes if name not in needed] if old else []
        if not is_dry and old:
            place.vault.discard([f"backups/{one.backup_id}.json" for one in old])
            place.vault.discard(gone)
        return Cleaned("backups", len(old), sum(sizes[name] for name in gone))


def _retention(library: Library, *, is_dry: bool) -> Cleaned:
    kept = library.settings.clean.kept_seconds
    if not kept:
        return Cleaned("videos past their time", 0)
    documents = documents_of(library.settings, library.parts.identify)
    now, gone = time.time(), []
    for video_id, row in library.ledger.all_results(("video", "page")).items():
        if "page" not in row or "video" not in row:
            continue
        video = load(library.blobs, row["video"], Video)
        page = load(library.blobs, row["page"], Page)
        written = documents.there([page.path]).get(page.path)
        longest = _longest(video.collections or (video.collection,), kept)
        if written and longest is not None and now - written.changed > longest:
            gone.append((video_id, video.title))
    for video_id, _ in gone if not is_dry else ():
        library.remove(video_id)
    return Cleaned("videos past their time", len(gone), names=tuple(title for _, title in gone))


def _longest(collections: Collection[str], kept: dict[str, float]) -> float | None:
    """How long a video is kept; None for always."""
    if any(name not in kept for name in collections):
        return None
    return max((kept[name] for name in collections), default=None)


def _media(library: Library, older_than: float | None, *, is_dry: bool) -> Cleaned:
    """Downloads of ready videos: what is old, then the oldest until the budget is kept."""
    most = library.settings.clean.media_bytes
    if older_than is None and most is None:
        return Cleaned("videos' downloads", 0, 0)
    found = sorted(_downloads(library), key=lambda one: one.changed)
    limit = time.time() - older_than if older_than is not None else float("-inf")
    over = sum(one.size for one in found) - most if most is not None else 0
    many = freed = 0
    for one in found:
        if one.changed > limit and freed >= over:
            continue
        freed += one.size if is_dry else library.intake.drop_media(one.video_id)
        many += 1
    return Cleaned("videos' downloads", many, freed)


def _downloads(library: Library) -> Iterator[_Download]:
    """Videos that are ready and whose files can be fetched again."""
    files = library.parts.media.files
    ready = {one.video.video_id for one in library.videos() if one.state == "ready"}
    for video_id, row in library.ledger.all_results(("media",)).items():
        if video_id not in ready or "media" not in row:
            continue
        some = own(load(library.blobs, row["media"], MediaSet).files)
        there = files.there([one.path for one in some if one.kind in _MEDIA])
        if there:
            yield _sum(video_id, list(there.values()))


def _sum(video_id: str, some: list[Stored]) -> _Download:
    size = sum(one.size for one in some)
    return _Download(video_id, size, max(one.changed for one in some))


def _files(home: Path, older_than: float, *, is_dry: bool) -> Cleaned:
    """Caches of feeds, copies from before an upgrade, and logs that were put aside."""
    limit, many, size = time.time() - older_than, 0, 0
    patterns = ("feeds/**/*", "*.db.before-*", "*.log.[0-9]*", "logs/**/*.log.[0-9]*")
    for path in {one for pattern in patterns for one in home.glob(pattern)}:
        with disk.told(path):
            if path.is_file() and path.stat().st_mtime <= limit:
                many, size = many + 1, size + path.stat().st_size
                if not is_dry:
                    path.unlink(missing_ok=True)
    return Cleaned("caches, old copies and logs", many, size)
