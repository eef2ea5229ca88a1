"""How things look in a terminal: errors, tables, progress."""

from __future__ import annotations

import datetime as dt
import json
import re
import sys
from collections.abc import Sequence
from typing import Any, Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from video_rag.net import guard
from video_rag.observers import Event, StageDone, StageFailed, StageProgress, StageStarted
from video_rag.plugins import Options as PluginOptions
from video_rag.settings.redaction import redact_urls

# Halves of characters cannot be printed.
_HARMFUL = {*map(chr, guard.DECEPTIVE), *map(chr, range(0xD800, 0xE000))} - {"\t", "\n"}
_ORDERS = re.compile(f"[{''.join(sorted(_HARMFUL))}]")
_LONGEST_TITLE = 100
"""Characters of a title that are shown where it is one of many things."""


class _Screen(Console):
    """A terminal to which no text can give orders: files and subtitles come from strangers."""

    def render_str(self, text: str, **options: Any) -> Text:
        """What rich makes of every string that it is given, alone or in a table."""
        return super().render_str(harmless(text), **options)


out = _Screen(highlight=False, soft_wrap=True)
err = _Screen(stderr=True, highlight=False, soft_wrap=True)


def harmless(text: str) -> str:
    """The text with what commands or deceives a terminal written out, as `\\u001b`."""
    return _ORDERS.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def brief(text: str) -> str:
    """The beginning of a title that is too long to be one of many."""
    return text if len(text) <= _LONGEST_TITLE else f"{text[: _LONGEST_TITLE - 1]}…"


def clock(seconds: float) -> str:
    """Day and time as the clock on the wall says; `seconds` since the epoch."""
    return f"{dt.datetime.fromtimestamp(seconds, dt.UTC).astimezone():%Y-%m-%d %H:%M}"


def complain(message: str, hint: str = "") -> None:
    """One line of what happened, one of what to do; addresses in them without their secrets."""
    line, hint = (redact_urls(" ".join(text.split())) for text in (message, hint))
    err.print(f"[bold red]error:[/] {escape(line)}")
    if hint:
        err.print(f"[bold]hint:[/]  {escape(hint)}")


def print_json(value: Any) -> None:
    """JSON for programs: UTF-8 as it is, indented."""
    sys.stdout.write(harmless(json.dumps(value, ensure_ascii=False, indent=2)) + "\n")


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A plain table; the last column takes what is left of the line."""
    table = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    for column in columns:
        table.add_column(column, no_wrap=column != columns[-1], overflow="fold")
    for row in rows:
        table.add_row(*(escape(cell) for cell in row))
    _Screen(highlight=False).print(table)


class Meter:
    """An observer that shows on a terminal what is being worked on; silent elsewhere."""

    version = 1

    def __init__(self) -> None:
        self.options = PluginOptions()
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[note]}"),
            TimeElapsedColumn(),
            console=err,
            transient=True,
            disable=not err.is_terminal,
        )
        self._shares_terminal = out.is_terminal and err.is_terminal
        self._tasks: dict[tuple[str, str], TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        if self._shares_terminal:  # else what is printed meanwhile stands behind the progress
            out.push_render_hook(self._progress.live)
        return self

    def __exit__(self, *_: object) -> None:
        if self._shares_terminal:
            out.pop_render_hook()
        self._progress.stop()

    def __call__(self, event: Event) -> None:
        """Move the line of the stage that the event is about."""
        if isinstance(event, StageStarted):
            task = self._progress.add_task(event.stage, total=1.0, note="")
            self._tasks[event.video_id, event.stage] = task
        elif isinstance(event, StageProgress):
            task = self._tasks[event.video_id, event.stage]
            self._progress.update(task, completed=event.share, note=escape(event.note))
        elif isinstance(event, StageDone | StageFailed):
            self._progress.remove_task(self._tasks.pop((event.video_id, event.stage)))
