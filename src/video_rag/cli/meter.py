"""Progress of the work, on a terminal."""

from __future__ import annotations

from typing import Self

from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from video_rag.cli.show import err, escape, out
from video_rag.observers import Event, StageDone, StageFailed, StageProgress, StageStarted
from video_rag.plugins import Options as PluginOptions


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
            console=err.terminal,
            transient=True,
            disable=not err.is_terminal,
        )
        self._shares_terminal = out.is_terminal and err.is_terminal
        self._tasks: dict[tuple[str, str], TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        if self._shares_terminal:  # else what is printed meanwhile stands behind the progress
            out.terminal.push_render_hook(self._progress.live)
        return self

    def __exit__(self, *_: object) -> None:
        if self._shares_terminal:
            out.terminal.pop_render_hook()
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
