"""Settings: what there is (`schema`), where values come from (`loading`), what is never shown
(`redaction`)."""

from __future__ import annotations

from video_rag.settings.loading import ALIASES, Setting, explain, load_settings, variable
from video_rag.settings.schema import Settings

__all__ = ["ALIASES", "Setting", "Settings", "explain", "load_settings", "variable"]
