"""Adding: videos come in, are worked on, are tried again, and go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path

from video_rag.errors import NotFound, UnsupportedUrl, UsageError, VideoRagError
from video_rag.library import handing, mending, removing
from video_rag.library.intake import Given, Intake
from video_rag.library.looking import Looking
from video_rag.library.replacing import Replacing
from video_rag.library.shelf import Shelf
from video_rag.library.status import Added, Status, Wishes, change_of, published
from video_rag.library.watching.watch import Checked, Watch
from video_rag.model import Video
from video_rag.net import guard
from video_rag.observers import Event, VideoFound, VideoSettled, emit
from video_rag.sources import Counting
from video_rag.text import cron

_LOOK_AHEAD = 8
"""URLs that are looked up before work on their videos begins: their files can then be fetched
several at once, and the first is ready soon."""


class Adding:
    """Changes which videos a library has."""

    def __init__(self, shelf: Shelf, looking: Looking) -> None:
        self._shelf = shelf
        self._looking = looking
        self._ledger = shelf.ledger
        self.intake = Intake(
            shelf.settings,
            shelf.ledger,
            shelf.blobs,
            shelf.engine,
            shelf.queue,
            shelf.tools,
            shelf.held_at,
        )
        self.watch = Watch(
            shelf.ledger.watchlist,
            shelf.ledger.sites,
            source_of=shelf.source_of,
            give=self.intake.give,
            has=lambda video_id: bool(shelf.ledger.results(video_id)),
            hold=shelf.engine.claim,
            zone=cron.zone(shelf.settings.schedule.timezone),
        )

    def add(self, urls: Iterable[str], wishes: Wishes) -> Iterator[Added]:
        """See `Library.add`."""
        replacing = Replacing(self._shelf, self._give_way)
        self.intake.left.clear()
        left = iter(self._of_one_video(list(urls), replacing.is_known) if wishes.title else urls)
        while some := list(islice(left, _LOOK_AHEAD)):
            given: dict[str, list[tuple[Video, Given]]] = {}
            for url in some:
                try:
                    for found in self._found(url, replacing.is_known):
                        if isinstance(found, VideoRagError):
                            yield Added(url, error=found)
                        else:
                            one = self.intake.give(found, wishes)
                            self._tell(VideoFound(found.video_id, found.title))
                            given.setdefault(found.video_id, []).append((found, one))
                except VideoRagError as error:
                    yield Added(url, error=error)
            yield from self._work_on(given, replacing)

    def run(self) -> Iterator[Checked | Status]:
        """See `Library.run`."""
        self.intake.left.clear()
        mending.forget_lost(self._shelf)
        yield from self.watch.check()
        yield from self.finish()

    def finish(self) -> Iterator[Status]:
        """See `Library.finish`."""
        replacing = Replacing(self._shelf, self._give_way)
        self._shelf.engine.judge.catch_up()  # which also says where each video is from
        replacing.settle_places()
        if self._shelf.queue.is_shared:
            yield from map(self._looking.status, handing.hand_over_due(self._shelf))
            return
        due = self.intake.unfinished()
        self._announce(due)
        before = {video_id: published(self._ledger, video_id) for video_id in due}
        for video_id in self.intake.process(due):
            yield self._settled(video_id, replacing, before.pop(video_id, {}))

    def discover(self, urls: Iterable[str], wishes: Wishes) -> Iterator[Added]:
        """See `Library.discover`."""
        known = Replacing(self._shelf, self._give_way).is_known
        for url in urls:
            try:
                for found in self._found(url, known):
                    if isinstance(found, VideoRagError):
                        yield Added(url, error=found)
                        continue
                    given = self.intake.give(found, wishes)
                    if given.is_stale:
                        self.intake.forgive_passing(given.video_id)
                    status = self._looking.status(given.video_id)
                    yield Added(found.url, status, None, given.is_new, given.same_as)
            except VideoRagError as error:
                yield Added(url, error=error)

    def process(self, video_ids: Iterable[str]) -> Iterator[Status]:
        """See `Library.process`."""
        replacing = Replacing(self._shelf, self._give_way)
        chosen = list(dict.fromkeys(video_ids))
        self._announce(chosen)
        before = {video_id: published(self._ledger, video_id) for video_id in chosen}
        for video_id in chosen:
            self.intake.forgive_passing(video_id)
        for video_id in self.intake.process(chosen):
            yield self._settled(video_id, replacing, before.pop(video_id))
        for video_id in before:  # its site cools down
            yield self._looking.status(video_id)

    def retry(self, video_ids: Iterable[str]) -> Iterator[Status]:
        """See `Library.retry`."""
        replacing = Replacing(self._shelf, self._give_way)
        chosen = list(video_ids)
        self._announce(chosen)
        for video_id in chosen:
            before = published(self._ledger, video_id)
            self._ledger.forgive(video_id)
            self._ledger.agenda.hurry([video_id])
            self.intake.work(video_id)
            yield self._settled(video_id, replacing, before)

    def _of_one_video(self, urls: list[str], known: Callable[[str], bool]) -> list[str]:
        """The same paths and URLs, if a title can be theirs: nothing is taken in otherwise.

        Raises `UsageError` when they stand for several videos.
        """
        ids: set[str] = set()
        for url in urls:
            try:
                for number, found in enumerate(self._found(url, known)):
                    ids.add(found.video_id or f"{url}#{number}")
            except VideoRagError:  # told when it is added
                ids.add(url)
            if len(ids) > 1:
                raise UsageError(
                    "a title is for one video, and this is more than one",
                    hint="add them one by one, each with its title, or all without --title",
                )
        return urls

    def remove(self, video_id: str) -> None:
        """See `Library.remove`."""
        if not self._ledger.results(video_id):
            raise NotFound(f"no video {video_id!r}", hint="see `video-rag list`")
        removing.remove(self._shelf, video_id)

    def _give_way(self, video_id: str) -> None:
        """A version that another took the place of moves on to a copy of its file, else it goes."""
        video = self._shelf.maybe(self._ledger.results(video_id), "video", Video)
        for copy in video.copies if video else ():
            held = self._shelf.held_at(copy.url)
            if held is not None and held.video_id == video_id:
                self.intake.give(held, Wishes())
                self.intake.work(video_id)
                return
        self.remove(video_id)

    def passed_over(self, url: str) -> Counter[str]:
        """See `Library.passed_over`."""
        try:
            source = self._shelf.source_of(url)
        except UnsupportedUrl:
            return Counter()
        return Counter(source.passed_over(url)) if isinstance(source, Counting) else Counter()

    def missing(self, url: str) -> list[Video]:
        """See `Library.missing`."""
        folder = guard.absolute(url)
        if not folder.is_dir():
            return []
        some = self._ledger.results_of(self._ledger.agenda.named(str(folder))).values()
        videos = (self._shelf.read(row, "video", Video) for row in some if "video" in row)
        gone = (
            video.video_id
            for video in videos
            if "://" not in video.url
            and Path(video.url).is_relative_to(folder)
            and not Path(video.url).exists()
        )
        return [self._looking.status(video_id).video for video_id in gone]

    def _found(self, url: str, known: Callable[[str], bool]) -> Iterator[Video | VideoRagError]:
        """The videos behind a path or URL, series taken apart; known ones are not opened again."""
        source = self._shelf.source_of(url)
        for found in source.discover(url):
            if isinstance(found, VideoRagError) or _is_known(found.video_id, known):
                yield found
            else:
                yield from source.parts(found)

    def _work_on(
        self, given: Mapping[str, list[tuple[Video, Given]]], replacing: Replacing
    ) -> Iterator[Added]:
        """Work on what was given; the videos that need nothing come first."""
        stale = dict.fromkeys(
            video_id for video_id, all_of in given.items() if any(g.is_stale for _, g in all_of)
        )
        for video_id in stale:
            self.intake.forgive_passing(video_id)
        self._ledger.agenda.hurry(stale)
        before = {video_id: self._content(video_id) for video_id in stale}
        before_all = {video_id: published(self._ledger, video_id) for video_id in given}
        fresh = [video_id for video_id in given if video_id not in stale]
        rest = dict.fromkeys(given)
        for video_id in chain(fresh, self.intake.process(stale)):
            rest.pop(video_id, None)
            status = self._settled(video_id, replacing, before_all[video_id], is_given=True)
            is_renewed = video_id in before and before[video_id] != self._content(video_id)
            yield from _told(given[video_id], status, is_renewed=is_renewed)
        for video_id in rest:  # its site cools down
            yield from _told(given[video_id], self._looking.status(video_id))

    def _content(self, video_id: str) -> list[str]:
        """What tells whether a document says something else than before."""
        results = self._ledger.results(video_id)
        if "document" not in results:
            return []
        return [results[name].digest for name in ("transcript", "slides") if name in results]

    def _settled(
        self,
        video_id: str,
        replacing: Replacing,
        before: Mapping[str, str],
        *,
        is_given: bool = False,
    ) -> Status:
        """The status of a video that was worked on; a ready one takes an earlier one's place."""
        status = self._looking.status(video_id)
        replacing.settle(status, is_given=is_given)
        self._tell(VideoSettled(video_id))
        return replace(status, change=change_of(before, published(self._ledger, video_id)))

    def settle(self, video_id: str) -> None:
        """What a worker does once the last stage of a video is done: see `_settled`."""
        seen = self._ledger.agenda.see(video_id)
        if seen is None or self._shelf.engine.plan.stale(seen.results):
            return
        if not self._shelf.settings.library.keep_media:
            self.intake.drop_media(video_id)
        self._settled(video_id, Replacing(self._shelf, self._give_way), {})

    def _announce(self, video_ids: Iterable[str]) -> None:
        """Tell which videos this pass is about. Raises `NotFound` for an unknown one."""
        for video_id in video_ids:
            self._tell(VideoFound(video_id, self._looking.status(video_id).video.title))

    def _tell(self, event: Event) -> None:
        emit(self._shelf.observers, event)


def _told(
    given: Iterable[tuple[Video, Given]], status: Status, *, is_renewed: bool = False
) -> Iterator[Added]:
    """What became of a video, for each time it was given."""
    for found, one in given:
        is_other = is_renewed and not one.is_new
        yield Added(found.url, status, None, one.is_new, one.same_as, is_other)


def _is_known(video_id: str, known: Callable[[str], bool]) -> bool:
    """Whether it, or the first of its parts, is in the library."""
    return known(video_id) or known(f"{video_id}_p1")
