"""Who answers a question, given a way to search."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from video_rag.model import Answer, Hit, Query, Question
from video_rag.plugins import Options

Search = Callable[[Query], list[Hit]]


@dataclass(frozen=True)
class Delta:
    """The next piece of the answer's text."""

    text: str


@dataclass(frozen=True)
class Done:
    """The whole answer, checked; always the last event. It may differ from the deltas' sum:
    marks that did not stand the check are gone."""

    answer: Answer


class Answerer(Protocol):
    """One way to answer."""

    version: int
    options: Options

    def ask(self, question: Question, search: Search) -> Iterator[Delta | Done]:
        """Stream the answer. Without support it says so: `Answer.refused` is true.

        Raises `Unavailable` or `Rejected`.
        """
