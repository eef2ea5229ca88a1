"""Questions, what is found for them, and answers."""

from __future__ import annotations

from typing import Literal

from video_rag.model.documents import Chunk
from video_rag.model.noun import Noun


class Query(Noun):
    """What is looked for, and where."""

    text: str
    limit: int = 10
    collection: str | None = None
    language: str | None = None
    video_id: str | None = None
    since: str | None = None
    """ISO date; videos published on it or later."""
    until: str | None = None
    """ISO date; videos published on it or earlier."""
    synonyms: tuple[tuple[str, ...], ...] = ()
    """Groups of names of one thing, of which the text has one. The library fills them in."""
    speaker: str | None = None
    """Only what this person says; a part of the name is enough."""


class Hit(Noun):
    """A passage that was found; a higher score is better."""

    chunk: Chunk
    score: float


class Citation(Noun):
    """The proof of a claim: these words, in this video, from `start` to `end`."""

    number: int
    video_id: str
    title: str
    start: float
    end: float
    quote: str
    url: str
    image: str = ""


class Turn(Noun):
    """One message of an earlier conversation."""

    role: Literal["user", "assistant"]
    text: str


class Question(Noun):
    """What a person asks, where to look and what was said before."""

    text: str
    limit: int = 5
    collection: str | None = None
    language: str | None = None
    speaker: str | None = None
    """Only what this person says."""
    conversation: tuple[Turn, ...] = ()
    synonyms: tuple[tuple[str, ...], ...] = ()
    """Groups of names of one thing. The library fills them in."""


class Answer(Noun):
    """The answer's text with `[n]` marks and the citations they name."""

    answer: str
    citations: tuple[Citation, ...] = ()
    refused: bool = False
    model: str | None = None
