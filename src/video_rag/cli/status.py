"""status: how the work goes"""

from __future__ import annotations

from typing import Any

from video_rag.cli.show import brief, complain, escape, out, print_json, print_table
from video_rag.cli.videos import Json, open_library
from video_rag.text import timecode

_ROUTE = ("route", "ready", "urgent", "later", "messages", "workers")


def status(as_json: Json = False) -> None:
    """Show what is at work, what waits, how fast it goes and what stands in its way."""
    from video_rag.operations.overview import overview

    row = overview(open_library())
    if as_json:
        print_json(row)
        return
    out.print(f"videos: {_counted(row['videos']) or 'none'}")
    if any(row["requests"].values()):
        out.print(f"requests: {_counted(row['requests'])}")
    if row["oldest_seconds"] is not None:
        out.print(f"the oldest has waited for {timecode.clock(row['oldest_seconds'])}")
    pace = row["pace"]
    if pace["stages"]:
        out.print(
            f"pace: {pace['videos_per_hour']:g} videos and {pace['stages_per_hour']:g} stages an "
            f"hour, in the last {timecode.clock(pace['seconds'])}"
        )
    _tables(row)
    if row["problem"]:
        complain(row["problem"], "the ledger is up to date all the same")


def _tables(row: dict[str, Any]) -> None:
    """What is at work, what waits, what failed; nothing of what there is none of."""
    working = [
        (
            one["worker"],
            one["stage"],
            f"{one['share']:.0%}",
            timecode.clock(one["seconds"]),
            escape(brief(one["title"])),
            escape(one["note"]),
        )
        for one in row["at_work"]
    ]
    if working:
        print_table(("worker", "stage", "share", "for", "video", "note"), working)
    routes = [
        tuple("" if one[name] is None else str(one[name]) for name in _ROUTE)
        for one in row["routes"]
    ]
    if routes:
        print_table(_ROUTE, routes)
    failed = [(one["error"], str(one["videos"]), str(one["retried"])) for one in row["failures"]]
    if failed:
        print_table(("failure", "videos", "tried again"), failed)


def _counted(many: dict[str, int]) -> str:
    return ", ".join(f"{number} {name}" for name, number in many.items() if number)
