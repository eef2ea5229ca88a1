"""What a handler is given: the request, the world, and what the path names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from video_rag.testing.dify.records import Child, Dataset, Document, Field, Segment
from video_rag.testing.dify.state import World
from video_rag.testing.dify.wire import Request, not_found


@dataclass(frozen=True)
class Call:
    """A request that found its route. What the path names is looked up, or 404 raised."""

    world: World
    request: Request
    ids: Mapping[str, str]
    """The variable parts of the path."""

    @property
    def dataset(self) -> Dataset:
        """The dataset; 403 when its API is switched off."""
        return self.world.dataset(self.ids["dataset"])

    @property
    def document(self) -> Document:
        """The document."""
        return self.dataset.document(self.ids["document"])

    @property
    def segment(self) -> Segment:
        """The segment."""
        for segment in self.document.segments:
            if segment.id == self.ids["segment"]:
                return segment
        raise not_found("Segment not found.")

    @property
    def child(self) -> Child:
        """The child chunk."""
        for child in self.segment.children:
            if child.id == self.ids["child"]:
                return child
        raise not_found("Child chunk not found.")

    @property
    def field(self) -> Field:
        """The metadata field."""
        for field in self.dataset.fields:
            if field.id == self.ids["field"]:
                return field
        raise not_found("Metadata not found.")
