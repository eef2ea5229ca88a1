"""What rich draws on a terminal; imported when something is to be shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
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


def table_of(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """A plain table; the last column takes what is left of the line."""
    table = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    for column in columns:
        table.add_column(column, no_wrap=column != columns[-1], overflow="fold")
    for row in rows:
        table.add_row(*(escape(cell) for cell in row))
    return table
