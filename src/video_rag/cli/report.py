"""report: where the time goes, what went wrong, what was asked, how the machine is"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from video_rag.cli.show import brief, escape, out, print_json, print_table
from video_rag.cli.videos import Json, open_library

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from video_rag.operations.rows import Row

report_app = typer.Typer(
    help="Look back: where the time goes, what went wrong, what was asked, how the machine is.",
    no_args_is_help=True,
    add_completion=False,
)

Days = Annotated[int, typer.Option(help="Look back so many days.", min=1, max=3650)]
_GIGABYTE = 1e9
_BAR = 24
"""Characters of the longest bar."""
_HEADS = {"stage": "stage", "plugin": "done by", "site": "site", "length": "length of video"}
_EIGHTHS = " ▏▎▍▌▋▊▉"


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


@report_app.command("downloads")
def report_downloads(as_json: Json = False) -> None:
    """What cannot be fetched, by site and cause, and what to do about it."""
    from video_rag.operations.report_downloads import downloads

    row = downloads(open_library())
    if as_json:
        print_json(row)
        return
    if not row["failures"]:
        out.print("Every download that was tried is here.")
    else:
        names = ("site", "cause", "videos", "retried", "attempts")
        print_table((*names, "example"), _table(row["failures"], (*names, "example")))
    if row["trend"]:
        fields = ("site", "fetched", "failed", "fetched_before", "failed_before")
        titles = ("site", "fetched in 7 days", "failed", "in the 7 before", "failed")
        print_table(titles, _table(row["trend"], fields))
    _advise(row["advice"])


@report_app.command("retrieval")
def report_retrieval(days: Days = 30, as_json: Json = False) -> None:
    """What was searched for and asked, what was found and what was not."""
    from video_rag.operations.report_retrieval import retrieval

    row = retrieval(open_library(), days)
    if as_json:
        print_json(row)
        return
    if not row["total"]:
        out.print(f"Nothing was asked in the last {days} days.")
    else:
        _questions(row)
    _advise(row["advice"])


def _questions(row: Row) -> None:
    counts = [
        (kind, *(str(many) for many in outcomes.values()), *_both(row["seconds"][kind]))
        for kind, outcomes in row["questions"].items()
    ]
    columns = ("kind", "found", "nothing", "refused", "failed", "median s", "slow s")
    print_table(columns, counts)
    for title, name in (("not found", "not_found"), ("most asked", "most_asked")):
        if row[name]:
            fields = ("text", "times", "not_found", "collection", "last")
            print_table((title, *fields[1:]), _table(row[name], fields))


def _both(seconds: Row) -> tuple[str, str]:
    median, slow = (seconds[name] for name in ("median", "slow"))
    return ("", "") if median is None else (f"{median:.2f}", f"{slow:.2f}")


@report_app.command("system")
def report_system(as_json: Json = False) -> None:
    """Errors, where work piles up, disk and memory of this machine."""
    from video_rag.operations.report_system import system

    row = system(open_library())
    if as_json:
        print_json(row)
        return
    disks = [
        (", ".join(one["holds"]), one["path"], *_sizes(one["free"], one["total"]))
        for one in row["disk"]
    ]
    print_table(("disk of", "path", "free GB", "of GB"), disks)
    if memory := row["memory"]:
        print_table(("memory GB", "of GB"), [_sizes(memory["available"], memory["total"])])
    routes = ("route", "ready", "urgent", "later", "workers")
    if row["bottlenecks"]["routes"]:
        print_table(routes, _table(row["bottlenecks"]["routes"], routes))
    failed = ("error", "videos", "retried")
    if row["errors"]["failures"]:
        print_table(failed, _table(row["errors"]["failures"], failed))
    if row["errors"]["log"]["most"]:
        logged = ("level", "what", "times")
        print_table(("in the log", *logged[1:]), _table(row["errors"]["log"]["most"], logged))
    _advise(row["findings"])


def _sizes(*sizes: int) -> tuple[str, ...]:
    return tuple(f"{size / _GIGABYTE:.1f}" for size in sizes)


def _table(rows: Sequence[Mapping[str, object]], names: Sequence[str]) -> list[tuple[str, ...]]:
    """Cells of these columns; what there is none of stays empty."""
    return [
        tuple("" if row[name] is None else brief(str(row[name])) for name in names) for row in rows
    ]


def _advise(lines: Sequence[str]) -> None:
    for line in lines:
        out.print(f"[bold]·[/] {escape(line)}")
