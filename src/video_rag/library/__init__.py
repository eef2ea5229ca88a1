"""A library of videos: add, look, publish, search, ask, remove. Every door calls this."""

from __future__ import annotations

from video_rag.choices import State
from video_rag.library.facade import Library
from video_rag.library.status import Added, Status, Wishes

__all__ = ["Added", "Library", "State", "Status", "Wishes"]
