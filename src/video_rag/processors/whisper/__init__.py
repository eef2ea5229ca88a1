"""Speech becomes transcripts, by faster-whisper. `transcriber` has the plug-in."""

from __future__ import annotations

from video_rag.processors.whisper.transcriber import Whisper

__all__ = ["Whisper"]
