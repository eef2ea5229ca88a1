"""update"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from video_rag.cli.show import escape, out, print_json
from video_rag.cli.videos import Json
from video_rag.errors import UsageError

if TYPE_CHECKING:
    from video_rag.operations.update import Report


def update(
    version: Annotated[
        str, typer.Option(help="Use this version, however old it is, until the next update.")
    ] = "",
    back: Annotated[
        bool, typer.Option("--back", help="Use the version before, at last the installed one.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Only say what is in use and what is to be had.")
    ] = False,
    wheels: Annotated[
        Path | None,
        typer.Option("--from", help="A folder of wheels to take it from, for want of a network."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Bring a newer yt-dlp, since sites change; nothing else is installed or changed."""
    if bool(version) + back + check > 1:
        raise UsageError(
            "--version, --back and --check exclude each other", hint="give one of them"
        )
    from video_rag.operations import update as operation
    from video_rag.settings import load_settings

    home = load_settings().home
    if back:
        report = operation.back(home)
    elif check:
        report = operation.look(home, wheels)
    else:
        report = operation.update(home, version, wheels)
    if as_json:
        print_json(asdict(report))
    else:
        _tell(report, is_check=check)


def _tell(report: Report, *, is_check: bool) -> None:
    verb = "now" if report.changed else "in use:"
    out.print(f"{verb} yt-dlp [bold]{escape(report.used or 'none')}[/]")
    facts = {"installed": report.installed, "newest": report.newest, "before": report.previous}
    for name, value in facts.items():
        if value:
            out.print(f"  {name}: {escape(value)}")
    if report.note:
        out.print(f"  [yellow]![/] {escape(report.note)}")
    if is_check and report.newest and report.newest != report.used:
        out.print("  [bold]hint:[/] `video-rag update` brings the newest")
    if report.changed:
        way = "; back with `video-rag update --back`" if report.previous else ""
        out.print(f"[dim]from the next start on{way}[/]")
