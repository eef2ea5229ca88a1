"""What a terminal shows of texts of strangers."""

from __future__ import annotations

import io

from rich.markup import escape

from video_rag.cli.drawing import Terminal


def test_a_title_is_shown_as_it_is_written() -> None:
    shown = io.StringIO()
    terminal = Terminal(file=shown, width=60)
    terminal.print(escape("Lecture :cat: [bold]12[/] \x1b[2J"))
    assert "Lecture :cat: [bold]12[/] \\u001b[2J" in shown.getvalue()
