"""Where a library keeps its things: in folders or in buckets, as the settings say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from video_rag.settings import Settings
from video_rag.stores import Blobs
from video_rag.stores.files import Files, Folder
from video_rag.stores.local import Local
from video_rag.stores.media import MediaFiles, MediaFolder

if TYPE_CHECKING:
    from video_rag.stores.copies import Known

Owner = Callable[[], str]
"""Tells the id of the library, and gives it one if it has none yet."""


def blobs_of(settings: Settings, owner: Owner) -> Blobs:
    """Results and pictures. A bucket is asked when the first is needed, not before."""
    place = settings.blobs.url
    if isinstance(place, Path):
        return Local(place)
    from video_rag.stores.bucket import Bucket
    from video_rag.stores.objects import Objects

    return Bucket(Objects(place, settings.blobs, owner=owner))


def media_of(settings: Settings, known: Known, owner: Owner) -> MediaFiles:
    """The files of videos; `known` remembers the digests of copies."""
    place, most = settings.library.media, settings.library.media_bytes
    if isinstance(place, Path):
        return MediaFolder(place, most)
    from video_rag.stores.copies import Copies
    from video_rag.stores.media_bucket import MediaBucket
    from video_rag.stores.objects import Objects

    copies = Copies(settings.home / "copies", settings.blobs.scratch_bytes, known)
    return MediaBucket(Objects(place, settings.blobs, owner=owner), copies, most)


def documents_of(settings: Settings, owner: Owner) -> Files:
    """Readable files."""
    place = settings.library.documents
    if isinstance(place, Path):
        return Folder(place)
    from video_rag.stores.objects import Objects

    return Objects(place, settings.blobs, owner=owner)
