"""run · tick · schedule: one pass over everything, or over what is due; and a clock for both."""

from __future__ import annotations

import datetime as dt
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import typer

from video_rag.cli.show import brief, escape, out, print_json
from video_rag.cli.videos import (
    Json,
    open_library,
    report_added,
    report_left,
    report_unready,
)
from video_rag.cli.watch import checked_row
from video_rag.cli.watch import report as report_checked
from video_rag.errors import UsageError
from video_rag.operations.codes import of_error, worst

if TYPE_CHECKING:
    from video_rag.library import Library, Status
    from video_rag.library.watching.watch import Checked
    from video_rag.operations.desk import Desk
    from video_rag.operations.tick import Ticked
    from video_rag.stores.requests import Request


def run(as_json: Json = False) -> None:
    """One pass over everything due: look at subscriptions, work on what is unfinished, sum up.

    What was asked for and is not yet done (`requests list`) comes first. For cron and other
    schedulers. Two at once, or one that is killed, are harmless. Exit code 3: a video is at fault;
    4: a site or server could not be used; the rest was done all the same.
    """
    from video_rag.cli.meter import Meter
    from video_rag.library.watching.watch import Checked
    from video_rag.operations.desk import Desk

    checks: list[Checked] = []
    worked: list[Status] = []
    with Meter() as meter:
        library = open_library(meter)
        requests = _requests(Desk(library), library, is_told=not as_json)
        for item in library.run():
            if isinstance(item, Checked):
                checks.append(item)
            else:
                worked.append(item)
            if not as_json:
                _report(item)
    if as_json:
        print_json(_rows(library, checks, worked, requests))
    else:
        report_left(library)
        _sum_up(checks, worked, requests)
    raise typer.Exit(_code(library, checks, worked, requests))


def tick(as_json: Json = False) -> None:
    """Go on with what is due and look at nothing else: cheap, for clocks that call every minute.

    Takes up what was asked for, looks at subscriptions that are due, advances what is unfinished.
    With a queue that workers share it only hands over. While another tick works, this one does
    nothing. Exit codes as `run`.
    """
    from video_rag.operations.tick import tick as work

    ticked = work(open_library())
    if as_json:
        print_json(ticked.row)
    else:
        out.print(escape(str(ticked)))
    raise typer.Exit(ticked.code)


def schedule() -> None:
    """Be the clock: call `tick` and `run` at the times that the settings name, until ended.

    Several on one library are one clock: each time is taken once. What was missed is made up once.
    """
    import signal

    from video_rag.errors import BackendError
    from video_rag.operations.schedule import Clock
    from video_rag.settings import load_settings

    def tell(name: str, ticked: Ticked) -> None:
        if not ticked.is_idle:
            out.print(f"{when(time.time())} {name}: {escape(str(ticked))}")

    def when(moment: float) -> str:
        return f"{dt.datetime.fromtimestamp(moment, wound.zone):%Y-%m-%d %H:%M %Z}".strip()

    wound = Clock(open_library, load_settings().schedule, tell)
    if not wound.times:
        raise UsageError("nothing is scheduled", hint="name times in [schedule]: tick, run")
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: wound.stop())
    with suppress(BackendError):  # a database that is away is waited for
        open_library().close()
    for name, text in wound.times.items():
        comes = wound.next(name)
        out.print(f"[bold]{name}[/] {escape(text)}, next {when(comes) if comes else 'never'}")
    wound.run()


def _requests(desk: Desk, library: Library, *, is_told: bool) -> list[Request]:
    """Work on what was asked for; the requests as they are then."""
    from video_rag.library import Added, Status
    from video_rag.library.watching.watch import Checked
    from video_rag.stores.requests import OPEN

    worked: dict[str, None] = {}
    for request, item in desk.work():
        if item is None:
            worked[request.request_id] = None
        elif not is_told:
            continue
        elif isinstance(item, Added):
            report_added(item, library)
        elif isinstance(item, Status | Checked):
            _report(item)
    found = [library.ledger.requests.get(name) for name in worked]
    return [request for request in found if request.state not in OPEN]  # else in other hands


def _report(item: Checked | Status) -> None:
    from video_rag.library.watching.watch import Checked

    if isinstance(item, Checked):
        report_checked(item)
        return
    if item.state == "ready":
        out.print(f"[green]✓[/] {escape(brief(item.video.title))}: ready")
    else:
        report_unready(item)


def _sum_up(
    checks: Sequence[Checked], worked: Sequence[Status], requests: Sequence[Request]
) -> None:
    if not checks and not worked and not requests:
        out.print("nothing is due")
        return
    if requests:
        ends = Counter(request.state for request in requests)
        told = ", ".join(f"{many} {end}" for end, many in sorted(ends.items()))
        out.print(f"requests: {told}")
    states = Counter(status.state for status in worked)
    new = sum(len(check.of("new")) for check in checks)
    lists = "1 list" if len(checks) == 1 else f"{len(checks)} lists"
    parts = [f"{many} {state}" for state, many in sorted(states.items(), key=lambda row: row[0])]
    looked = f"{lists} looked at, {new} new; " if checks else ""
    out.print(f"{looked}videos: {', '.join(parts) or 'none'}")


def _rows(
    library: Library,
    checks: Sequence[Checked],
    worked: Sequence[Status],
    requests: Sequence[Request],
) -> dict[str, object]:
    from video_rag.operations.rows import failure_rows, request_row, video_row

    left = [
        {"site": site, "reason": state.reason, "until": state.cooling_until, "videos": many}
        for site, (state, many) in library.intake.left.items()
    ]
    videos = [{**video_row(status), "failures": failure_rows(status)} for status in worked]
    return {
        "requests": [request_row(request) for request in requests],
        "checked": [checked_row(check) for check in checks],
        "videos": videos,
        "left": left,
    }


def _code(
    library: Library,
    checks: Sequence[Checked],
    worked: Sequence[Status],
    requests: Sequence[Request],
) -> int:
    codes = [of_error(failure.error) for status in worked for failure in status.failures]
    codes += [of_error(one.error) for request in requests for one in request.failures]
    codes += [check.error.exit_code for check in checks if check.error]
    return worst([*codes, *([4] if library.intake.left else [])])
