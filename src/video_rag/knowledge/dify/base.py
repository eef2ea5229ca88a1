"""Dify as a knowledge base: a dataset whose segments are the passages, each with its address."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from pathlib import Path

from video_rag import identity
from video_rag.dify.datasets import Datasets, RemoteDocument, Technique
from video_rag.dify.state import State
from video_rag.digest import of_value
from video_rag.embedders import Embedder
from video_rag.errors import BadSettings, ContentError, Unavailable, VideoRagError
from video_rag.knowledge import INDEXED, Holding, Kept
from video_rag.knowledge.dify import rules
from video_rag.knowledge.dify.care import Care, Made, make
from video_rag.knowledge.dify.described import Described
from video_rag.knowledge.dify.fields import values
from video_rag.knowledge.dify.holdings import has_own_name, holding, video_of
from video_rag.knowledge.dify.publish import Publisher
from video_rag.knowledge.dify.search import Searcher
from video_rag.knowledge.dify.text import Layout, Part, document_name, parts, stem_of
from video_rag.knowledge.dify.turn import turn
from video_rag.model import Chunk, Document, Hit, Query, Receipt

log = logging.getLogger("video_rag")

READERS = 8
"""Documents whose segments are read at once."""


class Dify:
    """A dataset in Dify. Made for 1.16.1, over the service API alone.

    Scores of an economy dataset are ours (BM25 over what Dify found), else Dify's own.
    """

    version = 1
    Options = rules.Options

    def __init__(
        self,
        options: rules.Options,
        *,
        home: Path,
        embedder: Embedder | None = None,
        page_url: str = "",
    ) -> None:
        del embedder  # Dify has its own
        self.options = options
        self.state = State(home / "dify.json")
        self._home = home
        self._page_url = page_url
        self._listed: dict[str, list[RemoteDocument]] | None = None

    def stamp(self) -> str:
        """The server and the dataset."""
        return f"{self.options.base_url} {self._known_id()}"

    @property
    def writers(self) -> int:
        """Two for economy datasets: one is indexed while the other is prepared or sealed."""
        return 2 if self.technique == "economy" else self.options.concurrency

    def revision(self, document: Document, chunks: Sequence[Chunk]) -> str:
        """Names the segments, the metadata and how they are indexed."""
        made = self.parts(document, chunks)
        options = self.described.options
        form = [options.segmentation, options.child_length, options.keywords]
        return of_value([[part.segments for part in made], values(document), form])[:32]

    def publish(
        self,
        document: Document,
        chunks: Sequence[Chunk],
        previous: Receipt | None,
        *,
        force: bool = False,
    ) -> str:
        """Create or update the documents of a video, and wait until they are found."""
        video_id = document.document_id
        made = self.parts(document, chunks)
        if not made:
            raise ContentError(
                f"{video_id} has no passages to publish",
                hint=f"see `video-rag show {video_id}`; what Dify holds of it was left there",
            )
        about = {**values(document), "library": identity.make(self._home)}
        # Dify itself tells what is there, also what another machine sent
        present = self._present(video_id, previous)
        taken, rest = _assigned(video_id, made, present)
        revision = self.revision(document, chunks)
        done = [
            self.publisher.put(part, rows, about, revision, force=force)
            for part, rows in zip(made, taken, strict=True)
        ]
        for row in rest:  # parts that are no longer needed, and copies
            self.publisher.remove(row)
        ids = ",".join(put.document_id for put in done)
        return ids if rest or any(put.wrote for put in done) else Kept(ids)

    def withdraw(self, document_id: str, receipt: Receipt | None) -> None:
        """Delete the documents of a video; those that are not there are no error."""
        with self._turn():
            for row in self._present(document_id, receipt):
                self.publisher.remove(row)

    def search(self, query: Query) -> list[Hit]:
        """The best passages, as far as Dify finds them."""
        _ = self.described.dataset  # an external one is refused
        return Searcher(self.datasets, self.dataset_id, self.options, self.technique).search(query)

    def holdings(self, *, thorough: bool = False) -> list[Holding]:
        """Every document of a video that is in the dataset."""
        groups = self._list()
        with ThreadPoolExecutor(READERS) as pool:
            return list(
                pool.map(lambda id_: self._holding(id_, groups[id_], thorough=thorough), groups)
            )

    def reread(self, held: Holding) -> Holding:
        """What the list does not tell: segments that were switched off or changed by hand."""
        rows = self._listed[held.document_id] if self._listed else []
        read = [self.datasets.segments(self.dataset_id, row.id) for row in rows]
        library_id = identity.known(self._home)
        return holding(held.document_id, rows, read, library_id=library_id) if rows else held

    def check(self) -> str:
        """The dataset, the number of its documents, and Dify's version."""
        total = sum(1 for _ in self.datasets.documents(self.dataset_id))
        version = self.datasets.client.version
        technique = self.technique.replace("_", " ")
        return f"{total} documents in a dataset of Dify {version} ({technique})"

    def make(self, name: str, *, in_use: bool = True, **wishes: str) -> Made:
        """The dataset of this name, made if need be; from now on the one `in_use`, or not.

        `wishes` are options for this one time, such as `mode` and `embedding_model`.
        """
        options = self.options.model_copy(update=wishes)
        known = self.state.get(options.base_url, f"dataset {name}")
        technique: Technique = "high_quality" if options.mode == "high-quality" else "economy"
        made = make(self.datasets, options, technique, name, known)
        self.state.keep(options.base_url, f"dataset {name}", made.dataset.id)
        self.state.keep(options.base_url, f"technique {made.dataset.id}", technique)
        if in_use:
            self.state.keep(options.base_url, "dataset", made.dataset.id)
        self._listed = None
        for known_of in ("dataset_id", "described", "publisher"):
            self.__dict__.pop(known_of, None)  # they told of the dataset before
        return made

    @property
    def patience(self) -> float:
        """Seconds that publishing waits for Dify when it is away."""
        return self.options.patience

    def answers(self) -> bool:
        """Whether Dify is there at all."""
        try:
            self.datasets.client.call("GET", "/datasets/tags")
        except Unavailable:
            return False
        except VideoRagError:  # it refuses, and so it is there
            return True
        return True

    def prepare(self) -> str:
        """Have apps search the dataset as we do; what was changed, in words, empty when nothing.

        Raises `UsageError` for a dataset that no app reads.
        """
        return self.described.align()

    def looks(self) -> Iterator[tuple[str, Callable[[], str]]]:
        """What `video-rag dify check` looks at: a name, and a look that gives one line."""
        return Care(
            self.options,
            self.datasets,
            lambda: self.dataset_id,
            lambda: self.described,
            self._turn,
        ).looks()

    @cached_property
    def dataset_id(self) -> str:
        """The dataset of the settings, else the one that was made. Raises `BadSettings`."""
        found = self._known_id()
        if not found:
            raise BadSettings(
                "no dataset in Dify is chosen",
                hint="make one: video-rag dify create --mode economy; or set dataset_id"
                + ("" if self.options.base_url.endswith("/v1") else "; base_url ends in /v1"),
            )
        return found

    @cached_property
    def described(self) -> Described:
        """What the dataset is."""
        return Described(self.options, self.datasets, self.dataset_id, self.state)

    @property
    def technique(self) -> Technique:
        """How the dataset is indexed. Raises `Unavailable` where nobody can tell."""
        return self.described.technique

    @cached_property
    def datasets(self) -> Datasets:
        """The knowledge API. Raises `BadSettings` without a key."""
        return self.options.datasets()

    @cached_property
    def publisher(self) -> Publisher:
        """Who writes into the dataset, which from now on is searched as ours."""
        if changed := self.described.align():
            log.warning("%s", changed)
        return Publisher(
            self.datasets, self.dataset_id, self.described.options, self.technique, self._turn
        )

    def _known_id(self) -> str:
        return self.options.dataset_id or self.state.get(self.options.base_url, "dataset")

    def _turn(self) -> AbstractContextManager[None]:
        """Held while something is indexed in an economy dataset."""
        if self.technique != "economy":
            return nullcontext()
        return turn(self._home / "locks" / f"dify-{self.dataset_id}")

    def parts(self, document: Document, chunks: Sequence[Chunk]) -> list[Part]:
        """The documents that hold these passages; most often one."""
        budgeted = self.technique == "economy" and not self.options.keywords
        layout = Layout(with_title=not budgeted, page_url=self._page_url)
        return parts(document.document_id, chunks, layout, self.options.part_bytes)

    def _present(self, video_id: str, receipt: Receipt | None) -> list[RemoteDocument]:
        """Every document of this video, all parts of it, also under another name."""
        stem = stem_of(document_name(video_id))
        rows = self.datasets.documents(self.dataset_id, stem)
        found = {row.id: row for row in rows if stem_of(row.name) == stem}
        known = [id_ for id_ in (receipt.remote_id if receipt else "").split(",") if id_]
        if not (found or known) and self._listed is None:
            self._list()
        listed = (self._listed or {}).get(video_id, ())
        for id_ in dict.fromkeys([*known, *(row.id for row in listed)]):
            row = None if id_ in found else self.datasets.document(self.dataset_id, id_)
            if row and video_of(row) == video_id:
                found[id_] = row
        return list(found.values())

    def _list(self) -> dict[str, list[RemoteDocument]]:
        """The documents of every video, by video; kept, since Dify finds none by its metadata."""
        found: dict[str, list[RemoteDocument]] = defaultdict(list)
        nameless: list[RemoteDocument] = []
        for row in self.datasets.documents(self.dataset_id):
            video_id = video_of(row)
            (found[video_id] if video_id else nameless).append(row)
        by_stem = {stem_of(document_name(video_id)): video_id for video_id in found}
        for row in nameless:  # sent under a video's name, and not yet said whose it is
            if stem_of(row.name) in by_stem:
                found[by_stem[stem_of(row.name)]].append(row)
        self._listed = {id_: sorted(found[id_], key=_by_name) for id_ in sorted(found)}
        return self._listed

    def _holding(
        self, video_id: str, group: Sequence[RemoteDocument], *, thorough: bool
    ) -> Holding:
        library_id = identity.known(self._home)
        found = holding(video_id, group, library_id=library_id)
        if not thorough and found.state != "edited":  # which a list only suspects
            return found
        held = [self.datasets.segments(self.dataset_id, row.id) for row in group]
        found = holding(video_id, group, held, library_id=library_id)
        pairs = zip(group, held, strict=True)
        if (
            not thorough
            or found.state != INDEXED
            or all(self.publisher.is_found(row, segments) for row, segments in pairs)
        ):
            return found
        problem = "Dify does not find it by its own words: publish --force repairs it"
        return found.model_copy(update={"state": "lost", "problem": problem})


def _by_name(row: RemoteDocument) -> str:
    return row.name


def _assigned(
    video_id: str, made: Sequence[Part], present: Sequence[RemoteDocument]
) -> tuple[list[list[RemoteDocument]], list[RemoteDocument]]:
    """Which documents stand for which part, and those that stand for none.

    One that was renamed takes the place of a part that is missing.
    """
    by_name = {part.name: [row for row in present if row.name == part.name] for part in made}
    others = [row for row in present if row.name not in by_name]
    spare = [row for row in others if not has_own_name(row, video_id)]
    for rows in by_name.values():
        if not rows and spare:
            rows.append(spare.pop(0))
    used = {row.id for rows in by_name.values() for row in rows}
    return list(by_name.values()), [row for row in others if row.id not in used]
