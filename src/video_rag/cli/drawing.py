"""What rich draws on a terminal; imported when something is to be shown."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.text import Text

from video_rag.cli.harmless import harmless


class Terminal(Console):
    """A terminal to which no text can give orders: files and subtitles come from strangers.

    Nor is anything made of it: no colours for numbers, no 🐱 for `:cat:`.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(highlight=False, emoji=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """What rich makes of every string that it is given, alone or in a table."""
        return super().render_str(harmless(text), **options)
