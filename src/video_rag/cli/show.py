"""How things look in a terminal: lines, errors, tables, JSON.

Every command imports this to say what its options are, so rich is loaded when something is shown.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from video_rag.cli.harmless import harmless

if TYPE_CHECKING:
    from video_rag.cli.drawing import Terminal

_LONGEST_TITLE = 100
"""Characters of a title that are shown where it is one of many things."""


class Screen:
    """Standard output or standard error as a person sees it; made when first used."""

    def __init__(self, *, is_error: bool = False) -> None:
        self._is_error = is_error

    @cached_property
    def terminal(self) -> Terminal:
        """What rich draws on."""
        from video_rag.cli.drawing import Terminal

        return Terminal(stderr=self._is_error, soft_wrap=True)

    @property
    def is_terminal(self) -> bool:
        """Whether a person looks on, and no file or pipe."""
        return self.terminal.is_terminal

    def print(self, text: str = "", *, end: str = "\n") -> None:
        """Show text with rich's markup; what comes from strangers is to be escaped."""
        self.terminal.print(text, end=end)


out = Screen()
err = Screen(is_error=True)


def escape(text: str) -> str:
    """The text as it may stand in markup."""
    from rich.markup import escape

    return escape(text)


def brief(text: str) -> str:
    """The beginning of a title that is too long to be one of many."""
    return text if len(text) <= _LONGEST_TITLE else f"{text[: _LONGEST_TITLE - 1]}…"


def clock(seconds: float) -> str:
    """Day and time as the clock on the wall says; `seconds` since the epoch."""
    return f"{dt.datetime.fromtimestamp(seconds, dt.UTC).astimezone():%Y-%m-%d %H:%M}"


def here(moment: str | None) -> str:
    """A time in ISO 8601 as the clock on the wall says; "" for none."""
    return clock(dt.datetime.fromisoformat(moment).timestamp()) if moment else ""


def redact(text: str) -> str:
    """See `video_rag.settings.redaction`."""
    from video_rag.settings.redaction import redact

    return redact(text)


def redact_urls(text: str) -> str:
    """See `video_rag.settings.redaction`."""
    from video_rag.settings.redaction import redact_urls

    return redact_urls(text)


def public(url: str) -> str:
    """See `video_rag.text.addresses`."""
    from video_rag.text.addresses import public

    return public(url)


def complain(message: str, hint: str = "") -> None:
    """One line of what happened, one of what to do; addresses in them without their secrets."""
    line, hint = (redact_urls(" ".join(text.split())) for text in (message, hint))
    err.print(f"[bold red]error:[/] {escape(line)}")
    if hint:
        err.print(f"[bold]hint:[/]  {escape(hint)}")


def print_json(value: Any) -> None:
    """JSON for programs: UTF-8 as it is, indented."""
    sys.stdout.write(harmless(json.dumps(value, ensure_ascii=False, indent=2)) + "\n")


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, above: int = -1) -> None:
    """A plain table, folded to the width of the terminal; see `video_rag.cli.tables`."""
    import typer

    from video_rag.cli.tables import lines_of, terminal_width

    head, *body = lines_of(columns, rows, terminal_width(), above=above)
    typer.secho("\n".join(head), bold=True)
    for lines in body:
        typer.echo("\n".join(lines))
