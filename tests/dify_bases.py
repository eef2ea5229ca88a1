"""Dify as a knowledge base of tests: a dataset in the test Dify, the plug-in that writes to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import stamina

from video_rag.dify.datasets import Datasets
from video_rag.knowledge.dify import Dify
from video_rag.testing.dify import DifyServer
from video_rag.testing.dify.records import Dataset, Document

QUICK = {
    "poll_seconds": 0.05,
    "wait_seconds": 60.0,
    "patience": 0.0,
    "rate_limit_wait": 0.01,
    "timeout": 5.0,
}
"""Options with which nothing waits for long."""


@contextmanager
def server(**options: Any) -> Iterator[DifyServer]:
    """A test Dify that indexes at once and lets statuses be changed at once; nobody waits to try
    again."""
    with (
        DifyServer(**{"index_seconds": 0.0, **options}) as dify,
        stamina.set_testing(True, attempts=4, cap=True),
    ):
        dify.status_seconds = 0.0
        yield dify


def base_of(dify: DifyServer, home: Path, mode: str = "economy", **options: Any) -> Dify:
    """The knowledge base in the dataset `videos`, which is made if it is not there."""
    given = {"base_url": dify.base_url, "api_key": dify.dataset_key, "mode": mode}
    base = Dify(Dify.Options.model_validate({**given, **QUICK, **options}), home=home)
    if not base.options.dataset_id:
        base.make("videos")
    return base


def again(base: Dify, home: Path, **options: Any) -> Dify:
    """The same base as another process opens it, with some options changed."""
    given = base.options.model_copy(update={"dataset_id": base.dataset_id, **options})
    return Dify(given, home=home)


def dataset_of(dify: DifyServer) -> Dataset:
    """The only dataset of a server."""
    (found,) = dify.datasets.values()
    return found


def documents(dify: DifyServer) -> list[Document]:
    """Every document of the only dataset."""
    return list(dataset_of(dify).documents.values())


def names(dify: DifyServer) -> list[str]:
    """The names of all documents, sorted."""
    return sorted(document.name for document in documents(dify))


def other_client(dify: DifyServer) -> Datasets:
    """Somebody else with the same key: a person's script, another program."""
    options = {"base_url": dify.base_url, "api_key": dify.dataset_key, **QUICK}
    return Dify.Options.model_validate(options).datasets()


def texts(dify: DifyServer, name: str) -> Sequence[str]:
    """The segments of a document."""
    (found,) = dify.named(name)
    return [segment.content for segment in found.segments]
