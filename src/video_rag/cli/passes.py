"""run: one pass over everything that is due."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from video_rag.cli.show import brief, escape, out, print_json
from video_rag.cli.videos import CODES, Json, open_library, report_left, report_unready, worst
from video_rag.cli.watch import checked_row
from video_rag.cli.watch import report as report_checked

if TYPE_CHECKING:
    from video_rag.library import Library, Status
    from video_rag.library.watching.watch import Checked


def run(as_json: Json = False) -> None:
    """One pass over everything due: look at subscriptions, work on what is unfinished, sum up.

    For cron and other schedulers. Two at once, or one that is killed, are harmless. Exit code 3: a
    video is at fault; 4: a site or server could not be used; the rest was done all the same.
    """
    from video_rag.cli.meter import Meter
    from video_rag.library.watching.watch import Checked

    checks: list[Checked] = []
    worked: list[Status] = []
    with Meter() as meter:
        library = open_library(meter)
        for item in library.run():
            if isinstance(item, Checked):
                checks.append(item)
            else:
                worked.append(item)
            if not as_json:
                _report(item)
    if as_json:
        print_json(_rows(library, checks, worked))
    else:
        report_left(library)
        _sum_up(checks, worked)
    raise typer.Exit(_code(library, checks, worked))


def _report(item: Checked | Status) -> None:
    from video_rag.library.watching.watch import Checked

    if isinstance(item, Checked):
        report_checked(item)
        return
    if item.state == "ready":
        out.print(f"[green]✓[/] {escape(brief(item.video.title))}: ready")
    else:
        report_unready(item)


def _sum_up(checks: Sequence[Checked], worked: Sequence[Status]) -> None:
    if not checks and not worked:
        out.print("nothing is due")
        return
    states = Counter(status.state for status in worked)
    new = sum(len(check.of("new")) for check in checks)
    lists = "1 list" if len(checks) == 1 else f"{len(checks)} lists"
    parts = [f"{many} {state}" for state, many in sorted(states.items(), key=lambda row: row[0])]
    looked = f"{lists} looked at, {new} new; " if checks else ""
    out.print(f"{looked}videos: {', '.join(parts) or 'none'}")


def _rows(
    library: Library, checks: Sequence[Checked], worked: Sequence[Status]
) -> dict[str, object]:
    from video_rag.operations.rows import failure_rows, video_row

    left = [
        {"site": site, "reason": state.reason, "until": state.cooling_until, "videos": many}
        for site, (state, many) in library.intake.left.items()
    ]
    videos = [{**video_row(status), "failures": failure_rows(status)} for status in worked]
    return {"checked": [checked_row(check) for check in checks], "videos": videos, "left": left}


def _code(library: Library, checks: Sequence[Checked], worked: Sequence[Status]) -> int:
    codes = [CODES.get(failure.error, 2) for status in worked for failure in status.failures]
    codes += [check.error.exit_code for check in checks if check.error]
    return worst([*codes, *([4] if library.intake.left else [])])
