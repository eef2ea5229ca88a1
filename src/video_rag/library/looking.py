"""Looking: which videos there are, how far each is, and what was made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from video_rag.errors import DiskError, Lost, NotFound, UsageError
from video_rag.library.naming import meant
from video_rag.library.shelf import Shelf
from video_rag.library.status import Status
from video_rag.model import Document, Media, MediaSet, Page, Video
from video_rag.pipeline.judging import state_of
from video_rag.pipeline.results import AnyNoun
from video_rag.pipeline.stages import as_listed
from video_rag.stores import Failure, Result
from video_rag.stores.files import write
from video_rag.stores.media import Remote, name_of

LISTED = ("video", "media", "page")
"""The facts of which the state of a video is told."""
FORMATS = {"md": "markdown"}
"""Short names of formats; others are the renderers' own."""


class Looking:
    """Reads a library and changes nothing in it."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._ledger = shelf.ledger

    def videos(self) -> list[Status]:
        """See `Library.videos`."""
        failures = self._ledger.all_failures()
        claimed = {video_id for video_id, _stage in self._ledger.claimed()}
        return [
            self.told(results, failures.get(video_id, []), is_claimed=video_id in claimed)
            for video_id, results in self._ledger.all_results(LISTED).items()
            if "video" in results
        ]

    def status(self, video_id: str) -> Status:
        """See `Library.status`."""
        results = self._ledger.results(video_id)
        if "video" not in results:
            raise NotFound(f"no video {video_id!r}", hint="see `video-rag list`")
        failures = list(self._ledger.failures(video_id).values())
        claimed = any(found == video_id for found, _stage in self._ledger.claimed())
        return self.told(results, failures, is_claimed=claimed)

    def find(self, name: str) -> str:
        """See `Library.find`."""
        if self._ledger.results(name):
            return name
        agenda, path = self._ledger.agenda, str(Path(name).expanduser().resolve())
        some = dict.fromkeys([*agenda.named(name), *agenda.named(path)])
        try:
            return meant(name, [self.status(video_id) for video_id in some])
        except NotFound:  # an address as it is shown differs from the one that is kept
            return meant(name, self.videos())

    def page(self, video_id: str) -> Path | str:
        """See `Library.page`."""
        return self._shelf.tools.documents.place(self._need_page(video_id).path)

    def playable(self, video_id: str) -> Media | None:
        """See `Library.playable`."""
        media = self._shelf.maybe(self._ledger.results(video_id), "media", MediaSet)
        files = (*media.of("video"), *media.of("audio")) if media else ()
        # a file of its owner that is gone is told; what was dropped when it was ready is not missed
        place = self._shelf.tools.media
        there = (f for f in files if Path(f.path).is_absolute() or place.is_there(f.path, f))
        return next(there, None)

    def remote(self, video_id: str, media: Media) -> Remote | None:
        """See `Library.remote`."""
        return self._shelf.tools.media.remote(name_of(video_id, media), media)

    def locate(self, media: Media) -> Path:
        """See `Library.locate`."""
        return self._shelf.tools.locate(media.path)

    def export(self, video_id: str, format_name: str, folder: Path) -> Path:
        """See `Library.export`."""
        document = self._shelf.need(video_id, "document", Document)
        renderer = self._shelf.parts.build("renderers", FORMATS.get(format_name, format_name))
        stem = Path(self._need_page(video_id).path).stem
        pictures = {s.image: f"{stem}/{s.image[:12]}.jpg" for s in document.slides}
        link = self._shelf.tools.link(document.video)
        data = renderer.render(document, link, lambda slide: pictures.get(slide.image, ""))
        path = folder / f"{stem}{renderer.suffix}"
        if renderer.has_pictures:
            for image, place in pictures.items():
                _export(folder, folder / place, self._shelf.blobs.get(image))
        _export(folder, path, data)
        return path

    def _need_page(self, video_id: str) -> Page:
        return self._shelf.need(video_id, "page", Page)

    def _fact(
        self, results: Mapping[str, Result], name: str, noun: type[AnyNoun]
    ) -> AnyNoun | None:
        """A fact, unless it is lost: an old library has some that could not be read."""
        try:
            return self._shelf.maybe(results, name, noun)
        except Lost:
            return None

    def told(
        self, results: Mapping[str, Result], failures: Sequence[Failure], *, is_claimed: bool
    ) -> Status:
        """A video and its state, from what the ledger knows of it."""
        own = self._shelf.read(results, "video", Video)
        media, page = self._fact(results, "media", MediaSet), self._fact(results, "page", Page)
        plan = self._shelf.engine.plan
        keys = {stage.name: plan.keys(stage, results) for stage, _key in plan.stale(results)}
        stand = tuple(failure for failure in failures if failure.key in keys.get(failure.stage, ()))
        state = state_of(keys, stand)
        if is_claimed and state in {"queued", "waiting"}:
            state = "working"
        return Status(as_listed(own, media, page), state, stand)


def _export(folder: Path, path: Path, data: bytes) -> None:
    """Write a file where somebody wants it: what goes wrong there is an error of theirs."""
    try:
        write(path, data)
    except (DiskError, UsageError) as error:
        raise UsageError(
            f"cannot write into {folder}: {error}",
            hint="name a folder that you may write to and that has room",
        ) from error
