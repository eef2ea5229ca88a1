"""publish (to a knowledge base elsewhere)"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from video_rag.cli.show import complain, err, escape, out, print_json
from video_rag.cli.videos import Json, open_library
from video_rag.errors import UsageError

if TYPE_CHECKING:
    from video_rag.library import Library
    from video_rag.pipeline.publishing import Change, Outcome

DONE = {"create": "created", "update": "updated", "remove": "removed"}
PLANNED = {"create": "create", "update": "update", "remove": "remove", "conflict": "conflict"}
LEFT = {"left": "left alone"}
"""Documents in the base that may be another library's."""


def publish(
    videos: Annotated[
        list[str] | None, typer.Argument(help="Ids, titles, files or URLs.", metavar="[VIDEO…]")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every video of the library.")] = False,
    to: Annotated[str | None, typer.Option(help="The knowledge base, such as dify.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would change, and touch nothing.")
    ] = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="Also remove what the library no longer has.")
    ] = False,
    force: Annotated[
        bool,
        typer.Option(
            "--force", help="Prove everything anew, and overwrite what was changed there by hand."
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Bring a knowledge base such as Dify in line with the library.

    Doing it again sends only what changed; after a kill it goes on where it was.
    """
    from rich.progress import Progress

    from video_rag.operations import publishing

    library = open_library()
    base = to or publishing.default_base(library.settings)
    chosen = _chosen(library, videos or [], everything=everything, prune=prune)
    changes = list(publishing.changes(library, base, chosen, prune=prune, force=force))
    if dry_run:
        _show_plan(changes, base, as_json=as_json)
        return
    outcomes = []
    with Progress(console=err.terminal, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task(f"publishing to {base}", total=len(changes))
        for outcome in library.publishing(base).carry_out(changes, force=force):
            outcomes.append(outcome)
            progress.advance(task)
            if not as_json:
                _report(outcome)
    if as_json:
        print_json([publishing.outcome_row(outcome) for outcome in outcomes])
    else:
        _sum_up(outcomes, base)
    raise typer.Exit(max(map(_code, outcomes), default=0))


def _chosen(library: Library, videos: Sequence[str], *, everything: bool, prune: bool) -> list[str]:
    if everything and videos:
        raise UsageError("both --all and videos are given", hint="give one of them")
    if everything:
        from video_rag.operations import publishing

        return publishing.ready(library)
    if not videos and not prune:
        raise UsageError("nothing to publish is named", hint="give videos, or --all")
    return [library.find(video) for video in videos]


def _show_plan(changes: Sequence[Change], base: str, *, as_json: bool) -> None:
    if as_json:
        from video_rag.operations.publishing import outcome_row
        from video_rag.pipeline.publishing import Outcome

        print_json([outcome_row(Outcome(change)) for change in changes])
        return
    for change in changes:
        if word := (PLANNED | LEFT).get(change.action):
            reason = f" [dim]({escape(change.reason)})[/]" if change.reason else ""
            out.print(f"{word} {escape(change.document_id)}{reason}")
    counted: Counter[str] = Counter(change.action for change in changes)
    parts = [f"{counted[action]} {word}" for action, word in _words(counted)]
    out.print(f"{base}: {', '.join(parts) or 'nothing to do'}; nothing was sent")


def _words(counted: Counter[str]) -> Iterator[tuple[str, str]]:
    words = {
        "create": "to create",
        "update": "to update",
        "unchanged": "unchanged",
        "conflict": "changed by hand",
        "remove": "to remove",
        "left": "left alone",
    }
    return ((action, word) for action, word in words.items() if counted[action])


def _report(outcome: Outcome) -> None:
    change = outcome.change
    if outcome.error:
        complain(f"{change.document_id}: {outcome.error}", outcome.error.hint)
    elif change.action in DONE:
        out.print(f"{DONE[change.action]} {escape(change.document_id)}")
    elif change.action in LEFT:
        out.print(f"{LEFT[change.action]} {escape(change.document_id)}: {escape(change.reason)}")


def _sum_up(outcomes: Sequence[Outcome], base: str) -> None:
    done: Counter[str] = Counter(outcome.change.action for outcome in outcomes if not outcome.error)
    words = {**DONE, "unchanged": "unchanged", **LEFT}
    parts = [f"{done[action]} {word}" for action, word in words.items() if done[action]]
    failed = sum(outcome.error is not None for outcome in outcomes)
    if failed:
        parts.append(f"{failed} not published")
    out.print(f"{base}: {', '.join(parts) or 'nothing to do'}")


def _code(outcome: Outcome) -> int:
    return outcome.error.exit_code if outcome.error else 0
