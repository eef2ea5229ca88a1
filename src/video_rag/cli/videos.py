"""add · list · show · remove · retry · export"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from video_rag.choices import Sort, State
from video_rag.cli.show import (
    brief,
    clock,
    complain,
    err,
    escape,
    out,
    print_json,
    print_table,
    public,
    redact_urls,
)
from video_rag.errors import ContentError, NotFound
from video_rag.operations import inputs
from video_rag.operations.codes import of_error, worst
from video_rag.text import timecode

if TYPE_CHECKING:
    from video_rag.cli.meter import Meter
    from video_rag.library import Added, Library, Status
    from video_rag.model import Transcript, Video

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
EVERY = 2**31 - 1
"""More videos than there are."""


def open_library(meter: Meter | None = None) -> Library:
    """The library that the settings name."""
    from video_rag.library import Library
    from video_rag.settings import load_settings

    return Library(load_settings(), [meter] if meter else [])


def add(  # noqa: PLR0913, PLR0917 (the options of a command)
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            help="Files, folders, subtitle files or URLs; - reads them from standard input.",
            metavar="SOURCE…",
        ),
    ] = None,
    from_files: Annotated[
        list[Path] | None,
        typer.Option("--from", help="A text file with a path or URL a line.", metavar="FILE"),
    ] = None,
    collection: Annotated[str | None, typer.Option(help="Put them into this collection.")] = None,
    title: Annotated[
        str | None, typer.Option(help='Title, for a single video; "" takes one back.')
    ] = None,
    language: Annotated[
        str | None, typer.Option(help="Spoken language: en, English, 中文 …")
    ] = None,
    fetch: Annotated[
        str | None, typer.Option(help="What is fetched: video, audio, subtitles, or 480p.")
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait for the workers of a shared queue.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Take in videos: fetch, transcribe, read slides, write the document, publish.

    Doing it again is cheap and harmless: only what is new or changed is worked on. With `--json`
    each video is a row; a folder with files of other kinds adds one of state `passed-over`, which
    counts them by suffix (what is no file by a word, as `FIFO`). A video whose file is gone from
    the folder is kept, and is `missing`.
    """
    from video_rag.cli.meter import Meter
    from video_rag.library import Added, Wishes
    from video_rag.operations import wishes
    from video_rag.operations.desk import Desk

    given = inputs.sources(sources or [], from_files or [])
    wished = Wishes(collection, title, language, fetch)
    with Meter() as meter:
        library = open_library(meter)
        added = []
        for item in Desk(library).at_once(wishes.add(given, wished, "add"), waits=wait):
            if isinstance(item, Added):
                added.append(item)
                if not as_json:
                    report_added(item, library)
    passed_over = {url: many for url in given if (many := library.passed_over(url))}
    missing = {video.video_id: video for url in given for video in library.missing(url)}
    if as_json:
        rows = [_added_row(item) for item in added]
        rows += [_passed_over_row(*pair) for pair in passed_over.items()]
        print_json([*rows, *map(_missing_row, missing.values())])
    else:
        report_left(library)
        if len(added) > 1:
            _sum_up(added)
        _tell_passed_over(sum(passed_over.values(), Counter()))
        _tell_missing([video.title for video in missing.values()])
    raise typer.Exit(worst([*map(_code, added), *([4] if library.intake.left else [])]))


def list_videos(
    state: Annotated[
        State | None,
        typer.Option(help=f"Only those that are {', '.join(get_args(State))}.", metavar="STATE"),
    ] = None,
    collection: Annotated[str, typer.Option(help="Only those of this collection.")] = "",
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many.")] = None,
    sort: Annotated[
        Sort,
        typer.Option(
            help="By added, title, duration or published; -added: the newest first.", metavar="KEY"
        ),
    ] = "added",
    as_json: Json = False,
) -> None:
    """Show the videos and how far each is.

    On a narrow terminal the title stands over the rest; into a pipe a video is one line.
    """
    from video_rag.operations.rows import video_row
    from video_rag.stores import Shown

    wanted = Shown(limit or EVERY, sort=sort, collection=collection)
    found = open_library().part(wanted, state)
    if as_json:
        print_json([video_row(status) for status in found.statuses])
        return
    if not found.statuses:
        _tell_none(is_narrowed=bool(state or collection))
        return
    print_table(("id", "state", "lang", "length", "collection", "title"), _rows(found.statuses))
    if found.total > len(found.statuses):
        err.print(f"{len(found.statuses)} of {found.total} videos; --limit shows more")


def _rows(statuses: Sequence[Status]) -> list[tuple[str, ...]]:
    return [
        (
            status.video.video_id,
            status.state,
            status.video.language or "",
            timecode.clock(status.video.duration) if status.video.duration else "",
            ", ".join(status.video.collections),
            brief(status.video.title),
        )
        for status in statuses
    ]


def _tell_none(*, is_narrowed: bool) -> None:
    if is_narrowed:
        out.print("No video is like that; without options [bold]video-rag list[/] shows all.")
    else:
        out.print("The library is empty. Add something: [bold]video-rag add talk.mp4[/]")


def show(
    video: Annotated[str, typer.Argument(help="Id, title, file name, path or URL.")],
    as_json: Json = False,
) -> None:
    """Show one video: facts, failures, notes, sections."""
    library = open_library()
    status = library.status(library.find(video))
    if as_json:
        print_json(_show_row(library, status))
        return
    _print_facts(status)
    if status.state == "ready":
        _print_document(library, status.video.video_id)


def remove(
    videos: Annotated[list[str], typer.Argument(help="Ids, titles or file names.")],
) -> None:
    """Take videos out of the library and of every knowledge base; your files stay untouched."""
    library = open_library()
    for name in videos:
        video_id = library.find(name)
        title = library.status(video_id).video.title
        library.remove(video_id)
        out.print(f"removed {escape(title)} ({video_id})")


def retry(
    video: Annotated[str | None, typer.Argument(help="Only this video.")] = None,
) -> None:
    """Forget failures and work again on what is not ready."""
    from video_rag.cli.meter import Meter
    from video_rag.library import Added, Status
    from video_rag.operations import wishes
    from video_rag.operations.desk import Desk

    with Meter() as meter:
        library = open_library(meter)
        unready = library.unready()
        wanted = [library.find(video)] if video else unready
        done = []
        for item in Desk(library).at_once(wishes.retry(wanted, "retry")) if wanted else ():
            if isinstance(item, Status):
                is_new = item.video.video_id in unready
                done.append(Added(item.video.url, item, is_new=is_new))
                report_added(done[-1], library)
    if not done:
        out.print("nothing to retry: every video is ready")
    raise typer.Exit(worst([_code(item) for item in done]))


def export(
    videos: Annotated[list[str], typer.Argument(help="Ids, titles or file names.")],
    to: Annotated[Path, typer.Option("--to", help="Folder to write into.")],
    format_name: Annotated[str, typer.Option("--format", help="md or vtt.")] = "md",
) -> None:
    """Write documents into a folder."""
    library = open_library()
    for video_id in [library.find(name) for name in videos]:
        out.print(escape(str(library.export(video_id, format_name, to))))


def report_added(item: Added, library: Library) -> None:
    """What became of one thing that was added, and the notes of what is new."""
    status = item.status
    if status is None:
        error = item.error or ContentError("nothing there")
        complain(str(error), error.hint)
        return
    if status.state != "ready":
        report_unready(status)
        return
    title = escape(brief(status.video.title))
    more = f" (the same file as {escape(item.same_as)})" if item.same_as else ""
    is_told = item.is_new or item.is_renewed
    verb = "ready" if item.is_new else "read anew" if item.is_renewed else "up to date"
    out.print(f"[green]✓[/] {title}: {verb}{more}")
    for note in library.document(status.video.video_id).notes if is_told else ():
        out.print(f"  note: {escape(note)}")


def report_unready(status: Status) -> None:
    """Why a video is not ready; one that only waits for its turn is at no fault."""
    whole = status.video.title
    title = escape(brief(whole))
    if not status.failures:
        out.print(f"[yellow]…[/] {title}: {status.state}")
        return
    err.print(f"[bold red]✗[/] {title}: {status.state}")
    for failure in status.failures:
        complain(failure.message.replace(whole, brief(whole)), failure.hint)


def report_left(library: Library) -> None:
    """The sites that were left alone, and how many videos wait for each."""
    for site, (state, many) in library.intake.left.items():
        until = clock(state.cooling_until)
        why = f" ({state.reason})" if state.reason else ""
        videos = "1 video waits" if many == 1 else f"{many} videos wait"
        out.print(f"[yellow]![/] {escape(site)} is left alone until {until}{why}: {videos}")


def _sum_up(added: list[Added]) -> None:
    states = Counter(item.status.state if item.status else "not taken" for item in added)
    ready = states.pop("ready", 0)
    new = sum(1 for item in added if item.is_new)
    anew = sum(1 for item in added if item.is_renewed)
    rest = ", ".join(f"{many} {state}" for state, many in sorted(states.items()))
    first = f"{ready} of {len(added)} ready, {new} new" + (f", {anew} read anew" if anew else "")
    out.print(first + (f"; {rest}" if rest else ""))


def _tell_passed_over(many: Counter[str]) -> None:
    """Files that lie among the lectures and are of another kind."""
    if many:
        kinds = (_counted(kind, count) for kind, count in many.most_common())
        out.print(f"passed over, as no video, sound or subtitles: {escape(', '.join(kinds))}")


def _counted(kind: str, count: int) -> str:
    """`2 .pdf`, `1 without suffix`, `3 dangling links`."""
    if not kind or kind.startswith("."):
        return f"{count} {kind or 'without suffix'}"
    return f"{count} {kind}{'s' * (count > 1)}"


def _passed_over_row(folder: str, many: Counter[str]) -> dict[str, object]:
    """The same for programs: a row of its own after those of the folder's videos."""
    return {"source": folder, "state": "passed-over", "passed_over": dict(many), "failures": []}


def _tell_missing(titles: list[str]) -> None:
    """Videos of which only the library's own results are left."""
    if titles:
        shown = ", ".join(brief(title) for title in titles[:5]) + (", …" if titles[5:] else "")
        out.print(f"kept, though their files are gone: {len(titles)} ({escape(shown)})")
        out.print("      [dim]video-rag remove takes them out[/]")


def _missing_row(video: Video) -> dict[str, object]:
    """The same for programs: a row of its own for each."""
    row = {"video_id": video.video_id, "title": video.title, "source": public(video.url)}
    return {**row, "state": "missing", "failures": []}


def _added_row(item: Added) -> dict[str, object]:
    from video_rag.operations.rows import failure_rows, video_row

    if item.status is None:
        error = item.error
        problem = {
            "message": redact_urls(str(error)),
            "hint": redact_urls(error.hint) if error else "",
        }
        return {"source": public(item.url), "state": "failed", "failures": [problem]}
    return {**video_row(item.status), "failures": failure_rows(item.status)}


def _code(item: Added) -> int:
    if item.error:
        return item.error.exit_code
    failures = item.status.failures if item.status else ()
    return worst([of_error(failure.error) for failure in failures])


def _print_facts(status: Status) -> None:
    video = status.video
    facts = {
        "id": video.video_id,
        "source": public(video.url),
        "state": status.state,
        "channel": video.channel,
        "published": video.published,
        "length": timecode.clock(video.duration) if video.duration else None,
        "collection": ", ".join(video.collections),
    }
    out.print(f"[bold]{escape(video.title)}[/]")
    for name, value in facts.items():
        if value:
            out.print(f"  {name:11} {escape(redact_urls(value))}")
    for failure in status.failures:
        complain(f"{failure.stage}: {failure.message}", failure.hint)


def _print_document(library: Library, video_id: str) -> None:
    document, tracks = library.document(video_id), library.transcripts(video_id).tracks
    words = ", ".join(_shown_tracks(tracks))
    out.print(f"  {'words':11} {escape(words) or 'none'}")
    out.print(f"  {'slides':11} {len(document.slides)}")
    out.print(f"  {'document':11} {escape(str(library.page(video_id)))}")
    for note in document.notes:
        out.print(f"  {'note':11} {escape(note)}")
    for section in document.sections:
        heading = section.heading or section.text[:60]
        out.print(f"  {timecode.clock(section.start):>9}   {escape(heading)}")


def _shown_tracks(tracks: Sequence[Transcript]) -> Iterator[str]:
    """`en (sidecar, 5 lines)`; where two would read alike each with its file or track."""
    alike = Counter((track.language, track.origin) for track in tracks)
    for track in tracks:
        kind = (track.language, track.origin)
        lines = "line" if len(track.segments) == 1 else "lines"
        label = track.label if alike[kind] > 1 else f"{track.language} ({track.origin})"
        yield f"{label.removesuffix(')')}, {len(track.segments)} {lines})"


def _show_row(library: Library, status: Status) -> dict[str, object]:
    from video_rag.operations.rows import failure_rows, video_row

    row: dict[str, object] = {**video_row(status), "failures": failure_rows(status)}
    try:
        document = library.document(status.video.video_id)
        tracks = library.transcripts(status.video.video_id).tracks
        page = str(library.page(status.video.video_id))
    except NotFound:
        return row
    row["document"] = page
    row["notes"] = list(document.notes)
    row["tracks"] = [
        {"language": t.language, "origin": t.origin, "lines": len(t.segments)} for t in tracks
    ]
    row["sections"] = [
        {"start": s.start, "end": s.end, "heading": s.heading, "text": s.text}
        for s in document.sections
    ]
    row["slides"] = [{"start": s.start, "end": s.end, "text": s.text} for s in document.slides]
    return row
