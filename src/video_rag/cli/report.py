"""report: what the library looks back on"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from video_rag.cli.show import escape, out, print_json, print_table
from video_rag.cli.videos import Json, open_library

report_app = typer.Typer(
    help="Look back: where the time goes.", no_args_is_help=True, add_completion=False
)

_BAR = 24
"""Characters of the longest bar."""
_HEADS = {"stage": "stage", "plugin": "done by", "site": "site", "length": "length of video"}
_EIGHTHS = " ▏▎▍▌▋▊▉"


@report_app.callback()
def report() -> None:
    """Makes a group of it, also while it has one command."""


@report_app.command("performance")
def show_performance(
    days: Annotated[
        int, typer.Option(help="How many days back, today's counted (UTC).", min=1, max=400)
    ] = 30,
    as_json: Json = False,
) -> None:
    """Show where the time goes: by stage, by plug-in, by site and by the length of videos."""
    from video_rag.operations.performance import performance

    row = performance(open_library(), days)
    if as_json:
        print_json(row)
        return
    if not row["seconds"]:
        out.print(f"No stage ended in the last {days} days.")
        return
    out.print(f"{_time(row['seconds'])} of work in the last {days} days")
    for kind, head in _HEADS.items():
        _print_part(head, row[f"by_{kind}"])


def _print_part(head: str, rows: list[dict[str, Any]]) -> None:
    most = max(one["share"] for one in rows) or 1.0
    columns = (head, "", "share", "time", "runs", "failed", "mean", "longest", "s/min of video")
    body = [
        (
            escape(one["name"]),
            bar(one["share"] / most),
            f"{one['share']:.0%}",
            _time(one["seconds"]),
            str(one["runs"]),
            str(one["failed"] or ""),
            _time(one["mean"]),
            _time(one["longest"]),
            "" if one["seconds_per_minute"] is None else f"{one['seconds_per_minute']:.1f}",
        )
        for one in rows
    ]
    print_table(columns, body)


def bar(share: float) -> str:
    """A bar of a chart in plain text; 1.0 is the longest.

    >>> bar(0.5)
    '████████████'
    """
    eighths = round(share * _BAR * 8)
    return ("█" * (eighths // 8) + _EIGHTHS[eighths % 8]).rstrip()


def _time(seconds: float) -> str:
    if seconds < 10:
        return f"{seconds:.2f} s"
    if seconds < 600:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} h"
