"""backup · backups · restore"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from video_rag.cli.show import err, escape, here, out, print_json, print_table
from video_rag.cli.videos import Json, open_library

if TYPE_CHECKING:
    from video_rag.library import Library
    from video_rag.operations.backing.backup import Made

KeyFile = Annotated[
    Path | None,
    typer.Option(
        "--key-file",
        help="File with the passphrase, or with a key of age; else \\[backup] passphrase.",
        metavar="FILE",
    ),
]


def backup(
    to: Annotated[
        str | None,
        typer.Option(help="A folder, or s3://bucket/prefix; else \\[backup] to.", metavar="PLACE"),
    ] = None,
    encrypt: Annotated[
        bool, typer.Option("--encrypt", help="Refuse to make one that is not encrypted.")
    ] = False,
    key_file: KeyFile = None,
    as_json: Json = False,
) -> None:
    """Make a backup while everything runs: what is new is copied, all of it verified.

    It holds the ledger, the embedded knowledge base, results, documents and the settings; encrypted
    also the secrets among these. Downloaded media are left out: they can be fetched again.
    """
    from video_rag.errors import UsageError
    from video_rag.operations.backing import place as places
    from video_rag.operations.backing.backup import back_up

    library = open_library()
    secret = places.secret_in(key_file, library.settings)
    if encrypt and not secret:
        raise UsageError(
            "a backup is to be encrypted, and no passphrase was given",
            hint="give one in a file: --key-file FILE, or VIDEO_RAG_BACKUP__PASSPHRASE_FILE",
        )
    where = places.locate(to) if to else library.settings.backup.to
    place = places.open_place(library.settings, where, secret, library=library.parts.identify())
    with _progress() as tell:
        made = back_up(library, place, tell)
    if as_json:
        print_json({**asdict(made.backup), "where": place.where, "copied": made.copied})
        return
    _say(made, place.where)
    if places.beside(where, library.settings.home):
        out.print(
            "[dim]it lies in the library's own folder, and would be lost with it: name another "
            "disk or a bucket with --to, or \\[backup] to[/]"
        )


def _say(made: Made, where: str) -> None:
    found = made.backup
    out.print(
        f"backup [bold]{found.backup_id}[/] in {escape(where)}: {_holds(found.counts)}; "
        f"{found.files} files, {made.copied} copied now, {size(found.bytes)}"
        f"{', encrypted' if found.is_encrypted else ''}; verified"
    )
    if made.mended:
        out.print(
            f"[dim]{made.mended} results and documents changed all the time; a restored library "
            "makes them again, out of what it has[/]"
        )


def list_backups(
    place: Annotated[
        str | None, typer.Argument(help="A folder, or s3://bucket/prefix; else \\[backup] to.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List the backups in a folder or bucket."""
    from video_rag.operations.backing import place as places
    from video_rag.operations.backing.listing import listed
    from video_rag.settings import load_settings

    settings = load_settings()
    found = listed(settings, places.locate(place) if place else settings.backup.to)
    if as_json:
        print_json([{**asdict(one.backup), "is_whole": one.is_whole} for one in found.backups])
    elif not found.backups:
        out.print(f"There are no backups in {escape(found.where)}. Make one: video-rag backup")
    else:
        rows = [
            (
                one.backup.backup_id,
                here(one.backup.made),
                str(one.backup.counts.get("videos", 0)),
                size(one.backup.bytes),
                "yes" if one.backup.is_encrypted else "",
                one.backup.video_rag,
                one.state,
            )
            for one in found.backups
        ]
        columns = ("backup", "made", "videos", "size", "encrypted", "video-rag", "state")
        print_table(columns, rows)
    for line in found.damaged:
        err.print(f"[yellow]![/] {escape(line)}")


def restore(
    place: Annotated[
        str | None,
        typer.Argument(help="A folder, or s3://bucket/prefix; else \\[backup] to.", metavar="FROM"),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(
            help="The newest that was made by then: 2026-11-27, 2026-11-27T18:30, or its id.",
            metavar="DATE",
        ),
    ] = None,
    into: Annotated[
        Path | None, typer.Option(help="Another home than the one of the settings.", metavar="HOME")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a library, which is backed up first.")
    ] = False,
    key_file: KeyFile = None,
    as_json: Json = False,
) -> None:
    """Bring a backup back: into an empty home, or in place of a library.

    All of it is read and compared before anything is changed. Stop servers, workers and clocks of
    that library first, and start them again afterwards.
    """
    from video_rag.operations.backing import place as places
    from video_rag.operations.backing.restore import into_home
    from video_rag.operations.backing.restore import restore as run
    from video_rag.settings import load_settings

    settings = load_settings()
    where = places.locate(place) if place else settings.backup.to
    secret = places.secret_in(key_file, settings)
    opened = places.open_place(settings, where, secret)
    found = opened.find(at)
    target = into_home(settings, into.expanduser().absolute()) if into else settings
    command = ["video-rag", "restore", str(where), "--at", found.backup_id]
    command += ["--into", str(target.home)] if into else []
    command += ["--key-file", str(key_file)] if key_file else []
    with _progress() as tell:
        restored = run(
            target, opened, found, save=_saving(secret) if force else None,
            command=shlex.join(command), tell=tell,
        )  # fmt: skip
    if as_json:
        before = restored.before.backup.backup_id if restored.before else None
        print_json({**asdict(found), "home": str(target.home), "before": before})
        return
    if restored.before:
        saved = restored.before.backup.backup_id
        out.print(
            f"what was there is the backup [bold]{saved}[/] in {escape(str(target.backup.to))}"
        )
    out.print(
        f"restored {found.backup_id} of {here(found.made)} to {escape(str(target.home))}: "
        f"{_holds(found.counts)}"
    )
    if restored.without:
        out.print(f"left out: {escape(restored.without)}")
    out.print(
        f"[dim]its settings are in {escape(str(target.home))}/restored-settings.toml, to compare; "
        "`video-rag doctor` looks at everything[/]"
    )


def _saving(secret: str | None) -> Callable[[Library], Made]:
    from video_rag.operations.backing import place as places
    from video_rag.operations.backing.backup import back_up

    def save(library: Library) -> Made:
        settings = library.settings
        place = places.open_place(
            settings, settings.backup.to, secret, library=library.parts.identify()
        )
        return back_up(library, place)

    return save


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    from rich.progress import Progress, TaskID

    with Progress(console=err.terminal, transient=True, disable=not err.is_terminal) as progress:
        tasks: dict[str, TaskID] = {}

        def tell(what: str, done: int, of: int) -> None:
            task = tasks.setdefault(what, progress.add_task(what, total=of))
            progress.update(task, completed=done, total=of)

        yield tell


def _holds(counts: dict[str, int]) -> str:
    return (
        ", ".join(
            f"{many} {what[:-1] if many == 1 else what}" for what, many in counts.items() if many
        )
        or "nothing yet"
    )


def size(many: float) -> str:
    """Bytes for people."""
    return f"{many / 1e9:.1f} GB" if many >= 1e9 else f"{many / 1e6:.1f} MB"
