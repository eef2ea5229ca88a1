"""Dify as a knowledge base: a dataset whose segments are the passages, each with its address."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from itertools import groupby
from pathlib import Path

from video_rag.dify.datasets import Dataset, Datasets, RemoteDocument, Technique
from video_rag.dify.errors import said_by
from video_rag.dify.state import State
from video_rag.digest import of_value
from video_rag.embedders import Embedder
from video_rag.errors import BadSettings, ContentError, Rejected
from video_rag.knowledge import INDEXED, Holding
from video_rag.knowledge.dify import rules
from video_rag.knowledge.dify.care import Care, Made, make
from video_rag.knowledge.dify.fields import values
from video_rag.knowledge.dify.holdings import holding
from video_rag.knowledge.dify.publish import Publisher
from video_rag.knowledge.dify.search import Searcher
from video_rag.knowledge.dify.text import Layout, Part, document_name, parts, stem_of
from video_rag.knowledge.dify.turn import turn
from video_rag.model import Chunk, Document, Hit, Query, Receipt

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
        form = [self.options.segmentation, self.options.child_length, self.options.keywords]
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
        del previous  # Dify itself tells what is there, also what another machine sent
        video_id = document.document_id
        made = self.parts(document, chunks)
        if not made:
            raise ContentError(
                f"{video_id} has no passages to publish",
                hint=f"see `video-rag show {video_id}`; what Dify holds of it was left there",
            )
        revision, about = self.revision(document, chunks), values(document)
        present = self._present(video_id)
        ids = [
            self.publisher.put(
                part,
                [row for row in present if row.name == part.name],
                about,
                revision,
                force=force,
            )
            for part in made
        ]
        for row in present:  # parts that are no longer needed
            if row.name not in {part.name for part in made}:
                self.publisher.remove(row)
        return ",".join(ids)

    def withdraw(self, document_id: str, receipt: Receipt | None) -> None:
        """Delete the documents of a video; those that are not there are no error."""
        del receipt
        with self._turn():
            for row in self._present(document_id):
                self.publisher.remove(row)

    def search(self, query: Query) -> list[Hit]:
        """The best passages, as far as Dify finds them."""
        return Searcher(self.datasets, self.dataset_id, self.options, self.technique).search(query)

    def holdings(self, *, thorough: bool = False) -> list[Holding]:
        """Every document of a video that is in the dataset."""
        rows = [row for row in self.datasets.documents(self.dataset_id) if stem_of(row.name)]
        groups = [
            list(group)
            for _, group in groupby(
                sorted(rows, key=lambda row: (stem_of(row.name), row.name)),
                key=lambda row: stem_of(row.name),
            )
        ]
        ours = [group for group in groups if _video_id(group)]
        with ThreadPoolExecutor(READERS) as pool:
            return list(pool.map(lambda group: self._holding(group, thorough=thorough), ours))

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
        if in_use:
            self.state.keep(options.base_url, "dataset", made.dataset.id)
        for known_of in ("dataset_id", "technique", "publisher"):
            self.__dict__.pop(known_of, None)  # they told of the dataset before
        return made

    def looks(self) -> Iterator[tuple[str, Callable[[], str]]]:
        """What `video-rag dify check` looks at: a name, and a look that gives one line."""
        return Care(
            self.options,
            self.datasets,
            lambda: self.dataset_id,
            lambda: self.technique,
            self._turn,
        ).looks()

    def dataset(self) -> Dataset | None:
        """The dataset as Dify describes it; None without its plugin daemon, which it needs."""
        try:
            return self.datasets.get(self.dataset_id)
        except Rejected as error:
            if "plugin daemon" not in said_by(error).message:
                raise
            return None

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
    def technique(self) -> Technique:
        """How the dataset is indexed: as the settings say, else as Dify says.

        Without its plugin daemon Dify says nothing, and nothing but economy works.
        """
        if self.options.mode:
            return "economy" if self.options.mode == "economy" else "high_quality"
        found = self.dataset()
        return (found and found.indexing_technique) or "economy"

    @cached_property
    def datasets(self) -> Datasets:
        """The knowledge API. Raises `BadSettings` without a key."""
        return self.options.datasets()

    @cached_property
    def publisher(self) -> Publisher:
        """Who writes into the dataset."""
        return Publisher(self.datasets, self.dataset_id, self.options, self.technique, self._turn)

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

    def _present(self, video_id: str) -> list[RemoteDocument]:
        """Every document that bears the name of this video, all parts of it."""
        stem = stem_of(document_name(video_id))
        rows = self.datasets.documents(self.dataset_id, stem)
        return [row for row in rows if stem_of(row.name) == stem]

    def _holding(self, group: Sequence[RemoteDocument], *, thorough: bool) -> Holding:
        video_id = _video_id(group)
        found = holding(video_id, group)
        if not thorough and found.state != "edited":  # which a list only suspects
            return found
        held = [self.datasets.segments(self.dataset_id, row.id) for row in group]
        found = holding(video_id, group, held)
        pairs = zip(group, held, strict=True)
        if (
            not thorough
            or found.state != INDEXED
            or all(self.publisher.is_found(row, segments) for row, segments in pairs)
        ):
            return found
        problem = "Dify does not find it by its own words: publish --force repairs it"
        return found.model_copy(update={"state": "lost", "problem": problem})


def _video_id(group: Sequence[RemoteDocument]) -> str:
    """The video whose documents these are; empty where name and metadata do not both say so."""
    told = (str(row.metadata.get("video_id") or "") for row in group)
    stem = stem_of(group[0].name)
    return next((one for one in told if one and stem_of(document_name(one)) == stem), "")
