"""A library of videos: add, look, publish, search, ask, remove. Every door calls this.

What a method promises stands here; how it is done, in `adding`, `looking`, `publishing` and
`asking`, which share a `Shelf`. All but `looking` are imported when they are first used, since a
command that looks at videos shall not pay for what adds and searches them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from video_rag.choices import State
from video_rag.errors import NotFound
from video_rag.library import removing
from video_rag.library.listing import Listing, Part
from video_rag.library.looking import Looking
from video_rag.library.shelf import Shelf
from video_rag.library.status import Added, Status, Wishes
from video_rag.model import Chunk, Document, Hit, Media, Query, Question, Transcripts, Video
from video_rag.observers import Event, Observer, emit
from video_rag.once import Once
from video_rag.queues import Queue
from video_rag.settings import Settings
from video_rag.stores import Shown
from video_rag.stores.media import Remote

if TYPE_CHECKING:
    from video_rag.answerers import Delta, Done
    from video_rag.library.adding import Adding
    from video_rag.library.asking import Asking
    from video_rag.library.evaluate import Score
    from video_rag.library.intake import Intake
    from video_rag.library.watching.watch import Checked, Watch
    from video_rag.library.working import Working
    from video_rag.pipeline.publishing import Publishing
    from video_rag.queues import Depth


Row = TypeVar("Row")


class Library:
    """One library; safe to use from several threads and processes."""

    def __init__(self, settings: Settings, observers: Sequence[Observer] = ()) -> None:
        self._shelf = shelf = Shelf(settings, observers)
        removing.finish(shelf)
        self.settings, self.ledger = settings, shelf.ledger
        self.blobs, self.parts = shelf.blobs, shelf.parts
        self.remembering = shelf.remembering
        self._looking = Looking(shelf)
        self._listing = Listing(shelf, self._looking)
        self._adding, self._asking = Once(self._that_adds), Once(self._that_asks)

    def _that_adds(self) -> Adding:
        from video_rag.library.adding import Adding

        return Adding(self._shelf, self._looking)

    def _that_asks(self) -> Asking:
        from video_rag.library.asking import Asking

        return Asking(self._shelf)

    @property
    def intake(self) -> Intake:
        """Works on videos that were given."""
        return self._adding().intake

    @property
    def watch(self) -> Watch:
        """The subscriptions."""
        return self._adding().watch

    @property
    def is_shared(self) -> bool:
        """Whether workers in other processes do what is submitted here."""
        return self._shelf.queue.is_shared

    def depth(self, routes: Iterable[str]) -> Mapping[str, Depth]:
        """How much waits on the queue, by route. Raises `Unavailable` when its server is away."""
        return self._shelf.queue.depth(routes)

    @property
    def queue(self) -> Queue:
        """Brings stages to those who run them."""
        return self._shelf.queue

    def lanes(self) -> dict[str, str]:
        """The lane of each stage, by name."""
        return {stage.name: stage.lane for stage in self._shelf.engine.plan.stages}

    def working(self, memory: int) -> Working:
        """Runs stages for as long as it is told; `memory` is what it may take, in bytes."""
        from video_rag.library.working import Working

        return Working(self._shelf, self._adding(), memory)

    def keep_counts(self) -> None:
        """Write down what this process counted, for those who read metrics elsewhere."""
        self._shelf.counting.close()

    def close(self) -> None:
        """Let go of files."""
        self._shelf.counting.close()
        self.remembering.close()
        self.ledger.close()

    def listen(self, observer: Observer) -> None:
        """Tell one more observer what happens."""
        self._shelf.observers.append(observer)

    def tell(self, event: Event) -> None:
        """Tell the observers of something that happened elsewhere."""
        emit(self._shelf.observers, event)

    def hold(self, name: str, what: str) -> AbstractContextManager[bool]:
        """Have something to oneself while working on it; gives False when somebody else has it."""
        return self._shelf.engine.claim(name, what)

    # adding, trying again, removing

    def add(self, urls: str | Iterable[str], wishes: Wishes | None = None) -> Iterator[Added]:
        """Take in every video behind a path, a URL or several, until each is ready or failed.

        One that fails does not keep the others. Adding again is harmless and cheap; it tries again
        what failed because a server was away.
        """
        given = [urls] if isinstance(urls, str) else urls  # not its letters, of which one is "/"
        return self._counted(self._adding().add(given, wishes or Wishes()))

    def refuse_unsupported(self, url: str) -> None:
        """Raise `UnsupportedUrl` for what no source takes, before anything is opened or fetched."""
        from video_rag.media import MEDIA_SUFFIXES

        path = url.removeprefix("file://")
        source = self._shelf.source_of(url)
        if Path(path).is_file() and Path(path).suffix.lower() not in MEDIA_SUFFIXES:
            next(iter(source.discover(url)), None)

    def passed_over(self, url: str) -> Counter[str]:
        """How many files of a folder are of no kind that is taken, by suffix (`.pdf`, "")."""
        return self._adding().passed_over(url)

    def missing(self, url: str) -> list[Video]:
        """The videos that were added from below a folder, and whose files are no longer there."""
        return self._adding().missing(url)

    def run(self) -> Iterator[Checked | Status]:
        """One pass over everything due: look at subscriptions, then work on what is unfinished.

        What was lost or damaged on the disk, documents included, is made again.

        Gives what was found in each list, then each video that was worked on. What had to be left
        for later, because a site cools down, is in `intake.left`.
        """
        return self._counted(self._adding().run())

    def finish(self) -> Iterator[Status]:
        """Work on every video that is unfinished and not in the way of a failure."""
        return self._counted(self._adding().finish())

    def discover(self, urls: Iterable[str], wishes: Wishes | None = None) -> Iterator[Added]:
        """Take in every video behind these paths and URLs, and work on none.

        What failed because a server was away may be tried again at once, as with `add`.
        """
        return self._adding().discover(urls, wishes or Wishes())

    def process(self, video_ids: Iterable[str]) -> Iterator[Status]:
        """Work on these videos until each is ready or nothing more can be done for it now.

        What failed because a server was away is tried again. Raises `NotFound`.
        """
        return self._counted(self._adding().process(video_ids))

    def retry(self, video_ids: Iterable[str]) -> Iterator[Status]:
        """Forget failures and work on these videos again."""
        return self._counted(self._adding().retry(video_ids))

    def remove(self, video_id: str) -> None:
        """Withdraw a video from every knowledge base, then forget it and what we stored of it.

        Files that their owner put somewhere stay untouched. Raises `NotFound`.
        """
        self._adding().remove(video_id)

    def _counted(self, one_pass: Iterator[Row]) -> Iterator[Row]:
        """A pass, whose last stages count too: a command ends soon after it."""
        try:
            yield from one_pass
        finally:
            self._shelf.counting.close()

    # looking

    def videos(self) -> list[Status]:
        """Every video and its state, in the order they were added."""
        return self._looking.videos()

    def part(self, wanted: Shown, state: State | None = None) -> Part:
        """A part of the videos, chosen and sorted by a query; only those in `state`, if given."""
        return self._listing.part(wanted, state)

    def unready(self) -> list[str]:
        """The videos that are not ready, in the order they were added."""
        return self._listing.unready()

    def status(self, video_id: str) -> Status:
        """One video and its state. Raises `NotFound`."""
        return self._looking.status(video_id)

    def find(self, name: str) -> str:
        """The id of the video that a person means: its id, title, file name, path or URL.

        Raises `NotFound`, or `UsageError` when several fit.
        """
        return self._looking.find(name)

    def document(self, video_id: str) -> Document:
        """What was made of a video. Raises `NotFound` when there is none yet."""
        return self._shelf.need(video_id, "document", Document)

    def transcripts(self, video_id: str) -> Transcripts:
        """Every language of a video. Raises `NotFound` when there is none yet."""
        return self._shelf.need(video_id, "transcript", Transcripts)

    def page(self, video_id: str) -> Path | str:
        """The path or URL of a video's readable file. Raises `NotFound` when there is none yet."""
        return self._looking.page(video_id)

    def playable(self, video_id: str) -> Media | None:
        """The file that a player can show, if the video is here."""
        return self._looking.playable(video_id)

    def locate(self, media: Media) -> Path:
        """Where a file of a video lies on this machine, if it is here."""
        return self._looking.locate(media)

    def remote(self, video_id: str, media: Media) -> Remote | None:
        """A file of a video as it lies in a bucket, if it does."""
        return self._looking.remote(video_id, media)

    def image(self, digest: str) -> bytes:
        """A slide's picture (JPEG). Raises `NotFound`, or `Lost` for one that is damaged."""
        if not self.blobs.exists(digest):
            raise NotFound(
                f"no picture {digest[:12]}", hint="`video-rag run` makes lost ones again"
            )
        return self.blobs.get(digest)

    def export(self, video_id: str, format_name: str, folder: Path) -> Path:
        """Write a video's document into a folder in another format; returns the file.

        Raises `UsageError` for a folder that cannot be written to.
        """
        return self._looking.export(video_id, format_name, folder)

    # publishing

    def passages(self, video_id: str) -> tuple[Document, list[Chunk]]:
        """A document, and the passages that knowledge bases get of it. Raises `NotFound`."""
        from video_rag.library import publishing

        return publishing.passages(self._shelf, video_id)

    def publishing(self, knowledge: str) -> Publishing:
        """Brings a knowledge base in line with this library."""
        from video_rag.library import publishing

        return publishing.publishing(self._shelf, knowledge)

    # searching and asking

    def prepare(self) -> None:
        """Load what searches and answers need, so that many first ones do not load it at once.

        No model of an embedder is loaded and no server asked. What is not to be had, such as an
        extra that is not installed, is left for who asks to be told.
        """
        self._asking().prepare()

    def search(self, query: Query, knowledge: str | None = None) -> list[Hit]:
        """The best passages first. `knowledge` names the base, else `[search] knowledge`."""
        return self._asking().search_for(query, knowledge)

    def refuse_lost(self, knowledge: str | None = None) -> None:
        """Tell who searches a base that lost videos: `search` asks this when it found nothing.

        Raises `Unavailable`. A base on another machine is not asked.
        """
        self._asking().refuse_lost(knowledge)

    def refuse_unknown(self, query: Query) -> None:
        """Tell who looks where nothing can be: `search` asks this when it found nothing.

        The results of all videos may have to be read. Raises `NotFound` for a collection, a
        language or a speaker that no video has.
        """
        self._asking().refuse_unknown(query)

    def synonyms(self, text: str) -> tuple[tuple[str, ...], ...]:
        """The groups of names of one thing of which a text has one. Raises `BadSettings`."""
        return self._asking().synonyms(text)

    def ask(
        self, question: Question, answerer: str | None = None, knowledge: str | None = None
    ) -> Iterator[Delta | Done]:
        """Stream an answer; the last event holds it whole, with checked citations."""
        return self._asking().ask(question, answerer, knowledge)

    def evaluate(self, questions: Path, knowledge: str | None = None) -> Score:
        """Hit rates on questions with known places. Raises `UsageError` naming a bad line."""
        videos = [status.video for status in self.videos()]
        return self._asking().evaluate(questions, knowledge, videos)
