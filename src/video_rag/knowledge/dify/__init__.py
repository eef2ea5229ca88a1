"""Datasets of a Dify server. `base` has the plug-in."""

from __future__ import annotations

from video_rag.knowledge.dify.base import Dify

__all__ = ["Dify"]
