"""What a dataset is, as Dify describes it, else as it is remembered; and what differs from ours.

Dify describes a dataset only while its plugin daemon runs. What nobody can tell is an error: an
economy dataset and a high-quality one are written and searched in different ways.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cached_property
from typing import Any

from video_rag.dify.datasets import Dataset, Datasets, Technique
from video_rag.dify.errors import said_by
from video_rag.dify.state import State
from video_rag.errors import BadSettings, Rejected, Unavailable, UsageError
from video_rag.knowledge.dify import rules

FORMS = {"text_model": "passages", "hierarchical_model": "parent-child"}
"""Dify's `doc_form` → our `segmentation`. The first document of a dataset fixes it."""


class Described:
    """One dataset, read once."""

    def __init__(
        self, options: rules.Options, datasets: Datasets, dataset_id: str, state: State
    ) -> None:
        self._given = options
        self._datasets = datasets
        self._dataset_id = dataset_id
        self._state = state

    @cached_property
    def dataset(self) -> Dataset | None:
        """As Dify describes it; None without its plugin daemon.

        Raises `UsageError` for an external one: Dify takes documents there, says that they are
        indexed, and no app ever reads them.
        """
        try:
            found = self._datasets.get(self._dataset_id)
        except Rejected as error:
            if not is_without_daemon(error):
                raise
            return None
        if found.provider == "external":
            raise UsageError(
                f"the dataset {found.name} is external knowledge: no app reads what is published "
                "there",
                hint="set dataset_id to one of Dify's own, or make one: video-rag dify create",
            )
        self._remember("technique", found.indexing_technique)
        self._remember("form", found.doc_form)
        return found

    @cached_property
    def technique(self) -> Technique:
        """How it is indexed: as the settings say, else as Dify says or once said.

        Raises `Unavailable` where that cannot be read.
        """
        if self._given.mode:
            return "economy" if self._given.mode == "economy" else "high_quality"
        found = self.dataset
        told = found.indexing_technique if found else self._remembered("technique")
        if found is None and not told:
            raise Unavailable(
                "how the dataset is indexed cannot be read: Dify's plugin daemon is not running",
                hint="start plugin_daemon, or set mode in [knowledge.dify]",
            )
        return "high_quality" if told == "high_quality" else "economy"

    @cached_property
    def options(self) -> rules.Options:
        """The settings, with the segmentation that the dataset has where they leave it open.

        Raises `BadSettings` where they ask for the other one.
        """
        found = self.dataset
        form = (found.doc_form if found else self._remembered("form")) or ""
        has = FORMS.get(form, self._given.segmentation)
        if has == self._given.segmentation:
            return self._given
        if "segmentation" in self._given.model_fields_set:
            raise BadSettings(
                f"the dataset's segmentation is {has}, the settings say {self._given.segmentation}",
                hint=f'set segmentation = "{has}", or make another dataset: video-rag dify create',
            )
        return self._given.model_copy(update={"segmentation": has})

    def difference(self) -> str:
        """In words, how Dify searches the dataset where that is not as we do; empty where it is.

        Over a single dataset an app uses the dataset's own setting, not the node's.
        """
        found = self.dataset
        if found is None or self._told(found.retrieval_model) == self._told(self._wanted):
            return ""
        return _in_words(self._told(found.retrieval_model))

    def align(self) -> str:
        """Have Dify search it as we do; what was changed, in words, empty when nothing."""
        before = self.difference()
        if not before or self.dataset is None:
            return ""
        top_k = self.dataset.retrieval_model.get("top_k") or self._wanted["top_k"]
        self._datasets.change(self._dataset_id, retrieval_model={**self._wanted, "top_k": top_k})
        after = _in_words(self._told(self._wanted))
        self.__dict__.pop("dataset", None)
        return f"apps search it by {after} from now on; it was {before}"

    @property
    def _wanted(self) -> dict[str, Any]:
        return rules.retrieval(self._given, self.technique, 10)

    def _told(self, model: dict[str, Any]) -> tuple[Any, ...]:
        """What decides a search: the method, a ranking model, a threshold."""
        method = "keyword_search" if self.technique == "economy" else model.get("search_method")
        ranker = model.get("reranking_model") or {}
        ranks = bool(model.get("reranking_enable")) and self.technique != "economy"
        name = ranker.get("reranking_model_name") or ""
        threshold = model.get("score_threshold") if model.get("score_threshold_enabled") else None
        return method, name if ranks else "", threshold if self.technique != "economy" else None

    def _remember(self, what: str, value: str | None) -> None:
        if value and self._remembered(what) != value:
            with suppress(OSError):  # a home that can only be read
                self._state.keep(self._given.base_url, f"{what} {self._dataset_id}", value)

    def _remembered(self, what: str) -> str:
        return self._state.get(self._given.base_url, f"{what} {self._dataset_id}")


def is_without_daemon(error: Rejected) -> bool:
    """Whether Dify refused because its plugin daemon does not run."""
    return "plugin daemon" in said_by(error).message


def _in_words(told: tuple[Any, ...]) -> str:
    method, ranker, threshold = told
    words = [str(method), f"ranked by {ranker}" if ranker else "unranked"]
    return ", ".join(words + ([f"from a score of {threshold}"] if threshold is not None else []))
