"""What happens, told to whoever listens."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from video_rag.plugins import Options

log = logging.getLogger("video_rag")


@dataclass(frozen=True)
class VideoFound:
    """A video was found behind a path, URL or list, or is due; it is looked at in this pass."""

    video_id: str
    title: str


@dataclass(frozen=True)
class VideoSettled:
    """Nothing more can be done for a video in this pass."""

    video_id: str


@dataclass(frozen=True)
class StageStarted:
    """A stage began to work on a video."""

    video_id: str
    stage: str
    plugin: str


@dataclass(frozen=True)
class StageProgress:
    """A stage is `share` (0.0 to 1.0) through its work."""

    video_id: str
    stage: str
    share: float
    note: str


@dataclass(frozen=True)
class StageDone:
    """A stage finished; `seconds` is how long it took."""

    video_id: str
    stage: str
    plugin: str
    seconds: float


@dataclass(frozen=True)
class StageFailed:
    """A stage failed; `error` is the class's name."""

    video_id: str
    stage: str
    plugin: str
    error: str
    message: str
    hint: str
    retried: bool
    seconds: float | None = None
    """How long it took until then, where that is known."""


@dataclass(frozen=True)
class Asked:
    """A question was answered, or refused for want of support."""

    answerer: str
    citations: int
    refused: bool
    seconds: float


Event = VideoFound | VideoSettled | StageStarted | StageProgress | StageDone | StageFailed | Asked


class Observer(Protocol):
    """Hears every event, in the process where it happens."""

    version: int
    options: Options

    def __call__(self, event: Event) -> None:
        """Take note; an exception here is logged and stops nothing."""


def emit(observers: Iterable[Observer], event: Event) -> None:
    """Tell every observer; one that raises is logged and ignored."""
    for observer in observers:
        try:
            observer(event)
        except Exception:  # one of the three named places: a broken observer stops no work
            log.exception("observer %s failed", type(observer).__name__)
