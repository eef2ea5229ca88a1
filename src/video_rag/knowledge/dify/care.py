"""Making a dataset, and looking whether Dify can do what is asked of it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import NamedTuple

from video_rag.dify.connection import Connection
from video_rag.dify.datasets import (
    MAX_DATASET_NAME,
    Dataset,
    Datasets,
    Posted,
    Technique,
)
from video_rag.dify.errors import said_by
from video_rag.errors import BadSettings, NotFound, Rejected, Unavailable
from video_rag.knowledge.dify import rules
from video_rag.knowledge.dify.described import Described, is_without_daemon

CHECK_SECONDS = 20.0
"""A worker that has not indexed two words by then is down, or has very much to do."""
UPLOAD_LIMIT = 15_000_000
"""Bytes that Dify takes at once unless it was set up otherwise."""


class Made(NamedTuple):
    """A dataset, and whether it was there before."""

    dataset: Dataset
    is_new: bool


def make(
    datasets: Datasets, options: rules.Options, technique: Technique, name: str, known_id: str
) -> Made:
    """A dataset of this name: the one that was made before, else a new one."""
    if not 1 <= len(name) <= MAX_DATASET_NAME:
        raise BadSettings(
            f"a dataset's name has 1 to {MAX_DATASET_NAME} characters, this one {len(name)}",
            hint="give a shorter one with --name",
        )
    if options.segmentation == "parent-child" and technique == "economy":
        raise BadSettings(
            "parent-child needs a high-quality dataset: an economy one would find nothing",
            hint="use --mode high-quality, or leave out --parent-child",
        )
    found = _known(datasets, known_id, name)
    if found:
        _has_mode(datasets, found, technique)
        return Made(found, is_new=False)
    model = rules.retrieval(options, technique, 10)
    more = {"description": "Videos with the second of every passage, by video-rag"}
    embedding = {}
    if technique == "high_quality" and options.embedding_model:
        embedding = {
            "embedding_model": options.embedding_model,
            "embedding_model_provider": options.embedding_provider,
        }
    try:
        made = datasets.create(name, technique, retrieval_model=model, **more, **embedding)
    except Rejected as error:
        if said_by(error).code != "dataset_name_duplicate":
            raise
        found = datasets.find(name)
        if not found:
            raise
        if found.provider == "external":
            raise BadSettings(
                f"{name} is external knowledge, which nothing can be published to",
                hint="choose another name with --name",
            ) from error
        _has_mode(datasets, found, technique)
        return Made(found, is_new=False)
    # what is created keeps `semantic_search`, which an economy dataset cannot do
    datasets.change(made.id, retrieval_model=model)
    return Made(made, is_new=True)


def _known(datasets: Datasets, known_id: str, name: str) -> Dataset | None:
    """The dataset that was made before, if it is still there."""
    if not known_id:
        return None
    try:
        next(datasets.documents(known_id), None)
    except NotFound:
        return None
    return Dataset(id=known_id, name=name)


def _has_mode(datasets: Datasets, found: Dataset, technique: Technique) -> None:
    """Raise `BadSettings` for a dataset of the other mode, as far as Dify tells."""
    try:
        told = found.indexing_technique or datasets.get(found.id).indexing_technique
    except Rejected as error:
        if not is_without_daemon(error):
            raise
        return
    if told not in {None, technique}:
        raise BadSettings(
            f"the dataset {found.name} is there already, and it is {told.replace('_', ' ')}",
            hint="a mode cannot be changed: give the new one another --name",
        )


class Care:
    """Looks at everything between here and a dataset, each look one line or an error."""

    def __init__(
        self,
        options: Connection,
        datasets: Datasets,
        dataset_id: Callable[[], str],
        described: Callable[[], Described],
        turn: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._options = options
        self._datasets = datasets
        self._dataset_id = dataset_id
        self._described = described
        self._turn = turn

    def looks(self) -> Iterator[tuple[str, Callable[[], str]]]:
        """What to look at, in the order in which one thing needs the other."""
        yield "knowledge API", self._api
        yield "dataset", self._dataset
        yield "worker", self._worker
        yield "limits", self._limits
        if self._options.app_key.get_secret_value():
            yield "app", self._app
        if self._options.has_console:
            yield "console", self._console

    def _api(self) -> str:
        """The cheapest call that needs nothing but the key."""
        self._datasets.client.call("GET", "/datasets/tags")
        version = self._datasets.client.version or "of an unknown version"
        return f"{self._options.base_url} answers: Dify {version}"

    def _dataset(self) -> str:
        described = self._described()
        found = described.dataset
        if found is None:
            if described.technique == "economy":
                return "economy; Dify's plugin daemon is not running: only keywords can be searched"
            raise Unavailable(
                "Dify's plugin daemon is not running: nothing high-quality can be searched",
                hint="start plugin_daemon (`docker compose up -d plugin_daemon`)",
            )
        if found.indexing_technique == "high_quality" and found.embedding_available is False:
            raise Rejected(
                f"the embedding model of {found.name} is not available",
                hint="in Dify, open Settings → Model Provider and set it up again",
            )
        total = sum(1 for _ in self._datasets.documents(self._dataset_id()))
        technique = (found.indexing_technique or "no technique yet").replace("_", " ")
        how = found.embedding_model or "by keywords"
        form = described.options.segmentation
        more = ["parent-child"] if form == "parent-child" else []
        more += [changed] if (changed := described.align()) else []
        return f"{found.name}: {', '.join([technique, how, f'{total} documents', *more])}"

    def _worker(self) -> str:
        """Index a few words that Dify has not seen, and delete them."""
        described = self._described()
        body = rules.indexing(described.options, described.technique)
        mark = uuid.uuid4().hex[:8]
        name = f"video-rag-check-{mark}.md"
        began = time.monotonic()
        with self._turn():
            # Dify keeps the embeddings of texts that it knows: an old one proves nothing
            posted = self._datasets.post(self._dataset_id(), name, f"hello worker {mark}", **body)
            try:
                self._until_indexed(posted)
            finally:
                self._datasets.delete_document(self._dataset_id(), posted.document_id)
        return f"indexed a document of a few words in {time.monotonic() - began:.1f} s"

    def _until_indexed(self, posted: Posted) -> None:
        end = time.monotonic() + CHECK_SECONDS
        while time.monotonic() < end:
            progress = self._datasets.progress(self._dataset_id(), posted)
            if progress and progress.indexing_status == "completed":
                return
            if progress and progress.indexing_status == "error":
                raise Rejected(
                    f"Dify cannot index: {progress.error}",
                    hint="in Dify, open Settings → Model Provider and test the embedding model",
                )
            time.sleep(0.25)
        raise Unavailable(
            f"Dify's worker did not begin within {CHECK_SECONDS:g} s",
            hint="is it running (`docker compose ps worker`)? Or has it much to do?",
        )

    def _limits(self) -> str:
        part = getattr(self._options, "part_bytes", UPLOAD_LIMIT)
        if part > UPLOAD_LIMIT:
            raise BadSettings(
                f"part_bytes is {part:,}, and Dify takes {UPLOAD_LIMIT:,} bytes by default",
                hint="lower it, or raise UPLOAD_FILE_SIZE_LIMIT and NGINX_CLIENT_MAX_BODY_SIZE",
            )
        return f"documents are sent in parts of at most {part:,} bytes"

    def _app(self) -> str:
        info = self._options.chat().info()
        return f"the app {info.get('name', '')!r} answers"

    def _console(self) -> str:
        self._options.console()
        return "the console lets us in"
