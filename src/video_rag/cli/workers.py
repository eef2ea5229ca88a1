"""worker · queue: who runs the stages, and what waits for them"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from video_rag.cli.show import clock, complain, escape, out, print_json, print_table
from video_rag.cli.videos import Json, open_library

if TYPE_CHECKING:
    from video_rag.queues import DeadLetter, Shared

queue_app = typer.Typer(
    help="Show what waits for workers, and what they put aside.",
    no_args_is_help=True,
    add_completion=False,
)
dead_app = typer.Typer(
    help="Dead letters: messages that no worker could or would handle.",
    no_args_is_help=True,
    add_completion=False,
)
queue_app.add_typer(dead_app, name="dead")

Which = Annotated[
    list[str] | None, typer.Argument(help="As `queue dead list` names them.", metavar="ID…")
]
All = Annotated[bool, typer.Option("--all", help="Every one.")]


def worker(
    lanes: Annotated[
        str, typer.Option(help="What it does: net, cpu, gpu, or several.", metavar="LANES")
    ] = "net,cpu,gpu",
    concurrency: Annotated[
        int | None,
        typer.Option(min=1, max=512, help="Computing stages at once; else one for each core."),
    ] = None,
) -> None:
    """Run stages of the library's videos until told to end, here and wherever else one runs.

    SIGTERM or Ctrl-C: it takes nothing more, finishes what it has begun, and leaves; a second one
    ends it at once. Being killed is harmless.
    """
    from video_rag.operations import workers
    from video_rag.settings import load_settings

    workers.run(load_settings(), workers.check_lanes(lanes), concurrency)


@queue_app.command("show")
def show_queue(as_json: Json = False) -> None:
    """Show how much waits on each route, and who works on what."""
    from video_rag.operations.overview import overview

    found = overview(open_library())
    if as_json:
        print_json({name: found[name] for name in ("routes", "at_work", "problem")})
        return
    columns = ("route", "ready", "urgent", "later", "messages", "workers")
    rows = [
        tuple("" if row[key] is None else str(row[key]) for key in columns)
        for row in found["routes"]
    ]
    if rows:
        print_table(columns, rows)
    else:
        out.print("nothing waits")
    for one in found["at_work"]:
        share = f" {one['share']:.0%}" if one["share"] else ""
        out.print(escape(f"{one['worker']}: {one['stage']}{share} of {one['video_id']}"))
    if found["problem"]:
        complain(found["problem"], "see `video-rag doctor`")


@dead_app.command("list")
def list_dead(as_json: Json = False) -> None:
    """List them, the oldest first."""
    found = _shared().dead()
    if as_json:
        print_json([_row(letter) for letter in found])
        return
    if not found:
        out.print("there are no dead letters")
        return
    rows = [
        (
            letter.message_id,
            clock(letter.at) if letter.at else "",
            letter.route,
            _what(letter),
            letter.why,
        )
        for letter in found
    ]
    print_table(("id", "since", "queue", "what", "why"), rows)


@dead_app.command("requeue")
def requeue_dead(ids: Which = None, every: All = False) -> None:
    """Send jobs once more; what is no job stays."""
    queue = _shared()
    _tell(queue.requeue(_chosen(ids, every=every)), "sent once more")
    if left := sum(letter.job is None for letter in queue.dead()):
        out.print(f"{left} of those that stay are no jobs: `queue dead drop` deletes them")


@dead_app.command("drop")
def drop_dead(ids: Which = None, every: All = False) -> None:
    """Delete dead letters; what they asked for is still in the ledger."""
    _tell(_shared().drop(_chosen(ids, every=every)), "deleted")


def _chosen(ids: list[str] | None, *, every: bool) -> list[str]:
    from video_rag.errors import UsageError

    if bool(ids) == every:
        raise UsageError("which?", hint="give ids, as `queue dead list` shows them, or --all")
    return ids or []


def _shared() -> Shared:
    from video_rag.errors import UsageError
    from video_rag.queues import Shared

    queue = open_library().queue
    if not isinstance(queue, Shared):
        raise UsageError(
            "the queue `inline` has no dead letters",
            hint='they come with [pipeline] queue = "celery"',
        )
    return queue


def _row(letter: DeadLetter) -> dict[str, object]:
    return {
        "id": letter.message_id,
        "at": letter.at,
        "queue": letter.route,
        "what": _what(letter),
        "why": letter.why,
    }


def _what(letter: DeadLetter) -> str:
    return f"{letter.job.stage} of {letter.job.video_id}" if letter.job else "no job"


def _tell(gone: list[DeadLetter], what: str) -> None:
    out.print(f"1 dead letter was {what}" if len(gone) == 1 else f"{len(gone)} were {what}")
