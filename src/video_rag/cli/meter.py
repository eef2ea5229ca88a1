"""Progress of the work, on a terminal."""

from __future__ import annotations

from typing import Self

from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Column

from video_rag.cli.show import err, escape, out
from video_rag.observers import (
    Event,
    StageDone,
    StageFailed,
    StageProgress,
    StageStarted,
    VideoFound,
    VideoSettled,
)
from video_rag.plugins import Options as PluginOptions

_TITLE = 30
"""Characters of a title that stand beside its progress."""


class Meter:
    """An observer that shows on a terminal what is being worked on; silent elsewhere.

    `3 of 45 · Derivatives · listen`; while videos are being found, how many there are so far.
    """

    version = 1

    def __init__(self) -> None:
        self.options = PluginOptions()
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", table_column=Column(no_wrap=True)),
            BarColumn(bar_width=16),
            TextColumn("{task.fields[note]}", table_column=Column(no_wrap=True)),
            TimeElapsedColumn(),
            console=err.terminal,
            transient=True,
            disable=not err.is_terminal,
        )
        self._shares_terminal = out.is_terminal and err.is_terminal
        self._tasks: dict[tuple[str, str], TaskID] = {}
        self._titles: dict[str, str] = {}
        """Of every video of this pass, in the order they were found."""
        self._settled: set[str] = set()
        self._looking: TaskID | None = None

    def __enter__(self) -> Self:
        self._progress.start()
        self._looking = self._progress.add_task("looking", total=None, note="")
        if self._shares_terminal:  # else what is printed meanwhile stands behind the progress
            out.terminal.push_render_hook(self._progress.live)
        return self

    def __exit__(self, *_: object) -> None:
        if self._shares_terminal:
            out.terminal.pop_render_hook()
        self._progress.stop()

    def __call__(self, event: Event) -> None:
        """Move the line of what the event is about."""
        if isinstance(event, VideoFound):
            self._found(event)
        elif isinstance(event, VideoSettled):
            self._settled.add(event.video_id)
        elif isinstance(event, StageStarted):
            self._found_all()
            task = self._progress.add_task(self._line(event), total=1.0, note="")
            self._tasks[event.video_id, event.stage] = task
        elif isinstance(event, StageProgress):
            task = self._tasks[event.video_id, event.stage]
            self._progress.update(task, completed=event.share, note=escape(event.note))
        elif isinstance(event, StageDone | StageFailed):
            self._progress.remove_task(self._tasks.pop((event.video_id, event.stage)))

    def _found(self, event: VideoFound) -> None:
        self._titles.setdefault(event.video_id, event.title)
        if self._looking is not None:
            self._progress.update(self._looking, description=f"looking: {len(self._titles)} found")

    def _found_all(self) -> None:
        if self._looking is not None:
            self._progress.remove_task(self._looking)
            self._looking = None

    def _line(self, event: StageStarted) -> str:
        """Which video of how many, and what is done with it."""
        title = self._titles.get(event.video_id, "")
        if not title:
            return event.stage
        short = title if len(title) <= _TITLE else f"{title[: _TITLE - 1]}…"
        number = min(len(self._settled) + 1, len(self._titles))
        return f"{number} of {len(self._titles)} · {escape(short)} · {event.stage}"
