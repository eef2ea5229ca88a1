"""What goes when a video came: earlier versions of a file, words whose subtitles were deleted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from video_rag.library.removing import take_back
from video_rag.library.shelf import Shelf
from video_rag.library.status import Status
from video_rag.media import SUBTITLE_SUFFIXES
from video_rag.model import Document, MediaSet, Video

_WORDS = ("listen", "compose", "save")
"""Stages whose results hold words."""


class Replacing:
    """Knows which video came from which path or URL, through one pass of work."""

    def __init__(self, shelf: Shelf, remove: Callable[[str], None]) -> None:
        self._shelf = shelf
        self._remove = remove
        self._agenda = shelf.ledger.agenda

    def is_known(self, video_id: str) -> bool:
        """Whether a video is in the library."""
        return self._agenda.see(video_id) is not None

    def _at(self, url: str) -> dict[str, int]:
        """The ids of the videos that came from a path or URL, each with its place in time."""
        return self._agenda.positions([url])[url]

    def settle_places(self) -> None:
        """Of several versions of one file only the one that is there now stays, if it is ready.

        A version may come and go before it was read; whatever else is ready stays.
        """
        for ids in self._agenda.crowded():
            seen = self._agenda.see(ids[-1])
            video = self._shelf.maybe(seen.results, "video", Video) if seen else None
            held = self._shelf.held_at(video.url) if video else None
            if held is None:
                continue
            results = self._shelf.ledger.results(held.video_id) if held.video_id in ids else {}
            if results and not self._shelf.engine.plan.stale(results):
                for other in set(ids) - {held.video_id}:
                    self._remove(other)

    def settle(self, status: Status, *, is_given: bool) -> None:
        """A ready video takes the place of the versions before; others lose what is stale.

        `is_given`: whether its source has just named it, so that it is what its path holds now;
        else the file is looked at, or a version that joined later is taken for that.
        """
        if status.state != "ready":
            self._withdraw_deleted(status)
            return
        for earlier in self._earlier(status.video, is_given=is_given):
            if self._shelf.ledger.results(earlier):
                self._remove(earlier)

    def _earlier(self, video: Video, *, is_given: bool) -> set[str]:
        """The versions before, subtitles whose video came, and subtitles that lost their first."""
        versions = self._at(video.url)
        place = versions.get(video.video_id, 0)
        if len(versions) > 1 and not is_given:
            held = self._shelf.held_at(video.url)
            is_given = held is not None and held.video_id == video.video_id
        media = self._shelf.read(self._shelf.ledger.results(video.video_id), "media", MediaSet)
        found = {
            one
            for one in versions
            if (is_given or versions[one] < place) and self._is_from(one, video.url)
        }
        beside = [file.path for file in media.files if file.path != video.url]
        found = found.union(*self._agenda.positions(beside).values())
        if _is_subtitles(video.url):
            found |= self._headless(video.url)
        return found - {video.video_id}

    def _is_from(self, video_id: str, url: str) -> bool:
        """Whether a video is still known by a path: it may have moved on to a copy of its file."""
        video = self._shelf.maybe(self._shelf.ledger.results(video_id), "video", Video)
        return video is not None and video.url == url

    def _headless(self, url: str) -> set[str]:
        """What these subtitles were part of, under the name of a first file that is gone.

        `talk.en.srt` and `talk.zh.srt` are one lecture, known by the first of them.
        """
        found: set[str] = set()
        alike = Path(url).parent / Path(url).name.partition(".")[0]
        for video_id in self._agenda.named(str(alike)):
            results = self._shelf.ledger.results(video_id)
            video = self._shelf.maybe(results, "video", Video)
            if video and _is_subtitles(video.url) and not Path(video.url).exists():
                media = self._shelf.maybe(results, "media", MediaSet)
                if media and any(file.path == url for file in media.files):
                    found.add(video_id)
        return found

    def _withdraw_deleted(self, status: Status) -> None:
        """Take words back that nobody vouches for: their subtitles went, and there are no others.

        The video could not be read anew, or its document would hold other words by now.
        """
        video_id, ledger = status.video.video_id, self._shelf.ledger
        results = ledger.results(video_id)
        media = self._shelf.maybe(results, "media", MediaSet)
        document = self._shelf.maybe(results, "document", Document)
        failed = [failure for failure in status.failures if failure.stage in _WORDS]
        if not (media and document and failed) or media.of("subtitles"):
            return
        if all(one.origin != "sidecar" for one in (*document.sections, *document.translations)):
            return
        take_back(self._shelf, video_id, results)
        for receipt in ledger.receipts(video_id):
            ledger.drop(receipt.knowledge, video_id)
            ledger.commit(video_id, f"publish@{receipt.knowledge}", {})
        # what was made before the failed stage is new; by its key the failure is known to stand
        first = min(_WORDS.index(failure.stage) for failure in failed)
        for stage in _WORDS[first:]:
            ledger.commit(video_id, stage, {})
        for failure in failed:  # to keep nothing of a stage is to forgive it
            ledger.fail(video_id, failure)


def _is_subtitles(url: str) -> bool:
    return "://" not in url and Path(url).suffix.lower() in SUBTITLE_SUFFIXES
