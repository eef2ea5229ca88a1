"""What Dify is told about a whole document: its metadata fields, made where they are missing.

`collection` is text. A video of one collection has its name, `sea`; one of several has all names
between bars, `|sea|zoo|`. A filter in Dify for all videos of `zoo` has two conditions, joined by
`or`: `collection` `is` `zoo`, `collection` `contains` `|zoo|`.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import UTC, date, datetime

from video_rag.dify.datasets import Datasets
from video_rag.errors import Rejected
from video_rag.model import Document
from video_rag.text.addresses import public
from video_rag.text.memberships import framed

KINDS = {
    "video_id": "string",
    "title": "string",
    "site": "string",
    "author": "string",
    "url": "string",
    "published": "time",
    "duration": "number",
    "language": "string",
    "origin": "string",
    "collection": "string",
    "revision": "string",
    "fingerprint": "string",
    "library": "string",
}
"""name → type, as Dify's metadata filter shows them"""
Values = Mapping[str, str | float | None]


def values(document: Document) -> dict[str, str | float | None]:
    """The fields that describe a video; None where nothing is known."""
    video = document.video
    first = document.sections[0] if document.sections else None
    return {
        "video_id": video.video_id,
        "title": video.title,
        "site": video.video_id.partition(":")[0],
        "author": video.channel,
        "url": public(video.url),
        "published": _epoch(video.published),
        "duration": round(video.duration, 1) if video.duration is not None else None,
        "language": first.language if first else video.language,
        "origin": first.origin if first else None,
        "collection": framed(video.collections),
    }


def _epoch(iso: str | None) -> float | None:
    """Unix seconds of the start of a day, UTC: what a `time` field holds."""
    try:
        day = date.fromisoformat(iso or "")
    except ValueError:
        return None
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


class Fields:
    """The metadata fields of one dataset."""

    def __init__(self, datasets: Datasets, dataset_id: str) -> None:
        self._datasets = datasets
        self._dataset_id = dataset_id
        self._ids: dict[str, str] = {}
        self._lock = threading.Lock()

    def set(self, rows: Mapping[str, Values]) -> None:
        """Set fields of documents (id → name → value); what others set stays."""
        self._datasets.set_metadata(self._dataset_id, rows, self._known())

    def _known(self) -> Mapping[str, str]:
        with self._lock:
            if KINDS.keys() - self._ids.keys():
                self._ids = self._datasets.fields(self._dataset_id)
                missing = [name for name in KINDS if name not in self._ids]
                for name in missing:
                    self._create(name)
                if missing:
                    self._ids = self._datasets.fields(self._dataset_id)
            return self._ids

    def _create(self, name: str) -> None:
        try:
            self._datasets.create_field(self._dataset_id, name, KINDS[name])
        except Rejected as error:
            if "already exists" not in str(error):  # another publisher was faster
                raise
