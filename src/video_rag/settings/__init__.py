"""Settings: what there is (`schema`), the places they come from (`places`), which value wins
(`loading`), what is never shown (`redaction`)."""

from __future__ import annotations

from video_rag.settings.loading import Setting, explain, load_settings
from video_rag.settings.places import ALIASES, variable
from video_rag.settings.schema import Settings

__all__ = ["ALIASES", "Setting", "Settings", "explain", "load_settings", "variable"]
