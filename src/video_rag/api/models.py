"""What answers look like, for the description that machines read."""

from __future__ import annotations

from pydantic import BaseModel

from video_rag.choices import State


class FailureRow(BaseModel):
    """Why a video is not ready, and what to do about it."""

    stage: str
    message: str
    hint: str


class VideoRow(BaseModel):
    """A video in the list."""

    video_id: str
    title: str
    source: str
    state: State
    language: str | None
    collection: str
    collections: list[str]
    duration: float | None
    failures: list[FailureRow]
