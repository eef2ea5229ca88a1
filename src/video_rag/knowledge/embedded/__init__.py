"""The knowledge base that needs no server: one SQLite file. `base` has the plug-in."""

from __future__ import annotations

from video_rag.knowledge.embedded.base import Embedded

__all__ = ["Embedded"]
