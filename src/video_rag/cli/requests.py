"""requests list · show · cancel · retry: what was asked for, by whomever"""

from __future__ import annotations

from typing import Annotated, get_args

import typer

from video_rag.choices import RequestState
from video_rag.cli.show import clock, complain, escape, out, print_json, print_table
from video_rag.cli.videos import Json, open_library

requests_app = typer.Typer(
    help="Show what was asked for and how far it is; take it back.",
    add_completion=False,
    no_args_is_help=True,
)
_SHOWN = 5
"""Names of a result that are shown; of more their number."""
One = Annotated[str, typer.Argument(help="Id, as `requests list` shows it.", metavar="REQUEST")]


@requests_app.command("list")
def list_requests(
    state: Annotated[
        RequestState | None,
        typer.Option(
            help=f"Only those that are {', '.join(get_args(RequestState))}.", metavar="STATE"
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
    as_json: Json = False,
) -> None:
    """Show what was asked for, the newest first."""
    from video_rag.operations.rows import request_row
    from video_rag.stores.requests import Requested

    wanted = Requested(limit, frozenset([state] if state else []))
    rows = [request_row(one) for one in open_library().ledger.requests.page(wanted)]
    if as_json:
        print_json(rows)
        return
    if not rows:
        out.print("nothing was asked for" if state is None else f"nothing is {state}")
        return
    table = [
        (
            row["request_id"],
            clock(row["asked"]),
            row["asked_by"],
            row["state"],
            _how_far(row["stage"], row["share"]) if row["state"] == "working" else "",
            f"{row['kind']} {row['about']}",
        )
        for row in rows
    ]
    print_table(("id", "asked", "by", "state", "stage", "what"), table)


@requests_app.command("show")
def show_request(request: One, as_json: Json = False) -> None:
    """Show one request: how far it is, its videos, what stands in its way."""
    from video_rag.operations.rows import request_row

    row = request_row(open_library().ledger.requests.get(request))
    if as_json:
        print_json(row)
        return
    out.print(f"{row['kind']} {escape(row['about'])}")
    times = [f"asked {clock(row['asked'])} by {row['asked_by']}"]
    times += [f"{name} {clock(row[name])}" for name in ("begun", "ended") if row[name]]
    out.print(escape(", ".join(times)))
    doing = f": {_how_far(row['stage'], row['share'])}" if row["stage"] else ""
    out.print(f"{row['state']}{escape(doing)}")
    for video_id in row["video_ids"]:
        out.print(f"  {escape(video_id)}")
    for name, value in row["result"].items():
        out.print(escape(f"{name}: {_told(value)}"))
    for failure in row["failures"]:
        complain(failure["message"], failure["hint"])


@requests_app.command("cancel")
def cancel_request(request: One) -> None:
    """Take a request back; one that is worked on ends before its next video."""
    found = open_library().ledger.requests.cancel(request)
    if found.is_unwanted:
        out.print(f"{found.request_id} is taken back")
    else:
        out.print(f"{found.request_id} has ended already: {found.state}")


@requests_app.command("retry")
def retry_request(request: One) -> None:
    """Ask for the same once more; `run` and `serve` work on it."""
    found = open_library().ledger.requests.again(request)
    out.print(f"{found.request_id} is {found.state}; video-rag run works on it, or a server")


def _how_far(stage: str, share: float) -> str:
    return f"{stage} {share:.0%}" if stage else ""


def _told(value: object) -> str:
    """What a result has under a name: numbers and names as they are, of long lists the number."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {_told(one)}" for name, one in value.items()) or "none"
    if isinstance(value, list):
        is_short = len(value) <= _SHOWN and all(isinstance(one, str) for one in value)
        return ", ".join(value) or "none" if is_short else str(len(value))
    return str(value)
