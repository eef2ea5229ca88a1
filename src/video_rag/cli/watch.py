"""watch: add · list · remove · pause · resume · check"""

from __future__ import annotations

import datetime as dt
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from video_rag.cli.show import (
    brief,
    clock,
    complain,
    escape,
    out,
    print_json,
    public,
    redact,
    redact_urls,
)
from video_rag.cli.videos import Json, open_library
from video_rag.operations import inputs

if TYPE_CHECKING:
    from video_rag.library.watching.watch import Checked, News, Watched
    from video_rag.stores import Subscription

watch_app = typer.Typer(
    help="Follow channels, playlists, feeds and folders: their new videos are taken.",
    no_args_is_help=True,
    add_completion=False,
)
EVERY = "0 3 * * *"
"""As the help says it; `library/watching/rules.py` decides."""
Url = Annotated[str, typer.Argument(help="URL, its number in the list, or a part of its name.")]

_STATES = ("taken", "waiting", "skipped", "absent")
_MOST_LINES = 20
"""Of a check; the first one of a channel may find thousands of videos."""
_COUNTED = {
    "new": "new",
    "known": "already in the library",
    "renamed": "renamed",
    "replaced": "re-uploaded",
    "changed": "changed",
    "gone": "gone from the list",
    "back": "listed again",
    "absent": "not to be had",
}
_PASSED = {
    "paused": "paused; `watch resume` looks at it again",
    "busy": "another process is looking at it",
    "cooling-down": "its site is left alone until {}",
}


@watch_app.command()
def add(  # noqa: PLR0913, PLR0917 (its options)
    url: Annotated[str, typer.Argument(help="A channel, playlist, feed or folder.")],
    every: Annotated[
        str | None,
        typer.Option(help=f'When: five fields of cron, local time, or 6h. [default: "{EVERY}"]'),
    ] = None,
    collection: Annotated[str | None, typer.Option(help="Put its videos there.")] = None,
    since: Annotated[
        str | None, typer.Option(help="Only videos published on that day or later: 2026-11-23.")
    ] = None,
    match: Annotated[
        str | None, typer.Option(help="Only titles in which this regular expression is found.")
    ] = None,
    skip: Annotated[
        str | None, typer.Option(help="No titles in which this regular expression is found.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(help="Most new videos per check; the rest wait. 0: all.")
    ] = None,
    fetch: Annotated[
        str | None, typer.Option(help="What is fetched: video, audio, subtitles, or 480p.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Follow a list. Doing it again changes what is given; "" takes a rule away.

    The first check is due at once: `video-rag watch check`, or the next `video-rag run`.
    """
    from video_rag.library.watching.watch import Changes

    wanted = inputs.check_wanted(fetch)
    changes = Changes(every, collection, wanted, since, match, skip, limit)
    kept, is_new = open_library().watch.add(url, changes)
    if as_json:
        print_json({**_settings_row(kept), "is_new": is_new})
        return
    done = "watching" if is_new else "still watching"
    out.print(f"{done} {escape(redact(kept.url))}: {escape(kept.every)}")
    if kept.is_paused:
        out.print("[dim]it is paused: `video-rag watch resume` looks at it again[/]")
    else:
        out.print("[dim]due now: `video-rag run`, or `video-rag watch check` to only look[/]")


@watch_app.command("list")
def list_watched(as_json: Json = False) -> None:
    """Show what is watched, when it is looked at, and how many of its videos were taken."""
    found = open_library().watch.all()
    if as_json:
        print_json([_watched_row(one) for one in found])
        return
    if not found:
        out.print("Nothing is watched. Follow something: [bold]video-rag watch add URL[/]")
        return
    rows = [("no", "next", "last", *_STATES), *(_cells(one) for one in found)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    head, *lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    out.print(f"[bold]{head}[/]")
    for one, line in zip(found, lines, strict=True):
        out.print(line)
        # On a line of its own: an address that a table folded could not be copied.
        what = " ".join([f"{_name(one.subscription)}: {one.subscription.every}", *_rules(one)])
        out.print(f"{'':{widths[0]}}  [dim]{escape(what)}[/]")
    for one in found:
        if one.subscription.problem:
            complain(f"{one.number}: {one.subscription.problem}")


@watch_app.command()
def remove(url: Url) -> None:
    """Stop following a list; its videos stay in the library."""
    watch = open_library().watch
    found = watch.find(url)
    watch.remove(found.url)
    out.print(f"no longer watching {escape(redact(found.url))}")
    out.print("[dim]its videos stay; `video-rag remove VIDEO` takes one out[/]")


@watch_app.command()
def pause(url: Url) -> None:
    """Leave a list alone until `watch resume`."""
    watch = open_library().watch
    found = watch.pause(watch.find(url).url)
    out.print(f"paused {escape(redact(found.url))}")


@watch_app.command()
def resume(url: Url) -> None:
    """Look at a paused list again; what came meanwhile is taken at its next check."""
    watch = open_library().watch
    found = watch.pause(watch.find(url).url, paused=False)
    out.print(f"watching {escape(redact(found.url))} again; next: {clock(found.due)}")


@watch_app.command()
def check(
    urls: Annotated[
        list[str] | None,
        typer.Argument(help="Look at these at once, due or not.", metavar="[URL…]"),
    ] = None,
    now: Annotated[
        bool, typer.Option("--now", help="All that are not paused, due or not.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Look at the lists that are due, and put what is new into the library.

    Nothing is downloaded yet: `video-rag run` looks, too, and works on what was found.
    """
    checks = []
    watch = open_library().watch
    for checked in watch.check(urls or (), now=now):
        checks.append(checked)
        if not as_json:
            report(checked)
    if as_json:
        print_json([checked_row(one) for one in checks])
    elif not checks:
        out.print(_why_none(watch.all(), now=now))
    raise typer.Exit(max((one.error.exit_code for one in checks if one.error), default=0))


def _why_none(watched: Sequence[Watched], *, now: bool) -> str:
    """Why a check looked at nothing, and what would change that."""
    if not watched:
        return "nothing is due: nothing is watched; `watch add` follows a list"
    if all(one.subscription.is_paused for one in watched):
        return "nothing is due: all that is watched is paused; `watch resume` looks at it again"
    return "nothing is due" + ("" if now else "; `--now` looks at all that is watched")


def report(checked: Checked) -> None:
    """What a check found, for people: one line, and one for each thing worth reading."""
    name = _name(checked.subscription)
    if checked.passed:
        reason = _PASSED[checked.passed].format(clock(checked.subscription.due))
        out.print(f"[bold]{escape(name)}[/]: {escape(reason)}")
        return
    error = checked.error
    if checked.listed or not error:
        out.print(f"[bold]{escape(name)}[/]: {_summary(checked)}")
    told = [line for news in checked.news if (line := _told(news))]
    for line in told[:_MOST_LINES]:
        out.print(f"  {escape(line)}")
    problems = [redact(str(problem)) for problem in checked.problems]
    for problem in problems[:_MOST_LINES]:
        out.print(f"  [yellow]![/] {escape(problem)}")
    left = max(len(told) - _MOST_LINES, 0) + max(len(problems) - _MOST_LINES, 0)
    if left:
        out.print(f"  [dim]and {left} more: --json tells all[/]")
    if error:
        message = redact(str(error))
        url = checked.subscription.url
        names_it = message.startswith((redact(url), public(url)))
        complain(message if names_it else f"{name}: {message}", error.hint)


def checked_row(checked: Checked) -> dict[str, object]:
    """A check for programs: `--json` of `watch check`."""
    error = checked.error
    return {
        "url": public(checked.subscription.url),
        "title": checked.subscription.title,
        "passed": checked.passed or None,
        "listed": checked.listed,
        "next": _moment(checked.subscription.due),
        "news": [
            {
                "kind": one.kind,
                "title": one.title,
                "video_ids": list(one.video_ids),
                "detail": one.detail or None,
                "reupload_of": list(one.reupload_of),
            }
            for one in checked.news
        ],
        "counts": _counts(checked.counts),
        "problems": [redact(str(problem)) for problem in checked.problems],
        "error": {
            "message": redact(str(error)),
            "hint": redact_urls(error.hint),
            "reason": error.reason,
        }
        if error
        else None,
    }


def _summary(checked: Checked) -> str:
    counted: Counter[str] = Counter(one.kind for one in checked.news)
    parts = [f"{counted[kind]} {word}" for kind, word in _COUNTED.items() if counted[kind]]
    waiting = checked.counts.get("waiting", 0)
    parts += [f"{waiting} wait for the next check"] if waiting else []
    return f"{', '.join(parts) or 'no news'} ({checked.listed} listed)"


def _told(news: News) -> str:
    """What is said of a single video; what comes and goes by the dozen is only counted."""
    if news.kind in {"known", "changed", "absent"} or news.detail == "unlisted":
        return ""
    if news.kind == "new":
        ids = ", ".join(news.reupload_of)
        return f"+ {brief(news.title)}" + (f": seems to be a re-upload of {ids}" if ids else "")
    if news.kind == "renamed":
        return f"{brief(news.detail)} → {brief(news.title)}"
    return f"{brief(news.title)}: {_COUNTED[news.kind]}" + (
        f" ({news.detail})" if news.detail else ""
    )


def _settings_row(one: Subscription) -> dict[str, object]:
    return {
        "url": public(one.url),
        "title": one.title,
        "every": one.every,
        "collection": one.collection or None,
        "since": one.since or None,
        "match": one.match or None,
        "skip": one.skip or None,
        "limit": one.limit,
        "fetch": one.wanted or None,
        "paused": one.is_paused,
        "next": None if one.is_paused else _moment(one.due),
        "last": _moment(one.checked) if one.checked else None,
        "problem": one.problem or None,
    }


def _watched_row(one: Watched) -> dict[str, object]:
    return {"number": one.number, **_settings_row(one.subscription), "counts": _counts(one.counts)}


def _counts(counts: Mapping[str, int]) -> dict[str, int]:
    return {state: counts.get(state, 0) for state in _STATES}


def _cells(one: Watched) -> Sequence[str]:
    found = one.subscription
    after = "paused" if found.is_paused else clock(found.due)
    last = clock(found.checked) if found.checked else ""
    counts = [str(number) for number in _counts(one.counts).values()]
    return (str(one.number), after, last, *counts)


def _name(one: Subscription) -> str:
    """The list's own name, and its URL."""
    url = redact(one.url)
    return f"{brief(one.title)} ({url})" if one.title else url


def _rules(one: Watched) -> Iterator[str]:
    """What is taken and where it goes, as `watch add` is told it."""
    row = _settings_row(one.subscription)
    for option in ("collection", "since", "match", "skip", "limit", "fetch"):
        if row[option]:
            yield f"--{option} {shlex.quote(redact(str(row[option])))}"


def _moment(seconds: float) -> str:
    """ISO 8601, UTC."""
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec="seconds")
