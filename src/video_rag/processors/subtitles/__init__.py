"""Subtitle files and tracks become transcripts. `transcriber` has the plug-in."""

from __future__ import annotations

from video_rag.processors.subtitles.transcriber import Subtitles, read_subtitles

__all__ = ["Subtitles", "read_subtitles"]
