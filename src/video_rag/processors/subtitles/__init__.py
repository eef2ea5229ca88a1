"""Subtitle files and tracks become transcripts. `transcriber` has the plug-in, `reading` reads."""

from __future__ import annotations

from video_rag.processors.subtitles.transcriber import Subtitles

__all__ = ["Subtitles"]
