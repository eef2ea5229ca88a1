"""The care of a dataset in Dify: make it, look after it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol, cast

from video_rag.dify.datasets import Dataset
from video_rag.errors import BadSettings
from video_rag.library import Library
from video_rag.operations.doctor import Finding, tried


class _Made(Protocol):
    dataset: Dataset
    is_new: bool


class _Base(Protocol):
    """What the knowledge base `dify` can do beside what every base can."""

    def make(self, name: str, *, in_use: bool = True, **wishes: str) -> _Made: ...

    def looks(self) -> Iterator[tuple[str, Callable[[], str]]]: ...


def base_of(library: Library, name: str) -> _Base:
    """The knowledge base of this name, which must be a Dify. Raises `BadSettings`."""
    found = library.parts.knowledge(name)
    if not hasattr(found, "looks"):
        raise BadSettings(f"{name} is no Dify", hint="name one with --to, such as dify")
    return cast("_Base", found)


def create(library: Library, base: str, name: str, **wishes: str) -> tuple[Dataset, bool]:
    """Make a dataset, or find the one of this name; whether it is new.

    Of several bases on one server only `dify` goes on with it by itself; others must name it.
    """
    made = base_of(library, base).make(name, in_use=base == "dify", **wishes)
    return made.dataset, made.is_new


def chosen_elsewhere(library: Library, base: str, dataset: Dataset) -> str:
    """The dataset of the settings, where it is not this one; empty when all is well."""
    given = str(library.settings.section("knowledge", base).get("dataset_id") or "")
    return "" if given in {"", dataset.id} else given


def examine(library: Library, base: str) -> Iterator[Finding]:
    """One finding after the other; after the first fault that the rest depend on it ends."""
    for number, (name, look) in enumerate(base_of(library, base).looks()):
        finding = tried(name, look)
        yield finding
        if number == 0 and finding.state == "wrong":
            return
